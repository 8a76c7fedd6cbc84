// Pages that few objects keep, and the dominators of these objects, in heaps made by hand.

#include <criterion/criterion.h>

#include "analysis/page_fragmentation.h"
#include "tests/support/heap_answers.h"

#define PAGES UINT64_C(0x10000000)
#define PAGE UINT64_C(4096)
#define ORDER UINT64_C(0x400010)
#define CART UINT64_C(0x400020)

static PageFragmentation find(const HeapAnswers *answers, bool has_tree)
{
    PageFragmentation out;
    Error error;

    cr_assert(page_fragmentation_find(answers->image, answers->mark,
                                      has_tree ? answers->tree : NULL, answers->types, &out,
                                      &error));
    return out;
}

Test(page_fragmentation, a_quarter_of_the_slots_is_nearly_empty)
{
    cr_expect_not(page_is_nearly_empty(0, 40));
    cr_expect(page_is_nearly_empty(1, 40));
    cr_expect(page_is_nearly_empty(10, 40));
    cr_expect_not(page_is_nearly_empty(11, 40));
}

// One page with a garbage object, one with 9 of 39 objects reachable, one with 10, one of another
// class, and a large object.
Test(page_fragmentation, pages_are_counted_by_class)
{
    MadeHeap *heap = made_heap_new(NULL);
    HeapAnswers answers;
    uint64_t pages[4];

    for (uint64_t i = 0; i < 4; i++)
        pages[i] = made_heap_page(heap, PAGES + i * PAGE, i < 3 ? 64 : 512, 1);
    cr_assert_eq(made_heap_slots(heap, pages[0]), 39);
    (void)made_heap_object(heap, pages[0], 0);
    for (uint32_t slot = 0; slot < 10; slot++) {
        made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, pages[2], slot));
        if (slot < 9)
            made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, pages[1], slot));
    }
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, pages[3], 0));
    made_heap_root(heap, ROOT_GLOBAL,
                   made_heap_object(heap, made_heap_page(heap, PAGES + 16 * PAGE, 9000, 1), 0));
    heap_answers_of(&answers, heap);
    PageFragmentation out = find(&answers, false);

    cr_assert_eq(out.class_count, 2);
    cr_expect_eq(out.classes[0].block_size, 64);
    cr_expect_eq(out.classes[0].pages, 3);
    cr_expect_eq(out.classes[0].without_reachable, 1);
    cr_expect_eq(out.classes[0].nearly_empty, 1);
    cr_expect_eq(out.classes[0].free_bytes, 30 * 64);
    cr_expect_eq(out.classes[1].block_size, 512);
    cr_expect_eq(out.classes[1].nearly_empty, 1);
    cr_expect_not(out.has_keepers);
    page_fragmentation_release(&out);
    heap_answers_close(&answers);
}

// Two pages with an order each, both of one cart, and a third with an order that a root holds.
Test(page_fragmentation, keepers_are_grouped_by_type_and_dominator)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t cart = made_heap_object(heap, made_heap_page(heap, PAGES + 16 * PAGE, 2048, 1), 0);
    HeapAnswers answers;

    made_heap_set_type(heap, cart, CART);
    for (uint64_t i = 0; i < 3; i++) {
        uint64_t order = made_heap_object(heap, made_heap_page(heap, PAGES + i * PAGE, 64, 1), 0);

        made_heap_set_type(heap, order, ORDER);
        if (i < 2)
            made_heap_refer(heap, cart, i, order);
        else
            made_heap_root(heap, ROOT_GLOBAL, order);
    }
    made_heap_root(heap, ROOT_GLOBAL, cart);
    heap_answers_of(&answers, heap);
    PageFragmentation out = find(&answers, true);
    uint32_t cart_type = answers.types->by_node[heap_answers_node(&answers, cart)];

    cr_expect(out.has_keepers);
    cr_assert_geq(out.keeper_count, 2);
    cr_expect_eq(out.keepers[0].kept_by, cart_type);
    cr_expect_eq(out.keepers[0].pages, 2);
    cr_expect_eq(out.keepers[0].objects, 2);
    cr_expect_eq(out.keepers[0].free_bytes, 2 * 38 * 64);
    cr_expect_eq(out.keepers[1].kept_by, answers.types->type_count);
    cr_expect_eq(out.keepers[1].pages, 1);
    page_fragmentation_release(&out);
    heap_answers_close(&answers);
}
