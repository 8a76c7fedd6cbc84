// Choosing a thread of the target for injected calls: see guard_calls_internal.h. A thread that
// sleeps is best: its program does not miss it, and it is in no restartable sequence. One that runs
// under seccomp comes last: we may not be allowed to suspend its filter.

#include "snapshot/capture/guard/guard_calls_internal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/thread_stops_internal.h"

#define MAX_THREADS_TRIED 4
#define MAX_WAITS 50 // of 1 ms
// Fewer than there may be: all other threads stand still meanwhile.
#define MAX_HELD_TRIED 8
#define APART_STACK_BYTES ((size_t)256 << 10)

// Explains that no instruction was found. A process that is being killed loses its mappings first.
static bool explain_no_instruction(int pid, int tid, Error *error)
{
    if (proc_status_number(pid, tid, "VmSize", 0) == 0)
        return capture_refusal_gone(pid, error);
    return error_set(error, ERROR_UNSUPPORTED,
                     "process %d has no system call instruction in its code", pid);
}

static uint64_t find_instruction(int pid, int tid)
{
    ProcessMapping *mappings = NULL;
    uint64_t instruction = 0;
    uint32_t count = 0;

    if (!proc_mappings_read(pid, tid, &mappings, &count))
        return 0;
    if (!call_injection_find_instruction(tid, mappings, count, &instruction))
        instruction = 0;
    proc_mappings_free(mappings, count);
    return instruction;
}

#define FREE_RANK 3
#define BEST_RANK (3 + FREE_RANK)

// How suitable a thread is for being stopped alone; 0: not at all.
static int rank_of(int pid, int tid)
{
    int rank = 0;

    switch (proc_task_state(pid, tid)) {
    case 'S':
        rank = 3;
        break;
    case 'R':
        rank = 2;
        break;
    case 'T':
        rank = 1;
        break;
    default:
        return 0;
    }
    if (proc_is_io_worker(pid, tid))
        return 0;
    return proc_status_number(pid, tid, "Seccomp", 0) == 0 ? rank + FREE_RANK : rank;
}

static bool is_among(const int *tids, uint32_t count, int tid)
{
    for (uint32_t i = 0; i < count; i++)
        if (tids[i] == tid)
            return true;
    return false;
}

// The most suitable thread that was not tried yet; 0: there is none. *is_free_one_away: a thread
// that no seccomp filter keeps from the call is in state D, and the chosen one is filtered.
static int choose_now(int pid, const int *tried, uint32_t tried_count, bool *is_free_one_away)
{
    uint32_t count = 0;
    int *tids = NULL, best = 0, chosen = 0;

    *is_free_one_away = false;
    if (!proc_task_list(pid, &tids, &count))
        return 0;
    for (uint32_t i = 0; i < count && best < BEST_RANK; i++) {
        int rank;

        if (is_among(tried, tried_count, tids[i]))
            continue;
        rank = rank_of(pid, tids[i]);
        if (rank == 0 && proc_task_state(pid, tids[i]) == 'D' &&
            proc_status_number(pid, tids[i], "Seccomp", 0) == 0)
            *is_free_one_away = true;
        if (rank <= best)
            continue;
        best = rank;
        chosen = tids[i];
    }
    *is_free_one_away = *is_free_one_away && best > 0 && best <= FREE_RANK;
    free(tids);
    return chosen;
}

// A thread that writes to a file's page is in state D for a moment now and then: it is waited for
// if only filtered threads are left. Nothing is stopped meanwhile.
static int choose_thread(int pid, const int *tried, uint32_t tried_count)
{
    const struct timespec moment = {.tv_nsec = 1000000};
    bool is_free_one_away;
    int chosen = choose_now(pid, tried, tried_count, &is_free_one_away);

    for (int waits = 0; is_free_one_away && waits < MAX_WAITS; waits++) {
        (void)nanosleep(&moment, NULL);
        chosen = choose_now(pid, tried, tried_count, &is_free_one_away);
    }
    return chosen;
}

GuardCaller guard_find_caller(int pid)
{
    GuardCaller caller = {.tid = choose_thread(pid, NULL, 0)};

    if (caller.tid != 0)
        caller.instruction = find_instruction(pid, caller.tid);
    return caller;
}

// *has_begun: the thread was taken over, and `work` was called.
static bool work_in_thread(int pid, int tid, uint64_t instruction, uint64_t patience_ns,
                           const GuardWork *work, bool *has_begun, Error *error)
{
    CallInjection injection;
    Error end_error;
    bool is_ok;

    *has_begun = call_injection_begin(&injection, pid, tid, instruction, patience_ns, error);
    if (!*has_begun)
        return false;
    is_ok = work->run(work->context, &injection, error);
    if (!call_injection_end(&injection, &end_error)) {
        *error = end_error;
        return false;
    }
    return is_ok;
}

static bool call_by_thread(GuardCall *call, int tid, uint64_t instruction, Error *error)
{
    TracedThreads threads;
    bool is_ok, has_begun;

    traced_threads_init(&threads, call->pid, call->cancel);
    is_ok = traced_threads_stop_one(&threads, tid, error);
    call->times.stopped_at_ns = clock_monotonic_ns();
    is_ok = is_ok && work_in_thread(call->pid, tid, instruction, call->patience_ns, &call->work,
                                    &has_begun, error);
    call->times.resuming_at_ns = clock_monotonic_ns();
    traced_threads_resume(&threads);
    call->times.interrupted_at_ns = threads.interrupted_at_ns;
    call->times.captured_at_ns = threads.captured_at_ns;
    call->times.resumed_at_ns = threads.resumed_at_ns;
    call->has_stuck_thread = threads.seized_count > 0;
    traced_threads_release(&threads);
    return is_ok;
}

// The thread for the next try: the one that the caller prefers first.
static int next_thread(const GuardCall *call, const int *tried, uint32_t tried_count)
{
    if (tried_count == 0 && call->preferred_tid != 0 && rank_of(call->pid, call->preferred_tid) > 0)
        return call->preferred_tid;
    return choose_thread(call->pid, tried, tried_count);
}

bool guard_call_alone(GuardCall *call, Error *error)
{
    int tried[MAX_THREADS_TRIED];

    for (uint32_t tries = 0;; tries++) {
        int tid = next_thread(call, tried, tries);
        uint64_t instruction;

        // The others cannot make the call either.
        if (tid == 0 && tries > 0)
            return false;
        call->times = (GuardTimes){0};
        // The process may be about to end.
        if (tid == 0 && proc_status_number(call->pid, call->pid, "VmSize", 0) == 0)
            return capture_refusal_gone(call->pid, error);
        if (tid == 0)
            return error_set(error, ERROR_SYSTEM,
                             "no thread of process %d can be stopped: all are in uninterruptible "
                             "sleep (state D)",
                             call->pid);
        instruction = find_instruction(call->pid, tid);
        if (instruction == 0)
            return explain_no_instruction(call->pid, tid, error);
        if (call_by_thread(call, tid, instruction, error))
            return true;
        // The thread may have ended while the process lives on, or run under seccomp, as others do
        // not: then another one is tried.
        tried[tries] = tid;
        if (tries + 1 == MAX_THREADS_TRIED || call->has_stuck_thread ||
            (error->code != ERROR_UNSUPPORTED && proc_task_state(call->pid, tid) != 0))
            return false;
    }
}

typedef struct ApartCall {
    GuardCall *call;
    Error *error;
    bool is_ok;
} ApartCall;

static int make_apart_call(void *context)
{
    ApartCall *apart = context;

    apart->is_ok = guard_call_alone(apart->call, apart->error);
    return 0;
}

// Like vfork(): the new process uses our memory, and we wait for it. When its timer ends it, the
// memory that it had allocated is not freed.
bool guard_call_apart(GuardCall *call, Error *error)
{
    ApartCall apart = {.call = call, .error = error};
    uint8_t *stack = mmap(NULL, APART_STACK_BYTES, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    pid_t process;
    int status = 0;

    if (stack == MAP_FAILED)
        return guard_call_alone(call, error);
    process =
        clone(make_apart_call, stack + APART_STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, &apart);
    if (process < 0)
        (void)make_apart_call(&apart);
    while (process > 0 && waitpid(process, &status, 0) < 0 && errno == EINTR)
        continue;
    (void)munmap(stack, APART_STACK_BYTES);
    if (process > 0)
        call->has_stuck_thread = false;
    if (WIFEXITED(status))
        return apart.is_ok;
    return error_set(error, ERROR_SYSTEM,
                     "process %d cannot be traced while it starts another program", call->pid);
}

// In which pass a thread is tried: the one that was chosen before the stop in pass 0, others that
// slept in pass 1, and those in user code, which may be in a restartable sequence, in pass 2.
static int pass_of(const TracedThread *thread, const GuardCaller *caller)
{
    if (thread_registers_is_in_user_code(&thread->general))
        return 2;
    return thread->tid == caller->tid ? 0 : 1;
}

bool guard_call_held(const TracedThreads *threads, const GuardCaller *caller, const GuardWork *work,
                     Error *error)
{
    bool has_begun;
    int tries = 0;

    if (caller->instruction == 0)
        return explain_no_instruction(threads->pid, traced_threads_any(threads), error);
    (void)error_set(error, ERROR_UNSUPPORTED, "process %d has no thread to make a call",
                    threads->pid);
    for (int pass = 0; pass < 3; pass++) {
        for (uint32_t i = 0; i < threads->count && tries < MAX_HELD_TRIED; i++) {
            const TracedThread *thread = &threads->threads[i];

            if (thread->state != TRACED_STOPPED || pass_of(thread, caller) != pass)
                continue;
            tries++;
            if (work_in_thread(threads->pid, thread->tid, caller->instruction, threads->limit_ns,
                               work, &has_begun, error))
                return true;
            if (has_begun || error->code != ERROR_UNSUPPORTED)
                return false;
        }
    }
    return false;
}
