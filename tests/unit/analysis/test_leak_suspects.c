// Where objects accumulate in heaps made by hand.

#include <criterion/criterion.h>

#include "analysis/leak_suspects.h"
#include "tests/support/heap_answers.h"

#define PAGES UINT64_C(0x10000000)
#define PAGE UINT64_C(4096)
#define LARGE_PAGE UINT64_C(0x20000000)
#define ORDER UINT64_C(0x400010)
#define CART UINT64_C(0x400020)

// Objects of 64 bytes, in as many pages as they need.
typedef struct Shop {
    MadeHeap *heap;
    uint32_t count;
    uint64_t shelf; // a large object: it can refer to all of them
} Shop;

static Shop shop_new(void)
{
    Shop shop = {.heap = made_heap_new(NULL)};

    shop.shelf = made_heap_object(shop.heap, made_heap_page(shop.heap, LARGE_PAGE, 4096, 1), 0);
    return shop;
}

static uint64_t add(Shop *shop, uint64_t type)
{
    uint32_t slots = 32, slot = shop->count % slots;
    uint64_t page = PAGES + shop->count / slots * PAGE, object;

    if (slot == 0)
        (void)made_heap_page(shop->heap, page, 64, 1);
    shop->count++;
    object = made_heap_object(shop->heap, page, slot);
    made_heap_set_type(shop->heap, object, type);
    return object;
}

static LeakSuspects suspects_of(Shop *shop, HeapAnswers *answers)
{
    CollectorMemory nothing = {0};
    LeakSuspects suspects;
    Error error;

    heap_answers_of(answers, shop->heap);
    cr_assert(leak_suspects_find(answers->tree, answers->types, &nothing, &suspects, &error));
    return suspects;
}

Test(leak_suspects, a_crowd_below_one_object_is_one)
{
    Shop shop = shop_new();
    uint64_t holder = add(&shop, CART);
    HeapAnswers answers;

    // Each order has a cart of its own: the order, not the cart, accumulates.
    for (uint64_t i = 0; i < 100; i++) {
        uint64_t order = add(&shop, ORDER);

        made_heap_refer(shop.heap, order, 0, add(&shop, CART));
        made_heap_refer(shop.heap, shop.shelf, i, order);
    }
    made_heap_refer(shop.heap, holder, 0, shop.shelf);
    made_heap_root(shop.heap, ROOT_GLOBAL, holder);
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 1);
    // Not the holder, below which a single child has nearly all.
    cr_expect_eq(suspects.suspects[0].place, heap_answers_node(&answers, shop.shelf));
    cr_expect_eq(suspects.suspects[0].owner, suspects.suspects[0].place);
    cr_expect_eq(suspects.suspects[0].objects, 100);
    cr_expect_eq(suspects.suspects[0].retained_bytes, 100 * (64 + 64));
    cr_expect_eq(suspects.suspects[0].type, answers.types->by_node[suspects.suspects[0].example]);
    heap_answers_close(&answers);
}

Test(leak_suspects, the_owner_of_a_block_is_the_object_above_it)
{
    Shop shop = shop_new();
    uint64_t owner = add(&shop, CART);
    uint64_t block = made_heap_block(shop.heap, UINT64_C(0x50000000), 800);
    HeapAnswers answers;

    for (uint64_t i = 0; i < 100; i++)
        made_heap_block_word(shop.heap, block, 8 * i, add(&shop, ORDER));
    made_heap_refer(shop.heap, owner, 0, block);
    made_heap_root(shop.heap, ROOT_GLOBAL, owner);
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect_eq(suspects.suspects[0].place, heap_answers_node(&answers, block));
    cr_expect_eq(suspects.suspects[0].owner, heap_answers_node(&answers, owner));
    heap_answers_close(&answers);
}

Test(leak_suspects, objects_that_several_roots_share_accumulate_at_the_roots)
{
    Shop shop = shop_new();
    HeapAnswers answers;

    for (uint32_t i = 0; i < 100; i++)
        made_heap_root(shop.heap, ROOT_GLOBAL, add(&shop, ORDER));
    LeakSuspects suspects = suspects_of(&shop, &answers);

    // Each is held by a word of its own, so nothing is right below several roots.
    cr_expect_eq(suspects.count, 0);
    heap_answers_close(&answers);
    shop = shop_new();
    for (uint32_t i = 0; i < 100; i++) {
        uint64_t order = add(&shop, ORDER);

        made_heap_root(shop.heap, ROOT_GLOBAL, order);
        made_heap_root(shop.heap, ROOT_GLOBAL, order);
    }
    suspects = suspects_of(&shop, &answers);
    cr_assert_eq(suspects.count, 1);
    cr_expect(dominator_tree_is_holder(answers.tree, suspects.suspects[0].place));
    cr_expect_eq(suspects.suspects[0].objects, 100);
    heap_answers_close(&answers);
}

Test(leak_suspects, crowds_come_before_larger_pairs_and_small_shares_not_at_all)
{
    Shop shop = shop_new();
    uint64_t pair =
        made_heap_object(shop.heap, made_heap_page(shop.heap, LARGE_PAGE + 16 * PAGE, 256, 1), 0);
    uint64_t few = add(&shop, CART);
    HeapAnswers answers;

    // Two large objects; a crowd that is smaller; two small objects, below 5 % of all.
    for (uint64_t i = 0; i < 2; i++) {
        uint64_t page = LARGE_PAGE + (32 + 16 * i) * PAGE;

        made_heap_refer(shop.heap, pair, i,
                        made_heap_object(shop.heap, made_heap_page(shop.heap, page, 9000, 1), 0));
        made_heap_refer(shop.heap, few, i, add(&shop, ORDER));
    }
    for (uint64_t i = 0; i < SUSPECT_CROWD + 60; i++)
        made_heap_refer(shop.heap, shop.shelf, i, add(&shop, ORDER));
    made_heap_root(shop.heap, ROOT_GLOBAL, pair);
    made_heap_root(shop.heap, ROOT_GLOBAL, few);
    made_heap_root(shop.heap, ROOT_GLOBAL, shop.shelf);
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 2);
    cr_expect_eq(suspects.suspects[0].place, heap_answers_node(&answers, shop.shelf));
    cr_expect_eq(suspects.suspects[1].place, heap_answers_node(&answers, pair));
    cr_expect_eq(suspects.suspects[1].objects, 2);
    cr_expect_eq(suspects.suspects[1].retained_bytes, 2 * 9000);
    heap_answers_close(&answers);
}
