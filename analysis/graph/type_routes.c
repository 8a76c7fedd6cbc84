// TypeRoutes: see analysis/graph/type_routes.h.
//
// Nodes are taken in an order that has places before the nodes below them
// (analysis/graph/route_places_internal.h). All nodes below a place are taken together, so places
// can be counted.

#include "analysis/graph/type_routes.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/rooted_nodes_internal.h"
#include "analysis/graph/route_places_internal.h"
#include "base/array.h"
#include "base/hash_index.h"
#include "base/side_table.h"

// Fields are found by reading objects: only in those of types that have at most that many objects,
// and at most that many references. More of them to one type are the items of an array.
#define MOST_FIELD_OBJECTS 4096u
#define MOST_FIELD_EDGES 64u
#define MOST_FIELDS_ALIKE 8u
// No route is deeper; what lies below belongs to the last one.
#define MOST_DEPTH 48u

// The step from a route to the route of a node below it.
typedef struct RouteStep {
    uint32_t from; // route; NO_INDEX: roots
    uint32_t type;
    uint64_t field; // below roots: the hash of a variable's name, or NO_FIELD
    uint32_t to;
    bool is_inward; // `to` is `from`, or before it
} RouteStep;

// The nodes of one route right below the place at hand.
typedef struct Sum {
    uint64_t objects;
    uint64_t bytes;
    uint32_t example;
} Sum;

typedef struct Routing {
    TypeRoutes *out;
    const DominatorTree *tree;
    const NodeTypes *types;
    const PathTree *paths;
    const uint8_t *left_out; // bit per node; NULL: none
    uint64_t *type_objects;  // by type
    uint64_t *type_hashes;   // by type, of its label; 0: not made so far
    RoutePlaces places;
    uint8_t *is_inside; // bit per node: below a node of a nested route, or such a node
    bool is_recursive;  // some nodes of other routes are there, so sizes take a walk
    uint64_t step_capacity;
    uint32_t step_count;
    RouteStep *steps;
    HashIndex index; // of steps
    uint64_t route_capacity;
    Sum *sums;         // by route; has its capacity
    uint32_t *touched; // routes with sums; has its capacity
    uint32_t touched_count;
} Routing;

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

// ---- steps ----

static uint64_t hash_of_type(Routing *routing, uint32_t type)
{
    if (routing->type_hashes[type] == 0)
        routing->type_hashes[type] = rooted_nodes_hash(node_types_label(routing->types, type));
    return routing->type_hashes[type];
}

static uint64_t hash_of_step(const RouteStep *step)
{
    return hash_mix(((uint64_t)step->from << 32 | step->type) ^ hash_mix(step->field));
}

static uint64_t hash_at(const void *steps, uint32_t position)
{
    return hash_of_step((const RouteStep *)steps + position);
}

static bool is_step_at(const void *steps, uint32_t position, const void *key)
{
    const RouteStep *step = (const RouteStep *)steps + position, *wanted = key;

    return step->from == wanted->from && step->type == wanted->type && step->field == wanted->field;
}

// The route on the way to `from`, itself included, that has the type; NO_INDEX: none. Blocks are of
// one type without being alike, so only neighbours are a list.
static uint32_t route_before(const Routing *routing, uint32_t from, uint32_t type)
{
    const TypeRoute *routes = routing->out->routes;
    bool is_block = type == node_types_foreign(routing->types);

    for (uint32_t route = from; route != NO_INDEX; route = routes[route].parent) {
        if (routes[route].type == type)
            return route;
        if (is_block)
            break;
    }
    return from != NO_INDEX && routes[from].depth == MOST_DEPTH ? from : NO_INDEX;
}

static bool add_route(Routing *routing, RouteStep *step, Error *error)
{
    TypeRoutes *out = routing->out;
    uint64_t capacity = routing->route_capacity, wanted = out->count + UINT64_C(1);
    const TypeRoute *parent;
    TypeRoute *route;

    if (!array_reserve(&out->routes, &routing->route_capacity, wanted, sizeof *out->routes,
                       "routes", error))
        return false;
    if (capacity != routing->route_capacity) {
        Sum *sums = realloc(routing->sums, routing->route_capacity * sizeof *sums);
        uint32_t *touched;

        routing->sums = sums != NULL ? sums : routing->sums;
        touched = realloc(routing->touched, routing->route_capacity * sizeof *touched);
        routing->touched = touched != NULL ? touched : routing->touched;
        if (sums == NULL || touched == NULL)
            return error_set_memory(error, routing->route_capacity * sizeof *sums, "routes");
        memset(sums + capacity, 0, (routing->route_capacity - capacity) * sizeof *sums);
    }
    parent = step->from != NO_INDEX ? &out->routes[step->from] : NULL;
    route = &out->routes[out->count];
    *route = (TypeRoute){.parent = step->from,
                         .type = step->type,
                         .field = parent != NULL ? step->field : NO_FIELD,
                         .depth = parent != NULL ? (uint16_t)(parent->depth + 1) : 0,
                         .place = NO_NODE};
    route->loose_key =
        hash_mix((parent != NULL ? parent->loose_key : 1) + hash_of_type(routing, step->type));
    route->key = hash_mix((parent != NULL ? parent->key : 1) + hash_of_type(routing, step->type) +
                          hash_mix(step->field));
    step->to = out->count++;
    return true;
}

// Finds or adds a step; `to` is NO_INDEX where there are too many routes.
static bool take_step(Routing *routing, RouteStep *step, Error *error)
{
    uint64_t wanted = routing->step_count + UINT64_C(1);
    uint32_t *slot;

    if (!array_reserve(&routing->steps, &routing->step_capacity, wanted, sizeof *step, "routes",
                       error) ||
        !hash_index_reserve(&routing->index, routing->steps, wanted, hash_at, "routes", error))
        return false;
    slot = hash_index_find(&routing->index, routing->steps, hash_of_step(step), is_step_at, step);
    if (*slot != 0) {
        *step = routing->steps[*slot - 1];
        return true;
    }
    step->to = route_before(routing, step->from, step->type);
    step->is_inward = step->to != NO_INDEX;
    if (step->to == NO_INDEX && routing->out->count == MOST_ROUTES)
        return true;
    if (step->to == NO_INDEX && !add_route(routing, step, error))
        return false;
    routing->steps[routing->step_count++] = *step;
    *slot = routing->step_count;
    return true;
}

static uint64_t field_of(const Routing *routing, uint32_t place, uint32_t node)
{
    const ObjectGraph *graph = routing->tree->graph;
    const uint32_t *types = routing->types->by_node;
    uint64_t edge = object_graph_first_edge(graph, place);
    uint64_t end = object_graph_first_edge(graph, place + 1);
    uint32_t alike = 0;
    bool is_found = false;

    if (object_graph_is_block(graph, place) || end - edge > MOST_FIELD_EDGES ||
        routing->type_objects[types[place]] > MOST_FIELD_OBJECTS)
        return NO_FIELD;
    for (; edge < end; edge++) {
        alike += types[graph->targets[edge]] == types[node];
        is_found = is_found || graph->targets[edge] == node;
    }
    return is_found && alike <= MOST_FIELDS_ALIKE
               ? object_graph_reference_offset(graph, place, node)
               : NO_FIELD;
}

// ---- counting ----

// Counts a node below a place: a node, or a holder.
static bool place_node(Routing *routing, uint32_t place, RouteStep *step, uint32_t node,
                       Error *error)
{
    uint64_t bytes = routing->tree->retained_bytes[node];
    bool is_dominated = routing->tree->dominators[node] == place;
    TypeRoute *route;
    Sum *sum;

    if (!take_step(routing, step, error))
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
static bool is_better(const Sum *sum, const TypeRoute *route)
{
    bool is_crowd = sum->objects >= ROUTE_CROWD, was_crowd = route->place_objects >= ROUTE_CROWD;

    return is_crowd != was_crowd ? is_crowd : sum->bytes > route->place_bytes;
}

static void end_place(Routing *routing, uint32_t place)
{
    for (uint32_t i = 0; i < routing->touched_count; i++) {
        TypeRoute *route = &routing->out->routes[routing->touched[i]];
        Sum *sum = &routing->sums[routing->touched[i]];

        if (route->place == NO_NODE || is_better(sum, route)) {
            route->place = place;
            route->place_objects = sum->objects;
            route->place_bytes = sum->bytes;
            route->example = sum->example;
        }
        *sum = (Sum){0};
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
                      .field = field_of(routing, place, child)};

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
        if (!take_child(routing, place, tree->children[i], &last, error))
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
    for (int is_later = 0; is_later < 2; is_later++)
        for (uint32_t i = 0; ok && i < paths->reached_count; i++)
            if (route_places_has(routing.places.is_anchored, paths->order[i]) != (is_later != 0))
                ok = take_children(&routing, paths->order[i], error);
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
