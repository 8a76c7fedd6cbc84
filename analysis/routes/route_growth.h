// RouteGrowth: the places of a heap in which objects became more since an older heap: growth by
// what retains it, not by type.
//
//     shop::App.audit.subscribers   +1,985 x shop::Subscription   +1.2 MiB
//
// Objects in objects that are new came with them, so only the outermost routes that grew count: the
// subscriptions, not the session that each holds. Where blocks are what grew (the cells of a list),
// the objects that they hold are named, as suspects do. Routes with the same types of which some
// field is new count as one, since whether the others lost what it has cannot be told.

#ifndef ANALYSIS_ROUTES_ROUTE_GROWTH_H
#define ANALYSIS_ROUTES_ROUTE_GROWTH_H

#include "analysis/routes/route_history.h"

#define MOST_GROWN_PLACES 100u

typedef struct GrownPlace {
    uint32_t route;
    char *label;      // where: route_place_text(); owned
    uint32_t type;    // of the objects
    uint64_t objects; // in the heap at hand
    uint64_t retained_bytes;
    Growth growth; // known; by more objects, and more bytes
    // Of several fields of the same types, `route` being the largest: the older heap does not tell
    // them apart.
    bool is_merged;
} GrownPlace;

typedef struct GrownPlaces {
    uint64_t count;    // of all
    uint32_t kept;     // of them, at most MOST_GROWN_PLACES
    GrownPlace *items; // most bytes first; owned
} GrownPlaces;

// `older`: `older_count` heaps, oldest first; at least one. Errors: memory. Released by
// grown_places_release() in any case.
NODISCARD bool grown_places_find(const TypeRoutes *routes, const RouteHistory *older,
                                 uint32_t older_count, GrownPlaces *out, Error *error);
void grown_places_release(GrownPlaces *places);

#endif
