// GuardFork: a child of the target that never runs, made while the target's threads are stopped. It
// holds the memory of that moment, is read while the target runs on, and then removed.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_FORK_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_FORK_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "snapshot/capture/guard/guard_calls_internal.h"
#include "snapshot/capture/guard/traced_threads_internal.h"

typedef struct GuardFork {
    pid_t child;          // its pid, seen from here; 0: none
    int64_t child_inside; // its pid in the target's namespace; 0: none, and no zombie of it
    int maker;            // the thread of the target that made it
} GuardFork;

// Has one of the stopped threads fork. The child is traced and stands still before its first
// instruction; it gets no signal, the kernel kills it first when memory is short, and it dies with
// the tracer. Errors: unsupported (seccomp does not allow it, or the kernel refuses: another method
// is needed), system.
NODISCARD bool guard_fork_make(GuardFork *fork, const TracedThreads *threads,
                               const GuardCaller *caller, Error *error);

// Kills the child, and has one thread of the target reap it in a short stop (`call` holds its
// moments); tries again for `patience_ns`. Does nothing without a child. The target may have ended.
// Errors: system (a zombie is left; may be called again).
NODISCARD bool guard_fork_end(GuardFork *fork, GuardCall *call, uint64_t patience_ns, Error *error);

#endif
