// HeldSharers: the processes that share the memory of the target, stopped together with it.
//
//     held_sharers_find(&sharers, pid);                    // before the target is stopped
//     ...the target is stopped...
//     held_sharers_stop(&sharers, cancel, limit_ns);
//     ...the target is resumed...
//     held_sharers_resume(&sharers);
//     held_sharers_release(&sharers);
//
// A process that cannot be stopped is not an error: the snapshot says that it shows no single
// moment.

#ifndef SNAPSHOT_CAPTURE_GUARD_HELD_SHARERS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_HELD_SHARERS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/guard/guard_messages.h"
#include "snapshot/capture/guard/memory_sharers_internal.h"
#include "snapshot/capture/guard/traced_threads_internal.h"

typedef struct HeldSharer {
    TracedThreads threads; // of the process
    bool is_held;          // all of them stand still
    bool has_left;         // it does not share the memory any more
    Error why;             // it is not held
} HeldSharer;

typedef struct HeldSharers {
    MemorySharers found;
    uint32_t count;    // of `found` that were tried
    HeldSharer *items; // owned; room for MEMORY_SHARERS_MAX, or NULL
} HeldSharers;

// Finds the processes that share the memory of `pid`, among all that there are.
void held_sharers_find(HeldSharers *sharers, int pid);

// Stops them, and those that were made meanwhile. `limit_ns`: how long it may take; 0: a default.
void held_sharers_stop(HeldSharers *sharers, const Cancel *cancel, uint64_t limit_ns);

// Resumes them all. May be called twice. True: a thread did not stop, and is traced until this
// process ends.
bool held_sharers_resume(HeldSharers *sharers);

// Describes them, for the certificate of the snapshot.
void held_sharers_describe(const HeldSharers *sharers, GuardSharing *out);

void held_sharers_release(HeldSharers *sharers);

#endif
