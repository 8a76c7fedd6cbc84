// TextTable: rows whose columns line up, numbers on the right. A plain value of fixed size.
//
//     text_table_init(&table, "rl");
//     text_table_add(&table, (const char *[]){"objects", "type"});
//     text_table_add(&table, (const char *[]){format_count(text, count), name});
//     text_table_print_fitting(&table, 1u << 1, stdout);

#ifndef CLI_TEXT_TABLE_H
#define CLI_TEXT_TABLE_H

#include <stdbool.h>
#include <stdio.h>

#define TABLE_MAX_COLUMNS 10u
#define TABLE_MAX_ROWS 40u
#define TABLE_CELL_CHARS 100u

typedef struct TextTable {
    unsigned column_count;
    unsigned row_count;
    bool is_left_aligned[TABLE_MAX_COLUMNS];
    char cells[TABLE_MAX_ROWS][TABLE_MAX_COLUMNS][TABLE_CELL_CHARS];
} TextTable;

// alignment: one letter a column, 'l' or 'r'.
void text_table_init(TextTable *table, const char *alignment);
// Adds a row of `column_count` strings; NULL is an empty cell. Rows beyond the limit are dropped:
// callers stop before and say so.
void text_table_add(TextTable *table, const char *const cells[]);
void text_table_print(const TextTable *table, FILE *stream);
// Prints a table that fits into the width of the terminal where it can: cells in some columns (bit
// i: column i) lose their middles, those of the widest column first.
void text_table_print_fitting(TextTable *table, unsigned flexible_columns, FILE *stream);

#endif
