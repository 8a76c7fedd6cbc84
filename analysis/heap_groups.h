// HeapGroups: the objects of a heap by type, size class, owner thread and generation: counts,
// bytes, unreachable objects, and the size that each group keeps alive, strings and buffers
// included; and malloc'd memory by the type that owns it.

#ifndef ANALYSIS_HEAP_GROUPS_H
#define ANALYSIS_HEAP_GROUPS_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"
#include "analysis/reachability_report.h"

typedef enum Grouping {
    GROUP_BY_TYPE,
    GROUP_BY_SIZE_CLASS,
    GROUP_BY_OWNER_THREAD,
    GROUP_BY_GENERATION,
    GROUPING_COUNT,
} Grouping;

typedef struct HeapGroup {
    uint64_t key; // type of the table, slot size or LARGE_SIZE_CLASS, owner thread, generation
    ReachabilityCounts counts;
    // The sum of the retained sizes of its objects, without those below another object of the
    // group. Foreign blocks are included, unlike in the counts.
    uint64_t retained_bytes;
} HeapGroup;

// Malloc'd blocks that objects of one type alone keep alive, directly or through other blocks.
typedef struct ForeignOwner {
    uint32_t type; // of the table; type_count: roots, or several objects
    uint64_t blocks;
    uint64_t bytes;
    uint64_t sized_blocks; // beside these, blocks without content of one owner
    uint64_t sized_bytes;
} ForeignOwner;

typedef struct HeapGroups {
    bool has_retained;
    uint32_t counts[GROUPING_COUNT];
    // Ascending by key; owned. Types of equal labels are counted with the first of them; the others
    // have no objects.
    HeapGroup *groups[GROUPING_COUNT];
    uint32_t owner_count;
    ForeignOwner *owners; // most bytes first; owned
} HeapGroups;

// A NULL tree leaves retained sizes and owners out; otherwise children are added to it.
// Errors: memory. Released by heap_groups_release() in any case.
NODISCARD bool heap_groups_make(const HeapImage *image, const MarkResult *mark,
                                const ReachabilityReport *report, DominatorTree *tree,
                                const NodeTypes *types, HeapGroups *out, Error *error);
void heap_groups_release(HeapGroups *groups);

#endif
