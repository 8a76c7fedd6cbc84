// Stopping a process through a guard (guard_process_internal.h), so that it runs on whatever
// becomes of us.
//
//     if (capture_guard_start(&guard, pid, cancel, error)) {
//         ok = capture_guard_stop(&guard, limit_ns, &hold, error);
//         ...copy from hold.tid...
//         ok = ok && capture_guard_resume(&guard, &copy, &times, error);
//     }
//     capture_guard_end(&guard);

#ifndef SNAPSHOT_CAPTURE_GUARD_CAPTURE_GUARD_H
#define SNAPSHOT_CAPTURE_GUARD_CAPTURE_GUARD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/guard/guard_messages.h"

typedef struct CaptureGuard {
    int pid;              // of the target
    const Cancel *cancel; // borrowed; may be NULL
    int socket;           // -1: none
    pid_t process;        // 0: none
} CaptureGuard;

// Makes the guard; the target is not touched. Errors: system.
// Call capture_guard_end() whatever it returns.
NODISCARD bool capture_guard_start(CaptureGuard *guard, int pid, const Cancel *cancel,
                                   Error *error);

// Stops all threads. The guard lets go by itself after `limit_ns` (0: never), or when this process
// is stopped. `will_fork`: capture_guard_fork() comes next.
// Errors: system, memory, interrupted, limit (it is over already).
NODISCARD bool capture_guard_stop(CaptureGuard *guard, uint64_t limit_ns, bool will_fork,
                                  GuardReply *hold, Error *error);

// While all threads are stopped: makes a copy of the process that never runs, `*child`, 0 when it
// fails. The process itself is to be resumed next, whatever this returns.
// Errors: unsupported (it cannot be forked), system, interrupted, limit (it is over already).
NODISCARD bool capture_guard_fork(CaptureGuard *guard, int *child, Error *error);

// Removes that copy, which stops one thread for a moment: `*times`.
// Errors: system (a zombie stays with the target).
NODISCARD bool capture_guard_end_fork(CaptureGuard *guard, GuardTimes *times, Error *error);

// Lets all threads go, and takes their registers into `out->threads`.
// Errors: system (it was killed meanwhile), memory, limit (the guard had let go before).
NODISCARD bool capture_guard_resume(CaptureGuard *guard, ProcessCopy *out, GuardTimes *times,
                                    Error *error);

// Stops one thread for a moment and makes it open a userfaultfd, which is ours then and no longer
// the target's; nothing may be stopped now. `*times`: of that stop. The caller owns `*descriptor`
// (O_CLOEXEC, O_NONBLOCK, no UFFDIO_API yet); -1 when it fails, and another guard is needed then.
// Errors: unsupported (no such kernel, or seccomp: another way is needed), system, interrupted.
NODISCARD bool capture_guard_open_userfault(CaptureGuard *guard, int *descriptor, GuardTimes *times,
                                            Error *error);

// Adds a stop to the certificate; nothing where no thread was interrupted.
void capture_guard_note_stop(PauseCertificate *certificate, const char *phase,
                             const GuardTimes *times, uint32_t thread_count, uint64_t page_count);

// The target is let go of, if it was held, and the guard ends. May be called twice.
void capture_guard_end(CaptureGuard *guard);

#endif
