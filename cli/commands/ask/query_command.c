// `rudo-snap query`: SQL on a heap.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text_file.h"
#include "cli/capture_notes.h"
#include "cli/command_list.h"
#include "cli/commands/ask/heap_tables_session.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "formats/tables/row_writer.h"
#include "formats/tables/sql_heap.h"

enum { FORMAT_TABLE, FORMAT_CSV, FORMAT_JSONL };

typedef struct QuerySettings {
    HeapSettings heap;
    OptionTexts parameters;
    const char *file;
    const char *output;
    int format;
} QuerySettings;

static const OptionChoice formats[] = {
    {"table", FORMAT_TABLE}, {"csv", FORMAT_CSV}, {"jsonl", FORMAT_JSONL}, {NULL, 0}};

static const Option options[] = {
    {.name = "param",
     .type = OPTION_TEXTS,
     .value_name = "NAME=VALUE",
     .help = "the value of :NAME in the statements; a number, 0x and\n"
             "hexadecimal digits, or a text. Can be given several\n"
             "times",
     .setting = offsetof(QuerySettings, parameters)},
    {.name = "file",
     .type = OPTION_TEXT,
     .value_name = "SCRIPT",
     .help = "read the statements from SCRIPT; '-' is standard input",
     .setting = offsetof(QuerySettings, file)},
    {.name = "format",
     .type = OPTION_CHOICE,
     .choices = formats,
     .help = "how rows are written: lined up (the default), as\n"
             "comma-separated values, or an object of JSON a line",
     .setting = offsetof(QuerySettings, format)},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write the rows to FILE instead of standard output",
     .setting = offsetof(QuerySettings, output)},
    PRECISE_OPTION,
    MEM_LIMIT_OPTION,
    RELOCATE_OPTION,
    REPLACE_OPTION(offsetof(QuerySettings, heap.session)),
    PROGRESS_OPTION(offsetof(QuerySettings, heap.session)),
    {.name = NULL},
};

const CommandUsage query_usage = {
    .operands = "FILE [SQL]",
    .min_operands = 1,
    .max_operands = 2,
    .options = options,
    .details =
        "Puts SQL to the heap in the snapshot FILE. Tables: objects, edges, roots, pages,\n"
        "types, threads, blocks, dominators, snapshot; '.schema' instead of a statement\n"
        "prints their columns. Functions: address(n) is n in hexadecimal digits, type(address),\n"
        "retained(address) and path(address) are what the commands of these names say.\n"
        "Rows are looked for by address, page, type, source or target where a statement\n"
        "compares with one. The heap is only read. SQL is that of SQLite.\n",
    .examples = "  rudo-snap query shop.zst .schema\n"
                "  rudo-snap query shop.zst 'SELECT type, count(*) FROM objects GROUP BY type'\n"
                "  rudo-snap query shop.zst --param a=0x7f2000001640 \\\n"
                "      'SELECT address(source), label FROM edges WHERE target = :a'\n"
                "  rudo-snap query shop.zst --file leaks.sql --format csv -o leaks.csv\n",
};

// Rows that are lined up together.
#define CHUNK_ROWS 1000u

typedef struct QueryRun {
    const QuerySettings *settings;
    HeapSession session;
    HeapTables tables;
    OutputFile *output;
    RowWriter writer;
    TextTable table; // FORMAT_TABLE
    bool has_table;
    const char **names;
    uint32_t name_count;
} QueryRun;

// ---- rows that are lined up ----

static bool flush_table(QueryRun *run, Error *error)
{
    char *text = NULL;
    size_t length;
    FILE *stream;
    bool ok;

    if (!run->has_table)
        return true;
    run->has_table = false;
    stream = open_memstream(&text, &length);
    if (stream == NULL) {
        text_table_release(&run->table);
        return error_set_memory(error, 4096, "rows");
    }
    text_table_print(&run->table, stream);
    ok = fclose(stream) == 0 && output_file_write(run->output, text, length, error);
    free(text);
    return ok;
}

static void begin_table(QueryRun *run, uint32_t count, const char *const *names)
{
    char alignment[TABLE_MAX_COLUMNS + 1];

    memset(alignment, 'l', sizeof alignment);
    alignment[count] = '\0';
    text_table_init(&run->table, alignment);
    if (names != NULL)
        text_table_add(&run->table, names);
    run->has_table = true;
}

static bool take_columns(void *context, uint32_t count, const char *const *names, Error *error)
{
    QueryRun *run = context;

    if (run->settings->format != FORMAT_TABLE)
        return row_writer_begin(&run->writer, count, names, error);
    if (count > TABLE_MAX_COLUMNS) {
        (void)error_set(error, ERROR_USAGE, "%u columns are more than %u, which can be lined up",
                        count, TABLE_MAX_COLUMNS);
        return error_add_hint(error, "'--format csv' writes any number");
    }
    if (!flush_table(run, error))
        return false;
    begin_table(run, count, names);
    return true;
}

static bool take_row(void *context, uint32_t count, const TableValue *values, Error *error)
{
    QueryRun *run = context;
    char numbers[TABLE_MAX_COLUMNS][32];
    const char *cells[TABLE_MAX_COLUMNS];

    if (run->settings->format != FORMAT_TABLE)
        return row_writer_add(&run->writer, count, values, error);
    if (run->table.row_count >= CHUNK_ROWS && run->has_table) {
        if (!flush_table(run, error))
            return false;
    }
    if (!run->has_table)
        begin_table(run, count, NULL);
    for (uint32_t i = 0; i < count; i++) {
        cells[i] = values[i].kind == VALUE_NULL ? "" : values[i].text;
        if (values[i].kind != VALUE_INTEGER)
            continue;
        (void)snprintf(numbers[i], sizeof numbers[i], "%lld", (long long)values[i].number);
        cells[i] = numbers[i];
    }
    text_table_add(&run->table, cells);
    return true;
}

// ---- statements ----

static bool take_parameters(const QuerySettings *settings, SqlParameter *parameters, Error *error)
{
    for (uint32_t i = 0; i < settings->parameters.count; i++) {
        char *text = strdup(settings->parameters.values[i]), *equals;

        if (text == NULL)
            return error_set_memory(error, 64, "a parameter");
        parameters[i].name = text;
        equals = strchr(text, '=');
        if (equals == NULL || equals == text)
            return error_set(error, ERROR_USAGE, "--param '%.200s' is not NAME=VALUE", text);
        *equals = '\0';
        parameters[i].value = equals + 1;
    }
    return true;
}

// The statements; the caller frees them.
static bool take_sql(const QueryRun *run, char **sql, Error *error)
{
    const QuerySettings *settings = run->settings;
    const char *operand = run->session.operands.count > 1 ? run->session.operands.values[1] : NULL;
    size_t length;

    *sql = NULL;
    if ((operand != NULL) == (settings->file != NULL))
        return error_set(error, ERROR_USAGE,
                         operand != NULL ? "give a statement or --file, not both"
                                         : "nothing to ask: give a statement or --file");
    if (operand != NULL) {
        *sql = strdup(operand);
        return *sql != NULL || error_set_memory(error, strlen(operand), "the statement");
    }
    return text_file_read(settings->file, true, "a script of statements", sql, &length, error);
}

// Rows of an incomplete heap say so themselves where nothing reads them but people.
static bool write_notes(QueryRun *run, Error *error)
{
    const SnapshotMetadata *metadata = &run->session.image->details->metadata;
    char *text = NULL;
    size_t length;
    FILE *stream;
    bool ok;

    if (run->settings->format != FORMAT_TABLE || metadata->is_complete)
        return true;
    stream = open_memstream(&text, &length);
    if (stream == NULL)
        return error_set_memory(error, 4096, "notes");
    print_capture_notes(stream, metadata, true);
    ok = fclose(stream) == 0 && output_file_write(run->output, text, length, error);
    free(text);
    return ok;
}

static bool print_schema(QueryRun *run, Error *error)
{
    char *text = table_schemas_sql();
    bool ok = text == NULL ? error_set_memory(error, 4096, "the schema")
                           : output_file_write(run->output, text, strlen(text), error);

    free(text);
    return ok;
}

static bool run_sql(QueryRun *run, const char *sql, Error *error)
{
    SqlParameter parameters[OPTION_MAX_TEXTS] = {{NULL, NULL}};
    const SqlVisitor visitor = {take_columns, take_row, run};
    SqlHeap *heap = NULL;
    bool ok =
        take_parameters(run->settings, parameters, error) &&
        heap_session_read(&run->session, run->session.operands.values[0], NULL, error) &&
        heap_tables_open(&run->tables, &run->session, error) &&
        sql_heap_new(&run->tables, &heap, error) &&
        sql_heap_run(heap, sql, parameters, run->settings->parameters.count, &visitor, error) &&
        flush_table(run, error) && write_notes(run, error);

    sql_heap_free(heap);
    for (uint32_t i = 0; i < OPTION_MAX_TEXTS; i++)
        free((char *)(uintptr_t)parameters[i].name);
    return ok;
}

static bool answer(void *context, Error *error)
{
    QueryRun *run = context;
    const QuerySettings *settings = run->settings;
    char *sql;
    bool ok =
        take_sql(run, &sql, error) &&
        session_open_result(&run->session.frame, "--output",
                            settings->output == NULL ? "-" : settings->output, &run->output, error);

    run->writer = (RowWriter){
        .format = settings->format == FORMAT_CSV ? ROWS_CSV : ROWS_JSONL,
        .sink = ok ? result_file_sink(run->output) : (JsonSink){NULL, NULL},
    };
    if (ok)
        ok = strcmp(sql, ".schema") == 0 ? print_schema(run, error) : run_sql(run, sql, error);
    ok = ok && output_file_commit(run->output, error);
    if (ok && run->session.image != NULL && settings->format != FORMAT_TABLE)
        heap_tables_print_notes(&run->session);
    free(sql);
    return ok;
}

static void print_nothing(void *context)
{
    (void)context;
}

static void release(void *context)
{
    QueryRun *run = context;

    if (run->has_table)
        text_table_release(&run->table);
    heap_tables_release(&run->tables);
}

ExitStatus query_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_nothing,
                                          .release = release,
                                          .max_inputs = 1,
                                          .skips_residue = true,
                                          .keeps_words = true};
    QuerySettings settings = {.format = FORMAT_TABLE};
    QueryRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
