// How many cases a randomised test tries, and with which seeds. Case i of a test has the seed
// test_seed(N) + i, so that a case can be repeated alone; each test prints the seed of a case that
// fails, and test_seed() the first one, to standard error.
//
//     make test TESTS=test_mark_property TEST_SEED=42      one case
//     make test TESTS=test_mark_property TEST_DOSE=20      twenty times as many cases
//
// docs/testing.md says which doses and seeds `make check` and `make check-all` take.

#ifndef TESTS_SUPPORT_DOSE_H
#define TESTS_SUPPORT_DOSE_H

#include <stdbool.h>
#include <stdint.h>

// The seed of the first case: TEST_SEED; without it `fallback`, plus TEST_FIRST_SEED where that is
// set.
uint64_t test_seed(uint64_t fallback);

// How many cases: `normal` times TEST_DOSE (default 1), and a quarter of that under a sanitizer, at
// least 1. With TEST_SEED set: 1, to repeat that case.
uint64_t test_dose(uint64_t normal);

// Is this built with a sanitizer, which makes everything several times slower?
bool test_is_sanitized(void);

#endif
