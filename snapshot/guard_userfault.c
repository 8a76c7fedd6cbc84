// Opening a userfaultfd in the target: see guard_userfault_internal.h.
//
// A userfaultfd belongs to the memory of whoever opened it, so a thread of the target has to. The
// guard takes it over with pidfd_getfd() and has it closed in the target at once, all in the same
// stop. The kernel removes every protection when the last descriptor is closed, so none outlives
// rudo-snap.

#include "snapshot/guard_userfault_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snapshot/call_injection_internal.h"
#include "snapshot/capture_refusal_internal.h"
#include "snapshot/proc_files_internal.h"
#include "snapshot/thread_stops_internal.h"
#include "snapshot/traced_threads_internal.h"

// Asynchronous write protection never hands a fault to anybody, so that faults of the kernel need
// not be handled by us; that needs no privilege of the target. Linux 5.11.
#define USER_MODE_ONLY 1
// A pidfd of any thread, Linux 6.9.
#define THREAD_PIDFD O_EXCL

#define MAX_THREADS_TRIED 4

// How good a thread is for being stopped alone: asleep, it is not missed, and it is in no critical
// section of its own.
static int rank_of(char state)
{
    switch (state) {
    case 'S':
        return 3;
    case 'R':
        return 2;
    case 'T':
        return 1;
    default:
        return 0;
    }
}

static bool choose_thread(int pid, int *tid, Error *error)
{
    uint32_t count = 0;
    int *tids = NULL, best = 0;

    if (!proc_task_list(pid, &tids, &count))
        return capture_refusal_explain(pid, errno, error);
    for (uint32_t i = 0; i < count && best < rank_of('S'); i++) {
        int rank = rank_of(proc_task_state(pid, tids[i]));

        if (rank <= best || proc_is_io_worker(pid, tids[i]))
            continue;
        best = rank;
        *tid = tids[i];
    }
    free(tids);
    if (best == 0)
        return error_set(error, ERROR_SYSTEM,
                         "no thread of process %d can be stopped: all are in uninterruptible "
                         "sleep (state D)",
                         pid);
    return true;
}

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

static bool open_in_thread(CallInjection *injection, int *descriptor, Error *error)
{
    const uint64_t flags[6] = {O_CLOEXEC | O_NONBLOCK | USER_MODE_ONLY};
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

static bool work_in_thread(const GuardUserfault *job, int tid, uint64_t instruction,
                           int *descriptor, Error *error)
{
    CallInjection injection;
    Error end_error;
    bool is_ok;

    if (!call_injection_begin(&injection, job->pid, tid, instruction, error))
        return false;
    is_ok = open_in_thread(&injection, descriptor, error);
    if (!call_injection_end(&injection, &end_error)) {
        *error = end_error;
        return false;
    }
    return is_ok;
}

static bool find_instruction(int pid, int tid, uint64_t *instruction, Error *error)
{
    ProcessMapping *mappings = NULL;
    uint32_t count = 0;
    bool is_found;

    if (!proc_mappings_read(pid, tid, &mappings, &count))
        return capture_refusal_explain(pid, errno, error);
    is_found = call_injection_find_instruction(tid, mappings, count, instruction);
    proc_mappings_free(mappings, count);
    if (!is_found)
        return error_set(error, ERROR_UNSUPPORTED,
                         "process %d has no code that a call could be made with", pid);
    return true;
}

static bool open_by_thread(GuardUserfault *job, int tid, uint64_t instruction, Error *error)
{
    TracedThreads threads;
    bool is_ok;

    traced_threads_init(&threads, job->pid, job->cancel);
    is_ok = traced_threads_stop_one(&threads, tid, error);
    job->times->stopped_at_ns = traced_now_ns(CLOCK_MONOTONIC);
    is_ok = is_ok && work_in_thread(job, tid, instruction, &job->descriptor, error);
    job->times->resuming_at_ns = traced_now_ns(CLOCK_MONOTONIC);
    traced_threads_resume(&threads);
    job->times->interrupted_at_ns = threads.interrupted_at_ns;
    job->times->captured_at_ns = threads.captured_at_ns;
    job->times->resumed_at_ns = threads.resumed_at_ns;
    job->has_stuck_thread = threads.seized_count > 0;
    traced_threads_release(&threads);
    if (!is_ok && job->descriptor >= 0) {
        (void)close(job->descriptor);
        job->descriptor = -1;
    }
    return is_ok;
}

bool guard_userfault_open(GuardUserfault *job, Error *error)
{
    uint64_t instruction = 0;
    int tid = 0;

    for (int tries = 1;; tries++) {
        job->descriptor = -1;
        *job->times = (GuardTimes){0};
        if (!choose_thread(job->pid, &tid, error) ||
            !find_instruction(job->pid, tid, &instruction, error))
            return false;
        if (open_by_thread(job, tid, instruction, error))
            return true;
        // The thread may have ended its work, when the process did not.
        if (tries == MAX_THREADS_TRIED || job->has_stuck_thread ||
            proc_task_state(job->pid, tid) != 0)
            return false;
    }
}
