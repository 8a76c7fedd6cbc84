// The system calls that the guard injects into the target: in a short stop of one thread, or into
// one of the threads that are stopped already.

#ifndef SNAPSHOT_CAPTURE_GUARD_GUARD_CALLS_INTERNAL_H
#define SNAPSHOT_CAPTURE_GUARD_GUARD_CALLS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/guard/call_injection_internal.h"
#include "snapshot/capture/guard/guard_messages.h"
#include "snapshot/capture/guard/traced_threads_internal.h"

// A callback that injects calls into the thread it is given. False: `error` is set.
typedef struct GuardWork {
    bool (*run)(void *context, CallInjection *injection, Error *error);
    void *context;
} GuardWork;

typedef struct GuardCall {
    int pid;
    const Cancel *cancel;
    uint64_t patience_ns; // how long the thread may take to enter a call; 0: a default
    int preferred_tid;    // the thread that is tried first; 0: any
    GuardWork work;
    GuardTimes times;      // out: of the stop
    bool has_stuck_thread; // out: a thread did not stop; it stays traced until this process ends
} GuardCall;

// What an injected call needs.
typedef struct GuardCaller {
    uint64_t instruction; // the address of a `syscall` instruction in the process; 0: none
    int tid;              // the most suitable thread; 0: none
} GuardCaller;

// To be called before the process is stopped, since it takes a while.
GuardCaller guard_find_caller(int pid);

// Stops one thread, runs the work in it, and resumes it. To be called by the guard while it traces
// no thread. Errors: of the work; unsupported (seccomp does not allow it), system, memory,
// interrupted.
NODISCARD bool guard_call_alone(GuardCall *call, Error *error);

// The same, in a process of its own that ends right after. So a thread that does not stop is
// detached, and when the timer of Note [Seizing and exec] ends that process, the guard lives on.
NODISCARD bool guard_call_apart(GuardCall *call, Error *error);

// Runs the work in one of the stopped threads. Errors: of the work, unsupported, system.
NODISCARD bool guard_call_held(const TracedThreads *threads, const GuardCaller *caller,
                               const GuardWork *work, Error *error);

// Has the target open a userfaultfd, in a short stop of one thread (guard_userfault.c). `call`
// names the process, and holds the times of the stop afterwards. The caller owns `*descriptor`,
// which is -1 on failure. Errors: unsupported (the kernel does not have it, or seccomp does not
// allow it), system, memory, interrupted.
NODISCARD bool guard_userfault_open(GuardCall *call, int *descriptor, Error *error);

#endif
