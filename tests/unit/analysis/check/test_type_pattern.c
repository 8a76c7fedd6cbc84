// Names and patterns against the labels of types.

#include <criterion/criterion.h>

#include "analysis/check/type_pattern.h"

static const char *const labels[] = {
    "shop::Order", "shop::Cart",        "stock::Order", "shop::OrderLine<shop::Cart>",
    "i64 | u64",   "läden::Bestellung", "*const u8",
};
#define LABELS (sizeof labels / sizeof labels[0])

static const char *label_at(const void *context, uint64_t index)
{
    (void)context;
    return labels[index];
}

// The selected labels as a number: bit per label.
static unsigned selected(const char *pattern)
{
    bool is_selected[LABELS];
    unsigned bits = 0;
    uint64_t count =
        type_pattern_select(pattern, (NameList){.count = LABELS, .name = label_at}, is_selected);

    for (unsigned i = 0; i < LABELS; i++) {
        bits |= (unsigned)is_selected[i] << i;
        count -= is_selected[i];
    }
    cr_expect_eq(count, 0);
    return bits;
}

Test(type_pattern, names_fit_as_everywhere)
{
    cr_expect_eq(selected("shop::Order"), 1u << 0);
    cr_expect_eq(selected("Cart"), 1u << 1);
    cr_expect_eq(selected("u64"), 1u << 4);
    cr_expect_eq(selected("*const u8"), 1u << 6);
    cr_expect_eq(selected("Ordr"), 0);
    cr_expect_eq(selected(""), 0);
}

Test(type_pattern, an_abbreviation_of_several_types_is_all_of_them)
{
    cr_expect_eq(selected("Order"), 1u << 0 | 1u << 2);
}

Test(type_pattern, patterns_fit_whole_names)
{
    cr_expect_eq(selected("*"), (1u << LABELS) - 1);
    cr_expect_eq(selected("shop::*"), 1u << 0 | 1u << 1 | 1u << 3);
    cr_expect_eq(selected("*::Order"), 1u << 0 | 1u << 2);
    cr_expect_eq(selected("Ord*"), 0);
    cr_expect_eq(selected("s*::*Cart*"), 1u << 1 | 1u << 3);
    cr_expect_eq(selected("shop::?art"), 1u << 1);
    cr_expect_eq(selected("?64"), 1u << 4);
    cr_expect_eq(selected("shop::Order?"), 0);
}

Test(type_pattern, patterns_fit_only_types)
{
    cr_expect_eq(type_pattern_fit("*", "no type"), TYPE_FIT_NONE);
    cr_expect_eq(type_pattern_fit("*", "foreign block"), TYPE_FIT_NONE);
    cr_expect_eq(type_pattern_fit("*", "type #4 (trace 0x7f0000001000)"), TYPE_FIT_WHOLE);
    cr_expect_eq(type_pattern_fit("foreign block", "foreign block"), TYPE_FIT_WHOLE);
}

Test(type_pattern, a_question_mark_is_one_character_of_any_script)
{
    cr_expect_eq(selected("l?den::*"), 1u << 5);
    cr_expect_eq(selected("l??den::*"), 0);
}

Test(type_pattern, a_backslash_takes_the_meaning)
{
    cr_expect(type_pattern_is_glob("a*"));
    cr_expect_not(type_pattern_is_glob("a\\*"));
    cr_expect_eq(selected("\\*const *"), 1u << 6);
    cr_expect_eq(selected("\\shop::*"), 1u << 0 | 1u << 1 | 1u << 3);
}

Test(type_pattern, many_stars_take_little_time)
{
    static char text[20001], glob[2001];

    for (unsigned i = 0; i < 20000; i++)
        text[i] = 'a';
    for (unsigned i = 0; i < 2000; i += 2) {
        glob[i] = '*';
        glob[i + 1] = 'a';
    }
    glob[1999] = 'b';
    cr_expect_eq(type_pattern_fit(glob, text), TYPE_FIT_NONE);
}
