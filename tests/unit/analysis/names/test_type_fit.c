// Which types a written name means, and which names it was probably meant to be.

#include <criterion/criterion.h>

#include "base/near_names.h"
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

static const char *name_at(const void *context, uint64_t index)
{
    return ((const char *const *)context)[index];
}

Test(near_names, misspelt_and_cut_names_are_found_and_strangers_are_not)
{
    static const char *const names[] = {"shop::Order", "shop::Cart", "shop::OrderLine", "i64"};
    NameList list = {.count = 4, .name = name_at, .context = names};
    const char *near[3];

    cr_assert_eq(near_names_find(list, "Oder", near, 3), 1);
    cr_expect_str_eq(near[0], "shop::Order");
    cr_assert_eq(near_names_find(list, "order", near, 3), 2);
    cr_expect_str_eq(near[0], "shop::Order");
    cr_expect_str_eq(near[1], "shop::OrderLine");
    cr_expect_eq(near_names_find(list, "Xylophone", near, 3), 0);
    cr_expect_eq(near_names_find(list, "order", near, 1), 1);
    list.count = 0;
    cr_expect_eq(near_names_find(list, "order", near, 3), 0);
}
