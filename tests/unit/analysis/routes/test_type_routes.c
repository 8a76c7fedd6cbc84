// Routes of heaps made by hand: types and fields on the way, their keys, and where they begin.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/routes/route_label.h"
#include "analysis/routes/type_routes.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define SHOP UINT64_C(0x400010)
#define ORDER UINT64_C(0x400020)
#define ITEM UINT64_C(0x400030)
#define CUSTOMER UINT64_C(0x400040)

typedef struct Routed {
    HeapAnswers answers;
    TypeRoutes *routes;
} Routed;

// Frees the heap.
static void route(Routed *routed, MadeHeap *heap)
{
    static const PathQuery all = {.context = NULL};
    PathTree paths;
    Error error;

    heap_answers_of(&routed->answers, heap);
    cr_assert(dominator_tree_add_children(routed->answers.tree, &error));
    cr_assert(path_tree_init(&paths, routed->answers.graph, &all, &error));
    cr_assert(type_routes_new(routed->answers.tree, routed->answers.types, &paths, NULL,
                              &routed->routes, &error));
    path_tree_release(&paths);
}

static void close_routes(Routed *routed)
{
    type_routes_free(routed->routes);
    heap_answers_close(&routed->answers);
}

static const TypeRoute *route_of(const Routed *routed, uint64_t object)
{
    uint32_t index = routed->routes->by_node[heap_answers_node(&routed->answers, object)];

    cr_assert_neq(index, NO_INDEX);
    return &routed->routes->routes[index];
}

static uint64_t add(MadeHeap *heap, uint64_t page, uint32_t slot, uint64_t type)
{
    uint64_t object = made_heap_object(heap, page, slot);

    made_heap_set_type(heap, object, type);
    return object;
}

// Two shops, each with two orders in word `field`, at these addresses.
static MadeHeap *two_shops(uint64_t address, uint64_t field, uint64_t objects[6])
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, address, 64, 1);

    for (uint32_t i = 0; i < 6; i++)
        objects[i] = add(heap, page, i, i < 2 ? SHOP : ORDER);
    for (uint32_t i = 2; i < 6; i++)
        made_heap_refer(heap, objects[i % 2], i < 4 ? 0 : field, objects[i]);
    made_heap_root(heap, ROOT_STACK, objects[0]);
    made_heap_root(heap, ROOT_STACK, objects[1]);
    return heap;
}

Test(type_routes, objects_alike_have_one_route_and_other_fields_another)
{
    uint64_t objects[6];
    Routed routed;

    route(&routed, two_shops(PAGE, 1, objects));
    const TypeRoute *first = route_of(&routed, objects[2]), *second = route_of(&routed, objects[4]);

    cr_expect_eq(first, route_of(&routed, objects[3]));
    cr_expect_eq(second, route_of(&routed, objects[5]));
    cr_expect_neq(first, second);
    cr_expect_neq(first->key, second->key);
    cr_expect_eq(first->loose_key, second->loose_key);
    cr_expect_eq(first->objects, 2);
    cr_expect_eq(first->places, 2);
    cr_expect_eq(first->retained_bytes, 128);
    cr_expect_eq(first->depth, 1);
    cr_expect_eq(routed.routes->routes[first->parent].depth, 0);
    close_routes(&routed);
}

Test(type_routes, keys_and_labels_are_the_same_at_other_addresses)
{
    char here[ROUTE_FINGERPRINT_CHARS], there[ROUTE_FINGERPRINT_CHARS];
    uint64_t objects[6], others[6];
    Routed one, other;
    Error error;

    route(&one, two_shops(PAGE, 1, objects));
    route(&other, two_shops(PAGE + 0x100000, 1, others));
    const TypeRoute *a = route_of(&one, objects[4]), *b = route_of(&other, others[4]);
    char *label = route_label(one.routes, (uint32_t)(a - one.routes->routes));
    char *same = route_label(other.routes, (uint32_t)(b - other.routes->routes));

    cr_expect_eq(a->key, b->key);
    cr_expect_str_eq(label, same);
    cr_expect_not_null(strstr(label, "+56"), "%s", label);
    cr_assert(route_fingerprint(label, "Order", 0, here, &error));
    cr_assert(route_fingerprint(same, "Order", 0, there, &error));
    cr_expect_str_eq(here, there);
    cr_expect_eq(strlen(here), 8);
    cr_assert(route_fingerprint(same, "Item", 0, there, &error));
    cr_expect_str_neq(here, there);
    free(label);
    free(same);
    close_routes(&one);
    close_routes(&other);
}

Test(type_routes, a_list_stays_on_its_route)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1), nodes[10];
    Routed routed;

    for (uint32_t i = 0; i < 10; i++) {
        nodes[i] = add(heap, page, i, ORDER);
        if (i > 0)
            made_heap_refer(heap, nodes[i - 1], 0, nodes[i]);
    }
    made_heap_root(heap, ROOT_GLOBAL, nodes[0]);
    route(&routed, heap);
    const TypeRoute *list = route_of(&routed, nodes[0]);

    cr_expect_eq(list, route_of(&routed, nodes[9]));
    cr_expect(list->is_nested);
    cr_expect_eq(list->objects, 10);
    cr_expect_eq(list->entries, 1);
    cr_expect_eq(list->retained_bytes, 10 * 64);
    close_routes(&routed);
}

// Orders in the block of a shop, to which an item on a stack and a stale block refer as well.
Test(type_routes, orphans_are_adopted_by_the_container_that_holds_most)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    uint64_t block = made_heap_block(heap, UINT64_C(0x50000000), 240);
    uint64_t stale = made_heap_block(heap, UINT64_C(0x50001000), 64);
    uint64_t shop = add(heap, page, 0, SHOP), item = add(heap, page, 1, ITEM), orders[30];
    Routed routed;

    for (uint32_t i = 0; i < 30; i++) {
        orders[i] = add(heap, page, 2 + i, ORDER);
        made_heap_block_word(heap, block, 8 * (uint64_t)i, orders[i]);
    }
    made_heap_refer(heap, shop, 0, block);
    made_heap_refer(heap, item, 0, orders[3]);
    made_heap_block_word(heap, stale, 0, orders[4]);
    made_heap_root(heap, ROOT_STACK, orders[5]);
    made_heap_root(heap, ROOT_STACK, item);
    made_heap_root(heap, ROOT_STACK, stale);
    made_heap_root(heap, ROOT_GLOBAL, shop);
    route(&routed, heap);
    const TypeRoute *crowd = route_of(&routed, orders[0]);

    for (uint32_t i = 1; i < 30; i++)
        cr_expect_eq(route_of(&routed, orders[i]), crowd, "order %u", i);
    cr_expect_eq(crowd->place, heap_answers_node(&routed.answers, block));
    cr_expect_eq(crowd->place_objects, 30);
    close_routes(&routed);
}

// A shop refers to two tables of orders, a wide and a narrow one; some orders are in both.
Test(type_routes, items_that_two_ways_lead_to_are_in_the_container)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1), shop = add(heap, page, 0, SHOP);
    uint64_t wide_page = made_heap_page(heap, PAGE + 0x1000, 512, 1);
    uint64_t table = add(heap, wide_page, 0, ITEM), orders[30];
    uint64_t cache_page = made_heap_page(heap, PAGE + 0x2000, 64, 1);
    Routed routed;

    made_heap_refer(heap, shop, 0, table);
    for (uint32_t i = 0; i < 30; i++) {
        orders[i] = add(heap, page, i + 1, ORDER);
        made_heap_refer(heap, table, i, orders[i]);
    }
    // Entries of a cache, each with an order of the table.
    for (uint32_t i = 0; i < 10; i++) {
        uint64_t entry = add(heap, cache_page, i, CUSTOMER);

        made_heap_refer(heap, i == 0 ? shop : made_heap_object(heap, cache_page, i - 1), 1, entry);
        made_heap_refer(heap, entry, 0, orders[i]);
    }
    made_heap_root(heap, ROOT_GLOBAL, shop);
    route(&routed, heap);
    const TypeRoute *all = route_of(&routed, orders[29]);

    cr_expect_eq(all, route_of(&routed, orders[0]));
    cr_expect_eq(all->objects, 30);
    cr_expect_eq(all->places, 1);
    cr_expect_eq(all->retained_bytes, 30 * 64);
    cr_expect_eq(routed.routes->routes[all->parent].type,
                 routed.routes->types->by_node[heap_answers_node(&routed.answers, table)]);
    close_routes(&routed);
}
