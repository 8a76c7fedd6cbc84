// ParallelMarkCoordinator: the state that the workers of one parallel mark share: start and end
// barrier, which workers are hungry, which sleep, and whether any work is left.
//
// Note [Termination]
//
// `outstanding` counts workers that have, or may get, work, and inboxes that are not empty. It
// starts at the number of workers. A worker counts itself off when its stack, queue, worklist
// and pipe are empty, and on again *before* it tries to take work from another. Work only
// comes from work: only a worker that is counted puts items into a queue or an inbox, a queue's
// owner stays counted while the queue is not empty, and an inbox that is not empty is counted
// itself. So once `outstanding` is 0, no work is left and none can appear, and the worker that
// brought it to 0 ends the mark.
//
// All changes are read-modify-writes on one cell, and those of workers are acq_rel for one case: a
// thief counts itself on (A) and takes the last segment, of which the owner sees only that the
// count of its list is 0 (B, written and read relaxed); the owner counts itself off (C). Were C
// before A in the order of the cell, C would happen before A and B, and the owner's load, which
// comes before C, could not read B. With relaxed changes it could (the litmus test LB, load
// buffering: ARMv8 shows it), and the mark would end under the thief's hands. No model of the
// explorer shows load buffering, so no mutant stands for this.
//
// Note [No lost wake-up]
//
// A worker lies down in three steps: it sets its bit in `sleeping`, looks for work everywhere once
// more, and parks. A worker that brings work publishes it, and then does a read-modify-write on
// `sleeping`. Both are acq_rel read-modify-writes on one cell, so one comes first. If the
// sleeper's does, the other sees the bit and unparks it, and a parker keeps a wake-up that comes
// early. If the bringer's does, the sleeper's synchronizes with it, and its last look finds the
// work. At the end of the mark every worker is unparked, asleep or not.

#ifndef MARKER_PARALLEL_MARK_COORDINATOR_H
#define MARKER_PARALLEL_MARK_COORDINATOR_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "marker/mark_worker.h"
#include "marker/page_ownership.h"
#include "shared_memory.h"
#include "base/error.h"

typedef struct ParallelMarkCoordinator {
    _Alignas(SHARED_LINE_BYTES) SharedU32 outstanding; // see Note [Termination]
    // Number of idle workers. Top bit: the mark is over. Busy workers read it after every batch.
    _Alignas(SHARED_LINE_BYTES) SharedU32 attention;
    // Bit i: worker i sleeps, or is about to. See Note [No lost wake-up].
    _Alignas(SHARED_LINE_BYTES) SharedU64 sleeping;
    _Alignas(SHARED_LINE_BYTES) SharedParker parkers[MAX_VIRTUAL_WORKERS];
    // From here on: written before the start barrier only.
    uint32_t worker_count;
    MarkWorker *workers[MAX_VIRTUAL_WORKERS];
    ChunkPool pool; // has shared parts of its own
    PageOwnership ownership;
    SharedBarrier start_barrier;
    SharedBarrier end_barrier;
    bool is_cancelled;    // a thread could not start: the others leave before the start barrier
    uint64_t started_ns;  // written by worker 0 behind the start barrier
    uint64_t finished_ns; // and behind the end barrier
} ParallelMarkCoordinator;

#define ATTENTION_OVER (UINT32_C(1) << 31)

// Marks with options->workers (all options resolved) and adds totals and statistics to `result`;
// the marks go to `target`. Worker 0 runs on the calling thread; with options->driver, all do.
// `*started` becomes options->workers, or less: the workers that had a thread when no more could be
// started; nothing was marked then. Errors: memory, those of the driver.
NODISCARD bool parallel_mark_coordinator_mark(const HeapImage *image, const MarkOptions *options,
                                              MarkTarget target, MarkResult *result,
                                              uint32_t *started, Error *error);

// ---- for the workers ----

static inline uint32_t coordinator_attention(const ParallelMarkCoordinator *coordinator)
{
    // Relaxed: a hint for busy workers, and ATTENTION_OVER hands nothing over: the workers' results
    // are read behind the end barrier.
    return shared_u32_load(&coordinator->attention, SHARED_RELAXED);
}

// To be called by a worker that has run out of work.
void coordinator_became_idle(ParallelMarkCoordinator *coordinator);
// To be called by an idle worker before it tries to take work.
void coordinator_count_on(ParallelMarkCoordinator *coordinator);
// To be called after it: the first when it got some, the second when it did not.
void coordinator_found_work(ParallelMarkCoordinator *coordinator);
void coordinator_count_off(ParallelMarkCoordinator *coordinator);

// Announces that a worker is going to sleep. False: there is work after all; else the caller parks.
// Either way it calls coordinator_get_up() when it goes on.
bool coordinator_lie_down(ParallelMarkCoordinator *coordinator, const MarkWorker *worker);
void coordinator_get_up(ParallelMarkCoordinator *coordinator, const MarkWorker *worker);

// Wakes one sleeping worker, if there is one. To be called after work was published.
void coordinator_wake_one(ParallelMarkCoordinator *coordinator);
// Wakes worker `index` if it is asleep.
void coordinator_wake(ParallelMarkCoordinator *coordinator, uint32_t index);

// Ends the mark early, when memory is short.
void coordinator_give_up(ParallelMarkCoordinator *coordinator);

#endif
