// Schedules: a parallel mark as a reproducible sequence of steps on one thread.
//
// With the driver of a MarkSchedule the marker's own workers run as virtual workers: one at a time
// makes a step, and a policy says which, and how long the step may be. Everything that a worker
// meets (what it steals, what overflows, when it sleeps and who wakes it) follows from the order of
// steps, so that the whole run is the same again for the same image, options and schedule, whatever
// machine, compiler or placement of the image. Time is virtual: each step costs what a table says.
//
//     MarkSchedule schedule = mark_schedule_default();
//     schedule.seed = 7;
//     options.driver = &schedule.driver;
//     options.workers = 8;
//     if (!mark_reachable(image, &options, &result, &error))
//         ...
//     puts(result->statistics.schedule.digest);

#ifndef MARKER_SCHEDULE_MARK_SCHEDULE_H
#define MARKER_SCHEDULE_MARK_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "marker/mark_driver.h"
#include "base/error.h"

// Most batches (of 16 objects at most) of a step.
#define MAX_QUANTUM 16u

// Which worker makes the next step.
typedef enum SchedulePolicy {
    SCHEDULE_RANDOM = 0,   // any worker that can go on, and a quantum at random
    SCHEDULE_ROUND_ROBIN,  // one after the other
    SCHEDULE_PCT,          // the one with the highest priority; priorities change at a few random
                           // steps (Burckhardt et al., ASPLOS 2010)
    SCHEDULE_PREEMPTION,   // the same one until it is idle, but for a few preemptions
    SCHEDULE_LONGEST_IDLE, // the one whose last step is the longest ago
    SCHEDULE_THIEF,        // a thief as soon as there is something to steal
    SCHEDULE_CLOCK,        // the one whose virtual clock is behind: as on N real cores
    SCHEDULE_POLICY_COUNT,
} SchedulePolicy;

// "random", "round-robin", ...; "unknown" outside the enumeration.
const char *schedule_policy_name(SchedulePolicy policy);

// Costs on a real core, in virtual picoseconds. The defaults were fitted to the bench graphs on a
// 2021 server CPU: docs/benchmarks.md has the results.
typedef struct ScheduleCosts {
    uint32_t batch;        // a batch of objects, without its objects
    uint32_t claim;        // an object claimed
    uint32_t shared_claim; // added to it where several workers claim
    uint32_t far_line;     // a line of an object that comes from memory, others on their way
    uint32_t near_object;  // an object near the one scanned before: it is in the cache already
    uint32_t lone_far;     // an object that is followed alone, from memory
    uint32_t lone_near;    // the same for one that is in the cache
    uint32_t word;         // a payload word scanned
    uint32_t edge;         // a mark word loaded
    uint32_t complex;      // a reference that needs more than its mark word to be resolved
    uint32_t steal;        // a successful attempt
    uint32_t failed_steal; // an unsuccessful one
    uint32_t inbox;        // a chunk of references sent or received
    uint32_t look;         // an idle worker's look for work
    uint32_t wake;         // from the wake-up to the sleeper's next step
    uint32_t barrier;      // start or end
} ScheduleCosts;

ScheduleCosts schedule_costs_default(void);

// The fields by name, as in JSON documents: "claim", "far_line", ... in their order.
#define SCHEDULE_COST_COUNT 16u
const char *schedule_cost_name(uint32_t index);
uint32_t *schedule_cost_at(ScheduleCosts *costs, uint32_t index);
uint32_t schedule_cost_value(const ScheduleCosts *costs, uint32_t index);

// The outcome of a step; a recording stores these values.
typedef enum StepOutcome {
    STEP_STARTED = 0, // took its share of the roots: every worker's first step
    STEP_WORKED,
    STEP_IDLED,    // ran out of work
    STEP_FOUND,    // was idle, and got some
    STEP_LOOKED,   // was idle, and got none
    STEP_SLEPT,    // lay down; its next step comes after a wake-up
    STEP_FINISHED, // its last
    STEP_OUTCOME_COUNT,
} StepOutcome;

// One step that has been made.
typedef struct ScheduleStep {
    uint64_t number; // from 0
    uint32_t worker;
    uint32_t quantum; // most batches that the step was allowed
    StepOutcome outcome;
    uint32_t victim; // of a successful steal; else NO_INDEX
    // The worker's counts in this step.
    uint32_t claimed;
    uint32_t scanned_items; // objects and pieces of large ones
    uint32_t far_lines;     // see ScannedPlaces in marker/mark_worker.h
    uint32_t near_items;
    uint32_t lone_far_items;
    uint32_t lone_near_items;
    uint32_t scanned_words;
    uint32_t edges;
    uint32_t complex_references;
    uint32_t steals_tried;
    uint32_t steals_won;
    uint32_t chunks_sent;
    uint32_t chunks_received;
    // Virtual time since the start barrier.
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t woken_mask; // bit i: worker i slept and was woken by this step
} ScheduleStep;

// Called after each step. Returns false to end the mark, which then fails with `error`.
typedef struct ScheduleObserver {
    bool (*saw_step)(void *context, const ScheduleStep *step, Error *error);
    void *context;
} ScheduleObserver;

// The next step.
typedef struct ScheduledChoice {
    uint32_t worker;
    uint32_t quantum; // 1..MAX_QUANTUM
} ScheduledChoice;

// Chooses step `number`, in place of a policy: its worker must be in `runnable_mask`. False: ends
// the mark, as above.
typedef struct ScheduleSource {
    bool (*next)(void *context, uint64_t number, uint64_t runnable_mask, ScheduledChoice *choice,
                 Error *error);
    void *context;
} ScheduleSource;

// A mark on a schedule: `driver` goes to MarkOptions.driver, and the mark borrows the whole of it.
typedef struct MarkSchedule {
    MarkDriver driver; // first member; as mark_schedule_default() sets it
    SchedulePolicy policy;
    uint64_t seed;
    uint32_t quantum;     // of the policies that do not choose at random: 1..MAX_QUANTUM
    uint32_t depth;       // SCHEDULE_PCT: 1..MAX_SCHEDULE_DEPTH
    uint32_t preemptions; // SCHEDULE_PREEMPTION: 0..MAX_SCHEDULE_DEPTH
    ScheduleCosts costs;
    ScheduleObserver observer; // saw_step NULL: none
    ScheduleSource source;     // next NULL: the policy chooses
} MarkSchedule;

#define MAX_SCHEDULE_DEPTH 32u

// Random, seed 1, depth 3, 2 preemptions, quantum 8, no observer.
MarkSchedule mark_schedule_default(void);

#endif
