// Growth of routes since older heaps, from routes made by hand.

#include <criterion/criterion.h>

#include "analysis/routes/route_history.h"

// A route by its key; keys of one hundred have the same types.
static TypeRoute route(uint64_t key, uint64_t objects, uint64_t bytes)
{
    return (TypeRoute){.key = key,
                       .loose_key = key / 100,
                       .objects = objects,
                       .entries = objects,
                       .places = 1,
                       .retained_bytes = bytes};
}

static RouteHistory history_of(TypeRoute *routes, uint32_t count)
{
    TypeRoutes all = {.count = count, .routes = routes};
    RouteHistory history;
    Error error;

    cr_assert(route_history_make(&all, 1000, &history, &error));
    return history;
}

Test(route_history, growth_is_that_since_the_oldest_heap)
{
    TypeRoute first[] = {route(301, 10, 100), route(101, 50, 500)};
    TypeRoute second[] = {route(101, 40, 400), route(301, 20, 200)};
    RouteHistory older[] = {history_of(first, 2), history_of(second, 2)};
    const TypeRoute leak = route(301, 25, 260), cache = route(101, 60, 600);
    Growth growth = route_history_growth(older, 2, &leak);

    cr_expect_eq(growth.knowledge, GROWTH_KNOWN);
    cr_expect_eq(growth.objects_before, 10);
    cr_expect_eq(growth.objects, 15);
    cr_expect_eq(growth.bytes, 160);
    cr_expect(growth.is_steady);
    growth = route_history_growth(older, 2, &cache);
    cr_expect_eq(growth.objects, 10);
    cr_expect_not(growth.is_steady);
    cr_expect_eq(route_history_growth(older, 0, &leak).knowledge, GROWTH_NOT_COMPARED);
    for (int i = 0; i < 2; i++)
        route_history_release(&older[i]);
}

Test(route_history, a_new_route_grew_from_nothing_and_one_with_other_fields_is_not_known)
{
    TypeRoute routes[] = {route(301, 10, 100)};
    RouteHistory older = history_of(routes, 1);
    const TypeRoute fresh = route(501, 7, 70), moved = route(302, 12, 120);
    Growth growth = route_history_growth(&older, 1, &fresh);

    cr_expect_eq(growth.knowledge, GROWTH_KNOWN);
    cr_expect_eq(growth.objects, 7);
    cr_expect_eq(route_history_growth(&older, 1, &moved).knowledge, GROWTH_NOT_KNOWN);
    route_history_release(&older);
}

Test(route_history, routes_with_one_key_are_one)
{
    TypeRoute routes[] = {route(301, 10, 100), route(301, 5, 50)};
    RouteHistory older = history_of(routes, 2);
    const TypeRoute now = route(301, 20, 200);

    cr_expect_eq(older.count, 1);
    cr_expect_eq(route_history_growth(&older, 1, &now).objects, 5);
    route_history_release(&older);
}
