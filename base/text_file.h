// TextFile: a small text file that the user names, read as a whole: a budget, a layout, a table of
// costs, a script of SQL.
//
//     if (!text_file_read(path, "a budget", &text, &length, error))
//         return false;
//     ...
//     free(text);

#ifndef BASE_TEXT_FILE_H
#define BASE_TEXT_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

#define TEXT_FILE_MAX_BYTES (1u << 20)

// path: "-" is standard input where `takes_input`. what: "a budget", for messages. `*text` ends
// with a zero byte, which `*length` does not count, and has no other; the caller frees it.
// Errors: system (it cannot be read), memory, corrupt (more than TEXT_FILE_MAX_BYTES, or a zero
// byte in it).
NODISCARD bool text_file_read(const char *path, bool takes_input, const char *what, char **text,
                              size_t *length, Error *error);

#endif
