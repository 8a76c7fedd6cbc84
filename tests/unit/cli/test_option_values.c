// Durations and byte counts of options.

#include <criterion/criterion.h>
#include <inttypes.h>

#include "cli/option_values.h"

#define UNTOUCHED INT64_C(-77)

typedef struct Case {
    const char *text;
    int64_t value; // UNTOUCHED: refused
} Case;

static void check(bool (*parse)(const char *text, int64_t *out), const Case *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int64_t value = UNTOUCHED;
        bool ok = parse(cases[i].text, &value);

        cr_expect_eq(ok, cases[i].value != UNTOUCHED, "'%s'", cases[i].text);
        cr_expect_eq(value, cases[i].value, "'%s': %" PRId64, cases[i].text, value);
    }
}

Test(option_values, durations_are_in_nanoseconds)
{
    static const Case cases[] = {
        {"10", 10000000000},
        {"0", 0},
        {"1ns", 1},
        {"250ms", 250000000},
        {"1.5us", 1500},
        {"1.5h", 5400000000000},
        {"2m", 120000000000},
        {"0.0000000019s", 1}, // below a nanosecond: cut off
        {"1.99999999999999999999s", 1999999999},
        {"9223372036s", 9223372036000000000},
        {"9223372037s", UNTOUCHED}, // too large
        {"99999999999999999999", UNTOUCHED},
    };

    check(parse_duration, cases, sizeof cases / sizeof cases[0]);
}

Test(option_values, byte_counts_are_powers_of_1024)
{
    static const Case cases[] = {
        {"4096", 4096},
        {"1K", 1024},
        {"1KB", 1024},
        {"1KiB", 1024},
        {"1.5M", 1572864},
        {"64MiB", 67108864},
        {"2G", 2147483648},
        {"8388607T", 9223370937343148032},
        {"8388608T", UNTOUCHED}, // 2^63
        {"0.1B", 0},
    };

    check(parse_byte_count, cases, sizeof cases / sizeof cases[0]);
}

Test(option_values, other_texts_are_refused)
{
    static const Case cases[] = {{"", UNTOUCHED},   {"-1", UNTOUCHED},    {"+1", UNTOUCHED},
                                 {" 1", UNTOUCHED}, {"1 ", UNTOUCHED},    {".5", UNTOUCHED},
                                 {"5.", UNTOUCHED}, {"1.5.5", UNTOUCHED}, {"1Zi", UNTOUCHED},
                                 {"1k", UNTOUCHED}, {"0x10", UNTOUCHED}};

    check(parse_byte_count, cases, sizeof cases / sizeof cases[0]);
    check(parse_duration, cases, sizeof cases / sizeof cases[0]);
}
