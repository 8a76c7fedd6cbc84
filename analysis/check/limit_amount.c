// The amounts in a limit: see analysis/check/limit_amount_internal.h.
//
// Whole numbers all the way: what a limit says is compared exactly.

#include "analysis/check/limit_amount_internal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"
#include "base/utf8.h"

// Bytes of the limit that an error shows, and those of them before its place.
#define SHOWN_BYTES 110u
#define SHOWN_BEFORE 70u

void limit_parser_skip_spaces(LimitParser *parser)
{
    parser->at += strspn(parser->text + parser->at, " \t");
}

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

// Characters in the first `length` bytes of a text that is shown.
static size_t count_characters(const char *text, size_t length)
{
    size_t count = 0;

    for (size_t at = 0; at < length; count++) {
        size_t step = utf8_length(text + at);

        at += step > 0 ? step : 1;
    }
    return count;
}

// The part of the limit around `at`, and the number of characters in front of the place.
static size_t show_place(const char *text, size_t at, char shown[SHOWN_BYTES + 8])
{
    const char *dots = at > SHOWN_BEFORE ? "..." : "";
    size_t start = at > SHOWN_BEFORE ? at - SHOWN_BEFORE : 0, length;
    char piece[SHOWN_BYTES + 1];

    // A character is not cut.
    while (start < at && ((unsigned char)text[start] & 0xC0) == 0x80)
        start++;
    length = text_cut(text + start, strlen(text + start), SHOWN_BYTES);
    (void)text_show(text + start, length, piece);
    (void)snprintf(shown, SHOWN_BYTES + 8, "%s%s", dots, piece);
    return strlen(dots) + count_characters(text + start, at - start);
}

bool limit_parser_fail(LimitParser *parser, size_t at, const char *message, const char *advice, ...)
{
    char shown[SHOWN_BYTES + 8], text[240];
    size_t before = show_place(parser->text, at, shown);
    va_list arguments;

    va_start(arguments, advice);
    (void)vsnprintf(text, sizeof text, advice, arguments);
    va_end(arguments);
    (void)error_set(parser->error, ERROR_USAGE, "%s: column %zu: %s", parser->where,
                    count_characters(parser->text, at) + 1, message);
    (void)error_add_hint(parser->error, "%s", shown);
    (void)error_add_hint(parser->error, "%*s^", (int)before, "");
    return error_add_hint(parser->error, "%s", text);
}

// Digits with '_' between them.
static bool parse_whole(LimitParser *parser, uint64_t *out)
{
    size_t start = parser->at;

    *out = 0;
    if (parser->text[start] == '-')
        return limit_parser_fail(parser, start, "a limit is not negative",
                                 "a type that must not grow: growth(TYPE) <= 0");
    if (!is_digit(parser->text[start]))
        return limit_parser_fail(parser, start, "a number is expected",
                                 "such as 1000, 5MiB or 10%%");
    for (; is_digit(parser->text[parser->at]) ||
           (parser->text[parser->at] == '_' && is_digit(parser->text[parser->at + 1]));
         parser->at++)
        if (parser->text[parser->at] != '_' &&
            (__builtin_mul_overflow(*out, 10, out) ||
             __builtin_add_overflow(*out, (uint64_t)(parser->text[parser->at] - '0'), out)))
            return limit_parser_fail(parser, start, "the number is too large",
                                     "the largest is 18,446,744,073,709,551,615");
    if (parser->text[parser->at] == ',')
        return limit_parser_fail(parser, parser->at, "a comma does not belong into a number",
                                 "write 1000 or 1_000, and 2.5 with a point");
    return true;
}

// ".25": 250,000 millionths.
static bool parse_fraction(LimitParser *parser, uint64_t *millionths, bool *has_fraction)
{
    uint64_t weight = LIMIT_PERCENT_SCALE;
    size_t start = parser->at;

    *millionths = 0;
    *has_fraction = parser->text[start] == '.';
    if (!*has_fraction)
        return true;
    parser->at++;
    if (!is_digit(parser->text[parser->at]))
        return limit_parser_fail(parser, parser->at, "a digit is expected behind the point",
                                 "such as 2.5MiB");
    for (; is_digit(parser->text[parser->at]); parser->at++) {
        weight /= 10;
        if (weight == 0)
            return limit_parser_fail(parser, parser->at, "at most six digits behind the point",
                                     "such as 0.25%%");
        *millionths += (uint64_t)(parser->text[parser->at] - '0') * weight;
    }
    return true;
}

static const struct {
    const char *name;
    uint64_t factor;
} sizes[] = {
    {"B", 1},
    {"KiB", UINT64_C(1) << 10},
    {"MiB", UINT64_C(1) << 20},
    {"GiB", UINT64_C(1) << 30},
    {"TiB", UINT64_C(1) << 40},
    {"kB", 1000},
    {"MB", 1000000},
    {"GB", 1000000000},
    {"TB", UINT64_C(1000000000000)},
};

// "1e3": the hint has the number that was meant.
static bool refuse_exponent(LimitParser *parser, uint64_t amount, size_t start)
{
    const char *text = parser->text + parser->at + 1;
    char *end;
    unsigned long exponent = strtoul(text, &end, 10);

    for (; exponent > 0 && !__builtin_mul_overflow(amount, 10, &amount); exponent--)
        ;
    if (exponent > 0)
        return limit_parser_fail(parser, start, "a number is written without an exponent",
                                 "such as 1000 or 1_000");
    return limit_parser_fail(parser, start, "a number is written without an exponent",
                             "write %" PRIu64, amount);
}

static bool parse_size(LimitParser *parser, HeapLimit *out, uint64_t millionths, size_t start)
{
    const char *text = parser->text + parser->at;
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    uint64_t rest;

    if (length == 1 && (*text == 'e' || *text == 'E') && is_digit(text[1]) && millionths == 0)
        return refuse_exponent(parser, out->amount, start);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (strlen(sizes[i].name) != length || strncmp(text, sizes[i].name, length) != 0)
            continue;
        rest = (uint64_t)((__extension__(unsigned __int128) millionths) * sizes[i].factor /
                          LIMIT_PERCENT_SCALE);
        if (__builtin_mul_overflow(out->amount, sizes[i].factor, &out->amount) ||
            __builtin_add_overflow(out->amount, rest, &out->amount))
            return limit_parser_fail(parser, start, "the size is too large",
                                     "the largest is 16777215TiB");
        out->unit = LIMIT_BYTES;
        parser->at += length;
        limit_parser_skip_spaces(parser);
        return true;
    }
    return limit_parser_fail(
        parser, parser->at, "this is not a unit",
        "units: B, KiB, MiB, GiB, TiB (of 1024); kB, MB, GB, TB (of 1000); %%");
}

bool limit_amount_parse(LimitParser *parser, HeapLimit *out)
{
    size_t start = parser->at;
    uint64_t millionths;
    bool has_fraction;

    if (!parse_whole(parser, &out->amount) || !parse_fraction(parser, &millionths, &has_fraction))
        return false;
    limit_parser_skip_spaces(parser);
    if (parser->text[parser->at] == '%') {
        if (out->amount > 1000000000)
            return limit_parser_fail(parser, start, "the percentage is too large",
                                     "the largest is 1000000000%%");
        out->unit = LIMIT_PERCENT;
        out->amount = out->amount * LIMIT_PERCENT_SCALE + millionths;
        parser->at++;
        limit_parser_skip_spaces(parser);
        return true;
    }
    if (parser->text[parser->at] != '\0' && strncmp(parser->text + parser->at, "of ", 3) != 0)
        return parse_size(parser, out, millionths, start);
    out->unit = LIMIT_NUMBER;
    return !has_fraction ||
           limit_parser_fail(parser, start, "a number has no fraction", "sizes have units: 2.5MiB");
}
