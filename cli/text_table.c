// TextTable: see cli/text_table.h.

#include "cli/text_table.h"

#include <string.h>

#include "cli/terminal.h"

// The least width of a cell that is shortened.
#define MIN_FLEXIBLE 16u

void text_table_init(TextTable *table, const char *alignment)
{
    table->row_count = 0;
    table->column_count = 0;
    for (; *alignment != '\0' && table->column_count < TABLE_MAX_COLUMNS; alignment++)
        table->is_left_aligned[table->column_count++] = *alignment == 'l';
}

void text_table_add(TextTable *table, const char *const cells[])
{
    if (table->row_count == TABLE_MAX_ROWS)
        return;
    for (unsigned column = 0; column < table->column_count; column++)
        shorten_middle(table->cells[table->row_count][column], TABLE_CELL_CHARS,
                       cells[column] == NULL ? "" : cells[column]);
    table->row_count++;
}

static void print_blanks(FILE *stream, size_t count)
{
    while (count-- > 0)
        (void)fputc(' ', stream);
}

static void print_row(const TextTable *table, const size_t *widths, unsigned row, FILE *stream)
{
    // Blanks are held back, so that no line ends in them.
    size_t pending = 0;

    for (unsigned column = 0; column < table->column_count; column++) {
        const char *cell = table->cells[row][column];
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
        pending += 3;
    }
    (void)fputc('\n', stream);
}

static void measure(const TextTable *table, size_t widths[TABLE_MAX_COLUMNS])
{
    memset(widths, 0, TABLE_MAX_COLUMNS * sizeof *widths);
    for (unsigned row = 0; row < table->row_count; row++)
        for (unsigned column = 0; column < table->column_count; column++) {
            size_t width = text_width(table->cells[row][column]);

            if (width > widths[column])
                widths[column] = width;
        }
}

static void shorten_column(TextTable *table, unsigned column, size_t width)
{
    char shortened[TABLE_CELL_CHARS];

    for (unsigned row = 0; row < table->row_count && width + 1 < TABLE_CELL_CHARS; row++) {
        char *cell = table->cells[row][column];

        if (text_width(cell) <= width)
            continue;
        shorten_middle(shortened, width + 1, cell);
        memcpy(cell, shortened, width + 1);
    }
}

void text_table_print_fitting(TextTable *table, unsigned flexible_columns, FILE *stream)
{
    size_t widths[TABLE_MAX_COLUMNS], width = 0, columns = terminal_columns(stream);

    measure(table, widths);
    for (unsigned column = 0; column < table->column_count; column++)
        width += widths[column] + (column > 0 ? 3 : 0);
    while (width > columns) {
        unsigned widest = TABLE_MAX_COLUMNS;

        // Shorter than that a name says nothing; then lines are too long.
        for (unsigned column = 0; column < table->column_count; column++)
            if ((flexible_columns >> column & 1) != 0 && widths[column] > MIN_FLEXIBLE &&
                (widest == TABLE_MAX_COLUMNS || widths[column] >= widths[widest]))
                widest = column;
        if (widest == TABLE_MAX_COLUMNS)
            break;
        widths[widest]--;
        width--;
    }
    for (unsigned column = 0; column < table->column_count; column++)
        if ((flexible_columns >> column & 1) != 0)
            shorten_column(table, column, widths[column]);
    text_table_print(table, stream);
}

void text_table_print(const TextTable *table, FILE *stream)
{
    size_t widths[TABLE_MAX_COLUMNS];

    measure(table, widths);
    for (unsigned row = 0; row < table->row_count; row++)
        print_row(table, widths, row, stream);
}
