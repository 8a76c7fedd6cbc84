// How one thread is stopped and resumed, event by event: see thread_stops_internal.h.
//
// Note [Unconsumed stops]
// ~~~~~~~~~~~~~~~~~~~~~~~
// Stops are read with WNOWAIT and never consumed. When the stop of a thread that is about to get a
// signal is consumed, the kernel forgets the signal; if this process were killed before it has
// passed the signal on, the target would lose it. Left unconsumed, the signal is delivered in any
// case. The price: waiting for "any" thread would report the same stop for ever, so each thread is
// asked for by its tid.
//
// The stop of a thread that has executed another program is the exception. If it was not the first
// thread, it has the first one's number now, and the kernel refuses every request about it (ESRCH)
// until its tracer has consumed the stop. No signal comes with that stop.
//
// Note [Signals while seized]
// ~~~~~~~~~~~~~~~~~~~~~~~~~~~
// A signal for a seized thread that is not stopped yet stops it before delivery. The signal is
// passed on at once, with a new interrupt already pending: the kernel sets up the handler (or acts
// upon the signal) and stops the thread again before its next instruction. So no signal is held
// back, its siginfo is unchanged, and signals keep their order. A signal for a thread that is
// stopped already stays pending until the thread is resumed.
//
// Note [Seizing and exec]
// ~~~~~~~~~~~~~~~~~~~~~~~
// A thread that executes another program waits, with a lock of the process held, until all other
// threads are gone. Those that we have seized already are not gone before we have reaped them; and
// seizing one more thread waits for that lock. The kernel does not detect this deadlock; and when
// the program lies on a file system that does not respond, the wait is as long. So a timer runs
// while a thread is seized, whose signal kills this process: the kernel then detaches all threads,
// none of which is stopped yet. Work that must be done all the same is done in a process of its own
// (guard_call_apart()).

#include "snapshot/capture/guard/thread_stops_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/interrupted_calls_internal.h"

// Seizing takes microseconds.
#define SEIZE_PATIENCE_S 1

bool traced_seize(int tid, intptr_t options)
{
    const struct itimerspec patience = {.it_value = {.tv_sec = SEIZE_PATIENCE_S}};
    struct sigevent end = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
    timer_t clock;
    bool has_clock = timer_create(CLOCK_MONOTONIC, &end, &clock) == 0, is_ok;
    int saved;

    if (has_clock)
        (void)timer_settime(clock, 0, &patience, NULL);
    is_ok = ptrace(PTRACE_SEIZE, tid, NULL, (void *)options) == 0;
    saved = errno;
    if (has_clock)
        (void)timer_delete(clock);
    errno = saved;
    return is_ok;
}

void traced_set_state(TracedThreads *threads, TracedThread *thread, TracedState state)
{
    if (thread->state == TRACED_SEIZED)
        threads->seized_count--;
    if (state == TRACED_SEIZED)
        threads->seized_count++;
    thread->state = state;
}

static void note_failure(TracedThreads *threads, const TracedThread *thread, int reason)
{
    threads->failed_tid = thread->tid;
    threads->failure = reason;
}

void traced_interrupt(TracedThreads *threads, const TracedThread *thread)
{
    if (!threads->has_interrupted) {
        threads->has_interrupted = true;
        threads->interrupted_at_ns = clock_monotonic_ns();
        threads->captured_at_ns = clock_realtime_ns();
    }
    // ESRCH: the thread has ended, which the next look will find.
    if (ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL) != 0 && errno != ESRCH)
        note_failure(threads, thread, errno);
}

static bool is_exec_stop(const siginfo_t *info)
{
    return info->si_pid != 0 && info->si_code == CLD_TRAPPED &&
           info->si_status == (SIGTRAP | PTRACE_EVENT_EXEC << 8);
}

// Consumes the stop of a thread that has executed a program: see Note [Unconsumed stops]. False:
// the thread is not in such a stop.
static bool consume_exec_stop(pid_t tid)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    if (waitid(P_PID, (id_t)tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) != 0 ||
        !is_exec_stop(&info))
        return false;
    return waitid(P_PID, (id_t)tid, &info, WSTOPPED | WNOHANG | __WALL) == 0;
}

void traced_detach(TracedThreads *threads, TracedThread *thread, int signal)
{
    // ESRCH: the thread was killed while it was stopped, or another one has executed a program and
    // taken its place.
    if (ptrace(PTRACE_DETACH, thread->tid, NULL, (void *)(intptr_t)signal) != 0 && errno == ESRCH) {
        if (!consume_exec_stop(thread->tid)) {
            // It is still to be reaped: other threads may wait for it to be gone.
            traced_set_state(threads, thread, TRACED_SEIZED);
            return;
        }
        (void)ptrace(PTRACE_DETACH, thread->tid, NULL, NULL);
    }
    traced_set_state(threads, thread, TRACED_GONE);
}

// The parent of the process hears of a thread's end only after its tracer has reaped it.
void traced_reap(TracedThreads *threads, TracedThread *thread)
{
    siginfo_t info;

    // Another thread that has executed a program, and taken its place, is detached.
    if (consume_exec_stop(thread->tid))
        (void)ptrace(PTRACE_DETACH, thread->tid, NULL, NULL);
    else
        (void)waitid(P_PID, (id_t)thread->tid, &info, WEXITED | WNOHANG | __WALL);
    traced_set_state(threads, thread, TRACED_GONE);
}

// (waitid() reports stops to a tracer even without WSTOPPED.)
bool traced_has_ended(const TracedThread *thread)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    if (waitid(P_PID, (id_t)thread->tid, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) != 0)
        return true;
    return is_exec_stop(&info) ||
           (info.si_pid != 0 && info.si_code != CLD_TRAPPED && info.si_code != CLD_STOPPED);
}

static void note_newborn(TracedThreads *threads, const TracedThread *parent)
{
    unsigned long tid = 0;
    Error ignored;

    if (ptrace(PTRACE_GETEVENTMSG, parent->tid, NULL, &tid) != 0 || tid == 0)
        return;
    if (array_reserve(&threads->newborns, &threads->newborn_capacity, threads->newborn_count + 1,
                      sizeof *threads->newborns, "threads", &ignored))
        threads->newborns[threads->newborn_count++] = (pid_t)tid;
    else
        threads->is_short_of_memory = true;
}

static void settle(TracedThreads *threads, TracedThread *thread, bool by_interrupt)
{
    if (thread->is_stray) {
        traced_detach(threads, thread, 0);
        return;
    }
    if (!thread_registers_read_general(thread->tid, &thread->general)) {
        // ESRCH: it was killed while stopped, which the next look finds.
        if (errno == ESRCH)
            return;
        note_failure(threads, thread, errno);
    }
    if (by_interrupt)
        interrupted_call_restart(thread->tid, &thread->general);
    traced_set_state(threads, thread, TRACED_STOPPED);
}

// Handles a ptrace stop: `status` is the signal, with the event in the next byte.
static void handle_stop(TracedThreads *threads, TracedThread *thread, int status, bool is_leaving)
{
    int signal = status & 0xff, event = status >> 8;

    switch (event) {
    case 0:
        // See Note [Signals while seized].
        if (is_leaving || thread->is_stray) {
            traced_detach(threads, thread, signal);
            return;
        }
        (void)ptrace(PTRACE_INTERRUPT, thread->tid, NULL, NULL);
        (void)ptrace(PTRACE_CONT, thread->tid, NULL, (void *)(intptr_t)signal);
        return;
    case PTRACE_EVENT_CLONE:
        note_newborn(threads, thread);
        settle(threads, thread, false);
        break;
    case PTRACE_EVENT_EXEC:
        threads->has_executed = true;
        (void)consume_exec_stop(thread->tid);
        settle(threads, thread, false);
        break;
    default:
        // SIGTRAP: our interrupt, or the first stop of a new thread. A stop signal: the user has
        // stopped the target, and PTRACE_DETACH leaves it stopped.
        settle(threads, thread, signal == SIGTRAP);
        break;
    }
    if (is_leaving && thread->state == TRACED_STOPPED)
        traced_detach(threads, thread, 0);
}

bool traced_look_at(TracedThreads *threads, TracedThread *thread, bool is_leaving)
{
    siginfo_t info;

    memset(&info, 0, sizeof info);
    if (waitid(P_PID, (id_t)thread->tid, &info, WEXITED | WSTOPPED | WNOHANG | WNOWAIT | __WALL) !=
        0) {
        if (errno != ECHILD)
            note_failure(threads, thread, errno);
        traced_set_state(threads, thread, TRACED_GONE);
        return true;
    }
    if (info.si_pid == 0)
        return false;
    if (info.si_code == CLD_TRAPPED || info.si_code == CLD_STOPPED)
        handle_stop(threads, thread, info.si_status, is_leaving);
    else
        traced_reap(threads, thread);
    return true;
}

bool traced_look_at_all(TracedThreads *threads, bool is_leaving)
{
    bool has_changed = false;

    for (uint32_t i = 0; i < threads->count && threads->seized_count > 0; i++) {
        if (threads->threads[i].state == TRACED_SEIZED)
            has_changed |= traced_look_at(threads, &threads->threads[i], is_leaving);
    }
    return has_changed;
}
