// Text that is safe to show: valid UTF-8 without control characters, so that names from another
// process, or from a file of unknown origin, cannot steer a terminal.

#ifndef BASE_CLEAN_TEXT_H
#define BASE_CLEAN_TEXT_H

#include <stdbool.h>
#include <stddef.h>

typedef enum TextLines {
    TEXT_ONE_LINE,
    TEXT_MANY_LINES, // '\n' is allowed
} TextLines;

bool text_is_clean(const char *text, size_t length, TextLines lines);

// Replaces each byte that is not part of a clean character by '?'.
void text_clean(char *text, size_t length, TextLines lines);

// Copies text of any origin to `out` for a person to read: bytes that are not UTF-8, and characters
// that are hidden (utf8_is_hidden()), become '?'. `out` has room for length + 1 bytes. Returns the
// new length.
size_t text_show(const char *text, size_t length, char *out);

// The longest prefix of at most `limit` bytes that does not cut a character of clean text.
size_t text_cut(const char *text, size_t length, size_t limit);

#endif
