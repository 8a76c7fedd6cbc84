// SimRun: the marker's code as coroutines on one thread, with every shared operation scheduled.
//
// Code compiled against marker/explore/sim/shared_memory.h calls sim_operation() for each load,
// store, exchange, lock, park and wake. The call leaves the coroutine *before* the operation; a
// chooser decides which worker's pending operation happens next (or whose store buffer is written
// back, or which of several values a load finds). Its choices determine the whole run.
//
//     SimRun *run = sim_run_new();
//     SimOutcome outcome = sim_run(run, &options, body, context);
//
// Memory models:
//   SIM_SC   sequential consistency: all workers see each operation at once.
//   SIM_TSO  x86: stores wait in the worker's store buffer, which a flusher, scheduled like a
//            worker, empties in order. Seq_cst stores and read-modify-writes wait until it is
//            empty.
//   SIM_C11  message views (Kang et al., POPL 2017, without promises): each location keeps the last
//            stores; a load finds any of them that is not older than a store that its worker knows
//            of; release and acquire pass views on, read-modify-writes take the last store and
//            continue release sequences (C++20), seq_cst loads find nothing older than the last
//            seq_cst store of the location. Stores append, so load buffering is not modelled.
// Memory that is not accessed through the header (the contents of a segment, say) is ordinary
// memory.

#ifndef MARKER_EXPLORE_SIM_SIM_RUN_H
#define MARKER_EXPLORE_SIM_SIM_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_MAX_WORKERS 8u
#define SIM_MAX_LOCATIONS 1024u
#define SIM_HISTORY 8u // stores of a location that a stale load may find
#define SIM_BUFFER 8u  // stores in a store buffer

typedef enum SimModel { SIM_SC, SIM_TSO, SIM_C11, SIM_MODEL_COUNT } SimModel;

// "sc", "tso", "c11".
const char *sim_model_name(SimModel model);

typedef enum SimOrder { SIM_RELAXED, SIM_ACQUIRE, SIM_RELEASE, SIM_ACQ_REL, SIM_SEQ_CST } SimOrder;

typedef enum SimKind {
    SIM_BEGIN, // a worker's first step
    SIM_LOAD,
    SIM_STORE,
    SIM_ADD,
    SIM_SUB,
    SIM_AND,
    SIM_OR,
    SIM_CAS,
    SIM_LOCK,
    SIM_UNLOCK,
    SIM_ARRIVE, // at a barrier
    SIM_PASS,
    SIM_PARK,
    SIM_UNPARK,
    SIM_YIELD,
    SIM_JOIN,
    SIM_CHOOSE, // a choice of the case itself, without a location
    SIM_FLUSH,  // of a flusher
    SIM_SAY,    // a remark of the case for the observer, without an operation
} SimKind;

// A shared cell. It gets a location at its first access. Zeroed memory is a cell that holds 0; so
// is a cell of an earlier run.
typedef struct SimCell {
    uint32_t run;
    uint32_t location;
    uint64_t initial;
} SimCell;

typedef struct SimOperation {
    SimKind kind;
    SimOrder order;
    SimOrder failure;     // of SIM_CAS
    uint32_t location;    // SIM_JOIN: the worker
    uint64_t operand;     // stored, added, ...; SIM_CAS: wanted; SIM_PASS: how many must arrive
    uint64_t expected;    // SIM_CAS
    const char *function; // the function of the marker; static
    const char *text;     // the cell, as written in its source; static
    uint32_t line;
} SimOperation;

// ---- choices ----

// A worker, or the flusher of a worker's store buffer.
#define SIM_FLUSHER SIM_MAX_WORKERS
#define SIM_ENTITIES (2 * SIM_MAX_WORKERS)

typedef struct SimChoice {
    uint8_t entity; // a worker, or SIM_FLUSHER + worker
    uint8_t option; // of a load: 0 for the last store, 1 for the last but one that it may find, ...
} SimChoice;

typedef struct SimView {
    uint32_t enabled_mask; // bit per entity; never 0
    uint32_t yielded_mask; // workers among them that have yielded
    uint32_t current;      // entity of the last step, or SIM_ENTITIES at the beginning
    uint64_t step;
} SimView;

typedef struct SimRun SimRun;

// The number of options of the entity's next operation, at least 1.
uint32_t sim_option_count(const SimRun *run, uint32_t entity);

typedef SimChoice SimChooser(void *context, const SimRun *run, const SimView *view);

// One operation that has happened.
typedef struct SimEvent {
    uint32_t entity;
    SimOperation operation;
    uint64_t value;  // found, or stored
    uint64_t before; // of a read-modify-write that stored it: the value that it found
    bool is_stale;   // a load found an old store; a store went to the buffer
    bool has_failed; // SIM_CAS
} SimEvent;

typedef void SimObserver(void *context, const SimRun *run, const SimEvent *event);

typedef enum SimOutcome {
    SIM_FINISHED,
    SIM_STOPPED,   // sim_stop()
    SIM_DEADLOCK,  // all workers wait
    SIM_ENDLESS,   // more than max_steps
    SIM_TOO_LARGE, // more than SIM_MAX_LOCATIONS
    SIM_NO_MEMORY,
} SimOutcome;

typedef struct SimOptions {
    SimModel model;
    uint64_t max_steps;
    SimChooser *choose;
    void *choose_context;
    SimObserver *observe; // NULL: none
    void *observe_context;
    uint64_t stop_step; // the run is SIM_STOPPED right behind this step; 0: none
} SimOptions;

// NULL: memory is short. The caller frees it with sim_run_free().
SimRun *sim_run_new(void);
void sim_run_free(SimRun *run);

// Runs body(context) as worker 0, and the workers that it starts, to their ends. Their memory is
// gone afterwards.
SimOutcome sim_run(SimRun *run, const SimOptions *options, void (*body)(void *context),
                   void *context);

uint64_t sim_steps(const SimRun *run); // of the last run
uint32_t sim_worker_count(const SimRun *run);
// The worker's pending operation; NULL when it has finished.
const SimOperation *sim_pending(const SimRun *run, uint32_t worker);
// The last value that was stored to a location.
uint64_t sim_value(const SimRun *run, uint32_t location);
// The cell of a location.
const SimCell *sim_cell(const SimRun *run, uint32_t location);
// Under SIM_TSO: returns whether a store to the location waits in the buffer of a worker other than
// `but`.
bool sim_waiting_store(const SimRun *run, uint32_t location, uint32_t but, uint32_t *worker,
                       uint64_t *value);

// ---- for code that runs as a worker ----

// Performs the operation on the cell once the chooser has chosen it. Returns the value before it
// (of a load, the value found; of a CAS, see `has_failed`).
uint64_t sim_operation(SimCell *cell, SimOperation operation, bool *has_failed);

// Starts another worker. False: there are SIM_MAX_WORKERS.
bool sim_start(void *(*body)(void *argument), void *argument, uint32_t *worker);
void sim_join(uint32_t worker);
void sim_yield(const char *function, uint32_t line);
// 0..count-1, by the chooser.
uint32_t sim_choose(uint32_t count);
// A step without an operation: others may run before it.
void sim_pass(void);
// Passes a remark about the worker's last operation to the observer. text: static. value:
// UINT64_MAX for none.
void sim_say(const char *text, uint64_t value);
// Ends the run at once, when the rest does not matter. Does not return.
void sim_stop(void) __attribute__((noreturn));

// The cell's last value, without an operation; only while no other worker runs.
uint64_t sim_peek(const SimCell *cell);

// Declares that the worker no longer depends on the values it has found so far, but on `remembered`
// alone. The hash of a state (see marker/explore/sim/sim_state.h) includes it.
void sim_forget(uint64_t remembered);

// Adds a value to a hash. The two arguments are mixed differently: with a symmetric combination, a
// second attempt that found 0 would equal a first attempt that found 1.
static inline uint64_t sim_mix(uint64_t hash, uint64_t value)
{
    hash = hash * UINT64_C(0x9e3779b97f4a7c15) + UINT64_C(0x632be59bd9b4e019);
    hash ^= value * UINT64_C(0xff51afd7ed558ccd);
    hash ^= hash >> 32;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    return hash ^ hash >> 29;
}

// ---- memory of a run: taken from an arena, never given out twice in a run ----

void *sim_malloc(size_t bytes);
void *sim_calloc(size_t count, size_t bytes);
void *sim_aligned_alloc(size_t alignment, size_t bytes);
void *sim_realloc(void *memory, size_t bytes);
// Overwrites the memory, so that a use after this goes wrong.
void sim_free(void *memory);
void *sim_side_table_new(size_t bytes);
void sim_side_table_free(const void *table, size_t bytes);

#endif
