// Dose and seed: see tests/support/dose.h.

#include "tests/support/dose.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define SANITIZED_SHARE 4u

static uint64_t number_from_environment(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    char *end = NULL;
    uint64_t value;

    if (text == NULL || text[0] == '\0')
        return fallback;
    value = strtoull(text, &end, 0);
    return *end == '\0' ? value : fallback;
}

uint64_t test_seed(uint64_t fallback)
{
    uint64_t seed = number_from_environment(
        "TEST_SEED", fallback + number_from_environment("TEST_FIRST_SEED", 0));

    fprintf(stderr, "seeds begin with %" PRIu64 "\n", seed);
    return seed;
}

uint64_t test_dose(uint64_t normal)
{
    uint64_t cases = normal * number_from_environment("TEST_DOSE", 1);

    if (getenv("TEST_SEED") != NULL)
        return 1;
    if (test_is_sanitized())
        cases /= SANITIZED_SHARE;
    return cases > 0 ? cases : 1;
}

bool test_is_sanitized(void)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    return true;
#elif defined(__has_feature)
    return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||
           __has_feature(memory_sanitizer);
#else
    return false;
#endif
}
