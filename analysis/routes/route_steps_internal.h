// RouteSteps: how routes go on from routes, while TypeRoutes are made.
//
// A step leads from a route by a field to the route of a node of some type below it; the same step
// leads to the same route.

#ifndef ANALYSIS_ROUTES_ROUTE_STEPS_INTERNAL_H
#define ANALYSIS_ROUTES_ROUTE_STEPS_INTERNAL_H

#include "analysis/routes/route_places_internal.h"
#include "analysis/routes/type_routes.h"
#include "base/hash_index.h"

// The step from a route to the route of a node below it.
typedef struct RouteStep {
    uint32_t from; // route; NO_INDEX: roots
    uint32_t type;
    uint64_t field; // below roots: the hash of a variable's name, or NO_FIELD
    uint32_t to;
    bool is_inward; // `to` is `from`, or before it
} RouteStep;

// The nodes of one route right below the place at hand.
typedef struct RouteSum {
    uint64_t objects;
    uint64_t bytes;
    uint32_t example;
} RouteSum;

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
    RouteSum *sums;    // by route; has its capacity
    uint32_t *touched; // routes with sums; has its capacity
    uint32_t touched_count;
} Routing;

// The field of the node at `place` that refers to `node`, or NO_FIELD.
uint64_t route_steps_field(const Routing *routing, uint32_t place, uint32_t node);

// Finds or adds a step, which a node below `place` takes; `to` is NO_INDEX where there are too many
// routes. Errors: memory.
NODISCARD bool route_steps_take(Routing *routing, uint32_t place, RouteStep *step, Error *error);

#endif
