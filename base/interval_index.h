// IntervalIndex: which of many intervals holds an address, where they may overlap.
//
// Of several that hold it, the one with the least rank counts; of equal ranks the first one. The
// index holds disjoint stretches, so a search takes the time of a binary one, however the
// intervals lie.

#ifndef BASE_INTERVAL_INDEX_H
#define BASE_INTERVAL_INDEX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Interval {
    uint64_t start;
    uint64_t end; // behind it; an interval that ends where it begins holds nothing
    uint64_t rank;
    uint32_t number; // the caller's
} Interval;

typedef struct IntervalStretch {
    uint64_t start;
    uint32_t number; // of the interval that counts from here on, or INTERVAL_NONE
} IntervalStretch;

#define INTERVAL_NONE UINT32_MAX

// A zeroed struct is valid and empty.
typedef struct IntervalIndex {
    IntervalStretch *stretches; // ascending; owned
    uint64_t count;
} IntervalIndex;

// Puts `intervals` in another order. Errors: memory.
NODISCARD bool interval_index_init(IntervalIndex *index, Interval *intervals, uint32_t count,
                                   Error *error);
void interval_index_release(IntervalIndex *index);

// The number of the interval that holds the address, or INTERVAL_NONE.
uint32_t interval_index_find(const IntervalIndex *index, uint64_t address);

#endif
