// HeapReplay: one heap marked again and again, by every way there is, and each result held against
// the serial marker's.
//
// First the serial marker says what is right. Then threads mark it, once for each number of
// workers and policy; then the deterministic driver, for each of them on each schedule. All of that
// reads one image, and needs no more memory for a hundred schedules than for one.

#ifndef ANALYSIS_REPLAY_HEAP_REPLAY_H
#define ANALYSIS_REPLAY_HEAP_REPLAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "analysis/replay/mark_difference.h"
#include "marker/mark.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

typedef struct ReplayPlan {
    uint32_t worker_count; // entries of `workers`
    uint32_t workers[MAX_WORKERS];
    uint32_t policy_count;
    MarkPolicy policies[2];
    uint64_t first_seed;
    uint64_t last_seed; // first_seed <= last_seed < UINT64_MAX
    Cancel cancel;      // looked at between marks
} ReplayPlan;

// One way to mark.
typedef struct ReplayWay {
    uint32_t workers;
    MarkPolicy policy;
    bool is_scheduled; // else on threads
    uint64_t seed;
} ReplayWay;

typedef struct HeapReplay {
    MarkResult *serial; // what is right; owned
    uint64_t marks;     // on schedules, that were made
    uint64_t steps;     // of them all
    // The first way whose result was another one; the heap's further ways were left out.
    bool has_difference;
    ReplayWay way;
    MarkDifference difference;
    bool differs_in_totals; // the counts do, though the sets may be the same
} HeapReplay;

// On success the caller frees what is in `*out` with heap_replay_release(). Errors: memory, system,
// interrupted.
NODISCARD bool heap_replay_run(const HeapImage *image, const ReplayPlan *plan, HeapReplay *out,
                               Error *error);
void heap_replay_release(HeapReplay *replay);

#endif
