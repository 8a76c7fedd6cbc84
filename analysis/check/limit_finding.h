// LimitFinding: the result of comparing a heap with a limit.

#ifndef ANALYSIS_CHECK_LIMIT_FINDING_H
#define ANALYSIS_CHECK_LIMIT_FINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/check/heap_limit.h"

// The things that `measured` counts.
typedef enum LimitFigure {
    FIGURE_OBJECTS,
    FIGURE_BYTES,
    FIGURE_PAGES,
    FIGURE_SLOTS,
    FIGURE_SUSPECTS,
    FIGURE_PATHS, // 1: there is one
    FIGURE_NONE,  // of "complete"
} LimitFigure;

// "objects", "bytes", ...
const char *limit_figure_name(LimitFigure figure);

// A zeroed struct may be released.
typedef struct LimitFinding {
    bool is_exceeded;
    LimitFigure figure;
    uint64_t measured;  // of growth: in the heap
    uint64_t before;    // of growth: in the baseline
    uint64_t base;      // the total that a percentage is of
    uint64_t excess;    // by how much the limit is exceeded
    bool is_too_little; // it is below the limit
    // The labels of the types that the limit names and that the heap has, in the heap's order;
    // borrowed from the heap, the array is owned. Of a path, the first type's.
    uint32_t type_count;
    const char **types;
    bool is_missing;      // a type that the limit names occurs in neither heap nor baseline
    const char *nearest;  // a type of a similar name, if so; NULL: none; borrowed
    const char *label;    // of growth of each: the type that grew most over the limit, or "total"
    uint32_t exceeded_by; // of growth of each: types
    // What keeps it: the objects and fields on the way of most of its objects; owned; NULL: not
    // known. Of a path: the path.
    char *kept_by;
    uint64_t kept_objects;
    uint64_t kept_of;
    char *example; // the address of an object, to look further; owned; NULL: none
} LimitFinding;

void limit_finding_release(LimitFinding *finding);

// Compares `value` (of growth it may be negative) with the limit, whose percentage is of `base`,
// and fills is_exceeded, excess, is_too_little and base.
__extension__ typedef __int128 WideValue;
void limit_finding_judge(LimitFinding *finding, const HeapLimit *limit, WideValue value,
                         uint64_t base);

#endif
