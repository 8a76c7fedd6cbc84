// Upper bounds of totals where parts of a heap are missing: docs/design.md, "Missing parts".

#include <criterion/criterion.h>

#include "analysis/possible_totals.h"

// 5 of 8 objects are reachable.
static const ReachabilityCounts totals = {
    .pages = 2,
    .slots = 78,
    .objects = 8,
    .object_bytes = 512,
    .zombies = 1,
    .zombie_bytes = 64,
    .reachable_objects = 5,
    .reachable_bytes = 320,
    .unreachable_objects = 3,
    .unreachable_bytes = 192,
};

static PossibleTotals possible(bool is_complete, const SnapshotLoss *losses, uint32_t count)
{
    SnapshotDetails details = {.metadata = {.is_complete = is_complete},
                               .loss_count = count,
                               .losses = (SnapshotLoss *)(uintptr_t)losses};
    HeapImage image = {.layout = *heap_layout_rudo_gc_0_8(), .details = &details};

    return possible_totals(&image, &totals, 8192);
}

// As many slots of the smallest class, 16 bytes, as fit a page of 4,096 bytes.
static uint64_t slots_of_page(void)
{
    return (4096 - heap_layout_rudo_gc_0_8()->page_header_bytes) / 16;
}

Test(possible_totals, are_the_totals_of_a_complete_snapshot)
{
    PossibleTotals found = possible(true, NULL, 0);

    cr_expect(found.is_known);
    cr_expect_eq(found.counts.reachable_objects, 5);
    cr_expect_eq(found.heap_bytes, 8192);
}

Test(possible_totals, lost_pages_may_be_full_of_the_smallest_objects)
{
    const SnapshotLoss losses[] = {{.kind = LOSS_PAGES, .bytes = 8192},
                                   {.kind = LOSS_MEMORY, .bytes = 1}};
    PossibleTotals found = possible(false, losses, 2);

    // Three pages: the one byte may have been of another.
    cr_expect(found.is_known);
    cr_expect_eq(found.counts.pages, 2 + 3);
    cr_expect_eq(found.heap_bytes, 8192 + 3 * 4096);
    cr_expect_eq(found.counts.objects, 8 + 3 * slots_of_page());
    cr_expect_eq(found.counts.unreachable_objects, 3 + 3 * slots_of_page());
    cr_expect_eq(found.counts.object_bytes, 512 + 3 * 4096);
    // And may have referred to all that was found unreachable.
    cr_expect_eq(found.counts.reachable_objects, 5 + 3 + 3 * slots_of_page());
    cr_expect_eq(found.counts.reachable_bytes, 320 + 192 + 3 * 4096);
}

Test(possible_totals, lost_names_change_nothing_and_lost_roots_only_what_is_reachable)
{
    const SnapshotLoss names = {.kind = LOSS_NAMES}, roots = {.kind = LOSS_ROOTS};
    PossibleTotals found = possible(false, &names, 1);

    cr_expect(found.is_known);
    cr_expect_eq(found.counts.reachable_objects, 5);
    found = possible(false, &roots, 1);
    cr_expect(found.is_known);
    cr_expect_eq(found.counts.reachable_objects, 8);
    cr_expect_eq(found.counts.objects, 8);
}

Test(possible_totals, are_not_known_where_the_size_of_the_loss_is_not)
{
    const SnapshotLoss loss = {.kind = LOSS_PAGES, .bytes = 0};

    cr_expect_not(possible(false, &loss, 1).is_known);
    cr_expect_not(possible(false, NULL, 0).is_known);
}

Test(possible_totals, do_not_overflow)
{
    const SnapshotLoss loss = {.kind = LOSS_PAGES, .bytes = UINT64_MAX - 8192};
    PossibleTotals found = possible(false, &loss, 1);

    cr_expect(found.is_known);
    cr_expect_geq(found.counts.objects, UINT64_MAX / 4096);
    cr_expect_eq(found.heap_bytes, UINT64_MAX);
}
