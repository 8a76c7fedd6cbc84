// Referrers of objects, blocks and free slots, on a small heap.

#include <criterion/criterion.h>

#include "analysis/referrer_search.h"
#include "tests/support/made_heap.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x50000000)
#define SLOT(index) (PAGE + 1600 + 64 * (uint64_t)(index))

// 0 is a root and refers to 1 twice and to the block; the block refers to 1, and inside it, too.
// 2 is garbage and refers to 1 and to the free slot 9.
static HeapImage *open_heap(void)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    HeapImage *image;

    for (uint32_t slot = 0; slot < 3; slot++)
        made_heap_object(heap, page, slot);
    made_heap_refer(heap, SLOT(0), 0, SLOT(1));
    made_heap_refer(heap, SLOT(0), 1, BLOCK + 8);
    made_heap_block(heap, BLOCK, 32);
    made_heap_block_word(heap, BLOCK, 8, SLOT(1));
    made_heap_block_word(heap, BLOCK, 16, SLOT(1) + 8);
    made_heap_block_word(heap, BLOCK, 24, SLOT(1));
    made_heap_refer(heap, SLOT(2), 0, SLOT(9) + 16);
    made_heap_refer(heap, SLOT(2), 1, SLOT(1));
    made_heap_root(heap, ROOT_GLOBAL, SLOT(0));
    made_heap_root(heap, ROOT_GLOBAL, SLOT(1) + 8);
    made_heap_root(heap, ROOT_STACK, SLOT(1) + 8);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    return image;
}

static Referrers find(const HeapImage *image, uint64_t address)
{
    HeapPlace place = heap_place_at(image, address);
    MarkResult *mark;
    Referrers found;
    Error error;

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &mark, &error), "%s", error.message);
    cr_assert(referrers_find(image, mark, &place, &found, &error), "%s", error.message);
    mark_result_free(mark);
    return found;
}

Test(referrer_search, an_object_is_referred_to_by_its_start_and_from_stacks_by_its_inside)
{
    HeapImage *image = open_heap();
    Referrers found = find(image, SLOT(1));

    cr_expect_eq(found.root_count, 1);
    cr_expect_eq(image->roots[found.roots[0]].kind, ROOT_STACK);
    cr_assert_eq(found.node_count, 3);
    cr_expect_eq(found.node_words, 4);
    cr_expect_eq(found.garbage_count, 1);
    // Reachable ones first, objects before blocks.
    cr_expect_eq(found.nodes[0].slot, 0);
    cr_expect_eq(found.nodes[0].offset, 48);
    cr_expect_eq(found.nodes[1].page, NO_INDEX);
    cr_expect_eq(found.nodes[1].offset, 8);
    cr_expect_eq(found.nodes[1].words, 2);
    cr_expect_eq(found.nodes[2].slot, 2);
    cr_expect(!found.nodes[2].is_reachable);
    referrers_release(&found);
    heap_image_free(image);
}

Test(referrer_search, a_block_is_referred_to_by_its_inside)
{
    HeapImage *image = open_heap();
    Referrers found = find(image, BLOCK);

    cr_expect_eq(found.root_count, 0);
    cr_assert_eq(found.node_count, 1);
    cr_expect_eq(found.nodes[0].target, BLOCK + 8);
    referrers_release(&found);
    heap_image_free(image);
}

Test(referrer_search, words_into_a_free_slot_are_found)
{
    HeapImage *image = open_heap();
    Referrers found = find(image, SLOT(9));

    cr_assert_eq(found.node_count, 1);
    cr_expect_eq(found.nodes[0].slot, 2);
    cr_expect_eq(found.nodes[0].target, SLOT(9) + 16);
    referrers_release(&found);
    found = find(image, SLOT(20));
    cr_expect_eq(found.node_count + found.root_count, 0);
    referrers_release(&found);
    heap_image_free(image);
}
