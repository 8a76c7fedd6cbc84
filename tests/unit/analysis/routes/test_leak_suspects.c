// Where objects accumulate in heaps made by hand.

#include <criterion/criterion.h>

#include "analysis/heap_report.h"
#include "analysis/routes/leak_suspects.h"
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

// Compared with `older_count` older heaps.
static LeakSuspects compared(Shop *shop, HeapAnswers *answers, const RouteHistory *older,
                             uint32_t older_count)
{
    static const PathQuery all = {.context = NULL};
    LeakSuspects suspects;
    TypeRoutes *routes;
    PathTree paths;
    Error error;

    heap_answers_of(answers, shop->heap);
    cr_assert(dominator_tree_add_children(answers->tree, &error));
    cr_assert(path_tree_init(&paths, answers->graph, &all, &error));
    cr_assert(type_routes_new(answers->tree, answers->types, &paths, NULL, &routes, &error));
    cr_assert(leak_suspects_find(routes,
                                 answers->tree->retained_bytes[dominator_tree_top(answers->tree)],
                                 older, older_count, MAX_SUSPECTS, &suspects, &error));
    type_routes_free(routes);
    path_tree_release(&paths);
    return suspects;
}

static LeakSuspects suspects_of(Shop *shop, HeapAnswers *answers)
{
    return compared(shop, answers, NULL, 0);
}

static void add_history(HeapHistory *history, Shop *shop)
{
    HeapAnswers answers;
    Error error;

    heap_answers_of(&answers, shop->heap);
    cr_assert(heap_report_add_history(answers.image, answers.mark, answers.report, answers.tree,
                                      answers.types, &(CollectorMemory){.block_count = 0}, history,
                                      &error));
    heap_answers_close(&answers);
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

// A linked list of malloc'd cells, each with an object; `held` of them.
static LeakSuspects suspects_of_list(uint64_t held, HeapAnswers *answers)
{
    Shop shop = shop_new();
    uint64_t owner = add(&shop, CART), before = 0;

    for (uint64_t i = 0; i < 100; i++) {
        uint64_t cell = made_heap_block(shop.heap, UINT64_C(0x50000000) + 1024 * i, 800);

        if (i < held)
            made_heap_block_word(shop.heap, cell, 8, add(&shop, ORDER));
        if (i == 0)
            made_heap_refer(shop.heap, owner, 0, cell);
        else
            made_heap_block_word(shop.heap, before, 0, cell);
        before = cell;
    }
    made_heap_root(shop.heap, ROOT_GLOBAL, owner);
    return suspects_of(&shop, answers);
}

Test(leak_suspects, objects_behind_blocks_are_named)
{
    HeapAnswers answers;
    LeakSuspects suspects = suspects_of_list(100, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect_neq(suspects.suspects[0].type, node_types_foreign(answers.types));
    cr_expect_eq(suspects.suspects[0].type, answers.types->by_node[suspects.suspects[0].example]);
    cr_expect_eq(suspects.suspects[0].objects, 100);
    cr_expect_eq(suspects.suspects[0].blocks, 100);
    cr_expect_eq(suspects.suspects[0].retained_bytes, 100 * (800 + 64));
    cr_expect_not(suspects.suspects[0].is_nested);
    heap_answers_close(&answers);
}

Test(leak_suspects, blocks_with_few_objects_are_the_crowd)
{
    HeapAnswers answers;
    LeakSuspects suspects = suspects_of_list(24, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect_eq(suspects.suspects[0].type, node_types_foreign(answers.types));
    cr_expect_eq(suspects.suspects[0].objects, 100);
    cr_expect_eq(suspects.suspects[0].blocks, 0);
    heap_answers_close(&answers);
}

Test(leak_suspects, objects_that_roots_hold_accumulate_there)
{
    Shop shop = shop_new();
    HeapAnswers answers;

    // A handle for each: none of them holds a crowd, all together do.
    for (uint32_t i = 0; i < 100; i++)
        made_heap_root(shop.heap, ROOT_HANDLE, add(&shop, ORDER));
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect(dominator_tree_is_holder(answers.tree, suspects.suspects[0].place));
    cr_expect_eq(suspects.suspects[0].objects, 100);
    cr_expect_eq(suspects.suspects[0].places, 1);
    heap_answers_close(&answers);
}

Test(leak_suspects, a_crowd_has_twenty_members)
{
    for (uint64_t count = SUSPECT_CROWD - 1; count <= SUSPECT_CROWD; count++) {
        Shop shop = shop_new();
        HeapAnswers answers;

        for (uint64_t i = 0; i < count; i++)
            made_heap_refer(shop.heap, shop.shelf, i, add(&shop, ORDER));
        made_heap_root(shop.heap, ROOT_GLOBAL, shop.shelf);
        cr_expect_eq(suspects_of(&shop, &answers).count, count >= SUSPECT_CROWD);
        heap_answers_close(&answers);
    }
}

// A shelf of its own, with `count` objects on it.
static uint64_t add_shelf(Shop *shop, uint64_t number, uint64_t count, uint64_t type)
{
    uint64_t page = LARGE_PAGE + (16 + 16 * number) * PAGE;
    uint64_t shelf = made_heap_object(shop->heap, made_heap_page(shop->heap, page, 4096, 1), 0);

    for (uint64_t i = 0; i < count; i++)
        made_heap_refer(shop->heap, shelf, i, add(shop, type));
    return shelf;
}

Test(leak_suspects, one_leak_in_many_places_is_one_suspect)
{
    Shop shop = shop_new();
    HeapAnswers answers;

    // More shelves than each has orders would be a crowd of shelves; a root each makes them places.
    for (uint64_t i = 0; i < 8; i++) {
        uint64_t cart = add(&shop, CART);

        made_heap_refer(shop.heap, cart, 1, add_shelf(&shop, i, 50, ORDER));
        made_heap_root(shop.heap, ROOT_STACK, cart);
    }
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect_eq(suspects.suspects[0].objects, 8 * 50);
    cr_expect_eq(suspects.suspects[0].places, 8);
    cr_expect_eq(suspects.suspects[0].retained_bytes, 8 * 50 * 64);
    cr_expect_not(suspects.suspects[0].is_nested);
    heap_answers_close(&answers);
}

Test(leak_suspects, fields_of_one_object_are_told_apart)
{
    Shop shop = shop_new();
    uint64_t cart = add(&shop, CART);
    HeapAnswers answers;

    made_heap_refer(shop.heap, cart, 0, add_shelf(&shop, 0, 100, ORDER));
    made_heap_refer(shop.heap, cart, 1, add_shelf(&shop, 1, 50, ORDER));
    made_heap_root(shop.heap, ROOT_GLOBAL, cart);
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 2);
    cr_expect_eq(suspects.suspects[0].objects, 100);
    cr_expect_eq(suspects.suspects[1].objects, 50);
    heap_answers_close(&answers);
}

Test(leak_suspects, the_items_of_a_crowd_are_not_named_instead)
{
    Shop shop = shop_new();
    HeapAnswers answers;

    // 60 shelves of 25 orders: the shelves are what piles up.
    for (uint64_t i = 0; i < 60; i++)
        made_heap_refer(shop.heap, shop.shelf, i, add_shelf(&shop, i, 25, ORDER));
    made_heap_root(shop.heap, ROOT_GLOBAL, shop.shelf);
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect_eq(suspects.suspects[0].place, heap_answers_node(&answers, shop.shelf));
    heap_answers_close(&answers);
}

Test(leak_suspects, a_long_list_is_one_suspect)
{
    Shop shop = shop_new();
    uint64_t last = add(&shop, CART), first = last;
    HeapAnswers answers;

    for (uint32_t i = 0; i < 1000; i++) {
        uint64_t node = add(&shop, ORDER);

        made_heap_refer(shop.heap, last, 0, node);
        last = node;
    }
    made_heap_root(shop.heap, ROOT_GLOBAL, first);
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect_eq(suspects.suspects[0].place, heap_answers_node(&answers, first));
    cr_expect_eq(suspects.suspects[0].objects, 1000);
    cr_expect_eq(suspects.suspects[0].retained_bytes, 1000 * 64);
    cr_expect(suspects.suspects[0].is_nested);
    heap_answers_close(&answers);
}

Test(leak_suspects, an_object_that_a_stale_block_refers_to_belongs_to_its_container)
{
    Shop shop = shop_new();
    uint64_t owner = add(&shop, CART);
    uint64_t block = made_heap_block(shop.heap, UINT64_C(0x50000000), 800);
    uint64_t stale = made_heap_block(shop.heap, UINT64_C(0x50001000), 400);
    HeapAnswers answers;

    for (uint64_t i = 0; i < 100; i++) {
        uint64_t order = add(&shop, ORDER);

        made_heap_block_word(shop.heap, block, 8 * i, order);
        if (i < 50)
            made_heap_block_word(shop.heap, stale, 8 * i, order);
        if (i == 70)
            made_heap_root(shop.heap, ROOT_STACK, order);
    }
    made_heap_refer(shop.heap, owner, 0, block);
    made_heap_root(shop.heap, ROOT_GLOBAL, owner);
    made_heap_root(shop.heap, ROOT_GLOBAL, stale);
    LeakSuspects suspects = suspects_of(&shop, &answers);

    cr_assert_eq(suspects.count, 1);
    cr_expect_eq(suspects.suspects[0].owner, heap_answers_node(&answers, owner));
    cr_expect_eq(suspects.suspects[0].objects, 100);
    heap_answers_close(&answers);
}

// A large shelf that stays as it is, and a smaller one with `count` objects.
static Shop two_shelves(uint64_t count)
{
    Shop shop = shop_new();

    made_heap_root(shop.heap, ROOT_GLOBAL, add_shelf(&shop, 0, 300, CART));
    made_heap_root(shop.heap, ROOT_GLOBAL, add_shelf(&shop, 1, count, ORDER));
    return shop;
}

Test(leak_suspects, what_grew_comes_first)
{
    Shop before = two_shelves(40), after = two_shelves(100), same = two_shelves(40);
    HeapHistory older = {.count = 0};
    HeapAnswers answers;
    LeakSuspects suspects;

    add_history(&older, &before);
    suspects = compared(&after, &answers, older.routes, 1);
    cr_assert_eq(suspects.count, 2);
    cr_expect_eq(suspects.suspects[0].objects, 100);
    cr_expect_eq(suspects.suspects[0].growth.knowledge, GROWTH_KNOWN);
    cr_expect_eq(suspects.suspects[0].growth.objects, 60);
    cr_expect_eq(suspects.suspects[0].growth.bytes, 60 * 64);
    cr_expect_eq(suspects.suspects[1].growth.objects, 0);
    heap_answers_close(&answers);
    suspects = compared(&same, &answers, older.routes, 1);
    cr_expect_eq(suspects.suspects[0].objects, 300);
    cr_expect_eq(suspects.suspects[0].growth.bytes, 0);
    heap_answers_close(&answers);
    heap_history_release(&older);
}

// A cache with `cached` objects, which is full soon, and a leak of `leaked`.
static Shop cache_and_leak(uint64_t cached, uint64_t leaked)
{
    Shop shop = shop_new();

    made_heap_root(shop.heap, ROOT_GLOBAL, add_shelf(&shop, 0, cached, CART));
    made_heap_root(shop.heap, ROOT_GLOBAL, add_shelf(&shop, 1, leaked, ORDER));
    return shop;
}

Test(leak_suspects, what_grew_in_every_step_comes_before_what_grew_more)
{
    Shop first = cache_and_leak(50, 40), second = cache_and_leak(300, 60),
         last = cache_and_leak(300, 100);
    HeapHistory older = {.count = 0};
    HeapAnswers answers;
    LeakSuspects suspects;

    add_history(&older, &first);
    add_history(&older, &second);
    suspects = compared(&last, &answers, older.routes, older.count);
    cr_assert_eq(suspects.count, 2);
    cr_expect_eq(suspects.suspects[0].objects, 100);
    cr_expect_eq(suspects.suspects[0].growth.objects, 60);
    cr_expect(suspects.suspects[0].growth.is_steady);
    cr_expect_eq(suspects.suspects[1].growth.objects, 250);
    cr_expect_not(suspects.suspects[1].growth.is_steady);
    heap_answers_close(&answers);
    heap_history_release(&older);
}

Test(leak_suspects, pairs_and_small_shares_are_none)
{
    Shop shop = shop_new();
    HeapAnswers answers;

    for (uint64_t i = 0; i < 2; i++) {
        uint64_t page = LARGE_PAGE + (1024 + 64 * i) * PAGE;

        made_heap_refer(shop.heap, shop.shelf, i,
                        made_heap_object(shop.heap, made_heap_page(shop.heap, page, 90000, 1), 0));
    }
    made_heap_root(shop.heap, ROOT_GLOBAL, shop.shelf);
    made_heap_root(shop.heap, ROOT_GLOBAL, add_shelf(&shop, 0, SUSPECT_CROWD, ORDER));
    cr_expect_eq(suspects_of(&shop, &answers).count, 0);
    heap_answers_close(&answers);
}
