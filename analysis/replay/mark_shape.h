// MarkShape: the parallelism that a heap allows, for any marker.
//
// An object can be scanned only after a reference to it was found. If any number of workers could
// scan an object each in a tick, and nothing else took time, a mark would take as many ticks as
// the heap is deep: its critical path. With N workers it takes `ideal_ticks`, and no marker is
// faster than one worker by more than objects / ideal_ticks. Objects over N times these ticks is
// the idealised trace utilisation of Barabash and Petrank, "Tracing Garbage Collection on Highly
// Parallel Platforms", ISMM 2010.
//
// Foreign blocks count as objects here, and a large object counts as one, however long it is. A
// real marker divides its scan among workers, so the bound is too low for heaps with giant arrays.

#ifndef ANALYSIS_REPLAY_MARK_SHAPE_H
#define ANALYSIS_REPLAY_MARK_SHAPE_H

#include <stdint.h>

#include "analysis/graph/object_graph.h"

typedef struct MarkShape {
    uint64_t objects; // with foreign blocks
    uint64_t depth;   // the critical path: objects on the longest of the shortest paths from a root
    uint64_t widest;  // most objects at the same distance from the roots
    // In breadth-first order: the number of known objects once this one has been scanned.
    uint32_t *known;       // `objects` entries, owned
    uint32_t root_objects; // known before the first
} MarkShape;

// Errors: memory. Released by mark_shape_release(), which takes a zeroed struct too.
NODISCARD bool mark_shape_init(MarkShape *shape, const ObjectGraph *graph, Error *error);
void mark_shape_release(MarkShape *shape);

// Ticks that `workers` ideal workers need. workers: at least 1.
uint64_t mark_shape_ideal_ticks(const MarkShape *shape, uint32_t workers);

#endif
