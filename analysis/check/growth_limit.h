// GrowthLimit: a limit for the growth of a type, or of all, from the first heap to the last.
//
//     shop::Order+10%     reachable bytes of a type
//     shop::Order+100     reachable objects of it
//     shop::Order+1MiB    reachable bytes
//     total+5%            reachable bytes of all, malloc'd blocks included
//     any+10%             of each type
//
// A type that grew from nothing exceeds every limit in per cent.

#ifndef ANALYSIS_GROWTH_LIMIT_H
#define ANALYSIS_GROWTH_LIMIT_H

#include "analysis/heap_diff.h"

typedef enum GrowthUnit {
    GROWTH_PERCENT,
    GROWTH_OBJECTS,
    GROWTH_BYTES,
} GrowthUnit;

typedef struct GrowthLimit {
    const char *text; // as the user wrote it; borrowed
    char name[256];
    GrowthUnit unit;
    uint64_t amount; // of per cent, hundredths
} GrowthLimit;

// The result of comparing with a limit.
typedef struct GrowthFinding {
    const char *label; // of the type that grew most over the limit, or least under it; or "total"
    uint64_t before;   // bytes or objects
    uint64_t after;
    bool is_exceeded;
    uint32_t exceeded_count; // types
} GrowthFinding;

// Checks a limit. Errors: usage (no heap has a type of this name; hints name similar ones).
NODISCARD bool growth_limit_check(const GrowthLimit *limit, const HeapDiff *diff,
                                  const HeapProfile *const *profiles, GrowthFinding *out,
                                  Error *error);

#endif
