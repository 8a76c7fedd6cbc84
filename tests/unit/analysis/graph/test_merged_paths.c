// Paths merged by type: repeated steps, targets at and below a step, and dropped steps.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analysis/graph/merged_paths.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define CART UINT64_C(0x400010)
#define ORDER UINT64_C(0x400020)

static uint64_t typed(MadeHeap *heap, uint64_t page, uint32_t slot, uint64_t type)
{
    uint64_t object = made_heap_object(heap, page, slot);

    made_heap_set_type(heap, object, type);
    return object;
}

static MergedPaths *merge(const HeapAnswers *answers,
                          bool (*is_target)(const void *context, uint32_t node),
                          const void *context)
{
    PathQuery all = {.context = NULL};
    MergedPaths *merged = NULL;
    PathTree tree;
    Error error;

    cr_assert(path_tree_init(&tree, answers->graph, &all, &error));
    cr_assert(merged_paths_new(&tree, answers->types, is_target, context, &merged, &error));
    path_tree_release(&tree);
    return merged;
}

// The only step right below one.
static uint32_t below(const MergedPaths *merged, const HeapAnswers *answers, uint32_t step)
{
    uint32_t count, only, *children = merged_paths_children(merged, answers->types, step, &count);

    cr_assert_not_null(children);
    cr_assert_eq(count, 1);
    only = children[0];
    free(children);
    return only;
}

Test(merged_paths, a_list_is_one_repeated_step)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    HeapAnswers answers;

    for (uint32_t slot = 0; slot < 5; slot++)
        made_heap_refer(heap, typed(heap, page, slot, ORDER), 0,
                        made_heap_slot(heap, page, slot + 1));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_slot(heap, page, 0));
    heap_answers_of(&answers, heap);
    MergedPaths *merged = merge(&answers, NULL, NULL);
    uint32_t group = below(merged, &answers, NO_INDEX), list = below(merged, &answers, group);

    cr_expect_eq(merged->step_count, 2);
    cr_expect_str_eq(merged_step_label(merged, answers.types, group), "global");
    cr_expect_eq(merged->steps[group].own_objects, 0);
    cr_expect_eq(merged->steps[group].objects, 5);
    cr_expect(merged->steps[list].is_repeated);
    cr_expect_eq(merged->steps[list].own_objects, 5);
    cr_expect_eq(merged->steps[list].own_bytes, 5 * 64);
    merged_paths_free(merged);
    heap_answers_close(&answers);
}

// A global refers to a cart with three orders; a stack word to an order of its own.
static uint64_t open_shop(HeapAnswers *answers)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 128, 1), cart = typed(heap, page, 0, CART);

    for (uint32_t slot = 1; slot <= 3; slot++)
        made_heap_refer(heap, cart, slot, typed(heap, page, slot, ORDER));
    made_heap_root(heap, ROOT_GLOBAL, cart);
    made_heap_root(heap, ROOT_FOREIGN, typed(heap, page, 4, ORDER));
    heap_answers_of(answers, heap);
    return cart;
}

static bool is_node(const void *context, uint32_t node)
{
    return *(const uint32_t *)context == node;
}

Test(merged_paths, objects_of_one_type_share_a_step)
{
    HeapAnswers answers;

    (void)open_shop(&answers);
    MergedPaths *merged = merge(&answers, NULL, NULL);
    uint32_t count, *groups = merged_paths_children(merged, answers.types, NO_INDEX, &count);

    cr_assert_eq(count, 2);
    // Most bytes first.
    cr_expect_str_eq(merged_step_label(merged, answers.types, groups[0]), "global");
    cr_expect_str_eq(merged_step_label(merged, answers.types, groups[1]), "other memory");
    uint32_t cart = below(merged, &answers, groups[0]), orders = below(merged, &answers, cart);
    cr_expect_eq(merged->steps[cart].own_objects, 1);
    cr_expect_eq(merged->steps[cart].objects, 4);
    cr_expect_eq(merged->steps[orders].own_objects, 3);
    cr_expect_eq(merged->steps[orders].own_bytes, 3 * 128);
    cr_expect_not(merged->steps[orders].is_repeated);
    free(groups);
    merged_paths_free(merged);
    heap_answers_close(&answers);
}

Test(merged_paths, steps_that_lead_to_no_target_are_dropped)
{
    HeapAnswers answers;

    uint32_t target = heap_answers_node(&answers, open_shop(&answers));
    MergedPaths *merged = merge(&answers, is_node, &target);
    uint32_t cart = below(merged, &answers, below(merged, &answers, NO_INDEX));

    cr_expect_eq(merged->step_count, 2);
    cr_expect_eq(merged->steps[cart].own_objects, 1);
    cr_expect_eq(merged->steps[cart].objects, 1);
    merged_paths_free(merged);
    heap_answers_close(&answers);
}

static bool is_order(const void *context, uint32_t node)
{
    const HeapAnswers *answers = context;
    NodePlace place = object_graph_place(answers->graph, node);

    return heap_image_type_word(answers->image, place.page, place.slot) == ORDER;
}

Test(merged_paths, the_lead_is_the_route_of_most_whatever_their_roots)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 128, 1), cart = 0, objects;
    HeapAnswers answers;
    uint32_t step;
    Error error;

    // Three orders that roots refer to, and two in each of two carts, which roots of two kinds
    // hold.
    for (uint32_t slot = 0; slot < 3; slot++)
        made_heap_root(heap, ROOT_GLOBAL, typed(heap, page, slot, ORDER));
    for (uint32_t i = 0; i < 2; i++) {
        cart = typed(heap, page, 3 + 3 * i, CART);
        made_heap_refer(heap, cart, 0, typed(heap, page, 4 + 3 * i, ORDER));
        made_heap_refer(heap, cart, 1, typed(heap, page, 5 + 3 * i, ORDER));
        made_heap_root(heap, i == 0 ? ROOT_GLOBAL : ROOT_TLS, cart);
    }
    uint64_t first_in_cart = made_heap_slot(heap, page, 4);
    heap_answers_of(&answers, heap);
    MergedPaths *merged = merge(&answers, is_order, &answers);

    cr_assert(merged_paths_lead(merged, &step, &objects, &error));
    cr_expect_eq(objects, 4);
    cr_expect_eq(merged->steps[step].own_objects, 2);
    cr_expect_str_eq(
        merged_step_label(merged, answers.types, merged->steps[step].parent),
        node_types_label(answers.types, answers.types->by_node[heap_answers_node(&answers, cart)]));
    cr_expect_eq(object_graph_address(answers.graph, merged->steps[step].example) % 4096,
                 first_in_cart % 4096);
    merged_paths_free(merged);
    heap_answers_close(&answers);
}
