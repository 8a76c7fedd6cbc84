// The objects that become garbage without some objects, blocks, types or roots of a small heap.

#include <criterion/criterion.h>
#include <stdio.h>

#include "analysis/what_if.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x50000000)
#define ORDER UINT64_C(0x400010)
#define ITEM UINT64_C(0x400020)

// A global and a stack word refer to an order each; both orders to one block with two items.
typedef struct Shop {
    HeapAnswers answers;
    uint64_t first, second, block, item;
} Shop;

static Shop shop_new(void)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    Shop shop = {
        .first = made_heap_object(heap, page, 0),
        .second = made_heap_object(heap, page, 1),
        .block = made_heap_block(heap, BLOCK, 40),
        .item = made_heap_object(heap, page, 2),
    };
    uint64_t other = made_heap_object(heap, page, 3);

    made_heap_set_type(heap, shop.first, ORDER);
    made_heap_set_type(heap, shop.second, ORDER);
    made_heap_set_type(heap, shop.item, ITEM);
    made_heap_set_type(heap, other, ITEM);
    made_heap_refer(heap, shop.first, 0, shop.block);
    made_heap_refer(heap, shop.second, 0, shop.block);
    made_heap_block_word(heap, shop.block, 0, shop.item);
    made_heap_block_word(heap, shop.block, 8, other);
    made_heap_root(heap, ROOT_GLOBAL, shop.first);
    made_heap_root(heap, ROOT_STACK, shop.second);
    heap_answers_of(&shop.answers, heap);
    return shop;
}

// The answer for the selections that the texts make.
static WhatIf without(const Shop *shop, const char *const *texts, uint32_t count)
{
    HeapSelection cuts[4];
    WhatIf answer;
    Error error;

    for (uint32_t i = 0; i < count; i++)
        cr_assert(heap_selection_make(shop->answers.image, shop->answers.report->type_table,
                                      SELECT_HEAP_AND_ROOTS, texts[i], &cuts[i], &error),
                  "%s", error.message);
    cr_assert(what_if_make(shop->answers.image, shop->answers.mark,
                           shop->answers.report->type_table, cuts, count, &answer, &error));
    for (uint32_t i = 0; i < count; i++)
        heap_selection_release(&cuts[i]);
    return answer;
}

static WhatIf without_address(const Shop *shop, uint64_t address)
{
    char text[32];

    (void)snprintf(text, sizeof text, "0x%llx", (unsigned long long)address);
    return without(shop, (const char *const[]){text}, 1);
}

static void expect_freed(const WhatIf *answer, uint64_t objects, uint64_t blocks)
{
    cr_expect_eq(answer->freed.objects, objects);
    cr_expect_eq(answer->freed.object_bytes, objects * 64);
    cr_expect_eq(answer->freed.blocks, blocks);
    cr_expect_eq(answer->freed.block_bytes, blocks * 40);
}

Test(what_if, one_of_two_holders_frees_itself_alone)
{
    Shop shop = shop_new();
    WhatIf answer = without_address(&shop, shop.first);

    cr_expect_eq(answer.cut_objects, 1);
    expect_freed(&answer, 1, 0);
    what_if_release(&answer);
    heap_answers_close(&shop.answers);
}

Test(what_if, a_block_frees_what_only_it_refers_to)
{
    Shop shop = shop_new();
    WhatIf answer = without_address(&shop, shop.block + 16);

    cr_expect_eq(answer.cut_blocks, 1);
    expect_freed(&answer, 2, 1);
    cr_assert_eq(answer.type_count, 2);
    cr_expect_eq(answer.types[0].objects, 2);
    cr_expect_eq(answer.types[1].type, shop.answers.report->type_table->type_count);
    cr_expect_eq(answer.types[1].bytes, 40);
    what_if_release(&answer);
    heap_answers_close(&shop.answers);
}

Test(what_if, a_type_goes_as_a_whole)
{
    Shop shop = shop_new();
    WhatIf answer = without(&shop, (const char *const[]){"type #1"}, 1);

    // Types without a name are numbered: orders come first.
    cr_expect_eq(answer.cut_objects, 2);
    expect_freed(&answer, 4, 1);
    what_if_release(&answer);
    heap_answers_close(&shop.answers);
}

Test(what_if, roots_and_objects_can_go_together)
{
    Shop shop = shop_new();
    WhatIf answer = without(&shop, (const char *const[]){"stack"}, 1);

    cr_expect_eq(answer.cut_roots, 1);
    expect_freed(&answer, 1, 0);
    what_if_release(&answer);
    answer = without(&shop, (const char *const[]){"stack", "global"}, 2);
    cr_expect_eq(answer.cut_roots, 2);
    expect_freed(&answer, 4, 1);
    what_if_release(&answer);
    heap_answers_close(&shop.answers);
}
