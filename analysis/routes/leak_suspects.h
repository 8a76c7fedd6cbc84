// LeakSuspects: crowds of objects that keep much memory alive, which may be leaks.
//
// One heap alone does not distinguish a leak from a cache, but both look alike: many objects of one
// type that the program reaches in the same way. Objects are grouped by their route
// (analysis/routes/type_routes.h), so that one leak on many threads, or in many instances of a
// type, is one suspect, and a long list or a tree of one type, too. Of crowds within each other the
// one counts that has most objects a place: the orders in a cache, not the few items of each order;
// the subscriptions below 64 services, not the services.
//
// Where blocks are the crowd (a linked list, a tree, boxes of trait objects), the objects that they
// hold are named.
//
// A crowd whose members each hold an object of a type of which others are held elsewhere weighs
// more: a subscription that keeps a session alive which the table of sessions has let go looks like
// that, and a cache of pages does not.
//
// Older heaps of the program tell more: crowds that grew come first, by their growth since the
// oldest one; before them, where there are several older heaps, those that grew in every step.

#ifndef ANALYSIS_ROUTES_LEAK_SUSPECTS_H
#define ANALYSIS_ROUTES_LEAK_SUSPECTS_H

#include "analysis/routes/route_history.h"

#define MAX_SUSPECTS 5u
// Crowds that are not within each other have disjoint sizes of SUSPECT_SHARE at least; smaller ones
// that grew are beside them.
#define MOST_SUSPECTS (100u / SUSPECT_SHARE + 100u)
// In per cent: the least share of all memory that a suspect keeps alive; of the growth, that it
// grew by; of a crowd, that crowds in it keep, to be named instead.
#define SUSPECT_SHARE 5u
#define INNER_SHARE 50u
// How much more a crowd weighs that holds what others hold, too.
#define HOLDING_WEIGHT 3u
// The least number of objects side by side.
#define SUSPECT_CROWD ROUTE_CROWD

typedef struct LeakSuspect {
    uint32_t route;
    uint32_t place;   // where most of it accumulates: an object, a block, or a holder
    uint32_t owner;   // the object nearest above a block, itself otherwise
    uint32_t type;    // of the objects that accumulate
    uint32_t example; // the largest of them right below the place
    uint64_t objects; // of the route; of a crowd at one place of a tree, those right below it
    uint64_t retained_bytes; // by them
    uint64_t places;         // at which it accumulates
    uint32_t threads;        // whose roots lead to them; 0: not known
    bool is_nested;          // a list or a tree: objects below each other
    uint64_t blocks;         // foreign blocks that the objects lie behind, a crowd themselves; or 0
    // Objects of one type that its members hold, one each or nearly, and others of the type that
    // are held elsewhere; 0: there are none.
    uint32_t held_type;
    uint64_t held_objects;
    uint64_t held_elsewhere;
    Growth growth; // of the route
} LeakSuspect;

typedef struct LeakSuspects {
    uint32_t count;
    LeakSuspect suspects[MOST_SUSPECTS]; // most growth first, then the heaviest
} LeakSuspects;

// program_bytes: all that is reachable and not the collector's own. older: `older_count` heaps,
// oldest first; 0: only one heap was given. most: suspects that are kept, at most MOST_SUSPECTS.
// Errors: memory.
NODISCARD bool leak_suspects_find(const TypeRoutes *routes, uint64_t program_bytes,
                                  const RouteHistory *older, uint32_t older_count, uint32_t most,
                                  LeakSuspects *out, Error *error);

// Did the suspect grow, as far as is known?
static inline bool leak_suspect_has_grown(const LeakSuspect *suspect)
{
    return suspect->growth.knowledge == GROWTH_KNOWN && suspect->growth.objects > 0 &&
           suspect->growth.bytes > 0;
}

#endif
