// Schedules of shared operations: choosers that make them up, record them, and follow them.

#ifndef MARKER_EXPLORE_EXPLORE_SCHEDULE_H
#define MARKER_EXPLORE_EXPLORE_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/schedule/schedule_policy.h"
#include "marker/explore/sim/sim_run.h"

// Every choice of a run, in order.
typedef struct ChoiceList {
    SimChoice *choices; // owned
    uint32_t count;
    uint64_t capacity;
} ChoiceList;

void choice_list_release(ChoiceList *list);
// False: memory is short.
bool choice_list_add(ChoiceList *list, SimChoice choice);
bool choice_list_copy(ChoiceList *to, const ChoiceList *from);

// The choices of a run so far, where another process can read them.
#define MIRRORED_CHOICES 65536u
typedef struct ChoiceMirror {
    uint64_t step;  // of the last choice; 0: none was made
    uint64_t beat;  // grows with each choice of all runs
    uint32_t count; // the rest is not kept
    SimChoice choices[MIRRORED_CHOICES];
} ChoiceMirror;

typedef enum OperationPolicy {
    OPERATIONS_RANDOM, // any enabled entity, with equal probability
    OPERATIONS_STICKY, // the same entity for some operations, then another
    OPERATIONS_PCT,    // by priorities, with depth - 1 changes; flushers count as workers
    OPERATIONS_FOLLOW, // a list of choices, then without preemption
} OperationPolicy;

typedef enum Departure {
    DEPARTURE_NONE,     // all choices were made; the run then went on without preemption
    DEPARTURE_WAITS,    // the chosen entity could not go on
    DEPARTURE_NO_VALUE, // the chosen value could not be found
    DEPARTURE_OVER,     // the run ended before the list
} Departure;

typedef struct OperationChooser {
    OperationPolicy policy;
    ScheduleRandom random;
    uint32_t depth;           // PCT
    uint64_t expected_steps;  // PCT: changes lie among the first N steps
    const ChoiceList *follow; // borrowed
    ChoiceList *record;       // NULL: none; all choices are appended
    bool is_short;            // memory for the record was short
    ChoiceMirror *mirror;     // NULL: none; borrowed
    // State of a run.
    uint32_t next;
    uint32_t priorities[SIM_ENTITIES]; // the highest goes first
    uint32_t lowest;
    uint64_t changes[MAX_SCHEDULE_DEPTH];
    uint32_t change_count;
    // The first choice of the list that could not be made as it stands, and why.
    uint32_t departed_at;
    Departure departure;
    // The number of steps up to the last preemption, or to where the preempted worker goes on.
    uint64_t forced;
    uint32_t preempted_mask;
} OperationChooser;

// To be called before each run. random.state must be set to a seed for all but FOLLOW.
void operation_chooser_start(OperationChooser *chooser);

SimChoice operation_choose(void *chooser, const SimRun *run, const SimView *view);

#endif
