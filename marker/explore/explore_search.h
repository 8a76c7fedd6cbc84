// Searching schedules for a violation.
//
// Schedule number N under seed S is always the same: case, heap, policy and every choice follow
// from the two. So seed and number reproduce a finding.

#ifndef MARKER_EXPLORE_EXPLORE_SEARCH_H
#define MARKER_EXPLORE_EXPLORE_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/explore_case.h"
#include "marker/explore/explore_heap.h"
#include "marker/explore/explore_schedule.h"
#include "base/error.h"

// Schedules that share a case: making a heap takes as long as several schedules.
#define EXPLORE_SCHEDULES_PER_CASE 64u

// A case with all that it borrows.
typedef struct ExploreSubject {
    ExploreCase explored;
    ExploreHeap heap; // of a mark
    HeapImage *image;
    MarkResult *expected;
    bool is_isolated;   // runs may end the process: each is in a child, ...
    uint64_t stop_step; // ... but one that stops behind this step; 0: none
} ExploreSubject;

// Gives a mark another heap: makes its image and its expected result; the rest of `explored.mark`
// stays. Errors: memory.
NODISCARD bool explore_subject_set_heap(ExploreSubject *subject, const ExploreHeap *heap,
                                        Error *error);
void explore_subject_release(ExploreSubject *subject);

// A queue of capacity 2 or 4 with an owner and two thieves.
void explore_queue_case(QueueCase *queue, ScheduleRandom *random);
// The same, of capacity 2, where the owner's stack overflows.
void explore_overflow_case(QueueCase *queue, ScheduleRandom *random);

typedef struct ExploreOptions {
    const MarkerOperations *marker;
    SimModel model;
    bool has_queues; // cases: some of the three, in turn
    bool has_overflows;
    bool has_marks;
    uint64_t seed;
    uint64_t first; // schedule number
    uint64_t schedules;
    uint32_t low_objects; // of generated heaps, 1..EXPLORE_MAX_NODES
    uint32_t high_objects;
    const ExploreHeap *heap; // NULL: generated ones
    uint32_t workers;        // of a mark: 2..SIM_MAX_WORKERS, or 0: from 2 to 4
    MarkPolicy policy;       // MARK_POLICY_DEFAULT: both
    // Called after every 4096 schedules; false ends the search. May be NULL.
    bool (*goes_on)(void *context, uint64_t done);
    void *goes_on_context;
} ExploreOptions;

typedef struct ExploreFinding {
    ExploreSubject subject;
    SimModel model;
    uint64_t number; // of the schedule that found it
    Violation violation;
    ChoiceList choices;
} ExploreFinding;

void explore_finding_release(ExploreFinding *finding);

typedef struct ExploreTotals {
    uint64_t schedules;
    uint64_t steps;
} ExploreTotals;

// Runs schedules, in children of this process, until one has a violation (*found), all are done, or
// goes_on() returns false. The caller releases the finding. Errors: memory; unsupported (too many
// shared cells).
NODISCARD bool explore_search(const ExploreOptions *options, ExploreFinding *finding, bool *found,
                              ExploreTotals *totals, Error *error);

// Runs up to `limit` schedules of one subject; the first with a violation goes to `choices`.
// Returns the number of schedules run.
uint64_t explore_subject_search(SimRun *run, const ExploreSubject *subject, SimModel model,
                                uint64_t seed, uint64_t limit, Violation *violation,
                                ChoiceList *choices);

// Runs a subject by a list of choices, and without preemption after its end. record: may be NULL.
CaseRun explore_follow(SimRun *run, const ExploreSubject *subject, SimModel model,
                       const ChoiceList *choices, ChoiceList *record, SimObserver *observe,
                       void *observe_context);

// The same; returns whether all choices were made, and if not, the first that was not.
CaseRun explore_follow_exactly(SimRun *run, const ExploreSubject *subject, SimModel model,
                               const ChoiceList *choices, Departure *departure,
                               uint32_t *departed_at);

#endif
