// LeakSuspects: where in a heap much has come together.
//
// From one heap alone nobody can tell a leak from a cache; but both look alike: at one place of the
// dominator tree, where nothing below is nearly as big as the place itself, many objects of one
// type hang side by side. At each such place that keeps enough alive, be it an object, a block or
// several roots together, what hangs below is grouped by type: the type that keeps most alive is
// what accumulates.

#ifndef ANALYSIS_LEAK_SUSPECTS_H
#define ANALYSIS_LEAK_SUSPECTS_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"

#define MAX_SUSPECTS 5u
// In per cent: what a suspect must keep alive of all, and what no child may have of its parent.
#define SUSPECT_SHARE 5u
#define DESCENT_SHARE 70u
// So many objects side by side are a crowd. Crowds come first.
#define SUSPECT_CROWD 16u

typedef struct LeakSuspect {
    uint32_t place;          // node under which it accumulates: an object, a block, or a holder
    uint32_t owner;          // the object nearest above a block, itself otherwise
    uint32_t type;           // of what accumulates
    uint32_t example;        // one of these nodes, the largest
    uint64_t objects;        // of the type right below the place
    uint64_t retained_bytes; // by them
} LeakSuspect;

typedef struct LeakSuspects {
    uint32_t count;
    LeakSuspect suspects[MAX_SUSPECTS]; // crowds first, then by retained bytes
} LeakSuspects;

// Adds children to the tree. Errors: memory.
NODISCARD bool leak_suspects_find(DominatorTree *tree, const NodeTypes *types, LeakSuspects *out,
                                  Error *error);

#endif
