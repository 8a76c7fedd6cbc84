// A copy of the target that never runs: made by fork while its threads are stopped, read at
// leisure, removed without a trace.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_FORK_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_FORK_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "snapshot/capture/guard/guard_calls_internal.h"
#include "snapshot/capture/guard/traced_threads_internal.h"

typedef struct GuardFork {
    pid_t child;          // the copy, as we number it; 0: none
    int64_t child_inside; // as the target numbers it; 0: none, and no zombie of it
} GuardFork;

// Makes one of the stopped threads fork. The child is traced and stands still before its first
// instruction; it gets no signal, is the first to go when memory is short, and dies with the
// tracer. Errors: unsupported (seccomp is in the way, or the kernel refuses: another way is
// needed), system.
NODISCARD bool guard_fork_make(GuardFork *fork, const TracedThreads *threads, uint64_t instruction,
                               Error *error);

// Kills the child, and stops one thread of the target for a moment to reap it (`call` says how
// that went), which is tried for so long. Nothing without a child. The target may be gone.
// Errors: system (a zombie is left; may be called again).
NODISCARD bool guard_fork_end(GuardFork *fork, GuardCall *call, uint64_t patience_ns, Error *error);

#endif
