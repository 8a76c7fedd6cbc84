// The whole state of a SimRun, for the files of marker/explore/sim/.

#ifndef MARKER_EXPLORE_SIM_SIM_INTERNAL_H
#define MARKER_EXPLORE_SIM_SIM_INTERNAL_H

#include "marker/explore/sim/coroutine.h"
#include "marker/explore/sim/sim_run.h"

typedef enum SimWorkerStatus { SIM_WORKER_READY, SIM_WORKER_FINISHED } SimWorkerStatus;

typedef struct SimStore {
    uint16_t location;
    uint64_t value;
} SimStore;

// The state of a worker, beside its coroutine. Plain bytes, copied as they are.
typedef struct SimWorker {
    SimWorkerStatus status;
    SimOperation pending;
    uint64_t result;
    bool has_failed;     // of the last CAS
    uint64_t known;      // hash of the values that it found, since sim_forget()
    uint64_t yield_step; // steps of the run when it last yielded
    // SIM_TSO: stores[first..count), oldest first.
    uint32_t store_count;
    SimStore stores[SIM_BUFFER];
} SimWorker;

// A store that SIM_C11 keeps. Its view is beside it, in `message_views`.
typedef struct SimMessage {
    uint64_t value;
    uint32_t view_count; // locations in its view; 0: relaxed, and not part of a release sequence
} SimMessage;

typedef struct SimLocation {
    const SimCell *cell;
    uint64_t value;                   // the last store
    uint32_t timestamp;               // of the last store; 0: before a second worker started
    uint32_t seq_cst;                 // timestamp of the last seq_cst store
    SimMessage messages[SIM_HISTORY]; // by timestamp modulo SIM_HISTORY
} SimLocation;

// The part of a run that a copy must restore, apart from stacks and memory.
typedef struct SimState {
    uint64_t step;
    uint32_t current; // entity
    uint32_t worker_count;
    uint32_t location_count;
    SimWorker workers[SIM_MAX_WORKERS];
} SimState;

struct SimRun {
    SimOptions options;
    uint32_t number; // of this run; cells with another number are new
    bool is_stepped; // every operation returns to the host: sim_state.h
    SimOutcome outcome;
    Coroutine host;
    Coroutine coroutines[SIM_MAX_WORKERS];
    void *(*bodies[SIM_MAX_WORKERS])(void *argument);
    void *arguments[SIM_MAX_WORKERS];
    void (*main_body)(void *context);
    uint8_t *arena;
    size_t arena_used;
    SimState state;
    SimLocation *locations;
    // Views: for each location the timestamp of the oldest store that a worker may still find, or
    // that it may find once it has acquired the message.
    uint32_t view_stride;
    uint32_t *worker_views;  // [worker][location]
    uint32_t *message_views; // [location][SIM_HISTORY][location]
};

#define SIM_ARENA_BYTES ((size_t)64 << 20)

// ---- sim_memory.c ----

// True when the worker's pending operation can happen now, as far as memory is concerned.
bool sim_memory_allows(const SimRun *run, uint32_t worker);
uint32_t sim_memory_options(const SimRun *run, uint32_t worker);
// Performs the worker's pending operation and describes it in `event`.
void sim_memory_perform(SimRun *run, uint32_t worker, uint32_t option, SimEvent *event);
void sim_memory_flush(SimRun *run, uint32_t worker, SimEvent *event);
// Adds the view of `from` to that of `to`, when a worker joins another.
void sim_memory_hand_on(SimRun *run, uint32_t from, uint32_t to);
// The location of a cell; new cells get one.
uint32_t sim_memory_location(SimRun *run, SimCell *cell);

static inline uint32_t *sim_worker_view(const SimRun *run, uint32_t worker)
{
    return run->worker_views + (size_t)worker * run->view_stride;
}

static inline uint32_t *sim_message_view(const SimRun *run, uint32_t location, uint32_t timestamp)
{
    return run->message_views +
           ((size_t)location * SIM_HISTORY + timestamp % SIM_HISTORY) * run->view_stride;
}

// ---- sim_run.c ----

uint32_t sim_enabled_mask(const SimRun *run, uint32_t *yielded);
// Performs the chosen step, after which the worker can go on.
void sim_perform(SimRun *run, SimChoice choice);
// Prepares a run: worker 0 has its SIM_BEGIN pending.
void sim_prepare(SimRun *run, const SimOptions *options, void (*body)(void *context),
                 void *context);
// Ends the run from inside a worker. Does not return.
void sim_abandon(SimRun *run, SimOutcome outcome) __attribute__((noreturn));

#endif
