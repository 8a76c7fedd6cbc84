// What grew, by what retains it, in heaps made by hand.

#include <criterion/criterion.h>

#include "analysis/routes/route_growth.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define SHOP UINT64_C(0x400010)
#define ORDER UINT64_C(0x400020)
#define ITEM UINT64_C(0x400030)

typedef struct Routed {
    HeapAnswers answers;
    TypeRoutes *routes;
} Routed;

// A shop with orders, each of which has an item.
static void open_shop(Routed *routed, uint32_t orders)
{
    static const PathQuery all = {.context = NULL};
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t shops = made_heap_page(heap, PAGE, 512, 1);
    uint64_t page = made_heap_page(heap, PAGE + 0x1000, 64, 1);
    uint64_t shop = made_heap_object(heap, shops, 0);
    PathTree paths;
    Error error;

    made_heap_set_type(heap, shop, SHOP);
    for (uint32_t i = 0; i < orders; i++) {
        uint64_t order = made_heap_object(heap, page, 2 * i);
        uint64_t item = made_heap_object(heap, page, 2 * i + 1);

        made_heap_set_type(heap, order, ORDER);
        made_heap_set_type(heap, item, ITEM);
        made_heap_refer(heap, shop, 1, order);
        made_heap_refer(heap, order, 0, item);
        // The next order is in the list of this one.
        shop = order;
    }
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, shops, 0));
    heap_answers_of(&routed->answers, heap);
    cr_assert(dominator_tree_add_children(routed->answers.tree, &error));
    cr_assert(path_tree_init(&paths, routed->answers.graph, &all, &error));
    cr_assert(type_routes_new(routed->answers.tree, routed->answers.types, &paths, NULL,
                              &routed->routes, &error));
    path_tree_release(&paths);
}

static void close_shop(Routed *routed)
{
    type_routes_free(routed->routes);
    heap_answers_close(&routed->answers);
}

static void compare(uint32_t before, uint32_t after, GrownPlaces *out, Routed *routed)
{
    RouteHistory older;
    Routed old;
    Error error;

    open_shop(&old, before);
    cr_assert(route_history_make(old.routes, 1000, &older, &error));
    close_shop(&old);
    open_shop(routed, after);
    cr_assert(grown_places_find(routed->routes, &older, 1, out, &error));
    route_history_release(&older);
}

Test(route_growth, the_outermost_objects_that_became_more_are_told_with_their_place)
{
    GrownPlaces grown;
    Routed routed;

    compare(5, 12, &grown, &routed);
    cr_assert_eq(grown.count, 1);
    cr_expect_eq(grown.items[0].objects, 12);
    cr_expect_eq(grown.items[0].growth.objects, 7);
    cr_expect_eq(grown.items[0].growth.bytes, 7 * 2 * 64);
    cr_expect_not_null(strstr(grown.items[0].label, "+"), "%s", grown.items[0].label);
    grown_places_release(&grown);
    close_shop(&routed);
}

Test(route_growth, what_shrank_or_stayed_is_not_told)
{
    GrownPlaces grown;
    Routed routed;

    compare(12, 5, &grown, &routed);
    cr_expect_eq(grown.count, 0);
    grown_places_release(&grown);
    close_shop(&routed);
    compare(5, 5, &grown, &routed);
    cr_expect_eq(grown.count, 0);
    grown_places_release(&grown);
    close_shop(&routed);
}

static TypeRoute route(uint64_t key, uint64_t objects)
{
    return (TypeRoute){.parent = NO_INDEX,
                       .key = key,
                       .loose_key = key / 100,
                       .objects = objects,
                       .entries = objects,
                       .places = 1,
                       .retained_bytes = 64 * objects};
}

Test(route_growth, growth_by_types_is_known_where_that_by_fields_is_not)
{
    TypeRoute before[] = {route(301, 20), route(401, 5)};
    // Two objects in a new field, where one left the old one; and another type.
    TypeRoute after[] = {route(301, 19), route(302, 2), route(401, 5)};
    TypeRoutes old = {.count = 2, .routes = before};
    RouteHistory older;
    Error error;

    cr_assert(route_history_make(&old, 1000, &older, &error));
    cr_expect_eq(route_history_growth(&older, 1, &after[1]).knowledge, GROWTH_NOT_KNOWN);
    Growth growth = route_history_loose_growth(&older, 1, 3, 21, 21 * 64);
    cr_expect_eq(growth.knowledge, GROWTH_KNOWN);
    cr_expect_eq(growth.objects, 1);
    cr_expect_eq(growth.objects_before, 20);
    route_history_release(&older);
}
