// Malloc'd memory by the type that owns it.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analysis/check/malloc_owners.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCKS UINT64_C(0x50000000)
#define CART UINT64_C(0x400010)
#define ORDER UINT64_C(0x400020)

Test(malloc_owners, chains_of_blocks_belong_to_the_object_above_them)
{
    enum { CHAIN = 2000 };
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1), before = 0, shared, *bytes;
    uint64_t cart = made_heap_object(heap, page, 0), order = made_heap_object(heap, page, 1);
    HeapAnswers answers;
    Error error;

    made_heap_set_type(heap, cart, CART);
    made_heap_set_type(heap, order, ORDER);
    made_heap_root(heap, ROOT_GLOBAL, cart);
    made_heap_root(heap, ROOT_STACK, order);
    // Higher addresses come first, so that a walk in the order of addresses meets the end first.
    for (uint64_t i = CHAIN; i > 0; i--) {
        uint64_t block = made_heap_block(heap, BLOCKS + 64 * i, 48);

        if (before == 0)
            made_heap_refer(heap, cart, 0, block);
        else
            made_heap_block_word(heap, before, 0, block);
        before = block;
    }
    // Its end leads to the order, so that all of it is a part of the graph.
    made_heap_block_word(heap, before, 0, order);
    shared = made_heap_block(heap, BLOCKS - 4096, 1000);
    made_heap_block_word(heap, shared, 0, order);
    made_heap_refer(heap, cart, 1, shared);
    made_heap_refer(heap, order, 1, shared);
    heap_answers_of(&answers, heap);
    cr_assert(malloc_owners_find(answers.tree, answers.types, &bytes, &error));
    cr_expect_eq(bytes[answers.types->by_node[heap_answers_node(&answers, cart)]], CHAIN * 48);
    // Neither alone keeps it.
    cr_expect_eq(bytes[answers.types->by_node[heap_answers_node(&answers, order)]], 0);
    cr_expect_eq(bytes[node_types_foreign(answers.types)], 1000);
    free(bytes);
    heap_answers_close(&answers);
}
