// RowWriter: see formats/tables/row_writer.h.

#include "formats/tables/row_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"

static bool put(const RowWriter *writer, const char *text, size_t length, Error *error)
{
    return writer->sink.write(writer->sink.context, text, length, error);
}

// A text in CSV: in quotes where it has commas, quotes or line ends, or begins as a formula of
// spreadsheets does.
static bool put_csv_text(const RowWriter *writer, const char *text, Error *error)
{
    size_t length = strlen(text);
    bool ok;

    if (strpbrk(text, ",\"\r\n") == NULL)
        return put(writer, text, length, error);
    ok = put(writer, "\"", 1, error);
    for (const char *at = text; ok && *at != '\0';) {
        size_t part = strcspn(at, "\"");

        ok = put(writer, at, part, error);
        at += part;
        if (ok && *at == '"') {
            ok = put(writer, "\"\"", 2, error);
            at++;
        }
    }
    return ok && put(writer, "\"", 1, error);
}

// The text without invalid UTF-8 and controls; the caller frees it. NULL: memory is short.
static char *clean(const char *text)
{
    char *copy = strdup(text);

    if (copy != NULL)
        text_clean(copy, strlen(copy), TEXT_MANY_LINES);
    return copy;
}

static bool is_address(const RowWriter *writer, uint32_t column)
{
    return writer->kinds != NULL && writer->kinds[column] == COLUMN_ADDRESS;
}

static bool put_csv_value(const RowWriter *writer, uint32_t column, const TableValue *value,
                          Error *error)
{
    char number[32];
    char *text;
    bool ok;

    switch (value->kind) {
    case VALUE_NULL:
        return true;
    case VALUE_INTEGER:
        (void)snprintf(number, sizeof number,
                       is_address(writer, column) ? "0x%" PRIx64 : "%" PRId64,
                       (int64_t)value->number);
        return put(writer, number, strlen(number), error);
    case VALUE_TEXT:
        text = clean(value->text);
        if (text == NULL)
            return error_set_memory(error, strlen(value->text), "a value");
        ok = put_csv_text(writer, text, error);
        free(text);
        return ok;
    }
    return true;
}

static bool add_csv(const RowWriter *writer, uint32_t count, const TableValue *values, Error *error)
{
    for (uint32_t i = 0; i < count; i++)
        if ((i > 0 && !put(writer, ",", 1, error)) || !put_csv_value(writer, i, &values[i], error))
            return false;
    return put(writer, "\n", 1, error);
}

static bool add_jsonl(const RowWriter *writer, uint32_t count, const TableValue *values,
                      Error *error)
{
    JsonWriter json;

    json_writer_init(&json, writer->sink, JSON_COMPACT);
    json_begin_object(&json);
    for (uint32_t i = 0; i < count; i++) {
        bool is_boolean = writer->kinds != NULL && writer->kinds[i] == COLUMN_BOOLEAN;

        json_key(&json, writer->names[i]);
        if (values[i].kind == VALUE_NULL)
            json_null(&json);
        else if (values[i].kind == VALUE_TEXT)
            json_string(&json, values[i].text);
        else if (is_boolean)
            json_boolean(&json, values[i].number != 0);
        else if (is_address(writer, i))
            json_address(&json, values[i].number);
        else
            json_signed(&json, (int64_t)values[i].number);
    }
    json_end_object(&json);
    return json_writer_finish(&json, error);
}

bool row_writer_begin(RowWriter *writer, uint32_t count, const char *const *names, Error *error)
{
    TableValue values[ROW_MAX_COLUMNS];

    if (count > ROW_MAX_COLUMNS)
        return error_set(error, ERROR_USAGE, "%u columns are more than %u", count, ROW_MAX_COLUMNS);
    writer->count = count;
    for (uint32_t i = 0; i < count; i++) {
        writer->names[i] = names[i];
        values[i] = (TableValue){.kind = VALUE_TEXT, .text = names[i]};
    }
    return writer->format != ROWS_CSV || add_csv(writer, count, values, error);
}

bool row_writer_add(RowWriter *writer, uint32_t count, const TableValue *values, Error *error)
{
    return writer->format == ROWS_CSV ? add_csv(writer, count, values, error)
                                      : add_jsonl(writer, count, values, error);
}

bool row_writer_table(RowWriter *writer, HeapTables *tables, TableId table, Error *error)
{
    const TableSchema *schema = &table_schemas[table];
    const char *names[ROW_MAX_COLUMNS];
    ColumnKind kinds[ROW_MAX_COLUMNS];
    TableCursor cursor;
    TableNeed need;
    bool ok = !table_needs(table, &need) || heap_tables_need(tables, need, error);

    for (uint32_t i = 0; i < schema->column_count; i++) {
        names[i] = schema->columns[i].name;
        kinds[i] = schema->columns[i].kind;
    }
    writer->kinds = kinds;
    ok = ok && row_writer_begin(writer, schema->column_count, names, error);
    table_cursor_init(&cursor, tables, table, NULL);
    while (ok && table_cursor_next(&cursor)) {
        TableValue values[ROW_MAX_COLUMNS];
        uint32_t count = 0;

        for (; ok && count < schema->column_count; count++)
            ok = table_cursor_value(&cursor, count, &values[count], error);
        ok = ok && row_writer_add(writer, count, values, error);
        while (count > 0)
            table_value_release(&values[--count]);
    }
    writer->kinds = NULL;
    return ok;
}
