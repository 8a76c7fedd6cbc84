// TextTable: rows whose columns line up, numbers on the right.
//
//     text_table_init(&table, "rl");
//     text_table_add(&table, (const char *[]){"objects", "type"});
//     text_table_add(&table, (const char *[]){format_count(text, count), name});
//     text_table_print_fitting(&table, 1u << 1, stdout);
//
// Printing releases the table. It is as wide as its cells; on a terminal as wide as that, where it
// can be. No two rows are made alike by shortening (cli/shortening.h).

#ifndef CLI_TEXT_TABLE_H
#define CLI_TEXT_TABLE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define TABLE_MAX_COLUMNS 12u

typedef struct TextTable {
    unsigned column_count;
    uint32_t row_count;
    uint64_t capacity; // in rows, of each column
    bool is_left_aligned[TABLE_MAX_COLUMNS];
    char **cells[TABLE_MAX_COLUMNS]; // by row; NULL: an empty cell; owned
} TextTable;

// alignment: one letter a column, 'l' or 'r'.
void text_table_init(TextTable *table, const char *alignment);
// Adds a row of `column_count` strings, which are copied; NULL is an empty cell. A row for which
// memory is short is left out.
void text_table_add(TextTable *table, const char *const cells[]);
// Prints the table in its full width, and releases it.
void text_table_print(TextTable *table, FILE *stream);
// The same, but within the width of the terminal where it can: names in some columns (bit i: column
// i) are shortened, those of the widest column first.
void text_table_print_fitting(TextTable *table, unsigned flexible_columns, FILE *stream);
// Releases a table that is not printed.
void text_table_release(TextTable *table);

#endif
