// Growth between heaps made by hand: which objects are the same, and which only lie where others
// did; growth in every step.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/heap_diff.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define OTHER_PAGE UINT64_C(0x10001000)
#define ORDER UINT64_C(0x400010)
#define CART UINT64_C(0x400020)

// A heap that a test fills, and its profile.
typedef struct Made {
    MadeHeap *heap;
    uint64_t page;
} Made;

static Made made_new(uint32_t owner)
{
    Made made = {.heap = made_heap_new(NULL)};

    made.page = made_heap_page(made.heap, PAGE, 64, owner);
    return made;
}

// An order in a slot, held by a global.
static uint64_t add(Made *made, uint32_t slot)
{
    uint64_t object = made_heap_object(made->heap, made->page, slot);

    made_heap_set_type(made->heap, object, ORDER);
    made_heap_root(made->heap, ROOT_GLOBAL, object);
    return object;
}

static HeapProfile *profile_of(Made *made)
{
    HeapAnswers answers;
    MergedPaths *merged = NULL;
    HeapProfile *profile = NULL;
    PathQuery all = {.context = NULL};
    PathTree tree;
    Error error;

    heap_answers_of(&answers, made->heap);
    cr_assert(path_tree_init(&tree, answers.graph, &all, &error));
    cr_assert(merged_paths_new(&tree, answers.types, NULL, NULL, &merged, &error));
    cr_assert(heap_profile_new(answers.image, answers.mark, answers.report, merged, answers.types,
                               &profile, &error));
    merged_paths_free(merged);
    path_tree_release(&tree);
    heap_answers_close(&answers);
    return profile;
}

static HeapDiff *diff_of(HeapProfile **profiles, uint32_t count)
{
    HeapDiff *diff = NULL;
    Error error;

    cr_assert(heap_diff_new((const HeapProfile *const *)profiles, count, &diff, &error), "%s",
              error.message);
    return diff;
}

// The moves between two heaps; consumes them.
static ObjectMoves moves_between(Made *before, Made *after)
{
    HeapProfile *profiles[] = {profile_of(before), profile_of(after)};
    HeapDiff *diff = diff_of(profiles, 2);
    ObjectMoves moves = diff->moves[0], sum = {0};

    cr_expect(diff->is_one_process);
    for (uint32_t i = 0; i < diff->type_count; i++) {
        sum.kept += diff->types[i].moves.kept;
        sum.fresh += diff->types[i].moves.fresh;
        sum.gone += diff->types[i].moves.gone;
        sum.reused += diff->types[i].moves.reused;
    }
    cr_expect_eq(memcmp(&sum, &moves, sizeof sum), 0, "types do not add up");
    heap_diff_free(diff);
    heap_profile_free(profiles[0]);
    heap_profile_free(profiles[1]);
    return moves;
}

static void expect_moves(ObjectMoves moves, uint64_t kept, uint64_t fresh, uint64_t gone,
                         uint64_t reused)
{
    cr_expect_eq(moves.kept, kept);
    cr_expect_eq(moves.fresh, fresh);
    cr_expect_eq(moves.gone, gone);
    cr_expect_eq(moves.reused, reused);
}

Test(heap_diff, objects_at_the_same_place_with_the_same_header_are_kept)
{
    Made before = made_new(1), after = made_new(1);

    (void)add(&before, 0);
    (void)add(&before, 1);
    (void)add(&after, 0);
    (void)add(&after, 2);
    expect_moves(moves_between(&before, &after), 1, 1, 1, 0);
}

Test(heap_diff, another_type_at_the_same_place_is_another_object)
{
    Made before = made_new(1), after = made_new(1);

    (void)add(&before, 0);
    made_heap_set_type(after.heap, add(&after, 0), CART);
    expect_moves(moves_between(&before, &after), 0, 1, 1, 1);
}

Test(heap_diff, a_slot_whose_header_counts_another_use_was_used_again)
{
    Made before = made_new(1), after = made_new(1);

    made_heap_set_uses(before.heap, add(&before, 0), 1);
    made_heap_set_uses(after.heap, add(&after, 0), 2);
    expect_moves(moves_between(&before, &after), 0, 1, 1, 1);
}

Test(heap_diff, an_object_that_survived_a_collection_does_not_become_young)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    Made before = made_new(1), after = made_new(1);

    made_heap_set_weak(before.heap, add(&before, 0), layout->old_bit);
    (void)add(&after, 0);
    expect_moves(moves_between(&before, &after), 0, 1, 1, 1);
    before = made_new(1);
    after = made_new(1);
    (void)add(&before, 0);
    made_heap_set_weak(after.heap, add(&after, 0), layout->old_bit);
    expect_moves(moves_between(&before, &after), 1, 0, 0, 0);
}

Test(heap_diff, a_page_of_another_thread_or_that_became_young_holds_other_objects)
{
    Made before = made_new(1), after = made_new(2);

    (void)add(&before, 0);
    (void)add(&after, 0);
    expect_moves(moves_between(&before, &after), 0, 1, 1, 1);
    before = made_new(1);
    after = made_new(1);
    made_heap_set_generation(before.heap, before.page, 1);
    (void)add(&before, 0);
    (void)add(&after, 0);
    expect_moves(moves_between(&before, &after), 0, 1, 1, 1);
}

Test(heap_diff, pages_come_and_go_with_their_objects)
{
    Made before = made_new(1), after = made_new(1);

    before.page = made_heap_page(before.heap, OTHER_PAGE, 128, 1);
    (void)add(&before, 0);
    (void)add(&after, 0);
    expect_moves(moves_between(&before, &after), 0, 1, 1, 0);
}

Test(heap_diff, a_page_of_another_size_class_shares_no_slots)
{
    Made before = {.heap = made_heap_new(NULL)}, after = made_new(1);

    before.page = made_heap_page(before.heap, PAGE, 128, 1);
    (void)add(&before, 0);
    (void)add(&after, 0);
    expect_moves(moves_between(&before, &after), 0, 1, 1, 0);
}

// Heaps with counts[heap] orders each.
static HeapDiff *diff_of_counts(const uint32_t *counts, uint32_t count, HeapProfile **profiles)
{
    for (uint32_t heap = 0; heap < count; heap++) {
        Made made = made_new(1);

        for (uint32_t slot = 0; slot < counts[heap]; slot++)
            (void)add(&made, slot);
        profiles[heap] = profile_of(&made);
    }
    return diff_of(profiles, count);
}

static void free_all(HeapDiff *diff, HeapProfile **profiles)
{
    for (uint32_t i = 0; i < diff->heap_count; i++)
        heap_profile_free(profiles[i]);
    heap_diff_free(diff);
}

Test(heap_diff, growth_in_every_step_differs_from_growth_at_the_end)
{
    static const uint32_t always[] = {2, 3, 5, 6}, once[] = {2, 5, 5, 6};
    HeapProfile *profiles[4];
    HeapDiff *diff = diff_of_counts(always, 4, profiles);

    cr_assert_eq(diff->type_count, 1);
    cr_expect(diff->types[0].grew_always);
    cr_expect_eq(diff->types[0].growth, 4 * 64);
    cr_expect_eq(diff->types[0].objects[2], 5);
    cr_expect_eq(diff->path_count, 1);
    cr_expect(diff->paths[0].grew_always);
    cr_expect_eq(diff->paths[0].bytes[3], 6 * 64);
    free_all(diff, profiles);
    diff = diff_of_counts(once, 4, profiles);
    cr_expect_not(diff->types[0].grew_always);
    free_all(diff, profiles);
}

Test(heap_diff, fields_of_paths_are_left_out_where_one_heap_does_not_know_them)
{
    ProfilePath named[] = {{.label = strdup("global\n.audit\tApp\n[].order\tOrder")},
                           {.label = strdup("global\n.other\tApp")}};
    ProfilePath plain[] = {{.label = strdup("global\nApp")}};
    HeapProfile known = {.has_paths = true, .knows_fields = true, .path_count = 2, .paths = named};
    HeapProfile unknown = {.has_paths = true, .path_count = 1, .paths = plain};
    HeapProfile *profiles[] = {&known, &unknown};

    heap_profiles_match(profiles, 1);
    cr_expect_str_eq(named[1].label, "global\n.other\tApp");
    heap_profiles_match(profiles, 2);
    // In order.
    cr_expect_str_eq(named[0].label, "global\nApp");
    cr_expect_str_eq(named[1].label, "global\nApp\nOrder");
    cr_expect_str_eq(plain[0].label, "global\nApp");
    free(named[0].label);
    free(named[1].label);
    free(plain[0].label);
}

Test(heap_diff, types_without_names_are_matched_by_their_functions_not_by_their_numbers)
{
    // The second heap has a type before the one that both have; the third is another build.
    ProfileType first[] = {
        {.label = (char *)(uintptr_t) "type #1 (trace shop+0x200)", .build = "aa"}};
    ProfileType second[] = {
        {.label = (char *)(uintptr_t) "type #1 (trace shop+0x100)", .build = "aa"},
        {.label = (char *)(uintptr_t) "type #2 (trace shop+0x200)", .build = "aa"}};
    ProfileType third[] = {
        {.label = (char *)(uintptr_t) "type #1 (trace shop+0x200)", .build = "bb"}};
    HeapProfile heaps[] = {{.types = first, .type_count = 1},
                           {.types = second, .type_count = 2},
                           {.types = third, .type_count = 1}};
    HeapProfile *same[] = {&heaps[0], &heaps[1]}, *other[] = {&heaps[0], &heaps[2]};
    HeapDiff *diff;

    first[0].counts.reachable_objects = first[0].counts.reachable_bytes = 5;
    second[0].counts.reachable_objects = second[0].counts.reachable_bytes = 2;
    second[1].counts.reachable_objects = second[1].counts.reachable_bytes = 8;
    third[0].counts.reachable_objects = third[0].counts.reachable_bytes = 5;
    diff = diff_of(same, 2);
    cr_assert_eq(diff->type_count, 2);
    cr_expect_str_eq(diff->types[0].label, "type #2 (trace shop+0x200)");
    cr_expect_eq(diff->types[0].growth, 3);
    cr_expect_eq(diff->types[0].objects[0], 5);
    cr_expect_eq(diff->types[1].growth, 2);
    heap_diff_free(diff);
    diff = diff_of(other, 2);
    cr_assert_eq(diff->type_count, 2);
    cr_expect_eq(diff->types[0].growth, 5);
    cr_expect_eq(diff->types[1].growth, -5);
    heap_diff_free(diff);
}
