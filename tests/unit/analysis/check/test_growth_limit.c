// Limits of growth against rows made by hand: at the limit and over it, by each unit.

#include <criterion/criterion.h>
#include <string.h>

#include "analysis/growth_limit.h"

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

static GrowthFinding check(const char *name, GrowthUnit unit, uint64_t amount)
{
    GrowthLimit limit = {.text = name, .unit = unit, .amount = amount};
    GrowthFinding finding;
    Error error;

    (void)strcpy(limit.name, name);
    cr_assert(growth_limit_check(&limit, &diff, profiles, &finding, &error), "%s", error.message);
    cr_expect_eq(finding.exceeded_count > 0, finding.is_exceeded);
    return finding;
}

Test(growth_limit, is_exceeded_by_more_and_not_by_as_much)
{
    cr_expect_not(check("shop::Order", GROWTH_PERCENT, 2000).is_exceeded);
    cr_expect(check("shop::Order", GROWTH_PERCENT, 1999).is_exceeded);
    cr_expect_not(check("shop::Order", GROWTH_OBJECTS, 2).is_exceeded);
    cr_expect(check("shop::Order", GROWTH_OBJECTS, 1).is_exceeded);
    cr_expect_not(check("Order", GROWTH_BYTES, 128).is_exceeded);
    cr_expect(check("Order", GROWTH_BYTES, 127).is_exceeded);
}

Test(growth_limit, growth_from_nothing_exceeds_every_limit_in_per_cent)
{
    GrowthFinding finding = check("shop::Cart", GROWTH_PERCENT, 1000000000);

    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.before, 0);
    cr_expect_eq(finding.after, 64);
    cr_expect_not(check("shop::Cart", GROWTH_OBJECTS, 1).is_exceeded);
}

Test(growth_limit, a_type_that_shrank_exceeds_nothing)
{
    cr_expect_not(check("shop::Item", GROWTH_PERCENT, 0).is_exceeded);
    cr_expect_not(check("shop::Item", GROWTH_BYTES, 0).is_exceeded);
}

Test(growth_limit, any_counts_the_types_over_it_and_shows_the_one_that_grew_most)
{
    GrowthFinding finding = check("any", GROWTH_BYTES, 10);

    cr_expect_eq(finding.exceeded_count, 2);
    cr_expect_str_eq(finding.label, "shop::Order");
    finding = check("any", GROWTH_PERCENT, 5000);
    cr_expect_eq(finding.exceeded_count, 1);
    cr_expect_str_eq(finding.label, "shop::Cart");
    finding = check("any", GROWTH_OBJECTS, 100);
    cr_expect_not(finding.is_exceeded);
    cr_expect_str_eq(finding.label, "shop::Order");
}

Test(growth_limit, the_total_has_blocks_in_its_bytes_and_not_in_its_objects)
{
    GrowthFinding finding = check("total", GROWTH_BYTES, 35);

    cr_expect(finding.is_exceeded);
    cr_expect_eq(finding.before, 2088);
    cr_expect_eq(finding.after, 2124);
    cr_expect_not(check("total", GROWTH_BYTES, 36).is_exceeded);
    cr_expect_not(check("total", GROWTH_OBJECTS, 0).is_exceeded);
}

Test(growth_limit, an_unknown_type_is_refused_with_similar_names)
{
    GrowthLimit limit = {.text = "x", .name = "shop::Oder", .unit = GROWTH_BYTES};
    GrowthFinding finding;
    Error error;

    cr_expect_not(growth_limit_check(&limit, &diff, profiles, &finding, &error));
    cr_expect_eq(error.code, ERROR_USAGE);
    cr_expect_not_null(strstr(error.message, "'shop::Oder'"));
    cr_expect_not_null(strstr(error.hint, "shop::Order"), "%s", error.hint);
}
