// Stepping through a run: its states can be compared, saved and restored.
//
//     sim_stepped_start(run, &options, body, context);
//     sim_copy_save(run, &copy);
//     for each choice that is possible in this state:
//         if (sim_stepped_step(run, choice))
//             ... sim_state_hash(run, ...) ...
//         sim_copy_restore(run, &copy);
//
// A copy holds the state of memory, of every worker, the used parts of their stacks, and the run's
// arena. Other memory of the workers must be named with sim_copy_init(), or must not change.

#ifndef MARKER_EXPLORE_SIM_SIM_STATE_H
#define MARKER_EXPLORE_SIM_SIM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "marker/explore/sim/sim_run.h"

// True when runs can be copied on this machine and in this build (not under a sanitizer, which
// tracks stacks).
bool sim_can_copy(void);

// Starts a run, up to the first operation. False: the body ended before one.
bool sim_stepped_start(SimRun *run, const SimOptions *options, void (*body)(void *context),
                       void *context);

// The entities that can make the next step, as in SimView; 0: none.
uint32_t sim_stepped_enabled(const SimRun *run);

// One step. False: the run was ended by sim_stop(), or is too large.
bool sim_stepped_step(SimRun *run, SimChoice choice);

// True when every worker has ended and every store has reached memory.
bool sim_is_finished(const SimRun *run);

typedef struct SimCopy {
    void *extra; // borrowed: further memory that belongs to the state
    size_t extra_bytes;
    uint8_t *bytes; // owned
    size_t used;
    uint64_t capacity;
} SimCopy;

void sim_copy_init(SimCopy *copy, void *extra, size_t extra_bytes);
void sim_copy_release(SimCopy *copy);
// False: memory is short.
bool sim_copy_save(SimRun *run, SimCopy *copy);
void sim_copy_restore(SimRun *run, const SimCopy *copy);
// The hash of all bytes of a copy, without the number of steps and the entity of the last one.
uint64_t sim_copy_hash(const SimCopy *copy);

// The hash of memory, and of each worker i with extra[i] (0 for none). Workers from `first_alike`
// on run the same code: exchanging them gives the same hash. The values that a worker has found
// count since its last sim_forget().
uint64_t sim_state_hash(const SimRun *run, const uint64_t *extra, uint32_t first_alike);

// The hash of the last values of all locations alone.
uint64_t sim_memory_hash(const SimRun *run);

#endif
