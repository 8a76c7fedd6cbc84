// Opening a userfaultfd in the target: see guard_calls_internal.h.
//
// A userfaultfd belongs to the memory of whoever opened it, so a thread of the target has to. The
// guard takes it over with pidfd_getfd() and has it closed in the target at once, all in the same
// stop. The kernel removes every protection when the last descriptor is closed, so none outlives
// rudo-snap.

#include "snapshot/capture/guard/guard_calls_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

// Asynchronous write protection never hands a fault to anybody, so that faults of the kernel need
// not be handled by us; that needs no privilege of the target. Linux 5.11.
#define USER_MODE_ONLY 1
// A pidfd of any thread, Linux 6.9.
#define THREAD_PIDFD O_EXCL

// Our own descriptor for what is `number` in the thread. False with errno set.
static bool take_over(int tid, int64_t number, int *descriptor)
{
    int process = (int)syscall(SYS_pidfd_open, tid, THREAD_PIDFD);

    // Without that flag, only first threads have one.
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

static bool open_in_thread(void *context, CallInjection *injection, Error *error)
{
    const uint64_t flags[6] = {O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY};
    int *descriptor = context;
    uint64_t number[6] = {0};
    int64_t result;
    int failure = 0;

    if (!call_injection_call(injection, SYS_userfaultfd, flags, &result, error))
        return false;
    if (result < 0)
        return error_set(error, ERROR_UNSUPPORTED, "process %d cannot open a userfaultfd: %s",
                         injection->pid, strerror((int)-result));
    if (!take_over(injection->tid, result, descriptor))
        failure = errno;
    number[0] = (uint64_t)result;
    if (!call_injection_call(injection, SYS_close, number, &result, error))
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
