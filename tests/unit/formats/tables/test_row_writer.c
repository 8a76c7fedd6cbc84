// Rows as CSV and JSON Lines: quotes, kinds of columns, text that is not valid.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/tables/row_writer.h"

static char written[4096];
static size_t written_bytes;

static bool take(void *context, const char *bytes, size_t count, Error *error)
{
    (void)context;
    (void)error;
    cr_assert_leq(written_bytes + count, sizeof written - 1);
    memcpy(written + written_bytes, bytes, count);
    written_bytes += count;
    written[written_bytes] = '\0';
    return true;
}

static TableValue text(const char *of)
{
    return (TableValue){.kind = VALUE_TEXT, .text = of};
}

static TableValue number(int64_t of)
{
    return (TableValue){.kind = VALUE_INTEGER, .number = (uint64_t)of};
}

// Writes one row of each format and compares.
static void expect(const TableValue *values, const ColumnKind *kinds, uint32_t count,
                   const char *csv, const char *jsonl)
{
    static const char *const names[] = {"a", "b", "c"};
    static const char *const header[] = {"a\n", "a,b\n", "a,b,c\n"};
    Error error;

    for (int format = ROWS_CSV; format <= ROWS_JSONL; format++) {
        RowWriter writer = {.format = (RowFormat)format, .sink = {.write = take}, .kinds = kinds};
        char wanted[4096];

        written_bytes = 0;
        written[0] = '\0';
        cr_assert(row_writer_begin(&writer, count, names, &error), "%s", error.message);
        cr_assert(row_writer_add(&writer, count, values, &error), "%s", error.message);
        (void)snprintf(wanted, sizeof wanted, "%s%s\n", format == ROWS_CSV ? header[count - 1] : "",
                       format == ROWS_CSV ? csv : jsonl);
        cr_expect_str_eq(written, wanted);
    }
}

Test(row_writer, plain_values_are_written_as_they_are)
{
    expect((TableValue[]){text("shop::Order"), number(-5), {.kind = VALUE_NULL}}, NULL, 3,
           "shop::Order,-5,", "{\"a\":\"shop::Order\",\"b\":-5,\"c\":null}");
}

Test(row_writer, commas_quotes_and_line_ends_are_quoted)
{
    expect((TableValue[]){text("a,b"), text("say \"x\""), text("two\nlines")}, NULL, 3,
           "\"a,b\",\"say \"\"x\"\"\",\"two\nlines\"",
           "{\"a\":\"a,b\",\"b\":\"say \\\"x\\\"\",\"c\":\"two\\nlines\"}");
}

Test(row_writer, addresses_and_booleans_are_written_as_such)
{
    expect((TableValue[]){number(0x7f00dead), number(1), number(0)},
           (ColumnKind[]){COLUMN_ADDRESS, COLUMN_BOOLEAN, COLUMN_BOOLEAN}, 3, "0x7f00dead,1,0",
           "{\"a\":\"0x7f00dead\",\"b\":true,\"c\":false}");
}

Test(row_writer, text_that_is_not_utf8_and_controls_cannot_get_out)
{
    expect((TableValue[]){text("\x1b[31mred\xff")}, NULL, 1, "?[31mred?",
           "{\"a\":\"\\u001b[31mred\xef\xbf\xbd\"}");
}

Test(row_writer, more_columns_than_there_is_room_for_are_refused)
{
    const char *names[ROW_MAX_COLUMNS + 1];
    RowWriter writer = {.format = ROWS_CSV, .sink = {.write = take}};
    Error error;

    for (uint32_t i = 0; i <= ROW_MAX_COLUMNS; i++)
        names[i] = "n";
    written_bytes = 0;
    cr_expect_not(row_writer_begin(&writer, ROW_MAX_COLUMNS + 1, names, &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_eq(written_bytes, 0);
}
