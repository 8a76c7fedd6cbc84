// Binary search: the first item from a key on, or above it, wherever there is one.

#include "base/search.h"

#include <criterion/criterion.h>

// Keys that are neither first in the item nor of one width.
typedef struct Item {
    char name[3];
    uint32_t narrow;
    uint64_t wide;
} Item;

static uint64_t plain_from(const Item *items, uint64_t count, uint64_t value)
{
    uint64_t i = 0;

    while (i < count && items[i].wide < value)
        i++;
    return i;
}

static uint64_t plain_above(const Item *items, uint64_t count, uint64_t value)
{
    uint64_t i = 0;

    while (i < count && items[i].wide <= value)
        i++;
    return i;
}

// All ways to search for `value` agree with looking at one item after the other.
static void expect_found(const Item *items, uint64_t count, uint64_t value)
{
    uint64_t from = plain_from(items, count, value), above = plain_above(items, count, value);
    uint64_t keys[8];

    for (uint64_t i = 0; i < count; i++)
        keys[i] = items[i].wide;
    cr_expect_eq(search_from(items, count, wide, value), from);
    cr_expect_eq(search_above(items, count, wide, value), above);
    cr_expect_eq(search_from(items, count, narrow, value), from);
    cr_expect_eq(search_above(items, count, narrow, value), above);
    cr_expect_eq(search_from_u64(keys, count, value), from);
    cr_expect_eq(search_above_u64(keys, count, value), above);
}

static void expect_all_found(const uint32_t *keys, uint64_t count)
{
    Item items[8] = {{.narrow = 0}};

    for (uint64_t i = 0; i < count; i++)
        items[i] = (Item){.narrow = keys[i], .wide = keys[i]};
    for (uint64_t value = 0; value < 12; value++)
        expect_found(items, count, value);
    expect_found(items, count, UINT32_MAX);
    expect_found(items, count, UINT64_C(1) << 32); // more than a narrow key can be
    expect_found(items, count, UINT64_MAX);
}

Test(search, no_items_are_searched_without_looking_at_them)
{
    const Item *none = NULL;

    cr_expect_eq(search_from(none, 0, wide, 5), 0);
    cr_expect_eq(search_above(none, 0, narrow, 5), 0);
    cr_expect_eq(search_from_u64(NULL, 0, 5), 0);
    cr_expect_eq(search_above_u64(NULL, 0, 5), 0);
}

Test(search, one_item_is_before_at_or_behind_the_key)
{
    expect_all_found((uint32_t[]){5}, 1);
    expect_all_found((uint32_t[]){0}, 1);
    expect_all_found((uint32_t[]){UINT32_MAX}, 1);
}

Test(search, each_place_among_several_items_is_found)
{
    const uint32_t keys[] = {1, 3, 4, 6, 7, 9, 10};

    for (uint64_t count = 2; count <= 7; count++)
        expect_all_found(keys, count);
}

Test(search, the_first_of_equal_items_is_found_and_the_first_behind_them)
{
    expect_all_found((uint32_t[]){5, 5}, 2);
    expect_all_found((uint32_t[]){5, 5, 5, 5, 5, 5, 5, 5}, 8);
    expect_all_found((uint32_t[]){1, 5, 5, 5, 9}, 5);
    expect_all_found((uint32_t[]){5, 5, 9, 9, 9}, 5);
}

static bool ends_by(const void *items, uint64_t index, const void *key)
{
    const Item *item = (const Item *)items + index;

    return item->wide + item->narrow <= *(const uint64_t *)key;
}

Test(search, items_are_compared_as_the_caller_says)
{
    const Item ranges[] = {{.wide = 10, .narrow = 5}, {.wide = 20, .narrow = 1}, {.wide = 30}};
    const uint64_t addresses[] = {0, 14, 15, 20, 21, 29, 30};
    const uint64_t wanted[] = {0, 0, 1, 1, 2, 2, 3};

    for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
        cr_expect_eq(search_first(ranges, 3, ends_by, &addresses[i]), wanted[i]);
}

// An address space of items is more than memory holds, but not more than an index counts.
static bool is_below(const void *items, uint64_t index, const void *key)
{
    (void)items;
    return index < *(const uint64_t *)key;
}

Test(search, counts_up_to_the_largest_do_not_overflow)
{
    const uint64_t keys[] = {0, 1, UINT64_MAX / 2, UINT64_MAX / 2 + 1, UINT64_MAX - 1, UINT64_MAX};

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        cr_expect_eq(search_first(NULL, UINT64_MAX, is_below, &keys[i]), keys[i]);
}
