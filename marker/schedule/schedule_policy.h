// Schedule policies: choose the worker that makes the next step of a scheduled mark.
//
// A policy depends on its ScheduleView alone, so that its choices are the same wherever the mark is
// repeated.

#ifndef MARKER_SCHEDULE_SCHEDULE_POLICY_H
#define MARKER_SCHEDULE_SCHEDULE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/schedule/mark_schedule.h"

// Seeded numbers: splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
typedef struct ScheduleRandom {
    uint64_t state;
} ScheduleRandom;

uint64_t schedule_random_next(ScheduleRandom *random);
// 0..limit-1; limit must not be 0.
uint64_t schedule_random_below(ScheduleRandom *random, uint64_t limit);

typedef struct ScheduleView {
    uint64_t step; // number of the step that comes
    uint32_t worker_count;
    uint64_t runnable_mask;     // workers that can make a step: never 0
    uint64_t hungry_mask;       // those of them that have no work of their own
    bool is_stealable;          // some worker has items that can be stolen
    const uint64_t *last_steps; // per worker: number of its last step, plus 1; 0: none yet
    const uint64_t *clocks;     // per worker, virtual ns
} ScheduleView;

typedef struct SchedulePolicyState {
    SchedulePolicy policy;
    uint32_t quantum;
    uint32_t last; // the worker of the previous step
    bool is_first;
    bool has_given_way; // the previous step found no work
    ScheduleRandom random;
    // SCHEDULE_PCT: the worker with the highest runs. SCHEDULE_PREEMPTION uses the change points
    // alone.
    uint64_t priorities[MAX_VIRTUAL_WORKERS];
    uint64_t lowest;                            // the priority that was assigned last
    uint64_t change_points[MAX_SCHEDULE_DEPTH]; // step numbers, ascending
    uint32_t change_count;
    uint32_t next_change;
} SchedulePolicyState;

// expected_steps: an estimate of the mark's steps; change points lie among them.
void schedule_policy_init(SchedulePolicyState *state, const MarkSchedule *schedule,
                          uint32_t worker_count, uint64_t expected_steps);

ScheduledChoice schedule_policy_choose(SchedulePolicyState *state, const ScheduleView *view);

// Takes note of the outcome of the chosen step.
void schedule_policy_saw(SchedulePolicyState *state, uint32_t worker, StepOutcome outcome);

#endif
