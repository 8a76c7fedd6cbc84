// Near names: which names a user may have meant, and how many edits lie between two texts.

#include "base/near_names.h"

#include <criterion/criterion.h>
#include <string.h>

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

Test(near_names, the_last_part_comes_first_whatever_its_case_and_type_parameters)
{
    static const char *const names[] = {
        "alloc::SessionMap",
        "session::Store",
        "hashbrown::Table<u64, core::cell::RefCell<service::Session>>",
        "service::Session",
        "service::Session<alloc::Arena>",
        "service::Sesion",
        "std::Mutex",
    };
    NameList list = {.count = 7, .name = name_at, .context = names};
    const char *near[6];

    cr_assert_eq(near_names_find(list, "session", near, 6), 6);
    cr_expect_str_eq(near[0], "service::Session");
    cr_expect_str_eq(near[1], "service::Session<alloc::Arena>");
    cr_expect_str_eq(near[2], "session::Store");
    cr_expect_str_eq(near[3], "hashbrown::Table<u64, core::cell::RefCell<service::Session>>");
    cr_expect_str_eq(near[4], "alloc::SessionMap");
    cr_expect_str_eq(near[5], "service::Sesion");
    cr_assert_eq(near_names_find(list, "shop::SESSION<u8>", near, 2), 2);
    cr_expect_str_eq(near[0], "service::Session");
    cr_expect_eq(near_names_find(list, "", near, 6), 0);
    cr_expect_eq(near_names_find(list, "<>", near, 6), 0);
    cr_assert_eq(near_names_find(list, "Mutx", near, 6), 1);
    cr_expect_str_eq(near[0], "std::Mutex");
}

static uint32_t distance(const char *from, const char *to)
{
    return edit_distance(from, strlen(from), to, strlen(to));
}

Test(near_names, edits_are_inserted_deleted_replaced_and_swapped_letters)
{
    cr_expect_eq(distance("", ""), 0);
    cr_expect_eq(distance("", "mark"), 4);
    cr_expect_eq(distance("mark", ""), 4);
    cr_expect_eq(distance("mark", "mark"), 0);
    cr_expect_eq(distance("marks", "mark"), 1);
    cr_expect_eq(distance("mrk", "mark"), 1);
    cr_expect_eq(distance("murk", "mark"), 1);
    cr_expect_eq(distance("makr", "mark"), 1);
    cr_expect_eq(distance("amkr", "mark"), 2);
    cr_expect_eq(distance("path", "diff"), 4);
}

Test(near_names, letter_case_is_not_an_edit)
{
    cr_expect_eq(distance("MARK", "mark"), 0);
    cr_expect_eq(distance("MAKR", "mark"), 1);
}

Test(near_names, texts_may_be_as_long_as_the_limit)
{
    char text[EDIT_DISTANCE_MAX];

    memset(text, 'x', sizeof text);
    cr_expect_eq(edit_distance(text, sizeof text, text, sizeof text), 0);
    cr_expect_eq(edit_distance(text, sizeof text, "y", 1), EDIT_DISTANCE_MAX);
}
