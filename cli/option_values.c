// Values with units: see cli/option_values.h.

#include "cli/option_values.h"

#include <stddef.h>
#include <string.h>

__extension__ typedef __int128 WideInteger;

typedef struct Unit {
    const char *name;
    int64_t factor;
} Unit;

static const Unit durations[] = {
    {"", 1000000000},  {"ns", 1},          {"us", 1000},         {"ms", 1000000},
    {"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000}, {NULL, 0},
};

static const Unit byte_counts[] = {
    {"", 1},
    {"B", 1},
    {"K", INT64_C(1) << 10},
    {"KB", INT64_C(1) << 10},
    {"KiB", INT64_C(1) << 10},
    {"M", INT64_C(1) << 20},
    {"MB", INT64_C(1) << 20},
    {"MiB", INT64_C(1) << 20},
    {"G", INT64_C(1) << 30},
    {"GB", INT64_C(1) << 30},
    {"GiB", INT64_C(1) << 30},
    {"T", INT64_C(1) << 40},
    {"TB", INT64_C(1) << 40},
    {"TiB", INT64_C(1) << 40},
    {NULL, 0},
};

static bool is_digit(char letter)
{
    return letter >= '0' && letter <= '9';
}

// Whole numbers all the way: no rounding by the way a fraction is written.
static bool parse(const char *text, const Unit *units, int64_t *out)
{
    int64_t whole = 0, fraction = 0, scale = 1, total, rest;
    const Unit *unit = units;

    if (!is_digit(text[0]))
        return false;
    for (; is_digit(*text); text++)
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, *text - '0', &whole))
            return false;
    if (*text == '.' && is_digit(text[1]))
        for (text++; is_digit(*text); text++) {
            // More digits than this are below a nanosecond or a byte.
            if (scale > INT64_C(1000000000000))
                continue;
            fraction = 10 * fraction + (*text - '0');
            scale *= 10;
        }
    while (unit->name != NULL && strcmp(unit->name, text) != 0)
        unit++;
    if (unit->name == NULL || __builtin_mul_overflow(whole, unit->factor, &total))
        return false;
    // fraction * factor may be too large for 64 bits, not for 128.
    rest = (int64_t)((__extension__(__int128) fraction) * unit->factor / scale);
    return !__builtin_add_overflow(total, rest, out);
}

bool parse_duration(const char *text, int64_t *out)
{
    int64_t value;

    if (!parse(text, durations, &value))
        return false;
    *out = value;
    return true;
}

bool parse_byte_count(const char *text, int64_t *out)
{
    int64_t value;

    if (!parse(text, byte_counts, &value))
        return false;
    *out = value;
    return true;
}
