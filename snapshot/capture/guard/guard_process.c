// The guard process: see guard_process_internal.h.
//
// It serves one request after the other. While it holds the target stopped, it resumes it by itself
// when the socket closes, when the time limit has passed, or when rudo-snap has been stopped.

#include "snapshot/capture/guard/guard_process_internal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/capture_guard.h"
#include "snapshot/capture/guard/guard_alarm_internal.h"
#include "snapshot/capture/guard/guard_fork_internal.h"
#include "snapshot/capture/guard/guard_messages.h"
#include "snapshot/capture/guard/held_sharers_internal.h"
#include "snapshot/capture/guard/thread_stops_internal.h"
#include "snapshot/capture/guard/traced_threads_internal.h"

// How often the guard checks whether rudo-snap has been stopped, while it holds the target.
#define TOOL_LOOK_MS 50
// How long the guard tries to remove the zombie of a fork: while rudo-snap waits, and afterwards.
#define REAP_PATIENCE_NS UINT64_C(1000000000)
#define LAST_REAP_PATIENCE_NS (60 * UINT64_C(1000000000))

typedef struct Guard {
    int socket;
    int pid; // of the target
    pid_t tool;
    Cancel cancel;
    TracedThreads threads;
    HeldSharers sharers; // of its memory
    bool is_holding;
    bool is_over; // the target was resumed before rudo-snap asked for it
    bool has_stuck_thread;
    GuardCaller caller; // of the fork
    GuardFork fork;
    uint64_t limit_ns;
    GuardTimes times;
    ProcessThread *records; // registers of the threads of the last stop
    uint32_t record_count;
    Error *record_error; // why they could not be read, or NULL
    GuardAlarm alarm;
    Error error;
} Guard;

// ---- messages ----

// Has rudo-snap ended? It sends nothing while it waits for a reply, so whatever can be read from
// the socket is its end.
static bool has_tool_ended(void *context)
{
    const Guard *guard = context;
    struct pollfd end = {.fd = guard->socket, .events = POLLIN};

    guard_alarm_set(&guard->alarm);

    return poll(&end, 1, 0) > 0;
}

// `descriptor` is sent along, unless it is -1.
static bool send_reply(const Guard *guard, GuardReply *reply, int descriptor)
{
    struct iovec part = {.iov_base = reply, .iov_len = sizeof *reply};
    GuardRights rights = {.bytes = {0}};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

    if (descriptor >= 0) {
        message.msg_control = rights.bytes;
        message.msg_controllen = sizeof rights.bytes;
        rights.header.cmsg_level = SOL_SOCKET;
        rights.header.cmsg_type = SCM_RIGHTS;
        rights.header.cmsg_len = CMSG_LEN(sizeof descriptor);
        memcpy(CMSG_DATA(&rights.header), &descriptor, sizeof descriptor);
    }
    return sendmsg(guard->socket, &message, MSG_NOSIGNAL) == (ssize_t)sizeof *reply;
}

static bool send_threads(const Guard *guard)
{
    for (uint32_t i = 0; i < guard->record_count; i++) {
        ProcessThread *record = &guard->records[i];
        struct iovec parts[] = {{.iov_base = record, .iov_len = sizeof *record},
                                {.iov_base = record->registers,
                                 .iov_len = record->register_count * sizeof *record->registers}};
        struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};

        if (sendmsg(guard->socket, &message, MSG_NOSIGNAL) < 0)
            return false;
    }
    return true;
}

// ---- stop and resume ----

static void forget_threads(Guard *guard)
{
    for (uint32_t i = 0; i < guard->record_count; i++)
        free(guard->records[i].registers);
    free(guard->records);
    guard->records = NULL;
    guard->record_count = 0;
    traced_threads_release(&guard->threads);
    held_sharers_release(&guard->sharers);
}

static bool collect_thread(Guard *guard, const TracedThread *thread, Error *error)
{
    ProcessThread *record = &guard->records[guard->record_count];

    record->tid = (uint32_t)thread->tid;
    memcpy(record->name, thread->name, sizeof record->name);
    if (!thread_registers_collect(thread->tid, &thread->general, record))
        return capture_refusal_explain(guard->pid, errno, error);
    guard->record_count++;
    return true;
}

// The number of threads that stand still, those of other processes with the same memory included.
static uint32_t count_held(const Guard *guard)
{
    uint32_t count = traced_threads_stopped_count(&guard->threads);

    for (uint32_t i = 0; i < guard->sharers.count; i++)
        if (guard->sharers.items[i].is_held)
            count += traced_threads_stopped_count(&guard->sharers.items[i].threads);
    return count;
}

static int compare_records(const void *left, const void *right)
{
    const ProcessThread *a = left, *b = right;

    return (a->tid > b->tid) - (a->tid < b->tid);
}

// The main thread comes first, even if the numbers wrapped around; all others ascend. Threads of
// other processes hold references to objects as well.
static bool collect_threads(Guard *guard, Error *error)
{
    uint32_t count = count_held(guard), first = 0;

    guard->records = calloc((size_t)count + 1, sizeof *guard->records);
    if (guard->records == NULL)
        return error_set_memory(error, count * sizeof *guard->records, "threads");
    for (uint32_t table = 0; table <= guard->sharers.count; table++) {
        const TracedThreads *threads =
            table == 0 ? &guard->threads : &guard->sharers.items[table - 1].threads;

        if (table > 0 && !guard->sharers.items[table - 1].is_held)
            continue;
        for (uint32_t i = 0; i < threads->count; i++)
            if (threads->threads[i].state == TRACED_STOPPED &&
                !collect_thread(guard, &threads->threads[i], error))
                return false;
    }
    while (first < guard->record_count && (int)guard->records[first].tid != guard->pid)
        first++;
    if (first < guard->record_count) {
        ProcessThread main_thread = guard->records[first];

        guard->records[first] = guard->records[0];
        guard->records[0] = main_thread;
        qsort(guard->records + 1, guard->record_count - 1, sizeof *guard->records, compare_records);
    } else {
        qsort(guard->records, guard->record_count, sizeof *guard->records, compare_records);
    }
    return true;
}

// Resumes all threads, if they are stopped.
static void let_go(Guard *guard)
{
    TracedThreads *threads = &guard->threads;

    if (!guard->is_holding)
        return;
    guard_alarm_set(&guard->alarm);
    guard->times.resuming_at_ns = clock_monotonic_ns();
    traced_threads_resume(threads);
    guard->times.interrupted_at_ns = threads->interrupted_at_ns;
    guard->times.captured_at_ns = threads->captured_at_ns;
    guard->times.resumed_at_ns = threads->resumed_at_ns;
    guard->is_holding = false;
    // The child of a fork lives no longer than its tracer.
    if (held_sharers_resume(&guard->sharers) && guard->fork.child == 0)
        guard->has_stuck_thread = true;
}

// How long the target may stand still from now on; 0: without limit.
static uint64_t time_left_ns(const Guard *guard)
{
    uint64_t passed = clock_monotonic_ns() - guard->threads.interrupted_at_ns;

    if (guard->limit_ns == 0)
        return 0;
    return passed < guard->limit_ns ? guard->limit_ns - passed : 1;
}

// Stops the processes that share the memory as well, after the target: one that it has made by
// vfork() ends sharing it by itself, and the target cannot stop before.
static void stop_sharers(Guard *guard, GuardReply *reply)
{
    held_sharers_stop(&guard->sharers, &guard->cancel, time_left_ns(guard));
    held_sharers_describe(&guard->sharers, &reply->sharing);
}

static void stop(Guard *guard, const GuardRequest *request, GuardReply *reply)
{
    forget_threads(guard);
    guard->times = (GuardTimes){0};
    guard->record_error = NULL;
    traced_threads_init(&guard->threads, guard->pid, &guard->cancel);
    guard->threads.limit_ns = request->limit_ns;
    guard->limit_ns = request->limit_ns;
    guard->caller = request->will_fork ? guard_find_caller(guard->pid) : (GuardCaller){0};
    guard->is_holding = true;
    guard->is_over = false;
    held_sharers_find(&guard->sharers, guard->pid);
    reply->is_ok = request->only_sharers || traced_threads_stop(&guard->threads, &reply->error);
    if (reply->is_ok)
        stop_sharers(guard, reply);
    guard->times.stopped_at_ns = clock_monotonic_ns();
    if (!reply->is_ok)
        let_go(guard);
    guard->times.interrupted_at_ns = guard->threads.interrupted_at_ns;
    reply->tid = traced_threads_any(&guard->threads);
    reply->thread_count = count_held(guard);
}

static void resume(Guard *guard, GuardReply *reply)
{
    // The memory of a process that is being killed disappears piece by piece: the copy would be
    // wrong.
    reply->is_ok = guard->is_over || traced_threads_are_held(&guard->threads);
    if (!reply->is_ok)
        (void)capture_refusal_gone(guard->pid, &reply->error);
    if (reply->is_ok && guard->record_error != NULL) {
        reply->is_ok = false;
        reply->error = *guard->record_error;
    }
    let_go(guard);
    reply->thread_count = guard->record_count;
}

// Opens a userfaultfd in the target, which must not be stopped. Returns the descriptor, or -1.
static int open_userfault(Guard *guard, uint64_t limit_ns, GuardReply *reply)
{
    GuardCall call = {.pid = guard->pid, .cancel = &guard->cancel, .patience_ns = limit_ns};
    int descriptor = -1;

    if (guard->is_holding) {
        (void)error_set(&reply->error, ERROR_SYSTEM, "the guard holds process %d", guard->pid);
        return -1;
    }
    // A process that shares the memory could write over the code of the call, and the descriptor
    // would stay open in the target.
    forget_threads(guard);
    held_sharers_find(&guard->sharers, guard->pid);
    held_sharers_stop(&guard->sharers, &guard->cancel, limit_ns);
    reply->is_ok = guard_userfault_open(&call, &descriptor, &reply->error);
    guard->times = call.times;
    guard->has_stuck_thread = held_sharers_resume(&guard->sharers) || call.has_stuck_thread;
    return descriptor;
}

static void make_fork(Guard *guard, GuardReply *reply)
{
    if (!guard->is_holding || guard->fork.child != 0) {
        (void)error_set(&reply->error, ERROR_LIMIT, "process %d was let go before it was copied",
                        guard->pid);
        return;
    }
    reply->is_ok = guard_fork_make(&guard->fork, &guard->threads, &guard->caller, &reply->error);
    reply->tid = guard->fork.child;
}

static void end_fork(Guard *guard, uint64_t patience_ns, GuardReply *reply)
{
    GuardCall call = {.pid = guard->pid, .patience_ns = guard->limit_ns};

    let_go(guard);
    reply->is_ok = guard_fork_end(&guard->fork, &call, patience_ns, &reply->error);
    guard->times = call.times;
    guard->has_stuck_thread = call.has_stuck_thread;
}

// ---- the life of the guard ----

// How long the target may stand still from now on, rounded up; UINT64_MAX: without limit.
static uint64_t time_left_ms(const Guard *guard)
{
    uint64_t end_ns = guard->threads.interrupted_at_ns + guard->limit_ns;
    uint64_t now_ns = clock_monotonic_ns();

    if (guard->limit_ns == 0)
        return UINT64_MAX;
    return end_ns <= now_ns ? 0 : (end_ns - now_ns + 999999) / 1000000;
}

// Waits for the next request. If the target is held meanwhile, it is resumed when its time limit
// has passed, or when rudo-snap has been stopped (SIGSTOP) and cannot send anything.
static void wait_for_tool(Guard *guard)
{
    while (guard->is_holding) {
        struct pollfd end = {.fd = guard->socket, .events = POLLIN};
        uint64_t left = time_left_ms(guard);
        char state;

        guard_alarm_set(&guard->alarm);
        if (left > 0 && poll(&end, 1, (int)(left < TOOL_LOOK_MS ? left : TOOL_LOOK_MS)) != 0)
            return;
        state = proc_task_state(guard->tool, guard->tool);
        if (left == 0 || state == 'T' || state == 't') {
            guard->is_over = true;
            let_go(guard);
        }
    }
}

static bool receive_request(Guard *guard, GuardRequest *request)
{
    ssize_t got;

    wait_for_tool(guard);
    do {
        got = recv(guard->socket, request, sizeof *request, 0);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)sizeof *request;
}

static void serve(Guard *guard)
{
    GuardRequest request;
    bool is_heard = true;

    // A thread that did not stop is detached by the kernel when this process ends.
    while (is_heard && !guard->has_stuck_thread && receive_request(guard, &request)) {
        GuardReply reply = {.is_ok = false};
        int descriptor = -1;

        switch (request.kind) {
        case GUARD_STOP:
            stop(guard, &request, &reply);
            break;
        case GUARD_RESUME:
            resume(guard, &reply);
            break;
        case GUARD_OPEN_USERFAULT:
            descriptor = open_userfault(guard, request.limit_ns, &reply);
            break;
        case GUARD_FORK:
            make_fork(guard, &reply);
            break;
        case GUARD_END_FORK:
            end_fork(guard, REAP_PATIENCE_NS, &reply);
            break;
        }
        reply.is_over = guard->is_over;
        reply.times = guard->times;
        is_heard = send_reply(guard, &reply, descriptor) &&
                   (request.kind != GUARD_RESUME || !reply.is_ok || send_threads(guard));
        if (descriptor >= 0)
            (void)close(descriptor);
        // Registers are read while rudo-snap copies the memory.
        if (is_heard && request.kind == GUARD_STOP && reply.is_ok)
            guard->record_error = collect_threads(guard, &guard->error) ? NULL : &guard->error;
    }
}

// Gives up what the fork has inherited of rudo-snap, all but the socket: signals, session, name,
// folder, files. (The reader of a pipe that is still open here would wait for the guard to end.)
static void become_independent(int socket)
{
    sigset_t all;

    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, NULL);
    (void)setsid();
    (void)prctl(PR_SET_NAME, CAPTURE_GUARD_NAME);
    // If that fails, a file system stays busy a moment longer.
    if (chdir("/") != 0)
        errno = 0;
    // Linux 5.9; on older kernels the files stay open.
    if (socket > 0)
        (void)syscall(SYS_close_range, 0u, (unsigned)socket - 1, 0u);
    (void)syscall(SYS_close_range, (unsigned)socket + 1, ~0u, 0u);
}

void guard_process_run(int socket, int pid, pid_t tool)
{
    Guard guard = {.socket = socket, .pid = pid, .tool = tool};

    guard.cancel = (Cancel){.is_cancelled = has_tool_ended, .context = &guard};
    become_independent(socket);
    guard_alarm_init(&guard.alarm);
    serve(&guard);
    end_fork(&guard, LAST_REAP_PATIENCE_NS, &(GuardReply){.is_ok = false});
    // The kernel detaches what is still traced.
    _exit(0);
}
