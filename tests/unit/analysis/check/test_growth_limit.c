// Limits of growth against rows made by hand: at the limit and over it, by each unit.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/growth_limit.h"

static uint64_t order_objects[] = {10, 40, 12}, order_bytes[] = {640, 2560, 768};
static uint64_t cart_objects[] = {0, 0, 1}, cart_bytes[] = {0, 0, 64};
static uint64_t item_objects[] = {7, 5, 3}, item_bytes[] = {448, 320, 192};

// Three heaps, of which the first and the last count. Largest growth first.
static DiffRow rows[] = {
    {.label = "shop::Order", .objects = order_objects, .bytes = order_bytes, .growth = 128},
    {.label = "shop::Cart", .objects = cart_objects, .bytes = cart_bytes, .growth = 64},
    {.label = "shop::Item", .objects = item_objects, .bytes = item_bytes, .growth = -256},
};
static const HeapDiff diff = {.heap_count = 3, .type_count = 3, .types = rows};
// With 1,000 bytes of blocks at first and 1,100 at last.
static const HeapProfile first = {.totals = {.reachable_objects = 17, .reachable_bytes = 1088},
                                  .foreign_bytes = 1000};
static const HeapProfile last = {.totals = {.reachable_objects = 16, .reachable_bytes = 1024},
                                 .foreign_bytes = 1100};
static const HeapProfile *const profiles[] = {&first, &last, &last};

// A limit of reachable bytes, or of objects, of each type that fits.
static LimitFinding check(const char *name, LimitUnit unit, uint64_t amount)
{
    HeapLimit limit = {.measure = LIMIT_GROWTH,
                       .unit = unit,
                       .amount =
                           unit == LIMIT_PERCENT ? amount * LIMIT_PERCENT_SCALE / 100 : amount,
                       .is_each = true,
                       .is_in_bytes = true,
                       .is_total = strcmp(name, "total") == 0};
    LimitFinding finding;
    Error error;

    limit.type = strcmp(name, "any") == 0 ? NULL : strdup(name);
    cr_assert(growth_limit_check(&limit, &diff, profiles, &finding, &error), "%s", error.message);
    cr_expect_eq(finding.exceeded_by > 0, finding.is_exceeded);
    // Labels are those of the rows.
    free(finding.types);
    finding.types = NULL;
    free(limit.type);
    return finding;
}

Test(growth_limit, is_exceeded_by_more_and_not_by_as_much)
{
    cr_expect_not(check("shop::Order", LIMIT_PERCENT, 2000).is_exceeded);
    cr_expect(check("shop::Order", LIMIT_PERCENT, 1999).is_exceeded);
    cr_expect_not(check("shop::Order", LIMIT_NUMBER, 2).is_exceeded);
    cr_expect(check("shop::Order", LIMIT_NUMBER, 1).is_exceeded);
    cr_expect_not(check("Order", LIMIT_BYTES, 128).is_exceeded);
    cr_expect(check("Order", LIMIT_BYTES, 127).is_exceeded);
}

Test(growth_limit, growth_from_nothing_exceeds_every_limit_in_per_cent)
{
    LimitFinding finding = check("shop::Cart", LIMIT_PERCENT, 1000000000);

    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.before, 0);
    cr_expect_eq(finding.measured, 64);
    cr_expect_not(check("shop::Cart", LIMIT_NUMBER, 1).is_exceeded);
}

Test(growth_limit, a_type_that_shrank_exceeds_nothing)
{
    cr_expect_not(check("shop::Item", LIMIT_PERCENT, 0).is_exceeded);
    cr_expect_not(check("shop::Item", LIMIT_BYTES, 0).is_exceeded);
}

Test(growth_limit, any_counts_the_types_over_it_and_shows_the_one_that_grew_most)
{
    LimitFinding finding = check("any", LIMIT_BYTES, 10);

    cr_expect_eq(finding.exceeded_by, 2);
    cr_expect_str_eq(finding.label, "shop::Order");
    finding = check("any", LIMIT_PERCENT, 5000);
    cr_expect_eq(finding.exceeded_by, 1);
    cr_expect_str_eq(finding.label, "shop::Cart");
    finding = check("any", LIMIT_NUMBER, 100);
    cr_expect_not(finding.is_exceeded);
    cr_expect_str_eq(finding.label, "shop::Order");
}

Test(growth_limit, the_total_has_blocks_in_its_bytes_and_not_in_its_objects)
{
    LimitFinding finding = check("total", LIMIT_BYTES, 35);

    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.before, 2088);
    cr_expect_eq(finding.measured, 2124);
    cr_expect_not(check("total", LIMIT_BYTES, 36).is_exceeded);
    cr_expect_not(check("total", LIMIT_NUMBER, 0).is_exceeded);
}

Test(growth_limit, a_type_of_which_none_lives_counts_as_nothing)
{
    HeapLimit limit = {.measure = LIMIT_GROWTH, .type = strdup("shop::Oder")};
    LimitFinding finding;
    Error error;

    cr_assert(growth_limit_check(&limit, &diff, profiles, &finding, &error));
    cr_expect_not(finding.is_exceeded);
    cr_expect(finding.is_missing);
    cr_expect_str_eq(finding.nearest, "shop::Order");
    cr_expect_eq(finding.before, 0);
    cr_expect_eq(finding.measured, 0);
    limit_finding_release(&finding);
    free(limit.type);
}

Test(growth_limit, a_pattern_is_the_sum_of_its_types_in_objects)
{
    HeapLimit limit = {.measure = LIMIT_GROWTH,
                       .type = strdup("shop::*r*"),
                       .unit = LIMIT_PERCENT,
                       .amount = 20 * LIMIT_PERCENT_SCALE};
    LimitFinding finding;
    Error error;

    // Orders 10 -> 12, carts 0 -> 1.
    cr_assert(growth_limit_check(&limit, &diff, profiles, &finding, &error));
    cr_expect_eq(finding.before, 10);
    cr_expect_eq(finding.measured, 13);
    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.excess, 1);
    cr_expect_eq(finding.type_count, 2);
    limit_finding_release(&finding);
    limit.comparison = LIMIT_AT_LEAST;
    cr_assert(growth_limit_check(&limit, &diff, profiles, &finding, &error));
    cr_expect_not(finding.is_exceeded);
    limit_finding_release(&finding);
    free(limit.type);
}
