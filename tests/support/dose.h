// How much a randomised test does, and where it begins: both can be given from outside.
//
//     TEST_SEED=42 build/release/tests/property/test_mark_equals_serial
//
// repeats a failing run: every property test prints its seed when it fails.
// TEST_DOSE=20 makes tests do twenty times as much (`make soak`).

#ifndef TESTS_SUPPORT_DOSE_H
#define TESTS_SUPPORT_DOSE_H

#include <stdbool.h>
#include <stdint.h>

// TEST_SEED, or `fallback` when that is not set.
uint64_t test_seed(uint64_t fallback);

// `normal` times TEST_DOSE (default 1). With TEST_SEED set: 1, to repeat that one case.
uint64_t test_dose(uint64_t normal);

// Built with a sanitizer, which makes everything several times slower?
bool test_is_sanitized(void);

#endif
