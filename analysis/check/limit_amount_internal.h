// The amounts in a limit: "1000", "2.5MiB", "10 %"; and the place of the parser that reads them.

#ifndef ANALYSIS_CHECK_LIMIT_AMOUNT_INTERNAL_H
#define ANALYSIS_CHECK_LIMIT_AMOUNT_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "analysis/check/heap_limit.h"

typedef struct LimitParser {
    const char *text; // of the limit
    size_t at;        // the place in it
    const char *where;
    Error *error;
} LimitParser;

void limit_parser_skip_spaces(LimitParser *parser);

// Sets the error: `message` with the column of `at`; the hint shows the place, with a caret below
// it, and then `advice`. Returns false.
bool limit_parser_fail(LimitParser *parser, size_t at, const char *message, const char *advice, ...)
    PRINTF_LIKE(4, 5);

// Reads unit and amount of a limit. Errors: usage.
NODISCARD bool limit_amount_parse(LimitParser *parser, HeapLimit *out);

#endif
