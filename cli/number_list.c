// Numbers as options take them: see cli/number_list.h.

#include "cli/number_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MAX_SHARDS 100000u

// Decimal digits at `*text`, which moves behind them. No blanks, no sign, no overflow.
static bool take_number(const char **text, uint64_t *number)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    errno = 0;
    *number = strtoull(*text, &end, 10);
    *text = end;
    return errno == 0;
}

static bool has_number(const uint32_t *list, uint32_t count, uint64_t number)
{
    for (uint32_t i = 0; i < count; i++)
        if (list[i] == number)
            return true;
    return false;
}

bool number_list_parse(const char *option, const char *text, uint32_t low, uint32_t high,
                       uint32_t *list, uint32_t *count, Error *error)
{
    const char *at = text;
    uint64_t number;

    *count = 0;
    for (;;) {
        if (!take_number(&at, &number) || number < low || number > high ||
            (*at != '\0' && *at != ','))
            return error_set(error, ERROR_USAGE,
                             "%s: '%.60s' is not a list of numbers from %u to %u", option, text,
                             low, high);
        if (!has_number(list, *count, number))
            list[(*count)++] = (uint32_t)number;
        if (*at++ == '\0')
            return true;
    }
}

bool number_range_parse(const char *option, const char *text, uint64_t *first, uint64_t *last,
                        Error *error)
{
    const char *at = text;
    bool ok = take_number(&at, first);

    *last = *first;
    if (ok && strncmp(at, "..", 2) == 0) {
        at += 2;
        ok = take_number(&at, last);
    }
    if (ok && *at == '\0' && *first <= *last && *last < UINT64_MAX)
        return true;
    return error_set(error, ERROR_USAGE, "%s: '%.60s' is neither a number nor FIRST..LAST", option,
                     text);
}

bool shard_parse(const char *option, const char *text, uint32_t *shard, uint32_t *shards,
                 Error *error)
{
    const char *at = text;
    uint64_t number, of;

    if (take_number(&at, &number) && *at++ == '/' && take_number(&at, &of) && *at == '\0' &&
        number >= 1 && number <= of && of <= MAX_SHARDS) {
        *shard = (uint32_t)number;
        *shards = (uint32_t)of;
        return true;
    }
    return error_set(error, ERROR_USAGE, "%s: '%.60s' is not I/N with I from 1 to N", option, text);
}
