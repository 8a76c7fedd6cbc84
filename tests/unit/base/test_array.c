// The growable array: room is there when it is promised, and nothing changes when it cannot be had.

#include "base/array.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static Error error;

Test(array, an_empty_array_gets_room)
{
    uint64_t *items = NULL, capacity = 0;

    cr_assert(array_reserve(&items, &capacity, 1, sizeof *items, "items", &error));
    cr_expect_geq(capacity, 1);
    cr_assert_not_null(items);
    items[0] = 7;
    free(items);
}

Test(array, no_room_is_not_asked_for)
{
    uint64_t *items = NULL, capacity = 0;

    cr_expect(array_reserve(&items, &capacity, 0, sizeof *items, "items", &error));
    cr_expect_null(items);
    cr_expect_eq(capacity, 0);
}

Test(array, room_that_is_there_is_kept)
{
    uint32_t *items = NULL, *before;
    uint64_t capacity = 0;

    cr_assert(array_reserve(&items, &capacity, 5, sizeof *items, "items", &error));
    before = items;
    cr_assert(array_reserve(&items, &capacity, capacity, sizeof *items, "items", &error));
    cr_expect_eq(items, before);
    free(items);
}

Test(array, items_stay_and_adding_one_at_a_time_grows_seldom)
{
    uint64_t *items = NULL, capacity = 0, grown = 0;

    for (uint64_t count = 0; count < 100000; count++) {
        uint64_t before = capacity;

        cr_assert(array_reserve(&items, &capacity, count + 1, sizeof *items, "items", &error));
        cr_assert_geq(capacity, count + 1);
        grown += capacity != before;
        items[count] = count;
    }
    for (uint64_t i = 0; i < 100000; i++)
        cr_assert_eq(items[i], i);
    cr_expect_lt(grown, 40);
    free(items);
}

Test(array, many_items_at_once_get_what_they_need)
{
    char *items = NULL;
    uint64_t capacity = 0;

    cr_assert(array_reserve(&items, &capacity, 1000, 1, "items", &error));
    cr_expect_eq(capacity, 1000);
    memset(items, 1, 1000);
    free(items);
}

static void expect_unchanged(uint64_t wanted, size_t item_bytes)
{
    uint64_t *items = NULL, *before, capacity = 0, capacity_before;

    cr_assert(array_reserve(&items, &capacity, 3, sizeof *items, "items", &error));
    before = items;
    capacity_before = capacity;
    error = (Error){0};
    cr_expect_not(
        array_reserve(&items, &capacity, wanted, item_bytes, "the list of pages", &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    cr_expect_not_null(strstr(error.message, "the list of pages"), "%s", error.message);
    cr_expect_eq(items, before);
    cr_expect_eq(capacity, capacity_before);
    free(items);
}

Test(array, items_that_are_too_large_leave_the_array_as_it_was)
{
    expect_unchanged(100, (size_t)1 << 57);
    expect_unchanged(17, SIZE_MAX / 16); // a product just below what fits
}

Test(array, sizes_that_overflow_leave_the_array_as_it_was)
{
    expect_unchanged(UINT64_MAX, 1);
    expect_unchanged(UINT64_MAX, 8);
    expect_unchanged(UINT64_MAX / 8 + 2, 8); // 8 when it wraps around
    expect_unchanged(100, SIZE_MAX);
}
