// Every schedule of a small queue case.
//
// Depth first over all choices; a state that was reached before, on any path, is not explored
// again. States are compared by 64-bit hashes of memory, store buffers or histories, each worker's
// pending operation, the values that it found in its present call, and the items delivered so far.
// So two different states are taken for one with a probability of about n^2 / 2^65.

#ifndef MARKER_EXPLORE_EXPLORE_EXHAUSTIVE_H
#define MARKER_EXPLORE_EXPLORE_EXHAUSTIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/explore_case.h"
#include "marker/explore/explore_schedule.h"
#include "base/error.h"

// Which paths are left out. The last two are for tests, which show that the first loses no state.
typedef enum ExhaustiveReduction {
    EXHAUSTIVE_REDUCED,
    EXHAUSTIVE_EXACT,     // states are the same only if all their bytes are
    EXHAUSTIVE_UNREDUCED, // every path is followed to its end: for tiny cases only
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
    uint64_t ends;         // paths that were followed to their ends
    uint64_t final_states; // different states at the ends: memory and delivered items
    uint64_t final_digest; // of the set of them
    bool is_complete;      // false: a limit, or goes_on(), ended the search
    Violation violation;   // the first one found; kind VIOLATION_NONE: none
} ExhaustiveResult;

// `choices` (may be NULL) gets the path to the violation. Errors: memory, unsupported (in a build
// where sim_can_copy() is false).
NODISCARD bool explore_exhaustive(const ExhaustiveOptions *options, ExhaustiveResult *result,
                                  ChoiceList *choices, Error *error);

#endif
