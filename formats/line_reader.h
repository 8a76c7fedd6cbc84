// LineReader: reads small text formats of lines "KEY VALUE". It does not trust the file.
//
// Lines that begin with '#' are comments. Lines may end with a carriage return, too, the last one
// without a line feed, and a byte order mark may stand before the first.

#ifndef FORMATS_LINE_READER_H
#define FORMATS_LINE_READER_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"

// The longest line: a page of 64 mark words in a golden file.
#define LINE_READER_CHARS 1280u

typedef struct LineReader {
    FILE *stream;
    const char *path; // borrowed, like the next, for messages
    const char *what; // "schedule": the kind of file
    unsigned long long line_number;
    char line[LINE_READER_CHARS]; // without its line feed
} LineReader;

// Errors: system.
NODISCARD bool line_reader_open(LineReader *reader, const char *path, const char *what,
                                Error *error);
void line_reader_close(LineReader *reader);

// Is there nothing but line ends behind the lines that were read?
bool line_reader_is_at_end(LineReader *reader);

// "schedule 'FILE' is damaged: line 7: HOW"; returns false.
bool line_reader_damaged(const LineReader *reader, const char *how, Error *error);

// Reads the next line that is not a comment to reader->line. Errors: system, corrupt (there is
// none, or it is too long).
NODISCARD bool line_reader_next(LineReader *reader, Error *error);

// Reads the value of a line "KEY VALUE", which must be the next; it points into the reader. Errors:
// as above.
NODISCARD bool line_reader_value(LineReader *reader, const char *key, const char **value,
                                 Error *error);

// The same for a number in low..high.
NODISCARD bool line_reader_number(LineReader *reader, const char *key, uint64_t low, uint64_t high,
                                  uint64_t *number, Error *error);

// The same for a power of two in low..high.
NODISCARD bool line_reader_power(LineReader *reader, const char *key, uint32_t low, uint32_t high,
                                 uint32_t *number, Error *error);

// The same for one of the `count` names in `names`; *place is its index.
NODISCARD bool line_reader_name(LineReader *reader, const char *key, const char *const *names,
                                uint32_t count, uint32_t *place, Error *error);

#endif
