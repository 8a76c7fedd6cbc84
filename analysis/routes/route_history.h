// RouteHistory: the sizes of the routes of an older heap, by which a newer heap of the program
// tells what grew.
//
// Routes are found again by their keys: the labels of types and fields on the way. A route that has
// no key in the older heap is new, unless one with the same types but other fields is there: then
// nothing is said about its growth.

#ifndef ANALYSIS_ROUTES_ROUTE_HISTORY_H
#define ANALYSIS_ROUTES_ROUTE_HISTORY_H

#include "analysis/routes/type_routes.h"

typedef struct RouteSize {
    uint64_t key;
    uint64_t objects;
    uint64_t bytes;
} RouteSize;

typedef struct RouteHistory {
    uint64_t program_bytes;
    uint64_t count;
    RouteSize *sizes; // by key, ascending, each key once; owned
    uint64_t loose_count;
    RouteSize *loose; // the same by loose key; owned
} RouteHistory;

// program_bytes: all that is reachable and not the collector's own. Errors: memory. Released by
// route_history_release() in any case.
NODISCARD bool route_history_make(const TypeRoutes *routes, uint64_t program_bytes,
                                  RouteHistory *out, Error *error);
void route_history_release(RouteHistory *history);

// The objects by which a route grows: lists and trees by all of their nodes, others by those side
// by side.
uint64_t route_history_objects_of(const TypeRoute *route);

typedef enum GrowthKnowledge {
    GROWTH_NOT_COMPARED, // only one heap was given
    GROWTH_NOT_KNOWN,    // what grew cannot be told in an older heap
    GROWTH_KNOWN,
} GrowthKnowledge;

// The growth of something since the oldest of some heaps.
typedef struct Growth {
    GrowthKnowledge knowledge;
    uint64_t objects_before; // in the oldest heap
    uint64_t bytes_before;
    int64_t objects;
    int64_t bytes;
    bool is_steady; // it had more objects in each heap than in the one before
} Growth;

// Adds the next heap of a series to a growth: the first one begins it. `*last` holds the objects of
// the heap before.
void growth_add(Growth *growth, uint64_t *last, uint64_t objects, uint64_t bytes);

// `older`: `count` heaps, oldest first.
Growth route_history_growth(const RouteHistory *older, uint32_t count, const TypeRoute *route);

// The growth of all routes with one loose key, of which the heap at hand has these objects and
// bytes. It is known always.
Growth route_history_loose_growth(const RouteHistory *older, uint32_t count, uint64_t loose_key,
                                  uint64_t objects, uint64_t bytes);

#endif
