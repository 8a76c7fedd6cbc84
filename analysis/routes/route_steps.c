// RouteSteps: see analysis/routes/route_steps_internal.h.

#include "analysis/routes/route_steps_internal.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/routes/rooted_nodes_internal.h"
#include "base/array.h"

// Fields are found by reading objects: only in those of types that have at most that many objects,
// and at most that many references. More of them to one type are the items of an array.
#define MOST_FIELD_OBJECTS 4096u
#define MOST_FIELD_EDGES 64u
#define MOST_FIELDS_ALIKE 8u
// No route is deeper; what lies below belongs to the last one.
#define MOST_DEPTH 48u

static uint64_t hash_of_type(Routing *routing, uint32_t type)
{
    if (routing->type_hashes[type] == 0)
        routing->type_hashes[type] =
            rooted_nodes_hash(type_label_without_number(node_types_label(routing->types, type)));
    return routing->type_hashes[type];
}

static uint64_t hash_at(const HashIndex *index, const void *steps, uint32_t position)
{
    const RouteStep *step = (const RouteStep *)steps + position;

    return hash_index_hash(index, (uint64_t)step->from << 32 | step->type, step->field);
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

// The same in heaps of other runs, and where the field has a name, of other builds.
static uint64_t hash_of_field(const Routing *routing, uint32_t place, uint64_t field)
{
    const ObjectGraph *graph = routing->tree->graph;
    NodePlace at;
    EdgeLabel label;

    if (field == NO_FIELD || dominator_tree_is_holder(routing->tree, place))
        return hash_mix(field);
    at = object_graph_place(graph, place);
    edge_label_make(&routing->types->labels, at.page, at.slot, at.block, field, &label);
    return label.is_named ? rooted_nodes_hash(label.text) : hash_mix(field);
}

static bool add_route(Routing *routing, uint32_t place, RouteStep *step, Error *error)
{
    TypeRoutes *out = routing->out;
    uint64_t capacity = routing->route_capacity, wanted = out->count + UINT64_C(1);
    const TypeRoute *parent;
    TypeRoute *route;

    if (!array_reserve(&out->routes, &routing->route_capacity, wanted, sizeof *out->routes,
                       "routes", error))
        return false;
    if (capacity != routing->route_capacity) {
        RouteSum *sums = realloc(routing->sums, routing->route_capacity * sizeof *sums);
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
                         .variable = parent != NULL ? NO_FIELD : step->field,
                         .depth = parent != NULL ? (uint16_t)(parent->depth + 1) : 0,
                         .place = NO_NODE};
    route->loose_key =
        hash_mix((parent != NULL ? parent->loose_key : 1) + hash_of_type(routing, step->type));
    route->key = hash_mix((parent != NULL ? parent->key : 1) + hash_of_type(routing, step->type) +
                          hash_of_field(routing, place, step->field));
    step->to = out->count++;
    return true;
}

bool route_steps_take(Routing *routing, uint32_t place, RouteStep *step, Error *error)
{
    uint64_t wanted = routing->step_count + UINT64_C(1);
    uint32_t *slot;

    if (!array_reserve(&routing->steps, &routing->step_capacity, wanted, sizeof *step, "routes",
                       error) ||
        !hash_index_reserve(&routing->index, routing->steps, wanted, hash_at, "routes", error))
        return false;
    slot = hash_index_find(&routing->index, routing->steps, hash_at(&routing->index, step, 0),
                           is_step_at, step);
    if (*slot != 0) {
        *step = routing->steps[*slot - 1];
        return true;
    }
    step->to = route_before(routing, step->from, step->type);
    step->is_inward = step->to != NO_INDEX;
    if (step->to == NO_INDEX && routing->out->count == MOST_ROUTES)
        return true;
    if (step->to == NO_INDEX && !add_route(routing, place, step, error))
        return false;
    routing->steps[routing->step_count++] = *step;
    *slot = routing->step_count;
    return true;
}

uint64_t route_steps_field(const Routing *routing, uint32_t place, uint32_t node)
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
