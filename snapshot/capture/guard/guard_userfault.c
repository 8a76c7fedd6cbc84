// Opening a userfaultfd in the target: guard_userfault_open() of guard_calls_internal.h.
//
// A userfaultfd works on the memory of the process that opened it, so a thread of the target has to
// open it. The guard takes the descriptor over with pidfd_getfd() and has it closed in the target,
// all in one stop. The kernel removes every write protection when the last descriptor is closed, so
// none outlives rudo-snap.

#include "snapshot/capture/guard/guard_calls_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Only faults of user code can be handled, which takes no privilege. That is enough: asynchronous
// write protection hands no fault to a handler. Linux 5.11.
#define USER_MODE_ONLY 1
// PIDFD_THREAD: a pidfd of any thread, Linux 6.9.
#define THREAD_PIDFD O_EXCL
#define CLOSE_TRIES 5

// Duplicates descriptor `number` of the thread into this process. False with errno set.
static bool take_over(int tid, int64_t number, int *descriptor)
{
    int process = (int)syscall(SYS_pidfd_open, tid, THREAD_PIDFD);

    // Kernels without that flag have pidfds of first threads only.
    if (process < 0 && errno == EINVAL)
        process = (int)syscall(SYS_pidfd_open, tid, 0);
    if (process < 0)
        return false;
    *descriptor = (int)syscall(SYS_pidfd_getfd, process, (int)number, 0);
    if (*descriptor < 0) {
        int saved = errno;

        (void)close(process);
        errno = saved;
        return false;
    }
    (void)close(process);
    return true;
}

// The target must not keep the descriptor. Tries again, should the thread not make the call.
static bool close_in_thread(CallInjection *injection, int64_t descriptor, Error *error)
{
    const uint64_t number[6] = {(uint64_t)descriptor};
    int64_t result;

    for (int tries = 1; tries < CLOSE_TRIES; tries++)
        if (call_injection_call(injection, SYS_close, number, &result, error))
            return true;
    return call_injection_call(injection, SYS_close, number, &result, error);
}

static bool open_in_thread(void *context, CallInjection *injection, Error *error)
{
    const uint64_t flags[6] = {O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY};
    int *descriptor = context;
    int64_t result;
    int failure = 0;

    if (!call_injection_call(injection, SYS_userfaultfd, flags, &result, error))
        return false;
    if (result < 0)
        return error_set(error, ERROR_UNSUPPORTED, "process %d cannot open a userfaultfd: %s",
                         injection->pid, strerror((int)-result));
    if (!take_over(injection->tid, result, descriptor))
        failure = errno;
    if (!close_in_thread(injection, result, error))
        return false;
    if (failure != 0)
        return error_set(error, ERROR_UNSUPPORTED,
                         "cannot take over a descriptor of process %d: %s", injection->pid,
                         strerror(failure));
    return true;
}

bool guard_userfault_open(GuardCall *call, int *descriptor, Error *error)
{
    *descriptor = -1;
    call->work = (GuardWork){.run = open_in_thread, .context = descriptor};
    if (guard_call_alone(call, error))
        return true;
    if (*descriptor >= 0)
        (void)close(*descriptor);
    *descriptor = -1;
    return false;
}
