// PossibleTotals: upper bounds for the totals of a heap of which parts are missing.
//
// The totals of a report count the parts that are there. Missing parts can only add to them: a lost
// page may have held up to as many objects as fit into one, all of them reachable; and a lost root,
// block or page may have referred to any object. docs/design.md, "Missing parts", has the exact
// rule.

#ifndef ANALYSIS_POSSIBLE_TOTALS_H
#define ANALYSIS_POSSIBLE_TOTALS_H

#include "analysis/group_table.h"
#include "snapshot/heap/heap_image.h"

typedef struct PossibleTotals {
    bool is_known; // false: the size of the missing parts is not known, so there is no upper bound
    ReachabilityCounts counts;
    uint64_t heap_bytes;
} PossibleTotals;

// The upper bounds of `totals` and `heap_bytes`, which are those of `image`. For a complete
// snapshot they are equal to them.
PossibleTotals possible_totals(const HeapImage *image, const ReachabilityCounts *totals,
                               uint64_t heap_bytes);

#endif
