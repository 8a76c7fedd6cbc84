// Cases: the code that one schedule runs, and the conditions that must hold afterwards.
//
// A queue case is one owner that pushes and pops on a small StealQueue, and some thieves. An
// overflow case is the same on a PerThreadMarkQueue, whose owner pushes and pops some items at a
// time, so that segments go to its Worklist and come back. A mark case is a whole mark of a small
// heap. Both run the exploring build of the marker's own code; the verdict compares with the items
// that were pushed, and with the result of the serial marker.

#ifndef MARKER_EXPLORE_EXPLORE_CASE_H
#define MARKER_EXPLORE_EXPLORE_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/sim/exploring_marker.h"
#include "marker/mark.h"
#include "marker/explore/sim/sim_run.h"

#define EXPLORE_MAX_OPERATIONS 40u // of a queue's owner
#define EXPLORE_OVERFLOW_PUSHES                                                                    \
    9u                           // items for '+' where a queue overflows: more than its stack keeps
#define EXPLORE_OVERFLOW_POPS 4u // and for '-'
#define EXPLORE_MAX_ITEMS 63u    // pushed in all; the rest of the operations is left out
#define EXPLORE_MAX_THIEVES 4u
#define EXPLORE_MAX_STEALS 16u

typedef struct QueueCase {
    bool is_overflow; // a PerThreadMarkQueue rather than a StealQueue
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
    VIOLATION_LOST,        // an item that no worker got, or a reachable object that is not marked
    VIOLATION_TWICE,       // claimed or scanned twice, or handed out twice
    VIOLATION_UNREACHABLE, // marked, though nothing reaches it
    VIOLATION_LEFT_EARLY,  // a worker left while there was work
    VIOLATION_DEADLOCK,    // all workers wait for each other
    VIOLATION_ENDLESS,     // the run does not end, though not all workers wait
    VIOLATION_QUEUE,       // an invariant of the queue
    VIOLATION_COUNTS,      // roots or invalid references counted wrong
    VIOLATION_CRASH,       // the code ends its process, or runs on without shared operations
    VIOLATION_KIND_COUNT,
} ViolationKind;

// "lost", "twice", ...
const char *violation_kind_name(ViolationKind kind);

#define VIOLATION_ADDRESSES 4u

typedef struct Violation {
    ViolationKind kind;
    char text[200]; // one line for people
    // Of a mark: the first objects and blocks that are marked wrongly.
    uint32_t address_count;
    uint64_t addresses[VIOLATION_ADDRESSES];
} Violation;

typedef struct CaseRun {
    SimOutcome outcome;
    Violation violation;
    uint64_t steps;
    uint64_t forced; // of a list of choices: the number of steps after which no choice preempts
} CaseRun;

// The expected contents of a queue while a case runs: plain bytes, which sim_state.h copies.
typedef struct QueueOracle {
    uint64_t delivered;                       // bit per item: a worker got it
    uint32_t pushed;                          // items 1..pushed are in the queue or were
    uint8_t last_stolen[EXPLORE_MAX_THIEVES]; // of each thief
    Violation violation;
} QueueOracle;

// Runs the case once, with the model, limits and choices of `options`.
CaseRun explore_case_run(SimRun *run, const ExploreCase *explored, const SimOptions *options);

// The parts of a queue case, for callers that step through it
// (marker/explore/explore_exhaustive.c): the body of worker 0, and its context.
typedef struct QueueContext {
    const ExploreCase *explored;
    QueueOracle oracle;
    void *queue;
    uint32_t thief_workers[EXPLORE_MAX_THIEVES];
} QueueContext;

void explore_queue_body(void *queue_context);

#endif
