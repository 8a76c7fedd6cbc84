// LeakSuspects: see analysis/routes/leak_suspects.h.

#include "analysis/routes/leak_suspects.h"

#include <stdlib.h>

// ---- crowds ----

typedef struct Search {
    const TypeRoutes *routes;
    const RouteHistory *older;
    uint32_t older_count;
    uint64_t least;        // bytes that a suspect keeps alive
    uint64_t least_growth; // bytes that one that grows grew by
    LeakSuspect found[MOST_SUSPECTS];
    uint32_t count;
} Search;

static bool has_grown(const Search *search, const LeakSuspect *suspect)
{
    return leak_suspect_has_grown(suspect) &&
           (uint64_t)suspect->growth.bytes >= search->least_growth;
}

static uint32_t owner_of(const DominatorTree *tree, uint32_t node)
{
    while (!dominator_tree_is_holder(tree, node) && object_graph_is_block(tree->graph, node))
        node = tree->dominators[node];
    return node;
}

// A crowd of the route, if there is one: its entries side by side; where these are few, but most
// nodes lie at one place below them, those; else all nodes of a list or a tree.
static bool is_crowd(const Search *search, uint32_t index, LeakSuspect *out)
{
    const TypeRoute *route = &search->routes->routes[index];
    bool is_wide = !route->is_nested || route->entries >= SUSPECT_CROWD * route->places;
    bool is_at_one_place = !is_wide && route->place_objects >= SUSPECT_CROWD &&
                           route->place_bytes >= route->retained_bytes / 100 * INNER_SHARE;
    bool is_crowd;

    *out = (LeakSuspect){.route = index,
                         .place = route->place,
                         .owner = owner_of(search->routes->tree, route->place),
                         .type = route->type,
                         .example = route->example,
                         .objects = is_wide           ? route->entries
                                    : is_at_one_place ? route->place_objects
                                                      : route->objects,
                         .retained_bytes =
                             is_at_one_place ? route->place_bytes : route->retained_bytes,
                         .places = is_at_one_place ? 1 : route->places,
                         .is_nested = !is_wide && !is_at_one_place};
    is_crowd = route->place_objects >= SUSPECT_CROWD ||
               (out->is_nested && route->objects >= SUSPECT_CROWD * route->entries);
    out->growth = route_history_growth(search->older, search->older_count, route);
    return is_crowd && (out->retained_bytes >= search->least || has_grown(search, out));
}

static bool is_below(const TypeRoutes *routes, uint32_t route, uint32_t ancestor)
{
    while (route != NO_INDEX && route > ancestor)
        route = routes->routes[route].parent;
    return route == ancestor;
}

// How strongly a crowd piles up: objects a place, of which those that came since the older heap.
static double pile_of(const LeakSuspect *suspect)
{
    double objects =
        (double)(suspect->growth.knowledge == GROWTH_KNOWN ? suspect->growth.objects
                                                           : (int64_t)suspect->objects);

    return objects / (double)(suspect->places > 0 ? suspect->places : 1);
}

// Does a crowd explain more than the one around it? A list or a tree has all of its nodes at one
// place, so half as many side by side are more telling.
static bool is_steeper(const LeakSuspect *inner, const LeakSuspect *outer)
{
    return pile_of(inner) > pile_of(outer) * (outer->is_nested && !inner->is_nested ? 0.5 : 1);
}

static double weight_of(const LeakSuspect *suspect)
{
    return (double)(suspect->growth.knowledge == GROWTH_KNOWN ? suspect->growth.bytes
                                                              : (int64_t)suspect->retained_bytes);
}

// Takes a crowd instead of those within it, or leaves it out for them. Crowds within it were taken
// before.
static void take_crowd(Search *search, const LeakSuspect *crowd)
{
    uint32_t kept = 0;
    double inner = 0;

    for (uint32_t i = 0; i < search->count; i++)
        if (is_below(search->routes, search->found[i].route, crowd->route) &&
            is_steeper(&search->found[i], crowd))
            inner += weight_of(&search->found[i]);
    if (search->count > 0 && inner > 0 && inner >= weight_of(crowd) * INNER_SHARE / 100)
        return;
    for (uint32_t i = 0; i < search->count; i++)
        if (!is_below(search->routes, search->found[i].route, crowd->route))
            search->found[kept++] = search->found[i];
    if (kept < MOST_SUSPECTS)
        search->found[kept++] = *crowd;
    search->count = kept;
}

// ---- objects behind blocks ----

// A crowd of blocks is the cells of a list, the nodes of a tree, boxes: the program counts the
// objects that they hold. Blocks behind each other are one route, so these objects have one of
// their own right below it. Of several types, the one that keeps most is named; blocks that hold
// few objects, as against their number, stay the crowd.
static void name_objects(const Search *search, LeakSuspect *suspect)
{
    const TypeRoutes *routes = search->routes;
    const TypeRoute *blocks = &routes->routes[suspect->route], *best = NULL;
    Growth growth;

    if (suspect->type != node_types_foreign(routes->types))
        return;
    for (uint32_t i = suspect->route + 1; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];

        if (route->parent == suspect->route && route->type != suspect->type &&
            route->objects >= SUSPECT_CROWD && route->objects >= blocks->objects / 4 &&
            (best == NULL || route->retained_bytes > best->retained_bytes))
            best = route;
    }
    if (best == NULL)
        return;
    suspect->route = (uint32_t)(best - routes->routes);
    suspect->type = best->type;
    suspect->blocks = suspect->objects;
    suspect->objects = best->objects;
    suspect->example = best->example;
    suspect->is_nested = false;
    // Bytes grow with the blocks.
    growth = route_history_growth(search->older, search->older_count, best);
    if (growth.knowledge == GROWTH_KNOWN && suspect->growth.knowledge == GROWTH_KNOWN) {
        growth.bytes_before = suspect->growth.bytes_before;
        growth.bytes = suspect->growth.bytes;
    }
    suspect->growth = growth;
}

// ---- what they hold ----

// Objects of a type on routes that are not below `crowd`, nor on the way to it.
static uint64_t count_elsewhere(const TypeRoutes *routes, uint32_t crowd, uint32_t type)
{
    uint64_t objects = 0;

    for (uint32_t i = 0; i < routes->count; i++)
        if (routes->routes[i].type == type && !is_below(routes, i, crowd) &&
            !is_below(routes, crowd, i))
            objects += routes->routes[i].objects;
    return objects;
}

static void find_held(const TypeRoutes *routes, LeakSuspect *suspect)
{
    for (uint32_t i = suspect->route + 1; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];
        uint64_t elsewhere;

        if (route->parent != suspect->route || route->type == node_types_foreign(routes->types) ||
            route->objects < suspect->objects / 2 || route->objects > 2 * suspect->objects)
            continue;
        elsewhere = count_elsewhere(routes, suspect->route, route->type);
        if (elsewhere < SUSPECT_CROWD || elsewhere <= suspect->held_elsewhere)
            continue;
        suspect->held_type = route->type;
        suspect->held_objects = route->objects;
        suspect->held_elsewhere = elsewhere;
    }
}

// ---- the list ----

static uint64_t heaviness_of(const LeakSuspect *suspect, uint64_t bytes)
{
    return bytes * (suspect->held_elsewhere > 0 ? HOLDING_WEIGHT : 1);
}

static bool is_before(const Search *search, const LeakSuspect *a, const LeakSuspect *b)
{
    bool a_grew = has_grown(search, a), b_grew = has_grown(search, b);

    if (a_grew != b_grew)
        return a_grew;
    // A cache fills up; a leak goes on.
    if (a_grew && a->growth.is_steady != b->growth.is_steady)
        return a->growth.is_steady;
    if (a_grew && a->growth.bytes != b->growth.bytes)
        return heaviness_of(a, (uint64_t)a->growth.bytes) >
               heaviness_of(b, (uint64_t)b->growth.bytes);
    return heaviness_of(a, a->retained_bytes) > heaviness_of(b, b->retained_bytes);
}

static void keep(const Search *search, LeakSuspects *out, uint32_t most, const LeakSuspect *suspect)
{
    uint32_t place = out->count;

    while (place > 0 && is_before(search, suspect, &out->suspects[place - 1]))
        place--;
    if (place == most)
        return;
    if (out->count < most)
        out->count++;
    for (uint32_t later = out->count - 1; later > place; later--)
        out->suspects[later] = out->suspects[later - 1];
    out->suspects[place] = *suspect;
}

// The threads whose roots lead to the objects of a route.
static bool count_threads(const TypeRoutes *routes, LeakSuspect *suspect, Error *error)
{
    const ObjectGraph *graph = routes->tree->graph;
    uint32_t threads = graph->image->details->thread_count;
    uint8_t *is_counted = calloc((size_t)threads + 1, 1);

    if (is_counted == NULL)
        return error_set_memory(error, threads, "threads");
    for (uint32_t node = 0; node < graph->node_count; node++)
        if (routes->by_node[node] == suspect->route && routes->threads[node] < threads &&
            !is_counted[routes->threads[node]]) {
            is_counted[routes->threads[node]] = 1;
            suspect->threads++;
        }
    free(is_counted);
    return true;
}

bool leak_suspects_find(const TypeRoutes *routes, uint64_t program_bytes, const RouteHistory *older,
                        uint32_t older_count, uint32_t most, LeakSuspects *out, Error *error)
{
    uint64_t growth = older_count > 0 && program_bytes > older[0].program_bytes
                          ? program_bytes - older[0].program_bytes
                          : 0;
    uint64_t least = program_bytes / 100 * SUSPECT_SHARE + 1;
    // Where all shrank, something may have grown nevertheless.
    uint64_t least_growth = growth / 100 * SUSPECT_SHARE > program_bytes / 1000
                                ? growth / 100 * SUSPECT_SHARE
                                : program_bytes / 1000;
    Search search = {.routes = routes,
                     .older = older,
                     .older_count = older_count,
                     .least = least,
                     .least_growth = least_growth + 1};

    *out = (LeakSuspects){.count = 0};
    // Routes follow those that they lie below.
    for (uint32_t i = routes->count; i-- > 0;) {
        LeakSuspect crowd;

        if (is_crowd(&search, i, &crowd))
            take_crowd(&search, &crowd);
    }
    for (uint32_t i = 0; i < search.count; i++) {
        name_objects(&search, &search.found[i]);
        find_held(routes, &search.found[i]);
        keep(&search, out, most, &search.found[i]);
    }
    for (uint32_t i = 0; i < out->count; i++)
        if (!count_threads(routes, &out->suspects[i], error))
            return false;
    return true;
}
