// CaptureGuard: stops a process by means of a guard, a small process that holds the ptrace
// (guard_process_internal.h). So the target runs on when this process is killed or put to sleep.
//
//     if (capture_guard_start(&guard, pid, cancel, error)) {
//         ok = capture_guard_stop(&guard, limit_ns, false, &hold, error);
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

// The name of the guard's process.
#define CAPTURE_GUARD_NAME "rudo-snap-guard"

typedef struct CaptureGuard {
    int pid;              // of the target
    const Cancel *cancel; // borrowed; may be NULL
    int socket;           // to the guard; -1: none
    pid_t process;        // the guard; 0: none
} CaptureGuard;

// Makes the guard; the target is not touched. Errors: system.
// Call capture_guard_end() whatever it returns.
NODISCARD bool capture_guard_start(CaptureGuard *guard, int pid, const Cancel *cancel,
                                   Error *error);

// Stops all threads. The guard resumes them by itself after `limit_ns` (0: never), or when this
// process is stopped (SIGSTOP). `will_fork`: capture_guard_fork() comes next.
// Errors: system, memory, interrupted, limit (`limit_ns` has passed already).
NODISCARD bool capture_guard_stop(CaptureGuard *guard, uint64_t limit_ns, bool will_fork,
                                  GuardReply *hold, Error *error);

// The same for a process all of whose threads stand still already, traced by this process: stops
// the other processes that share its memory. capture_guard_resume() stores their threads alone.
NODISCARD bool capture_guard_stop_sharers(CaptureGuard *guard, GuardReply *hold, Error *error);

// Adds the processes that share the memory to the certificate.
void capture_guard_note_sharing(PauseCertificate *certificate, const GuardSharing *sharing);

// Forks the process while all threads are stopped. `*child` is the pid of the child, which never
// runs; 0 on failure. Call capture_guard_resume() next, whatever this returns.
// Errors: unsupported (the process cannot be forked), system, interrupted, limit (the guard has
// resumed it already).
NODISCARD bool capture_guard_fork(CaptureGuard *guard, int *child, Error *error);

// Removes that child, in a short stop of one thread, whose moments are `*times`.
// Errors: system (a zombie stays with the target).
NODISCARD bool capture_guard_end_fork(CaptureGuard *guard, GuardTimes *times, Error *error);

// Resumes all threads, and stores their registers in `out->threads`.
// Errors: system (the process was killed meanwhile), memory, limit (the guard had resumed them
// before).
NODISCARD bool capture_guard_resume(CaptureGuard *guard, ProcessCopy *out, GuardTimes *times,
                                    Error *error);

// Has the target open a userfaultfd, in a short stop of one thread, whose moments are `*times`; the
// descriptor is moved to this process. To be called while no thread is stopped. The caller owns
// `*descriptor` (O_CLOEXEC, O_NONBLOCK, UFFDIO_API not done yet). On failure it is -1, and the
// guard must be replaced by another one. Errors: unsupported (the kernel does not have it, or
// seccomp does not allow it: another method is needed), system, interrupted.
NODISCARD bool capture_guard_open_userfault(CaptureGuard *guard, uint64_t limit_ns, int *descriptor,
                                            GuardTimes *times, Error *error);

// Adds a stop to the certificate, unless no thread was interrupted.
void capture_guard_note_stop(PauseCertificate *certificate, const char *phase,
                             const GuardTimes *times, uint32_t thread_count, uint64_t page_count);

// Ends the guard, which resumes the target if it is stopped. May be called twice.
void capture_guard_end(CaptureGuard *guard);

#endif
