// Xorshift: the seeded random numbers of all tests (xorshift64, Marsaglia 2003).
//
//     Xorshift random = xorshift_seeded(42);
//     uint64_t page = xorshift_below(&random, page_count);
//
// The same seed gives the same numbers on every machine.

#ifndef TESTS_SUPPORT_XORSHIFT_H
#define TESTS_SUPPORT_XORSHIFT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct Xorshift {
    uint64_t state; // never 0
} Xorshift;

static inline uint64_t xorshift_next(Xorshift *random)
{
    random->state ^= random->state << 13;
    random->state ^= random->state >> 7;
    random->state ^= random->state << 17;
    return random->state;
}

static inline Xorshift xorshift_seeded(uint64_t seed)
{
    // Small seeds differ in few bits; multiply them apart, and step away from the seed.
    Xorshift random = {seed * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x2545f4914f6cdd1d)};

    if (random.state == 0)
        random.state = 1;
    for (int i = 0; i < 8; i++)
        (void)xorshift_next(&random);
    return random;
}

// 0..limit-1; limit must not be 0.
static inline uint64_t xorshift_below(Xorshift *random, uint64_t limit)
{
    return (xorshift_next(random) >> 11) % limit;
}

// low..high, both included.
static inline uint64_t xorshift_between(Xorshift *random, uint64_t low, uint64_t high)
{
    return low + xorshift_below(random, high - low + 1);
}

static inline bool xorshift_percent(Xorshift *random, uint32_t percent)
{
    return xorshift_below(random, 100) < percent;
}

#endif
