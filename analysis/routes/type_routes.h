// TypeRoutes: the reachable nodes, grouped by the types and fields on the way from the roots to
// them.
//
// Above each node stands one *place*: its immediate dominator where that is a node; where only
// several roots together dominate it, a root for a node that a root refers to, else the node before
// it on a shortest path. Nodes with the same type have the same route when their places have the
// same route and refer to them from the same field. So the subscriptions in the audits of three
// threads have one route, and those in another field of the same objects a different one.
//
// A node whose type is already on its way there belongs to that route (a list, a tree): the route
// is *nested*, and its size is that of its entries, in which the others are included.

#ifndef ANALYSIS_ROUTES_TYPE_ROUTES_H
#define ANALYSIS_ROUTES_TYPE_ROUTES_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"
#include "analysis/graph/root_paths.h"

// The reference is not known, or lies in a block.
#define NO_FIELD UINT64_MAX
// The least number of objects side by side that are a crowd.
#define ROUTE_CROWD 20u
#define MOST_ROUTES (UINT32_C(1) << 20)

typedef struct TypeRoute {
    uint32_t parent;         // an earlier route; NO_INDEX: roots
    uint32_t type;           // of NodeTypes
    uint64_t field;          // offset of the reference in the object at the place
    uint64_t variable;       // right below roots: hash of the variable's name, or NO_FIELD
    uint64_t key;            // hash of the labels and fields on the way: the same in other heaps
    uint64_t loose_key;      // the same without fields
    uint16_t depth;          // types before it
    bool is_nested;          // some of its nodes lie below others of them
    uint64_t objects;        // nodes, blocks included
    uint64_t entries;        // nodes that are not below others
    uint64_t places;         // above the entries
    uint64_t retained_bytes; // of the entries, so of all
    // The place below which most bytes of the route lie; one with ROUTE_CROWD objects, if there is.
    uint32_t place; // a node, or a holder of the tree
    uint64_t place_objects;
    uint64_t place_bytes;
    uint32_t example; // the largest node right below it
} TypeRoute;

typedef struct TypeRoutes {
    const DominatorTree *tree; // borrowed
    const NodeTypes *types;    // borrowed
    uint32_t count;
    TypeRoute *routes; // parents before children
    uint32_t *by_node; // NO_INDEX: left out, or beyond MOST_ROUTES routes
    uint32_t *threads; // by node: the thread whose roots lead to it; NO_INDEX: none, or several
} TypeRoutes;

// paths: with all reachable nodes. left_out: bit per node, which has no route, and what only such
// nodes keep has none either; NULL: none. The tree has children. Tree and types are borrowed and
// must outlive the result. Errors: memory. The caller owns `*out` and frees it with
// type_routes_free().
NODISCARD bool type_routes_new(const DominatorTree *tree, const NodeTypes *types,
                               const PathTree *paths, const uint8_t *left_out, TypeRoutes **out,
                               Error *error);
void type_routes_free(TypeRoutes *routes);

#endif
