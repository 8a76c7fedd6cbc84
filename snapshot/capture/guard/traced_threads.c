// How all threads of a process are stopped, and resumed.
//
// All threads are seized first, which does not stop them, and then interrupted. Threads that a
// seized thread creates are seized from birth (PTRACE_O_TRACECLONE), and /proc/PID/task is read
// again until it lists no new thread while all that it lists are stopped.

#include "snapshot/capture/guard/traced_threads_internal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>

#include "base/array.h"
#include "base/cancel.h"
#include "base/clock.h"
#include "base/search.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/thread_stops_internal.h"

// How long a thread may take to stop. A runnable one only waits for a CPU. One in uninterruptible
// sleep waits for a device, or for the child of its vfork(); the others should not stand still for
// that.
#define STOP_PATIENCE_NS (10 * UINT64_C(1000000000))
#define SLEEPING_STOP_PATIENCE_NS (2 * UINT64_C(1000000000))
// How long detaching waits for a thread that has not stopped yet; all others run meanwhile. After
// that the kernel detaches it, when this process ends, and the call that it sleeps in may return
// EINTR.
#define GIVING_UP_PATIENCE_NS (2 * UINT64_C(1000000000))
// The number of polls that only yield the CPU; later ones sleep.
#define EAGER_POLLS 200
#define POLL_SLEEP_NS 100000
// When new threads still appear after as many rounds, the stop is given up.
#define MAX_STOP_ROUNDS 10000

void traced_threads_init(TracedThreads *threads, int pid, const Cancel *cancel)
{
    memset(threads, 0, sizeof *threads);
    threads->pid = pid;
    threads->cancel = cancel;
}

void traced_threads_release(TracedThreads *threads)
{
    free(threads->threads);
    free(threads->newborns);
    memset(threads, 0, sizeof *threads);
}

int traced_threads_any(const TracedThreads *threads)
{
    for (uint32_t i = 0; i < threads->count; i++) {
        if (threads->threads[i].state == TRACED_STOPPED)
            return threads->threads[i].tid;
    }
    return 0;
}

// ---- the table ----

// Index of the first thread whose tid is not below `tid`.
static uint32_t position_of(const TracedThreads *threads, int tid)
{
    // A tid is positive, and so the same number unsigned.
    return (uint32_t)search_from(threads->threads, threads->count, tid, (uint32_t)tid);
}

static bool is_known(const TracedThreads *threads, int tid)
{
    uint32_t at = position_of(threads, tid);

    return at < threads->count && threads->threads[at].tid == tid;
}

// Makes room for one thread more, so that add_thread() cannot fail once the thread is seized.
static bool reserve_thread(TracedThreads *threads, Error *error)
{
    return array_reserve(&threads->threads, &threads->capacity, (uint64_t)threads->count + 1,
                         sizeof *threads->threads, "threads", error);
}

// After reserve_thread(). A thread that has got the tid of one that is gone takes its place.
static void add_thread(TracedThreads *threads, int tid, bool is_stray)
{
    uint32_t at = position_of(threads, tid);
    TracedThread *thread = &threads->threads[at];

    if (at == threads->count || thread->tid != tid) {
        memmove(thread + 1, thread, (threads->count - at) * sizeof *thread);
        threads->count++;
    }
    memset(thread, 0, sizeof *thread);
    thread->tid = tid;
    thread->state = TRACED_SEIZED;
    thread->is_stray = is_stray;
    threads->seized_count++;
    if (!is_stray)
        proc_task_name(threads->pid, tid, thread->name, sizeof thread->name);
}

static void pause_between_polls(unsigned polls)
{
    const struct timespec moment = {.tv_nsec = POLL_SLEEP_NS};

    if (polls < EAGER_POLLS)
        (void)sched_yield();
    else
        (void)nanosleep(&moment, NULL);
}

// ---- finding threads ----

// Seizes `tid`, unless this process traces it already. False with errno set.
static bool seize(TracedThreads *threads, int tid)
{
    if (!traced_seize(tid, PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC)) {
        int saved = errno;

        // A thread that a seized thread has created is seized from birth.
        if (errno != EPERM || proc_status_number(threads->pid, tid, "TracerPid", 0) != gettid()) {
            errno = saved;
            return false;
        }
    }
    return true;
}

// Has another thread got this tid, after the one in the table was gone? (The first thread of a
// process stays in the list of tasks, as a zombie, when it has ended.)
static bool is_reused_tid(const TracedThreads *threads, int tid)
{
    char state;

    if (threads->threads[position_of(threads, tid)].state != TRACED_GONE)
        return false;
    state = proc_task_state(threads->pid, tid);
    return state != 'Z' && state != 'X' && state != 0;
}

// Seizes the threads that are not in the table yet; interrupts them when `is_interrupting`.
static bool take_new_threads(TracedThreads *threads, bool is_interrupting, uint32_t *found,
                             Error *error)
{
    uint32_t count = 0;
    int *tids = NULL;
    bool is_ok = true;

    *found = 0;
    if (!proc_task_list(threads->pid, &tids, &count))
        return capture_refusal_explain(threads->pid, errno, error);
    for (uint32_t i = 0; i < count && is_ok; i++) {
        if (is_known(threads, tids[i]) && !is_reused_tid(threads, tids[i]))
            continue;
        if (proc_is_io_worker(threads->pid, tids[i]))
            continue;
        if (!reserve_thread(threads, error)) {
            is_ok = false;
        } else if (seize(threads, tids[i])) {
            add_thread(threads, tids[i], false);
            if (is_interrupting)
                traced_interrupt(threads, &threads->threads[position_of(threads, tids[i])]);
            (*found)++;
        } else {
            int reason = errno;
            char state = proc_task_state(threads->pid, tids[i]);

            // A thread that has ended, or is ending, cannot be traced and need not be.
            if (reason != ESRCH && state != 'Z' && state != 'X' && state != 0)
                is_ok = capture_refusal_explain(threads->pid, reason, error);
        }
    }
    free(tids);
    return is_ok;
}

// Adds the tasks that clone() events have announced. Threads of the target would be found in /proc,
// too; processes of their own are to be detached when they stop.
static bool take_newborns(TracedThreads *threads, Error *error)
{
    while (threads->newborn_count > 0) {
        int tid = threads->newborns[threads->newborn_count - 1];

        if (!is_known(threads, tid)) {
            if (!reserve_thread(threads, error))
                return false;
            add_thread(threads, tid, proc_task_state(threads->pid, tid) == 0);
        }
        threads->newborn_count--;
    }
    return true;
}

// ---- stopping ----

// Looks for threads that will not stop. A stopped thread may have been killed, which happens to all
// threads together (a fatal signal, or exec); and the first thread of a process may have ended
// while others run on, which is not reported to its tracer. Returns 'D' when a thread, `*tid`, is
// in uninterruptible sleep, 'R' when one is still expected to stop, 0 when all have stopped.
static char check_laggards(TracedThreads *threads, int *tid)
{
    char worst = 0;

    for (uint32_t i = 0; i < threads->count; i++) {
        TracedThread *thread = &threads->threads[i];
        char state;

        if (thread->state == TRACED_STOPPED && traced_has_ended(thread)) {
            threads->has_ended = true;
            traced_reap(threads, thread);
        }
        if (thread->state != TRACED_SEIZED || thread->is_stray)
            continue;
        state = proc_task_state(threads->pid, thread->tid);
        if (state == 'Z' || state == 'X' || state == 0) {
            if (!traced_look_at(threads, thread, false))
                traced_set_state(threads, thread, TRACED_GONE);
        } else if (worst != 'D') {
            worst = state == 'D' ? 'D' : 'R';
            *tid = thread->tid;
        }
    }
    return worst;
}

static bool fail_to_stop(const TracedThreads *threads, int tid, char state, Error *error)
{
    if (state != 'D')
        return error_set(error, ERROR_SYSTEM, "thread %d of process %d does not stop", tid,
                         threads->pid);
    error_set(error, ERROR_SYSTEM,
              "thread %d of process %d does not stop: it is in uninterruptible sleep (state D)",
              tid, threads->pid);
    return error_add_hint(error, "it waits for a device, a network file system, or the child of a "
                                 "vfork(); try again later");
}

// Fails when an event has ended the capture: exec, a kill, 32-bit code, a failed request.
static bool check_events(TracedThreads *threads, Error *error)
{
    if (threads->has_executed)
        return error_set(error, ERROR_SYSTEM,
                         "process %d started another program while it was captured", threads->pid);
    if (threads->has_ended)
        return capture_refusal_gone(threads->pid, error);
    if (threads->is_short_of_memory)
        return error_set_memory(error, sizeof(pid_t), "a thread");
    if (threads->failure != 0 && threads->failure != ENOEXEC)
        return capture_refusal_explain(threads->pid, threads->failure, error);
    if (threads->failure != 0)
        return error_set(error, ERROR_NOT_64_BIT,
                         "cannot capture pid %d: its thread %d runs 32-bit code, only 64-bit code "
                         "can be captured",
                         threads->pid, threads->failed_tid);
    return take_newborns(threads, error);
}

static bool check_limit(const TracedThreads *threads, Error *error)
{
    if (threads->limit_ns == 0 || !threads->has_interrupted ||
        clock_monotonic_ns() - threads->interrupted_at_ns < threads->limit_ns)
        return true;
    return error_set(error, ERROR_LIMIT, "the threads of process %d took too long to stop",
                     threads->pid);
}

// Waits until every thread in the table is stopped or gone.
static bool wait_for_stops(TracedThreads *threads, Error *error)
{
    uint64_t since = clock_monotonic_ns();
    unsigned idle_polls = 0;

    if (!check_events(threads, error))
        return false;
    while (threads->seized_count > 0) {
        uint64_t waited;
        char state;
        int tid = 0;

        if (!cancel_check(threads->cancel, error) || !check_limit(threads, error))
            return false;
        if (traced_look_at_all(threads, false)) {
            if (!check_events(threads, error))
                return false;
            idle_polls = 0;
            continue;
        }
        pause_between_polls(idle_polls++);
        if (idle_polls % EAGER_POLLS != 0)
            continue;
        waited = clock_monotonic_ns() - since;
        state = check_laggards(threads, &tid);
        if (!check_events(threads, error))
            return false;
        if ((state == 'D' && waited > SLEEPING_STOP_PATIENCE_NS) || waited > STOP_PATIENCE_NS)
            return fail_to_stop(threads, tid, state, error);
    }
    return true;
}

bool traced_threads_stop(TracedThreads *threads, Error *error)
{
    uint32_t found = 0;
    unsigned quiet_rounds = 0;

    // Seizing does not stop the target, so it comes before the first interrupt.
    do {
        if (!take_new_threads(threads, false, &found, error))
            return false;
    } while (found > 0 && found * 4 > threads->count);
    for (uint32_t i = 0; i < threads->count; i++)
        traced_interrupt(threads, &threads->threads[i]);

    // Listing a folder while threads end may skip a live one, so two rounds must find nothing new.
    for (unsigned round = 0; quiet_rounds < 2; round++) {
        if (round > MAX_STOP_ROUNDS)
            return error_set(error, ERROR_SYSTEM,
                             "process %d makes threads faster than they can be stopped",
                             threads->pid);
        if (!wait_for_stops(threads, error))
            return false;
        if (!take_new_threads(threads, true, &found, error))
            return false;
        quiet_rounds = found == 0 ? quiet_rounds + 1 : 0;
    }
    if (traced_threads_any(threads) == 0)
        return capture_refusal_gone(threads->pid, error);
    return true;
}

bool traced_threads_stop_one(TracedThreads *threads, int tid, Error *error)
{
    if (!reserve_thread(threads, error))
        return false;
    if (!traced_seize(tid, PTRACE_O_TRACEEXEC))
        return capture_refusal_explain(threads->pid, errno, error);
    add_thread(threads, tid, false);
    traced_interrupt(threads, &threads->threads[0]);
    if (!wait_for_stops(threads, error))
        return false;
    if (traced_threads_any(threads) == 0)
        return capture_refusal_gone(threads->pid, error);
    return true;
}

uint32_t traced_threads_stopped_count(const TracedThreads *threads)
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < threads->count; i++)
        count += threads->threads[i].state == TRACED_STOPPED;
    return count;
}

bool traced_threads_are_held(const TracedThreads *threads)
{
    for (uint32_t i = 0; i < threads->count; i++) {
        if (threads->threads[i].state == TRACED_STOPPED && traced_has_ended(&threads->threads[i]))
            return false;
    }
    return true;
}

// ---- resuming ----

void traced_threads_resume(TracedThreads *threads)
{
    uint64_t since = clock_monotonic_ns();

    // Threads in user code lose most by waiting.
    for (uint32_t i = 0; i < threads->count; i++) {
        TracedThread *thread = &threads->threads[i];

        if (thread->state == TRACED_STOPPED && thread_registers_is_in_user_code(&thread->general))
            traced_detach(threads, thread, 0);
    }
    for (uint32_t i = 0; i < threads->count; i++) {
        if (threads->threads[i].state == TRACED_STOPPED)
            traced_detach(threads, &threads->threads[i], 0);
    }
    // After a failure some threads may not have stopped yet, and only a stopped thread can be
    // detached. The kernel does the rest when the tracer ends.
    for (unsigned polls = 0; threads->has_interrupted && threads->seized_count > 0; polls++) {
        uint64_t now = clock_monotonic_ns();

        if (traced_look_at_all(threads, true))
            since = now;
        else if (now - since > GIVING_UP_PATIENCE_NS)
            break;
        else
            pause_between_polls(polls);
    }
    if (threads->has_interrupted && threads->resumed_at_ns == 0)
        threads->resumed_at_ns = clock_monotonic_ns();
}
