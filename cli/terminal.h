// Text for people: colours, numbers, sizes, times, tables.

#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum Style {
    STYLE_STRONG, // the answer
    STYLE_FAINT,  // what could be asked next
    STYLE_ERROR,
} Style;

// Change the look of what follows on `stream`; nothing when it is not a terminal, or when the
// environment has NO_COLOR or TERM=dumb.
void style_begin(FILE *stream, Style style);
void style_end(FILE *stream);

// Prints text that came from elsewhere (names in a snapshot, paths): control characters,
// which could steer the terminal, become '?'.
void print_safely(FILE *stream, const char *text, size_t length);

// The following write into `text` and return it.
#define NUMBER_CHARS 32
char *format_count(char text[NUMBER_CHARS], uint64_t count); // "1,150,022"
char *format_bytes(char text[NUMBER_CHARS], uint64_t bytes); // "91.6 MiB", "812 B"
// As options take it, rounded up: "92M".
char *format_round_bytes(char text[NUMBER_CHARS], uint64_t bytes);
char *format_time(char text[NUMBER_CHARS], uint64_t ns);                    // "1.2 ms", "3.41 s"
char *format_share(char text[NUMBER_CHARS], uint64_t part, uint64_t whole); // "9.1 %", "-"

// "s" unless count is 1.
const char *plural(uint64_t count);

// Copies at most `size` - 1 bytes of `text`; a longer one loses its middle: "a::b...::z".
void shorten_middle(char *out, size_t size, const char *text);

// TextTable: columns that line up, numbers on the right. A plain value of fixed size.
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

// Columns that a line may have: the terminal's; where `stream` is none, 100.
unsigned terminal_columns(FILE *stream);
// Prints a table whose cells in some columns (bit i: column i) lose their middles where lines would
// get too long, the widest first.
void text_table_print_fitting(TextTable *table, unsigned flexible_columns, FILE *stream);

#endif
