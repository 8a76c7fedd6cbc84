// Calls that the guard has the target make: in a moment's stop of one thread, or by one of the
// threads that it holds anyway.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_CALLS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_CALLS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/guard/call_injection_internal.h"
#include "snapshot/capture/guard/guard_messages.h"
#include "snapshot/capture/guard/traced_threads_internal.h"

// Work to be done by a thread of the target: injects calls and says whether all went well.
typedef struct GuardWork {
    bool (*run)(void *context, CallInjection *injection, Error *error);
    void *context;
} GuardWork;

typedef struct GuardCall {
    int pid;
    const Cancel *cancel;
    GuardWork work;
    GuardTimes times;      // of the stop
    bool has_stuck_thread; // a thread did not stop, and is ours until this process ends
} GuardCall;

// Where a call can be made with, or 0. Better asked before anything is stopped.
uint64_t guard_find_instruction(int pid);

// Stops one thread, has it work, and lets it go. To be called by the guard, who is the tracer and
// holds nothing. Errors: of the work; unsupported (seccomp is in the way), system, memory,
// interrupted.
NODISCARD bool guard_call_alone(GuardCall *call, Error *error);

// The same, by a process that is made for it and ends at once: so a thread that does not stop is
// let go, and when that process is ended by its own clock (Note [Seizing and exec]) the guard lives
// on.
NODISCARD bool guard_call_apart(GuardCall *call, Error *error);

// Has one of the threads work that are held. Errors: of the work, unsupported, system.
NODISCARD bool guard_call_held(const TracedThreads *threads, uint64_t instruction,
                               const GuardWork *work, Error *error);

// Has the target open a userfaultfd, in a short stop of one thread (guard_userfault.c). `call`
// names the process, and holds the times of the stop afterwards. The caller owns `*descriptor`,
// which is -1 on failure. Errors: unsupported (the kernel does not have it, or seccomp does not
// allow it), system, memory, interrupted.
NODISCARD bool guard_userfault_open(GuardCall *call, int *descriptor, Error *error);

#endif
