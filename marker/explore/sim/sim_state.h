// Stepping through a run by hand: states that can be told apart, left, and come back to.
//
//     sim_stepped_start(run, &options, body, context);
//     sim_copy_save(run, &copy);
//     for each choice that is possible in this state:
//         if (sim_stepped_step(run, choice))
//             ... sim_state_hash(run, ...) ...
//         sim_copy_restore(run, &copy);
//
// A copy holds the state of memory, of every worker, the used parts of their stacks, and the run's
// arena. What the workers keep elsewhere must be named with sim_copy_init(), or must not change.

#ifndef MARKER_EXPLORE_SIM_SIM_STATE_H
#define MARKER_EXPLORE_SIM_SIM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "marker/explore/sim/sim_run.h"

// Can runs be copied on this machine, and in this build? (Not where a sanitizer watches stacks.)
bool sim_can_copy(void);

// Starts a run, up to the first operation. False: the body ended without any.
bool sim_stepped_start(SimRun *run, const SimOptions *options, void (*body)(void *context),
                       void *context);

// What can happen next, as in SimView; 0: nothing.
uint32_t sim_stepped_enabled(const SimRun *run);

// One step. False: the run was ended by sim_stop(), or is too large.
bool sim_stepped_step(SimRun *run, SimChoice choice);

// Has every worker come to its end, and every store to memory?
bool sim_is_finished(const SimRun *run);

typedef struct SimCopy {
    void *extra; // borrowed: memory that belongs to the state, too
    size_t extra_bytes;
    uint8_t *bytes; // owned
    size_t used;
    size_t capacity;
} SimCopy;

void sim_copy_init(SimCopy *copy, void *extra, size_t extra_bytes);
void sim_copy_release(SimCopy *copy);
// False: memory is short.
bool sim_copy_save(SimRun *run, SimCopy *copy);
void sim_copy_restore(SimRun *run, const SimCopy *copy);
// Of all its bytes, but for how many steps it took to get there, and whose was the last.
uint64_t sim_copy_hash(const SimCopy *copy);

// Of memory, and of worker i with extra[i] (0 where there is none). Workers from `first_alike` on
// run the same code and are not told apart. What a worker knows counts since its last sim_forget().
uint64_t sim_state_hash(const SimRun *run, const uint64_t *extra, uint32_t first_alike);

// Of the last values of all locations alone.
uint64_t sim_memory_hash(const SimRun *run);

#endif
