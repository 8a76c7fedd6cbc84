// Budget files: the limits that a team has set for the heaps of its program, with their reasons,
// and the leaks that it knows.
//
//     # Sessions end after ten minutes; the load test opens 500.
//     count(shop::Session) <= 1000
//     retained(shop::Cache) <= 5MiB       # two generations of prices
//     known leak 9f31c2aa                 # the audit keeps its subscribers until it is rotated
//
// A comment begins with '#', at the begin of a line or behind a space; in parentheses and quotes it
// is a part of a name. The reason of a line is the comment on it, else the one right above it.
// Lines may end with a carriage return, too, and a byte order mark may stand before the first.

#ifndef FORMATS_BUDGET_FILE_H
#define FORMATS_BUDGET_FILE_H

#include <stdint.h>

#include "analysis/check/heap_limit.h"
#include "analysis/check/leak_findings.h"

typedef struct BudgetLimit {
    HeapLimit limit;
    uint32_t line;
    char *reason; // "": none; owned
} BudgetLimit;

typedef struct KnownLeak {
    char fingerprint[ROUTE_FINGERPRINT_CHARS]; // lower case
    uint32_t line;
    bool is_found; // set by its user
    char *reason;  // "": none; owned
} KnownLeak;

// A zeroed struct is empty, and may be released.
typedef struct Budget {
    uint32_t limit_count;
    BudgetLimit *limits; // in the order of the file; owned
    uint64_t limit_capacity;
    uint32_t known_count;
    KnownLeak *known; // likewise
    uint64_t known_capacity;
} Budget;

// Reads the budget at `path`. Errors: system (it cannot be read), corrupt (it is not text, or too
// large), usage (a line that is neither a limit nor a known leak, with its number and the place in
// it), memory. Released by budget_release() in any case.
NODISCARD bool budget_read(const char *path, Budget *out, Error *error);
// The same of a text; `path` is its name in messages.
NODISCARD bool budget_parse(const char *path, const char *text, size_t length, Budget *out,
                            Error *error);
void budget_release(Budget *budget);

#endif
