// Error: how every fallible function of the libraries reports what went wrong.
//
// A function that can fail returns `bool`, takes `Error *error` last, and fills
// `error` exactly when it returns false:
//
//     if (fd < 0)
//         return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
//
// An Error is a plain value of fixed size that owns nothing, so reporting a
// failure cannot itself fail. The codes answer "what should the user do?";
// cli/ alone maps them to exit codes.

#ifndef BASE_ERROR_H
#define BASE_ERROR_H

#include <stdbool.h>

#define NODISCARD __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first) __attribute__((format(printf, format_index, first)))

typedef enum ErrorCode {
    ERROR_NONE = 0,
    ERROR_USAGE,       // ask for something else
    ERROR_SYSTEM,      // no such process, no permission, no room on the disk
    ERROR_MEMORY,      // not enough memory
    ERROR_CORRUPT,     // the input is damaged or hostile
    ERROR_UNSUPPORTED, // the input is well-formed, but not something we can read
    ERROR_NOT_64_BIT,  // the process runs code of another word size; no method can copy it
    ERROR_LIMIT,       // a limit that the user set would be exceeded
    ERROR_NO_HEAP,     // the process holds not a single valid GC page
    ERROR_INTERRUPTED, // the user asked us to stop (SIGINT, SIGTERM)
} ErrorCode;

typedef struct Error {
    ErrorCode code;
    char message[480]; // one line: lower case, no full stop, the subject in single quotes
    char hint[480];    // what to do about it, lines separated by '\n'; "" when we know nothing
} Error;

// Fills `*error` (hint cleared) and returns false.
bool error_set(Error *error, ErrorCode code, const char *format, ...) PRINTF_LIKE(3, 4);

// Adds a line to the hint of an error that was set; returns false, so that it chains.
bool error_add_hint(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);

// The usual "cannot allocate N bytes for WHAT"; returns false.
bool error_set_memory(Error *error, unsigned long long bytes, const char *what);

#endif
