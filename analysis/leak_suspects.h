// LeakSuspects: places of a heap at which objects accumulate.
//
// One heap alone does not distinguish a leak from a cache, but both look alike: at one place of the
// dominator tree, where no single child is nearly as big as the place itself, many objects of one
// type hang side by side. At each such place that keeps enough alive (an object, a block or several
// roots together) the children are grouped by type: the type that keeps most alive is the one that
// accumulates.

#ifndef ANALYSIS_LEAK_SUSPECTS_H
#define ANALYSIS_LEAK_SUSPECTS_H

#include "analysis/collector_memory.h"
#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"

#define MAX_SUSPECTS 5u
// In per cent: the least share of all memory that a suspect keeps alive, and the largest share of
// its place that a child may keep alive.
#define SUSPECT_SHARE 5u
#define DESCENT_SHARE 70u
// N objects side by side are a crowd. Crowds come first.
#define SUSPECT_CROWD 16u

typedef struct LeakSuspect {
    uint32_t place;          // the node below which it accumulates: an object, a block, or a holder
    uint32_t owner;          // the object nearest above a block, itself otherwise
    uint32_t type;           // of the objects that accumulate
    uint32_t example;        // the largest of them
    uint64_t objects;        // of the type right below the place
    uint64_t retained_bytes; // by them
} LeakSuspect;

typedef struct LeakSuspects {
    uint32_t count;
    LeakSuspect suspects[MAX_SUSPECTS]; // crowds first, then by retained bytes
} LeakSuspects;

// The collector's own memory is neither a suspect nor a part of what shares are of. Adds children
// to the tree. Errors: memory.
NODISCARD bool leak_suspects_find(DominatorTree *tree, const NodeTypes *types,
                                  const CollectorMemory *collector, LeakSuspects *out,
                                  Error *error);

#endif
