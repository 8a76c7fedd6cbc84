// Parameterised tests: a part of tests/plain_criterion/criterion/criterion.h.

#ifndef TESTS_PLAIN_CRITERION_CRITERION_PARAMETERIZED_H
#define TESTS_PLAIN_CRITERION_CRITERION_PARAMETERIZED_H

#include <criterion/criterion.h>

#endif
