// PossibleTotals: how large totals may have been in a heap of which parts are missing.
//
// The totals of a report count what is there. What is missing can only add: a lost page may have
// held as many objects as fit into one, all of them reachable, or none; and a lost root, block or
// page may have referred to any object. docs/design.md, "Missing parts", has the exact rule.

#ifndef ANALYSIS_POSSIBLE_TOTALS_H
#define ANALYSIS_POSSIBLE_TOTALS_H

#include "analysis/group_table.h"
#include "snapshot/heap/heap_image.h"

typedef struct PossibleTotals {
    bool is_known; // false: nobody knows how much is missing, so there is no upper end
    ReachabilityCounts counts;
    uint64_t heap_bytes;
} PossibleTotals;

// The upper ends of `totals` and `heap_bytes`, which are those of `image`; of a complete snapshot
// the same.
PossibleTotals possible_totals(const HeapImage *image, const ReachabilityCounts *totals,
                               uint64_t heap_bytes);

#endif
