// Regions: which claim keeps a byte.

#include "snapshot/capture/find/region_map_internal.h"

#include <criterion/criterion.h>

static RegionList map;
static Error error;

static void end(void)
{
    region_list_release(&map);
}

TestSuite(region_map, .fini = end);

typedef struct Claim {
    uint64_t start;
    uint64_t end;
} Claim;

// Claims all of `claims` for thread 0, and one kind.
static void claim(RegionKind kind, const Claim *claims, size_t count)
{
    RegionList list = {0};

    for (size_t i = 0; i < count; i++)
        cr_assert(region_list_add(&list, claims[i].start, claims[i].end, kind, 0, &error));
    cr_assert(region_map_claim(&map, &list, &error));
    region_list_release(&list);
}

static void expect_region(uint64_t i, uint64_t start, uint64_t end_address, RegionKind kind)
{
    cr_assert_lt(i, map.count);
    cr_expect_eq(map.items[i].start, start, "region %d", (int)i);
    cr_expect_eq(map.items[i].end, end_address, "region %d", (int)i);
    cr_expect_eq(map.items[i].kind, kind, "region %d", (int)i);
}

Test(region_map, the_first_claim_to_a_byte_keeps_it)
{
    claim(REGION_GC, (Claim[]){{0x2000, 0x3000}, {0x5000, 0x6000}}, 2);
    claim(REGION_STACK, (Claim[]){{0x1000, 0x5800}}, 1);
    cr_assert_eq(map.count, 4u);
    expect_region(0, 0x1000, 0x2000, REGION_STACK);
    expect_region(1, 0x2000, 0x3000, REGION_GC);
    expect_region(2, 0x3000, 0x5000, REGION_STACK);
    expect_region(3, 0x5000, 0x6000, REGION_GC);
}

Test(region_map, claims_may_come_in_any_order_and_overlap)
{
    claim(REGION_GLOBAL, (Claim[]){{0x4000, 0x5000}, {0x1000, 0x2800}, {0x2000, 0x3000}}, 3);
    cr_assert_eq(map.count, 2u);
    expect_region(0, 0x1000, 0x3000, REGION_GLOBAL); // they touch, so they are one region
    expect_region(1, 0x4000, 0x5000, REGION_GLOBAL);
}

Test(region_map, empty_claims_are_left_out)
{
    claim(REGION_TLS, (Claim[]){{0x1000, 0x1000}, {0x2000, 0x1000}}, 2);
    cr_expect_eq(map.count, 0u);
    cr_expect_null(region_map_find(&map, 0x1000));
}

Test(region_map, a_claim_on_bytes_that_are_taken_adds_nothing)
{
    claim(REGION_GC, (Claim[]){{0x1000, 0x4000}}, 1);
    claim(REGION_MALLOC, (Claim[]){{0x1000, 0x4000}, {0x2000, 0x3000}}, 2);
    cr_assert_eq(map.count, 1u);
    expect_region(0, 0x1000, 0x4000, REGION_GC);
}

Test(region_map, regions_are_found_by_their_addresses)
{
    claim(REGION_GC, (Claim[]){{0x1000, 0x2000}, {0x3000, 0x4000}}, 2);
    cr_expect_null(region_map_find(&map, 0xfff));
    cr_expect_eq(region_map_find(&map, 0x1000), &map.items[0]);
    cr_expect_eq(region_map_find(&map, 0x1fff), &map.items[0]);
    cr_expect_null(region_map_find(&map, 0x2000));
    cr_expect_eq(region_map_find(&map, 0x3000), &map.items[1]);
    cr_expect_null(region_map_find(&map, 0x4000));
}

Test(region_map, overlaps_are_found_with_a_cursor)
{
    uint64_t cursor = 0;

    claim(REGION_GC, (Claim[]){{0x1000, 0x2000}, {0x3000, 0x4000}}, 2);
    cr_expect_not(region_map_overlaps(&map, &cursor, 0, 0x1000));
    cr_expect(region_map_overlaps(&map, &cursor, 0x800, 0x1001));
    cr_expect(region_map_overlaps(&map, &cursor, 0x1fff, 0x2800));
    cr_expect_not(region_map_overlaps(&map, &cursor, 0x2000, 0x3000));
    cr_expect(region_map_overlaps(&map, &cursor, 0x2800, 0x5000));
    cr_expect_not(region_map_overlaps(&map, &cursor, 0x4000, 0x5000));
}
