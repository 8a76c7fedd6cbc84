// Every schedule of a small queue case.
//
// Depth first over all choices; a state that was met before, on whatever way, is not looked into
// again. States are told apart by 64-bit hashes of memory, store buffers or histories, of what each
// worker is about to do, what it has found in the call it is in, and what was delivered so far. So
// two different states are taken for one with a chance of about n^2 / 2^65.

#ifndef MARKER_EXPLORE_EXPLORE_EXHAUSTIVE_H
#define MARKER_EXPLORE_EXPLORE_EXHAUSTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/explore_case.h"
#include "marker/explore/explore_schedule.h"
#include "base/error.h"

// What need not be gone through. The last two are for tests, to see that the first loses nothing.
typedef enum ExhaustiveReduction {
    EXHAUSTIVE_REDUCED,
    EXHAUSTIVE_EXACT,     // states are one only if all their bytes are the same
    EXHAUSTIVE_UNREDUCED, // every way is gone to its end: takes for ever
} ExhaustiveReduction;

typedef struct ExhaustiveOptions {
    const ExploreCase *explored; // a queue; its '?' stand for both operations
    SimModel model;
    ExhaustiveReduction reduction;
    uint64_t max_states; // 0: no limit
    bool (*goes_on)(void *context, uint64_t states);
    void *goes_on_context;
} ExhaustiveOptions;

typedef struct ExhaustiveResult {
    uint64_t states;
    uint64_t steps;
    uint64_t ends;         // ways that were gone to their ends
    uint64_t final_states; // different ones at the ends: memory and what was delivered
    uint64_t final_digest; // of the set of them
    bool is_complete;      // false: a limit, or goes_on(), came first
    Violation violation;   // the first one found; kind VIOLATION_NONE: there is none
} ExhaustiveResult;

// `choices` (may be NULL) gets the way to the violation. Errors: memory, unsupported (not in this
// build: sim_can_copy()).
NODISCARD bool explore_exhaustive(const ExhaustiveOptions *options, ExhaustiveResult *result,
                                  ChoiceList *choices, Error *error);

#endif
