// Sets of pages: adding, sorting, finding, and the three operations on two sets.

#include "snapshot/capture/copy/page_sets.h"

#include <criterion/criterion.h>

#define PAGE UINT64_C(4096)
#define PLACE UINT64_C(0x600000000000)

static Error error;
static PageSelection set;

static void release(void)
{
    page_selection_release(&set);
}

TestSuite(page_sets, .fini = release);

static void add(uint64_t first, uint64_t end)
{
    cr_assert(page_set_add(&set, PLACE + first * PAGE, PLACE + end * PAGE, &error), "%s",
              error.message);
}

Test(page_sets, neighbours_become_one_range)
{
    add(0, 2);
    add(2, 3);
    add(3, 3); // nothing
    add(5, 6);
    cr_expect_eq(set.count, 2);
    cr_expect_eq(set.bytes, 4 * PAGE);
    cr_expect_eq(set.ranges[0].bytes, 3 * PAGE);
}

Test(page_sets, a_range_before_the_last_one_is_refused)
{
    add(5, 6);
    cr_expect_not(page_set_add(&set, PLACE + 2 * PAGE, PLACE + 3 * PAGE, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect_eq(set.bytes, PAGE);
}

Test(page_sets, neighbours_stay_apart_when_their_data_are_not_neighbours)
{
    static const uint8_t data[4 * 4096];
    const ProcessRange ranges[] = {{.address = PLACE, .bytes = PAGE, .data = data},
                                   {.address = PLACE + PAGE, .bytes = PAGE, .data = data + PAGE},
                                   {.address = PLACE + 2 * PAGE, .bytes = PAGE, .data = data}};

    for (int i = 0; i < 3; i++)
        cr_assert(page_set_add_data(&set, &ranges[i], &error));
    cr_expect_eq(set.count, 2);
    cr_expect_eq(set.ranges[0].bytes, 2 * PAGE);
    cr_expect_eq(set.ranges[1].data, data);
}

Test(page_sets, ranges_that_were_added_in_any_order_are_sorted_and_joined)
{
    static const uint64_t pages[] = {7, 2, 8, 0, 3};

    for (int i = 0; i < 5; i++) {
        const ProcessRange range = {.address = PLACE + pages[i] * PAGE, .bytes = PAGE};

        cr_assert(page_set_add_data(&set, &range, &error));
    }
    page_set_sort(&set);
    cr_assert_eq(set.count, 3);
    cr_expect_eq(set.ranges[0].address, PLACE);
    cr_expect_eq(set.ranges[1].address, PLACE + 2 * PAGE);
    cr_expect_eq(set.ranges[1].bytes, 2 * PAGE);
    cr_expect_eq(set.ranges[2].address, PLACE + 7 * PAGE);
    cr_expect_eq(set.bytes, 5 * PAGE);
}

Test(page_sets, the_first_range_that_ends_behind_an_address_is_found)
{
    cr_expect_eq(page_set_find(&set, PLACE), 0, "an empty set");
    add(1, 3);
    add(5, 6);
    cr_expect_eq(page_set_find(&set, PLACE), 0);
    cr_expect_eq(page_set_find(&set, PLACE + 3 * PAGE - 1), 0);
    cr_expect_eq(page_set_find(&set, PLACE + 3 * PAGE), 1);
    cr_expect_eq(page_set_find(&set, PLACE + 6 * PAGE), 2);
}

// ---- two sets ----

static void set_to(PageSelection *pages, const char *digits)
{
    page_set_clear(pages);
    for (uint64_t i = 0; digits[i] != '\0'; i++)
        if (digits[i] == '1')
            cr_assert(page_set_add(pages, PLACE + i * PAGE, PLACE + (i + 1) * PAGE, &error));
}

static bool has(const PageSelection *pages, uint64_t page)
{
    uint64_t address = PLACE + page * PAGE, at = page_set_find(pages, address);

    return at < pages->count && pages->ranges[at].address <= address;
}

static bool is_set_to(const PageSelection *pages, const char *digits)
{
    uint64_t bytes = 0;

    for (uint64_t i = 0; digits[i] != '\0'; i++) {
        bytes += digits[i] == '1' ? PAGE : 0;
        if (has(pages, i) != (digits[i] == '1'))
            return false;
    }
    return bytes == pages->bytes;
}

Test(page_sets, all_pairs_of_small_sets)
{
    PageSelection left = {0}, right = {0};
    char a[7] = "", b[7] = "", both[7] = "", rest[7] = "", all[7] = "";

    for (unsigned i = 0; i < 64; i++) {
        for (unsigned j = 0; j < 64; j++) {
            for (unsigned bit = 0; bit < 6; bit++) {
                bool is_left = (i >> bit & 1) != 0, is_right = (j >> bit & 1) != 0;

                a[bit] = is_left ? '1' : '0';
                b[bit] = is_right ? '1' : '0';
                both[bit] = is_left && is_right ? '1' : '0';
                rest[bit] = is_left && !is_right ? '1' : '0';
                all[bit] = is_left || is_right ? '1' : '0';
            }
            set_to(&left, a);
            set_to(&right, b);
            cr_assert(page_set_intersect(&left, &right, &set, &error));
            cr_expect(is_set_to(&set, both), "%s and %s", a, b);
            cr_assert(page_set_subtract(&left, &right, &set, &error));
            cr_expect(is_set_to(&set, rest), "%s without %s", a, b);
            cr_assert(page_set_unite(&left, &right, &set, &error));
            cr_expect(is_set_to(&set, all), "%s or %s", a, b);
        }
    }
    page_selection_release(&left);
    page_selection_release(&right);
}

Test(page_sets, pages_bring_their_data_along)
{
    static const uint8_t data[8 * 4096];
    const ProcessRange range = {.address = PLACE, .bytes = 8 * PAGE, .data = data};
    PageSelection with_data = {0}, wanted = {0};

    cr_assert(page_set_add_data(&with_data, &range, &error));
    set_to(&wanted, "00110100");
    cr_assert(page_set_intersect(&wanted, &with_data, &set, &error));
    cr_assert_eq(set.count, 2);
    cr_expect_eq(set.ranges[0].data, data + 2 * PAGE);
    cr_expect_eq(set.ranges[1].data, data + 5 * PAGE);
    cr_assert(page_set_subtract(&with_data, &wanted, &set, &error));
    cr_assert_eq(set.count, 3);
    cr_expect_eq(set.ranges[1].data, data + 4 * PAGE);
    page_selection_release(&with_data);
    page_selection_release(&wanted);
}
