// Measured values at a limit and beyond it, for each comparison.

#include <criterion/criterion.h>

#include "analysis/check/limit_finding.h"

static LimitFinding judged(LimitComparison comparison, LimitUnit unit, uint64_t amount,
                           WideValue value, uint64_t base)
{
    HeapLimit limit = {.comparison = comparison, .unit = unit, .amount = amount};
    LimitFinding finding = {.is_exceeded = false};

    limit_finding_judge(&finding, &limit, value, base);
    return finding;
}

static void expect(LimitComparison comparison, int64_t value, bool is_exceeded, uint64_t excess,
                   bool is_too_little)
{
    LimitFinding finding = judged(comparison, LIMIT_NUMBER, 10, value, 0);

    cr_expect_eq(finding.is_exceeded, is_exceeded);
    cr_expect_eq(finding.excess, excess);
    cr_expect_eq(finding.is_too_little, is_too_little);
}

Test(limit_finding, comparisons_with_ten)
{
    expect(LIMIT_AT_MOST, 10, false, 0, false);
    expect(LIMIT_AT_MOST, 12, true, 2, false);
    expect(LIMIT_BELOW, 9, false, 0, false);
    expect(LIMIT_BELOW, 10, true, 1, false);
    expect(LIMIT_AT_LEAST, 10, false, 0, false);
    expect(LIMIT_AT_LEAST, 7, true, 3, true);
    expect(LIMIT_ABOVE, 11, false, 0, false);
    expect(LIMIT_ABOVE, 10, true, 1, true);
    expect(LIMIT_EQUAL, 10, false, 0, false);
    expect(LIMIT_EQUAL, 11, true, 1, false);
    expect(LIMIT_EQUAL, 9, true, 1, true);
    // Growth may be negative.
    expect(LIMIT_AT_MOST, -5, false, 0, false);
    expect(LIMIT_AT_LEAST, -5, true, 15, true);
}

Test(limit_finding, percentages_are_exact)
{
    uint64_t third = 33333333; // 33.333333 %
    LimitFinding finding = judged(LIMIT_AT_MOST, LIMIT_PERCENT, third, 333333, 1000000);

    cr_expect_not(finding.is_exceeded);
    cr_expect_eq(finding.base, 1000000);
    finding = judged(LIMIT_AT_MOST, LIMIT_PERCENT, third, 333334, 1000000);
    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.excess, 1);
    finding = judged(LIMIT_AT_LEAST, LIMIT_PERCENT, third, 333333, 1000000);
    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.excess, 1);
}

Test(limit_finding, growth_from_nothing_exceeds_every_percentage)
{
    uint64_t most = UINT64_C(1000000000) * LIMIT_PERCENT_SCALE;

    cr_expect(judged(LIMIT_AT_MOST, LIMIT_PERCENT, most, 1, 0).is_exceeded);
    cr_expect_not(judged(LIMIT_AT_MOST, LIMIT_PERCENT, most, 0, 0).is_exceeded);
}

Test(limit_finding, the_largest_values_do_not_overflow)
{
    uint64_t most = UINT64_C(1000000000) * LIMIT_PERCENT_SCALE;
    LimitFinding finding = judged(LIMIT_AT_LEAST, LIMIT_PERCENT, most, 0, UINT64_MAX);

    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.excess, UINT64_MAX);
    cr_expect_not(judged(LIMIT_AT_MOST, LIMIT_NUMBER, UINT64_MAX, UINT64_MAX, 0).is_exceeded);
    cr_expect(judged(LIMIT_BELOW, LIMIT_NUMBER, UINT64_MAX, UINT64_MAX, 0).is_exceeded);
    cr_expect(judged(LIMIT_BELOW, LIMIT_NUMBER, 0, 0, 0).is_exceeded);
}
