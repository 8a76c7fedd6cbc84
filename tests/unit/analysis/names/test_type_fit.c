// Which types a written name means, and which names it was probably meant to be.

#include <criterion/criterion.h>

#include "analysis/names/type_fit.h"

Test(type_fit, whole_labels_are_better_than_parts_and_these_than_ends)
{
    cr_expect_eq(type_fit("shop::Order", "shop::Order"), TYPE_FIT_WHOLE);
    cr_expect_eq(type_fit("i64 | u64", "i64 | u64"), TYPE_FIT_WHOLE);
    cr_expect_eq(type_fit("i64 | u64", "u64"), TYPE_FIT_PART);
    cr_expect_eq(type_fit("a::B | shop::Order", "Order"), TYPE_FIT_END);
    cr_expect_eq(type_fit("shop::Order", "Order"), TYPE_FIT_END);
    cr_expect_eq(type_fit("shop::Order", "shop"), TYPE_FIT_NONE);
    cr_expect_eq(type_fit("shop::Order", "rder"), TYPE_FIT_NONE);
    cr_expect_eq(type_fit("shop::Order", ""), TYPE_FIT_NONE);
}

Test(type_fit, types_without_a_name_are_known_by_number_and_function)
{
    static const char label[] = "type #7 (trace shop+0x1f40)";

    cr_expect_eq(type_fit(label, "type #7"), TYPE_FIT_PART);
    cr_expect_eq(type_fit(label, "shop+0x1f40"), TYPE_FIT_PART);
    cr_expect_eq(type_fit(label, "type #"), TYPE_FIT_NONE);
    cr_expect_eq(type_fit(label, "shop+0x1f4"), TYPE_FIT_NONE);
    cr_expect_eq(type_fit("type #7 (trace a+0x1, drop a+0x2, 64 bytes)", "a+0x1"), TYPE_FIT_PART);
}
