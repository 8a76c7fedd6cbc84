// HeapReplay: marks one heap in all ways, and compares each result with the serial marker's.
//
// First the serial marker makes the expected result. Then the deterministic driver marks the heap,
// for each number of workers and policy on each schedule; then threads do, in each of the four ways
// that seeds choose from: major or minor, with queues of the usual capacity or of the smallest one.
// All of that reads one image, and needs no more memory for a hundred schedules than for one.

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
    Cancel cancel;      // checked between marks
} ReplayPlan;

// One way to mark.
typedef struct ReplayWay {
    uint32_t workers;
    MarkPolicy policy;
    MarkKind kind;
    uint32_t queue_capacity;
    bool is_scheduled; // else on threads
    uint64_t seed;
} ReplayWay;

// Kind and capacity for a seed: all four pairs in four seeds that follow each other.
void replay_way_choose(ReplayWay *way, uint64_t seed);

typedef struct HeapReplay {
    MarkResult *serial;       // the expected result; owned
    MarkResult *serial_minor; // that of a minor mark; owned
    uint64_t marks;           // made on schedules
    uint64_t steps;           // of all of them
    uint32_t lacking_threads; // that the system refused, of the mark that lacked most
    // The first way whose result differs; further ways were left out then.
    bool has_difference;
    ReplayWay way;
    MarkDifference difference;
    bool differs_in_totals; // the totals differ, even where the sets are the same
} HeapReplay;

// On success the caller frees what is in `*out` with heap_replay_release(). Errors: memory, system,
// interrupted.
NODISCARD bool heap_replay_run(const HeapImage *image, const ReplayPlan *plan, HeapReplay *out,
                               Error *error);
void heap_replay_release(HeapReplay *replay);

#endif
