// Of intervals that overlap, the one with the least rank holds an address.

#include <criterion/criterion.h>

#include "base/interval_index.h"
#include "tests/support/xorshift.h"

Test(interval_index, nothing_is_found_in_an_empty_index)
{
    IntervalIndex index;
    Error error;

    cr_assert(interval_index_init(&index, NULL, 0, &error));
    cr_expect_eq(interval_index_find(&index, 0), INTERVAL_NONE);
    interval_index_release(&index);
}

// What a walk through all of them finds.
static uint32_t holder_of(const Interval *intervals, uint32_t count, uint64_t address)
{
    const Interval *best = NULL;

    for (uint32_t i = 0; i < count; i++)
        if (address >= intervals[i].start && address < intervals[i].end &&
            (best == NULL || intervals[i].rank < best->rank ||
             (intervals[i].rank == best->rank && intervals[i].number < best->number)))
            best = &intervals[i];
    return best == NULL ? INTERVAL_NONE : best->number;
}

Test(interval_index, the_search_finds_what_a_walk_finds)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        Xorshift random = xorshift_seeded(seed);
        Interval intervals[40];
        uint32_t count = (uint32_t)xorshift_below(&random, 41);
        IntervalIndex index;
        Error error;

        for (uint32_t i = 0; i < count; i++) {
            uint64_t start = xorshift_below(&random, 60);

            intervals[i] = (Interval){start, start + xorshift_below(&random, 20),
                                      xorshift_below(&random, 5), i};
        }
        cr_assert(interval_index_init(&index, intervals, count, &error));
        cr_expect_leq(index.count, 2 * count);
        for (uint64_t address = 0; address < 90; address++)
            cr_assert_eq(interval_index_find(&index, address), holder_of(intervals, count, address),
                         "seed %llu, address %llu", (unsigned long long)seed,
                         (unsigned long long)address);
        interval_index_release(&index);
    }
}
