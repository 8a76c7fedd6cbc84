// TextTable: see cli/text_table.h.

#include "cli/text_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "cli/shortening.h"
#include "cli/terminal.h"

// Between two columns.
#define GAP 3u

void text_table_init(TextTable *table, const char *alignment)
{
    *table = (TextTable){.column_count = 0};
    for (; *alignment != '\0' && table->column_count < TABLE_MAX_COLUMNS; alignment++)
        table->is_left_aligned[table->column_count++] = *alignment == 'l';
}

void text_table_release(TextTable *table)
{
    for (unsigned column = 0; column < table->column_count; column++) {
        for (uint32_t row = 0; row < table->row_count; row++)
            free(table->cells[column][row]);
        free(table->cells[column]);
        table->cells[column] = NULL;
    }
    table->row_count = 0;
    table->capacity = 0;
}

void text_table_add(TextTable *table, const char *const cells[])
{
    uint64_t grown = table->capacity;
    Error error;

    for (unsigned column = 0; column < table->column_count; column++) {
        uint64_t capacity = table->capacity;

        if (!array_reserve(&table->cells[column], &capacity, table->row_count + UINT64_C(1),
                           sizeof *table->cells[column], "a table", &error))
            return;
        grown = capacity;
    }
    table->capacity = grown;
    for (unsigned column = 0; column < table->column_count; column++)
        table->cells[column][table->row_count] =
            cells[column] == NULL || cells[column][0] == '\0' ? NULL : strdup(cells[column]);
    table->row_count++;
}

static const char *cell_of(const TextTable *table, unsigned column, uint32_t row)
{
    return table->cells[column][row] != NULL ? table->cells[column][row] : "";
}

static void print_blanks(FILE *stream, size_t count)
{
    static const char blanks[] = "                                ";

    while (count > 0) {
        size_t part = count < sizeof blanks - 1 ? count : sizeof blanks - 1;

        (void)fwrite(blanks, 1, part, stream);
        count -= part;
    }
}

static void print_row(const TextTable *table, const size_t *widths, uint32_t row, FILE *stream)
{
    // Blanks are held back, so that no line ends in them.
    size_t pending = 0;

    for (unsigned column = 0; column < table->column_count; column++) {
        const char *cell = cell_of(table, column, row);
        size_t padding = widths[column] - text_width(cell);

        if (!table->is_left_aligned[column])
            pending += padding;
        if (*cell != '\0') {
            print_blanks(stream, pending);
            pending = 0;
            print_safely(stream, cell, strlen(cell));
        }
        if (table->is_left_aligned[column])
            pending += padding;
        pending += GAP;
    }
    (void)fputc('\n', stream);
}

static void measure(const TextTable *table, size_t widths[TABLE_MAX_COLUMNS])
{
    memset(widths, 0, TABLE_MAX_COLUMNS * sizeof *widths);
    for (unsigned column = 0; column < table->column_count; column++)
        for (uint32_t row = 0; row < table->row_count; row++) {
            size_t width = text_width(cell_of(table, column, row));

            if (width > widths[column])
                widths[column] = width;
        }
}

// Takes from the widest of some columns until all fit into `available`, or nothing can be taken.
// The first row, which has the names of the columns, stays whole. False: they fit as they are.
static bool fit(const TextTable *table, unsigned flexible_columns, size_t available,
                size_t widths[TABLE_MAX_COLUMNS])
{
    size_t width = 0;

    for (unsigned column = 0; column < table->column_count; column++)
        width += widths[column] + (column > 0 ? GAP : 0);
    if (width <= available)
        return false;
    while (width > available) {
        unsigned widest = TABLE_MAX_COLUMNS;

        for (unsigned column = 0; column < table->column_count; column++)
            if ((flexible_columns >> column & 1) != 0 && widths[column] > LEAST_NAME_WIDTH &&
                widths[column] > text_width(cell_of(table, column, 0)) &&
                (widest == TABLE_MAX_COLUMNS || widths[column] >= widths[widest]))
                widest = column;
        if (widest == TABLE_MAX_COLUMNS)
            break;
        widths[widest]--;
        width--;
    }
    return true;
}

void text_table_print_fitting(TextTable *table, unsigned flexible_columns, FILE *stream)
{
    static void (*const steps[])(char **cells, uint32_t count, size_t width) = {drop_modules,
                                                                                shorten_names};
    size_t available = terminal_columns(stream);

    for (size_t step = 0; step < sizeof steps / sizeof steps[0] && table->row_count > 0; step++) {
        size_t widths[TABLE_MAX_COLUMNS];

        measure(table, widths);
        if (!fit(table, flexible_columns, available, widths))
            break;
        for (unsigned column = 0; column < table->column_count; column++)
            if ((flexible_columns >> column & 1) != 0)
                steps[step](table->cells[column], table->row_count, widths[column]);
    }
    text_table_print(table, stream);
}

void text_table_print(TextTable *table, FILE *stream)
{
    size_t widths[TABLE_MAX_COLUMNS];

    measure(table, widths);
    for (uint32_t row = 0; row < table->row_count; row++)
        print_row(table, widths, row, stream);
    text_table_release(table);
}
