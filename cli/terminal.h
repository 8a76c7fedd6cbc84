// Text for people: colours, numbers, sizes, times.

#ifndef CLI_TERMINAL_H
#define CLI_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef enum Style {
    STYLE_STRONG, // the answer
    STYLE_FAINT,  // the next question
    STYLE_ERROR,
} Style;

// Change the look of what follows on `stream`; nothing when it is not a terminal, or when the
// environment has NO_COLOR or TERM=dumb.
void style_begin(FILE *stream, Style style);
void style_end(FILE *stream);

// Prints text that came from elsewhere (names in a snapshot, paths): control characters,
// which could steer the terminal, become '?'.
void print_safely(FILE *stream, const char *text, size_t length);
// The same for a whole string.
void print_text(FILE *stream, const char *text);

// Print to standard output: an empty line and a title; "  and N more WHAT: --json FILE has all of
// them", unless all are shown.
void print_title(const char *title);
void print_left_out(uint64_t all, uint64_t shown, const char *what);

// The following write into `text` and return it.
#define NUMBER_CHARS 32
char *format_count(char text[NUMBER_CHARS], uint64_t count);      // "1,150,022"
char *format_bytes(char text[NUMBER_CHARS], uint64_t bytes);      // "91.6 MiB", "812 B"
char *format_more(char text[NUMBER_CHARS], int64_t growth);       // "+1,150", "-3", "0"
char *format_more_bytes(char text[NUMBER_CHARS], int64_t growth); // "+1.2 MiB", "-812 B", "0 B"
// As options take it, rounded up: "92M".
char *format_round_bytes(char text[NUMBER_CHARS], uint64_t bytes);
char *format_time(char text[NUMBER_CHARS], uint64_t ns);                    // "1.2 ms", "3.41 s"
char *format_share(char text[NUMBER_CHARS], uint64_t part, uint64_t whole); // "9.1 %", "-"

// "s" unless count is 1.
const char *plural(uint64_t count);

// Columns that a text takes on a terminal, one for each character.
size_t text_width(const char *text);
// Columns that a line may have: COLUMNS of the environment where that is set; those of the
// terminal; UINT_MAX where `stream` is not one.
unsigned terminal_columns(FILE *stream);

// A branch of a tree, in front of a node: three columns; plain ASCII where the locale has no more.
const char *tree_branch(void);

// Prints lines of prose (it may hold names that came from elsewhere), broken between words where
// the terminal is narrower. Lines but the first one begin with `indent` columns.
void print_prose(FILE *stream, unsigned indent, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
// The same behind `taken` columns of the first line, which are printed already.
void print_prose_at(FILE *stream, unsigned taken, unsigned indent, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
