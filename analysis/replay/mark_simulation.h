// MarkSimulation: estimates the time of marking a heap on N real cores.
//
// The marker's own workers run as virtual ones (marker/schedule/mark_schedule.h), always the one
// whose clock is behind, and a table gives the cost of each step. With the same table the result is
// the same on every machine; its accuracy depends on the table alone.
//
//     SimulatedMark mark;
//     if (!mark_simulate(image, &options, 8, NULL, &mark, &error))
//         return false;
//     // mark.virtual_ns, against that of 1 worker

#ifndef ANALYSIS_REPLAY_MARK_SIMULATION_H
#define ANALYSIS_REPLAY_MARK_SIMULATION_H

#include <stdint.h>

#include "marker/mark.h"
#include "marker/schedule/mark_schedule.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

typedef struct SimulationOptions {
    MarkPolicy policy;
    MarkKind kind;
    ScheduleCosts costs;
} SimulationOptions;

// The workers' time by use, summed over all workers: these add up to workers * virtual_ns.
typedef struct SimulatedTime {
    uint64_t marking_ns;
    uint64_t stealing_ns;  // steps that got work from another worker
    uint64_t searching_ns; // steps that found no work
    uint64_t
        sleeping_ns; // between lying down and the step after the wake-up, the way to it included
    uint64_t barrier_ns; // waiting for the others at start and end
} SimulatedTime;

typedef struct SimulatedMark {
    uint32_t workers;
    uint64_t virtual_ns; // from the start barrier to the end barrier
    SimulatedTime time;
    uint64_t steals_tried;
    uint64_t steals_won;
    uint64_t steps;
    uint64_t marked_objects;
    char digest[MARK_DIGEST_CHARS];          // of the marks
    char schedule_digest[MARK_DIGEST_CHARS]; // of the steps
} SimulatedMark;

// workers: 1..MAX_VIRTUAL_WORKERS. observer: called after each step was counted; may be NULL.
// Errors: usage, memory, those of the observer.
NODISCARD bool mark_simulate(const HeapImage *image, const SimulationOptions *options,
                             uint32_t workers, const ScheduleObserver *observer, SimulatedMark *out,
                             Error *error);

#endif
