// Cases: what one schedule runs, and what must be true of it afterwards.
//
// A queue case is one owner who pushes and pops on a small StealQueue, and some thieves. A mark
// case is a whole mark of a small heap. Both run the exploring build of the marker's own code; the
// verdict compares with what cannot be wrong: which items were pushed, what the serial marker
// marked.

#ifndef MARKER_EXPLORE_EXPLORE_CASE_H
#define MARKER_EXPLORE_EXPLORE_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/sim/exploring_marker.h"
#include "marker/mark.h"
#include "marker/explore/sim/sim_run.h"

#define EXPLORE_MAX_OPERATIONS 40u // of a queue's owner
#define EXPLORE_MAX_THIEVES 4u
#define EXPLORE_MAX_STEALS 16u

typedef struct QueueCase {
    uint32_t capacity;
    uint32_t thieves;
    uint32_t steals;                             // attempts of each thief
    char operations[EXPLORE_MAX_OPERATIONS + 1]; // of the owner: '+' push, '-' pop, '?' either
} QueueCase;

typedef struct MarkCase {
    const HeapImage *image;     // borrowed
    const MarkResult *expected; // the serial marker's; borrowed
    uint32_t workers;           // 2..SIM_MAX_WORKERS
    MarkKind kind;
    MarkPolicy policy;
    uint32_t queue_capacity;
} MarkCase;

typedef struct ExploreCase {
    const MarkerOperations *marker;
    bool is_queue;
    QueueCase queue; // or
    MarkCase mark;
} ExploreCase;

typedef enum ViolationKind {
    VIOLATION_NONE = 0,
    VIOLATION_LOST,        // an item, or a reachable object, that nobody got
    VIOLATION_TWICE,       // claimed or scanned twice, or handed out twice
    VIOLATION_UNREACHABLE, // marked, though nothing reaches it
    VIOLATION_LEFT_EARLY,  // a worker left while there was work
    VIOLATION_DEADLOCK,    // everybody waits for somebody
    VIOLATION_ENDLESS,     // nobody waits, and nothing comes to an end
    VIOLATION_QUEUE,       // an invariant of the queue
    VIOLATION_COUNTS,      // roots or invalid references counted wrong
    VIOLATION_KIND_COUNT,
} ViolationKind;

// "lost", "twice", ...
const char *violation_kind_name(ViolationKind kind);

typedef struct Violation {
    ViolationKind kind;
    char text[200]; // one line for people
} Violation;

typedef struct CaseRun {
    SimOutcome outcome;
    Violation violation;
    uint64_t steps;
    uint64_t forced; // of a list of choices: behind so many steps preemption made no difference
} CaseRun;

// What a queue case has to remember while it runs: plain bytes, for sim_state.h.
typedef struct QueueOracle {
    uint64_t delivered;                       // bit per item: somebody got it
    uint32_t pushed;                          // items 1..pushed are in the queue or were
    uint8_t last_stolen[EXPLORE_MAX_THIEVES]; // of each thief
    Violation violation;
} QueueOracle;

// Runs the case once. The options say model, limits and choices. Text of the violation is set.
CaseRun explore_case_run(SimRun *run, const ExploreCase *explored, const SimOptions *options);

// A queue case by its parts, for who steps through it by hand
// (marker/explore/explore_exhaustive.c): the body of worker 0, and its context.
typedef struct QueueContext {
    const ExploreCase *explored;
    QueueOracle oracle;
    void *queue;
    uint32_t thief_workers[EXPLORE_MAX_THIEVES];
} QueueContext;

void explore_queue_body(void *queue_context);

#endif
