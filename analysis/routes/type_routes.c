// TypeRoutes: see analysis/routes/type_routes.h.
//
// Nodes are taken in an order that has places before the nodes below them
// (analysis/routes/route_places_internal.h). All nodes below a place are taken together, so places
// can be counted.

#include "analysis/routes/type_routes.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/routes/rooted_nodes_internal.h"
#include "analysis/routes/route_steps_internal.h"
#include "base/side_table.h"

void type_routes_free(TypeRoutes *routes)
{
    uint64_t bytes;

    if (routes == NULL)
        return;
    bytes = (uint64_t)routes->tree->graph->node_count * sizeof(uint32_t);
    side_table_free(routes->by_node, bytes);
    side_table_free(routes->threads, bytes);
    free(routes->routes);
    free(routes);
}

// ---- counting ----

// Counts a node below a place: a node, or a holder.
static bool place_node(Routing *routing, uint32_t place, RouteStep *step, uint32_t node,
                       Error *error)
{
    uint64_t bytes = routing->tree->retained_bytes[node];
    bool is_dominated = routing->tree->dominators[node] == place;
    TypeRoute *route;
    RouteSum *sum;

    if (!route_steps_take(routing, place, step, error))
        return false;
    routing->out->by_node[node] = step->to;
    if (step->to == NO_INDEX)
        return true;
    route = &routing->out->routes[step->to];
    sum = &routing->sums[step->to];
    route->objects++;
    if (step->is_inward)
        route->is_nested = true;
    else
        route->entries++;
    if (step->is_inward || (!dominator_tree_is_holder(routing->tree, place) &&
                            route_places_has(routing->is_inside, place)))
        routing->is_inside[node / 8] |= (uint8_t)(1u << node % 8);
    routing->is_recursive =
        routing->is_recursive || (!step->is_inward && route_places_has(routing->is_inside, node));
    routing->is_recursive = routing->is_recursive ||
                            (step->is_inward && route_places_has(routing->places.is_moved, node));
    // The size of a node that an entry dominates is part of that entry's.
    if (!step->is_inward || !is_dominated)
        route->retained_bytes += bytes;
    if (sum->objects++ == 0) {
        routing->touched[routing->touched_count++] = step->to;
        route->places += !step->is_inward;
        sum->example = node;
    } else if (bytes > routing->tree->retained_bytes[sum->example]) {
        sum->example = node;
    }
    sum->bytes += bytes;
    return true;
}

// Is a place more telling than the one so far? A crowd comes before a single large object.
static bool is_better(const RouteSum *sum, const TypeRoute *route)
{
    bool is_crowd = sum->objects >= ROUTE_CROWD, was_crowd = route->place_objects >= ROUTE_CROWD;

    return is_crowd != was_crowd ? is_crowd : sum->bytes > route->place_bytes;
}

static void end_place(Routing *routing, uint32_t place)
{
    for (uint32_t i = 0; i < routing->touched_count; i++) {
        TypeRoute *route = &routing->out->routes[routing->touched[i]];
        RouteSum *sum = &routing->sums[routing->touched[i]];

        if (route->place == NO_NODE || is_better(sum, route)) {
            route->place = place;
            route->place_objects = sum->objects;
            route->place_bytes = sum->bytes;
            route->example = sum->example;
        }
        *sum = (RouteSum){0};
    }
    routing->touched_count = 0;
}

static bool is_left_out(const Routing *routing, uint32_t node)
{
    return routing->left_out != NULL && route_places_has(routing->left_out, node);
}

static bool take_child(Routing *routing, uint32_t place, uint32_t child, RouteStep *last,
                       Error *error)
{
    RouteStep step = {.from = routing->out->by_node[place],
                      .type = routing->types->by_node[child],
                      .field = route_steps_field(routing, place, child)};

    routing->out->threads[child] = routing->out->threads[place];
    if (step.from == NO_INDEX || is_left_out(routing, child)) {
        routing->out->by_node[child] = NO_INDEX;
        return true;
    }
    // Neighbours are mostly alike.
    if (last->from == step.from && last->type == step.type && last->field == step.field)
        step = *last;
    if (!place_node(routing, place, &step, child, error))
        return false;
    *last = step;
    return true;
}

static bool take_children(Routing *routing, uint32_t place, Error *error)
{
    const DominatorTree *tree = routing->tree;
    const RoutePlaces *places = &routing->places;
    RouteStep last = {.from = NO_INDEX};

    for (uint32_t i = tree->first_child[place]; i < tree->first_child[place + 1]; i++)
        if (!route_places_has(places->is_moved, tree->children[i]) &&
            !take_child(routing, place, tree->children[i], &last, error))
            return false;
    if (places->adoption_count > 0)
        for (uint64_t i = route_places_first(places, place);
             i < places->adoption_count && places->adoptions[i].place == place; i++)
            if (!take_child(routing, place, places->adoptions[i].node, &last, error))
                return false;
    end_place(routing, place);
    return true;
}

// ---- below roots ----

static bool take_rooted(Routing *routing, Error *error)
{
    RootedNode *rooted;
    uint32_t count;
    bool ok = rooted_nodes_list(routing->tree, routing->paths, routing->places.is_rooted,
                                routing->out->threads, &rooted, &count, error);

    for (uint32_t i = 0; ok && i < count; i++) {
        RouteStep step = {.from = NO_INDEX,
                          .type = routing->types->by_node[rooted[i].node],
                          .field = rooted[i].field};

        if (is_left_out(routing, rooted[i].node))
            routing->out->by_node[rooted[i].node] = NO_INDEX;
        else
            ok = place_node(routing, rooted[i].place, &step, rooted[i].node, error);
        if (ok && (i + 1 == count || rooted[i + 1].place != rooted[i].place))
            end_place(routing, rooted[i].place);
    }
    free(rooted);
    return ok;
}

// ---- sizes ----

// A walk through the dominator tree.
typedef struct SizeWalk {
    TypeRoutes *routes;
    uint32_t *open; // by route: its nodes above the present one
} SizeWalk;

static void leave_node(void *context, uint32_t node)
{
    const SizeWalk *walk = context;

    if (!dominator_tree_is_holder(walk->routes->tree, node) &&
        walk->routes->by_node[node] != NO_INDEX)
        walk->open[walk->routes->by_node[node]]--;
}

static void enter_node(const SizeWalk *walk, uint32_t node)
{
    uint32_t route;

    if (dominator_tree_is_holder(walk->routes->tree, node))
        return;
    route = walk->routes->by_node[node];
    if (route != NO_INDEX && walk->open[route]++ == 0)
        walk->routes->routes[route].retained_bytes += walk->routes->tree->retained_bytes[node];
}

// Where a list has nodes of other types between its own, or hanging from them, these may lie below
// others of their route, too: adds up the sizes of those that do not.
static bool add_sizes(TypeRoutes *routes, Error *error)
{
    const DominatorTree *tree = routes->tree;
    uint64_t bytes = (uint64_t)tree->node_count * sizeof(uint32_t);
    uint32_t *cursors = side_table_new(bytes), top = dominator_tree_top(tree);
    SizeWalk walk = {.routes = routes,
                     .open = calloc((size_t)routes->count + 1, sizeof *walk.open)};
    bool ok = (cursors != NULL && walk.open != NULL) || error_set_memory(error, bytes, "routes");

    for (uint32_t i = 0; ok && i < routes->count; i++)
        routes->routes[i].retained_bytes = 0;
    for (uint32_t node = top; ok && node != NO_NODE;
         node = dominator_tree_next(tree, cursors, top, node, leave_node, &walk))
        enter_node(&walk, node);
    side_table_free(cursors, bytes);
    free(walk.open);
    return ok;
}

// ---- all ----

static bool allocate(Routing *routing, Error *error)
{
    uint64_t nodes = routing->tree->graph->node_count, types = routing->types->type_count;
    TypeRoutes *out = routing->out;

    out->by_node = side_table_new(nodes * sizeof *out->by_node);
    out->threads = side_table_new(nodes * sizeof *out->threads);
    routing->is_inside = calloc(nodes / 8 + 1, 1);
    routing->type_objects = calloc(types + 1, sizeof *routing->type_objects);
    routing->type_hashes = calloc(types + 1, sizeof *routing->type_hashes);
    if (out->by_node == NULL || out->threads == NULL || routing->is_inside == NULL ||
        routing->type_objects == NULL || routing->type_hashes == NULL)
        return error_set_memory(error, nodes * 8 + types * 16, "routes");
    for (uint64_t node = 0; node < nodes; node++)
        routing->type_objects[routing->types->by_node[node]]++;
    return true;
}

bool type_routes_new(const DominatorTree *tree, const NodeTypes *types, const PathTree *paths,
                     const uint8_t *left_out, TypeRoutes **out, Error *error)
{
    Routing routing = {.tree = tree, .types = types, .paths = paths, .left_out = left_out};
    bool ok;

    *out = NULL;
    routing.out = calloc(1, sizeof *routing.out);
    if (routing.out == NULL)
        return error_set_memory(error, sizeof *routing.out, "routes");
    routing.out->tree = tree;
    routing.out->types = types;
    ok = allocate(&routing, error) &&
         route_places_find(tree, paths,
                           (uint32_t *const[]){routing.out->by_node, routing.out->threads},
                           &routing.places, error) &&
         take_rooted(&routing, error);
    for (uint32_t i = 0; ok && i < paths->reached_count; i++)
        ok = take_children(&routing, routing.places.order[i], error);
    ok = ok && (!routing.is_recursive || add_sizes(routing.out, error));
    route_places_release(&routing.places);
    free(routing.is_inside);
    free(routing.type_objects);
    free(routing.type_hashes);
    free(routing.steps);
    hash_index_release(&routing.index);
    free(routing.sums);
    free(routing.touched);
    if (ok)
        *out = routing.out;
    else
        type_routes_free(routing.out);
    return ok;
}
