// Tables for people: columns line up, and fit where they can.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "cli/text_table.h"

// The table as it is printed to a stream of some columns; NULL: no limit.
static char *printed(TextTable *table, unsigned flexible_columns, const char *columns)
{
    char *out = NULL;
    size_t size;
    FILE *stream = open_memstream(&out, &size);

    cr_assert(stream != NULL);
    if (columns != NULL)
        cr_assert_eq(setenv("COLUMNS", columns, 1), 0);
    else
        cr_assert_eq(unsetenv("COLUMNS"), 0);
    text_table_print_fitting(table, flexible_columns, stream);
    (void)fclose(stream);
    return out;
}

Test(text_table, columns_line_up_and_lines_do_not_end_in_blanks)
{
    TextTable table;
    char *out;

    text_table_init(&table, "rlr");
    text_table_add(&table, (const char *[]){"objects", "type", ""});
    text_table_add(&table, (const char *[]){"1", "shop::Order", "7"});
    text_table_add(&table, (const char *[]){"1,000", "\xc3\xa9", NULL});
    out = printed(&table, 0, NULL);
    cr_expect(strcmp(out, "objects   type\n"
                          "      1   shop::Order   7\n"
                          "  1,000   \xc3\xa9\n") == 0,
              "%s", out);
    free(out);
}

Test(text_table, nothing_is_shortened_where_no_width_is_given)
{
    char name[300], *out;
    TextTable table;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    text_table_init(&table, "l");
    text_table_add(&table, (const char *[]){name});
    out = printed(&table, 1u << 0, NULL);
    cr_expect_eq(strlen(out), sizeof name, "%s", out);
    free(out);
}

Test(text_table, only_flexible_columns_are_shortened)
{
    char name[95], *out;
    TextTable table;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    text_table_init(&table, "ll");
    text_table_add(&table, (const char *[]){"address", "type"});
    text_table_add(&table, (const char *[]){"0x600000000640", name});
    out = printed(&table, 1u << 1, "100");
    cr_expect_eq(strlen(strchr(out, '\n') + 1), 101, "%s", out);
    cr_expect(strstr(out, "\n0x600000000640   xxx") != NULL, "%s", out);
    cr_expect(strstr(out, "x...x") != NULL, "%s", out);
    free(out);
}

Test(text_table, the_room_that_modules_took_is_given_to_others)
{
    TextTable table;
    char *out;

    text_table_init(&table, "ll");
    text_table_add(&table, (const char *[]){"type", "name"});
    text_table_add(&table,
                   (const char *[]){"shop::session::table::Session", "a name of 19 bytes."});
    out = printed(&table, 3, "40");
    cr_expect(strcmp(out, "type      name\nSession   a name of 19 bytes.\n") == 0, "%s", out);
    free(out);
}

Test(text_table, cells_keep_a_least_width)
{
    char name[90], *out;
    TextTable table;

    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    text_table_init(&table, "ll");
    text_table_add(&table, (const char *[]){"type", "name"});
    text_table_add(&table, (const char *[]){name, "a name of twenty-five cha"});
    out = printed(&table, 1u << 1, "100");
    // 89, 3 and 16 columns: more than 100, but no less would be readable.
    cr_expect_eq(strlen(strchr(out, '\n') + 1), 89 + 3 + 16 + 1, "%s", out);
    free(out);
}

Test(text_table, names_of_columns_stay_whole)
{
    TextTable table;
    char *out;

    text_table_init(&table, "ll");
    text_table_add(&table, (const char *[]){"a long name of a column", "type"});
    text_table_add(&table, (const char *[]){"an even longer name of a thing", "u8"});
    out = printed(&table, 1, "10");
    cr_expect(strstr(out, "a long name of a column   type\n") == out, "%s", out);
    free(out);
}

Test(text_table, holds_any_number_of_rows)
{
    TextTable table;

    text_table_init(&table, "l");
    for (unsigned i = 0; i < 1000; i++)
        text_table_add(&table, (const char *[]){"row"});
    cr_expect_eq(table.row_count, 1000);
    text_table_release(&table);
}
