// RoutePlaces: the place above each node for TypeRoutes, where that is not its dominator.
//
// A node of which only roots are dominators is *adopted* unless a root refers to it: by the node
// that refers to most others, of those that refer to it. One that belongs to an object comes before
// a block of roots, which may be left over, and words that look left over do not count. Where there
// is none, the node before it on a shortest path adopts it. A wide node of an object adopts nodes
// that roots refer to, too, since words on stacks refer to some items of every container.
//
// A node that its dominator does not refer to is reached by two ways that part there: a session in
// the table of a shop that an entry of the shop's cache refers to, too. A wide node of an object
// below the dominator adopts it, so that all items of one container have one place.
//
// So that places have no circles, only nodes below *pillars* choose freely: nodes that roots refer
// to, which are never adopted, and dominate a wide node. Nodes that two ways lead to (*joints*)
// stay below their dominators, and no joint lies between the dominator and the place that adopts.

#ifndef ANALYSIS_ROUTES_ROUTE_PLACES_INTERNAL_H
#define ANALYSIS_ROUTES_ROUTE_PLACES_INTERNAL_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/root_paths.h"

// A node and its place.
typedef struct Adoption {
    uint32_t place;
    uint32_t node;
} Adoption;

typedef struct RoutePlaces {
    uint8_t *is_rooted; // bit per node: a root refers to it, and it is not adopted
    uint32_t *order;    // reached nodes; each behind its place
    uint8_t *is_moved;  // bit per node: adopted from its dominator, which is a node
    uint64_t adoption_count;
    Adoption *adoptions; // ascending
} RoutePlaces;

// `spare`: two tables by node, zeroed, and so again at the end. Errors:
// memory. Released by route_places_release() in any case.
NODISCARD bool route_places_find(const DominatorTree *tree, const PathTree *paths,
                                 uint32_t *const spare[2], RoutePlaces *out, Error *error);
void route_places_release(RoutePlaces *places);

// The first adoption by a place, or behind it.
uint64_t route_places_first(const RoutePlaces *places, uint32_t place);

static inline bool route_places_has(const uint8_t *bits, uint32_t node)
{
    return (bits[node / 8] >> node % 8 & 1) != 0;
}

#endif
