// Word filters: every one that this CPU can run passes the same words, in the same order, as the
// plain one, and the plain one passes the words of the range.

#include "marker/word_filter.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/xorshift.h"

#define MOST_WORDS 2100u
#define GUARD UINT64_C(0x6775617264677561)

// Ranges as images have them, and the extremes.
static WordRange random_range(Xorshift *random)
{
    WordRange range = {
        .window_first = xorshift_below(random, UINT64_C(1) << 44),
        .window_count = xorshift_percent(random, 20) ? 0 : xorshift_between(random, 1, 1 << 20),
        .page_shift = (uint32_t)xorshift_between(random, 12, 16),
        .far_low = xorshift_next(random) >> xorshift_between(random, 8, 40),
        .far_span = xorshift_percent(random, 30)
                        ? 0
                        : xorshift_next(random) >> xorshift_between(random, 16, 60),
    };

    if (xorshift_percent(random, 10))
        range.window_first = 0;
    if (xorshift_percent(random, 5))
        range.far_low = 0;
    if (xorshift_percent(random, 5))
        range.far_span = UINT64_MAX;
    return range;
}

// Words at the borders of both ranges, inside them, and anything.
static uint64_t random_word(const WordRange *range, Xorshift *random)
{
    uint64_t window = range->window_first << range->page_shift;
    uint64_t bytes = range->window_count << range->page_shift;

    switch (xorshift_below(random, 10)) {
    case 0:
        return window + bytes * xorshift_below(random, 2) - xorshift_below(random, 2);
    case 1:
        return range->far_low + range->far_span * xorshift_below(random, 2) -
               xorshift_below(random, 2);
    case 2:
    case 3:
    case 4:
        return window + (bytes > 0 ? xorshift_below(random, bytes) : 0);
    case 5:
        return range->far_low + (range->far_span > 0 ? xorshift_below(random, range->far_span) : 0);
    case 6:
        return xorshift_below(random, 3) - 1; // 0, 1, 2^64-1
    case 7:
        return UINT64_C(1) << xorshift_below(random, 64);
    case 8:
        return window + (UINT64_C(1) << 63);
    default:
        return xorshift_next(random);
    }
}

// The words stand alone in memory of exactly their length, so that a sanitizer sees reads behind
// the end.
static uint8_t *random_words(const WordRange *range, uint32_t count, uint32_t misalignment,
                             Xorshift *random)
{
    uint8_t *memory = malloc(misalignment + 8 * (size_t)count + (count == 0));

    cr_assert_not_null(memory);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = random_word(range, random);
        memcpy(memory + misalignment + 8 * (size_t)i, &word, sizeof word);
    }
    return memory;
}

static void check_filters(const WordRange *range, uint32_t count, uint32_t misalignment,
                          Xorshift *random)
{
    static uint64_t wanted[MOST_WORDS + WORD_FILTER_SLACK];
    NamedWordFilter filters[WORD_FILTER_MAX];
    uint32_t filter_count = word_filter_list(filters);
    uint8_t *memory = random_words(range, count, misalignment, random);
    uint32_t wanted_count = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t word;
        memcpy(&word, memory + misalignment + 8 * (size_t)i, sizeof word);
        if (word_is_in_range(range, word))
            wanted[wanted_count++] = word;
    }
    for (uint32_t i = 0; i < filter_count; i++) {
        uint64_t *got = malloc((count + WORD_FILTER_SLACK + 1) * sizeof *got);
        cr_assert_not_null(got);
        got[count + WORD_FILTER_SLACK] = GUARD;
        uint32_t kept = filters[i].filter(range, memory + misalignment, count, got);
        cr_assert_eq(kept, wanted_count, "%s, %u words: %u, not %u", filters[i].name, count, kept,
                     wanted_count);
        cr_assert_eq(memcmp(got, wanted, kept * sizeof *got), 0, "%s, %u words", filters[i].name,
                     count);
        cr_assert_eq(got[count + WORD_FILTER_SLACK], GUARD, "%s, %u words", filters[i].name, count);
        free(got);
    }
    free(memory);
}

Test(word_filter, all_filters_pass_the_same_words_in_the_same_order)
{
    Xorshift random = xorshift_seeded(1);

    for (uint32_t round = 0; round < 20; round++)
        for (uint32_t count = 0; count <= 64; count++)
            for (uint32_t misalignment = 0; misalignment < 8; misalignment++) {
                WordRange range = random_range(&random);
                check_filters(&range, count, misalignment, &random);
            }
}

Test(word_filter, long_runs_of_words_are_filtered_alike)
{
    Xorshift random = xorshift_seeded(2);

    for (uint32_t round = 0; round < 200; round++) {
        WordRange range = random_range(&random);
        check_filters(&range, (uint32_t)xorshift_between(&random, 65, MOST_WORDS),
                      8 * (round % 8) + round % 3, &random);
    }
}

Test(word_filter, the_borders_of_both_ranges_are_exact)
{
    // Pages 0x10000 to 0x1ffff, and 24 bytes far away.
    const WordRange range = {.window_first = 0x10,
                             .window_count = 0x10,
                             .page_shift = 12,
                             .far_low = 0x700000000008,
                             .far_span = 24};
    const uint64_t words[] = {0xffff,
                              0x10000,
                              0x1ffff,
                              0x20000,
                              0x700000000007,
                              0x700000000008,
                              0x70000000001f,
                              0x700000000020,
                              0,
                              UINT64_MAX,
                              UINT64_C(0x8000000000010000)};
    const uint64_t wanted[] = {0x10000, 0x1ffff, 0x700000000008, 0x70000000001f};
    NamedWordFilter filters[WORD_FILTER_MAX];
    uint32_t filter_count = word_filter_list(filters);

    for (uint32_t i = 0; i < filter_count; i++) {
        uint64_t got[sizeof words / sizeof words[0] + WORD_FILTER_SLACK];
        uint32_t kept =
            filters[i].filter(&range, (const uint8_t *)words, sizeof words / sizeof words[0], got);
        cr_assert_eq(kept, 4, "%s: %u", filters[i].name, kept);
        cr_expect_eq(memcmp(got, wanted, sizeof wanted), 0, "%s", filters[i].name);
    }
}

Test(word_filter, empty_ranges_pass_nothing)
{
    const WordRange range = {.page_shift = 12};
    Xorshift random = xorshift_seeded(3);

    for (uint32_t count = 0; count <= 64; count++)
        check_filters(&range, count, 0, &random);
    for (int i = 0; i < 1000; i++)
        cr_expect_not(word_is_in_range(&range, xorshift_next(&random)));
}

Test(word_filter, the_best_filter_is_one_of_the_list_and_plain_comes_first)
{
    NamedWordFilter filters[WORD_FILTER_MAX];
    uint32_t count = word_filter_list(filters);

    cr_assert(count >= 1 && count <= WORD_FILTER_MAX);
    cr_expect_str_eq(filters[0].name, "plain");
    cr_expect(filters[0].filter == word_filter_plain);
    cr_expect(word_filter_best() == filters[count - 1].filter);
}
