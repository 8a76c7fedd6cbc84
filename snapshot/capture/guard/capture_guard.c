// CaptureGuard: see capture_guard.h. This is rudo-snap's side of the socket; guard_process.c is the
// other side.

#include "snapshot/capture/guard/capture_guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cancel.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/guard_process_internal.h"

// How often a wait for the guard checks whether the user has cancelled.
#define CANCEL_LOOK_MS 20
// How long we wait for the guard to end; then it ends by itself.
#define END_PATIENCE_MS 3000
// At least as many words as a thread has registers: 27 general ones, an XSAVE area of 16 KiB.
#define MAX_REGISTERS 2100u

bool capture_guard_start(CaptureGuard *guard, int pid, const Cancel *cancel, Error *error)
{
    sigset_t all, before;
    pid_t self = getpid(), child;
    int ends[2];

    *guard = (CaptureGuard){.pid = pid, .cancel = cancel, .socket = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot make a socket: %s", strerror(errno));
    // No signal handler of this program may run in the child.
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    child = fork();
    if (child == 0)
        guard_process_run(ends[1], pid, self);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    (void)close(ends[1]);
    if (child < 0) {
        (void)close(ends[0]);
        return error_set(error, ERROR_SYSTEM, "cannot start a process: %s", strerror(errno));
    }
    guard->process = child;
    guard->socket = ends[0];
    return true;
}

static bool has_ended(Error *error)
{
    return error_set(error, ERROR_SYSTEM, "the guard process of the capture has ended early");
}

// Wakes the guard, should it have been put to sleep: see Note [A sleeping guard] in
// guard_alarm_internal.h.
static void wake(const CaptureGuard *guard)
{
    if (proc_task_state(guard->process, guard->process) == 'T')
        (void)kill(guard->process, SIGCONT);
}

// Waits until a message of the guard has arrived.
static bool await(const CaptureGuard *guard, Error *error)
{
    for (;;) {
        struct pollfd end = {.fd = guard->socket, .events = POLLIN};
        int ready = poll(&end, 1, CANCEL_LOOK_MS);

        if (ready > 0)
            return true;
        if (ready < 0 && errno != EINTR)
            return error_set(error, ERROR_SYSTEM, "cannot wait for the guard process: %s",
                             strerror(errno));
        if (!cancel_check(guard->cancel, error))
            return false;
        wake(guard);
    }
}

static ssize_t receive_reply(CaptureGuard *guard, GuardReply *reply, int *descriptor)
{
    struct iovec part = {.iov_base = reply, .iov_len = sizeof *reply};
    GuardRights rights = {.bytes = {0}};
    struct msghdr message;
    ssize_t got;

    do {
        message = (struct msghdr){.msg_iov = &part,
                                  .msg_iovlen = 1,
                                  .msg_control = rights.bytes,
                                  .msg_controllen = sizeof rights.bytes};
        got = recvmsg(guard->socket, &message, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    // The kernel drops it when this process has no descriptor left.
    if (got > 0 && CMSG_FIRSTHDR(&message) != NULL && rights.header.cmsg_type == SCM_RIGHTS)
        memcpy(descriptor, CMSG_DATA(&rights.header), sizeof *descriptor);
    return got;
}

// Sends a request and waits for the reply, whose `error` is handed on. *descriptor: the one that
// came with the reply, or -1.
static bool ask_for(CaptureGuard *guard, const GuardRequest *request, GuardReply *reply,
                    int *descriptor, Error *error)
{
    ssize_t got;

    *descriptor = -1;
    memset(reply, 0, sizeof *reply);
    if (send(guard->socket, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
        return has_ended(error);
    if (!await(guard, error))
        return false;
    got = receive_reply(guard, reply, descriptor);
    if (got != (ssize_t)sizeof *reply)
        return has_ended(error);
    if (!reply->is_ok)
        *error = reply->error;
    return reply->is_ok;
}

static bool ask(CaptureGuard *guard, const GuardRequest *request, GuardReply *reply, Error *error)
{
    int descriptor;

    return ask_for(guard, request, reply, &descriptor, error);
}

bool capture_guard_stop(CaptureGuard *guard, uint64_t limit_ns, bool will_fork, GuardReply *hold,
                        Error *error)
{
    const GuardRequest request = {.kind = GUARD_STOP, .limit_ns = limit_ns, .will_fork = will_fork};

    return ask(guard, &request, hold, error);
}

bool capture_guard_stop_sharers(CaptureGuard *guard, GuardReply *hold, Error *error)
{
    const GuardRequest request = {.kind = GUARD_STOP, .only_sharers = true};

    return ask(guard, &request, hold, error);
}

void capture_guard_note_sharing(PauseCertificate *certificate, const GuardSharing *sharing)
{
    bool has_all = sharing->process_count == sharing->stopped_count && !sharing->has_more;

    if (!sharing->is_known)
        return;
    certificate->moment = has_all ? MOMENT_SINGLE : MOMENT_NONE;
    certificate->sharing_processes = sharing->process_count;
    certificate->sharing_stopped = sharing->stopped_count;
    (void)snprintf(certificate->sharing_note, sizeof certificate->sharing_note, "%s",
                   sharing->note);
}

bool capture_guard_fork(CaptureGuard *guard, int *child, Error *error)
{
    const GuardRequest request = {.kind = GUARD_FORK};
    GuardReply reply;
    bool is_ok = ask(guard, &request, &reply, error);

    *child = reply.tid;
    return is_ok;
}

bool capture_guard_end_fork(CaptureGuard *guard, GuardTimes *times, Error *error)
{
    const GuardRequest request = {.kind = GUARD_END_FORK};
    GuardReply reply;
    bool is_ok = ask(guard, &request, &reply, error);

    *times = reply.times;
    return is_ok;
}

static bool receive_thread(CaptureGuard *guard, ProcessThread *out, Error *error)
{
    ProcessRegister registers[MAX_REGISTERS];
    struct iovec parts[] = {{.iov_base = out, .iov_len = sizeof *out},
                            {.iov_base = registers, .iov_len = sizeof registers}};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    size_t bytes;
    ssize_t got;

    do {
        got = recvmsg(guard->socket, &message, 0);
    } while (got < 0 && errno == EINTR);
    bytes = out->register_count * sizeof *registers;
    out->registers = NULL;
    if (got < (ssize_t)sizeof *out || out->register_count > MAX_REGISTERS ||
        (size_t)got != sizeof *out + bytes)
        return has_ended(error);
    out->registers = malloc(bytes + 1);
    if (out->registers == NULL)
        return error_set_memory(error, bytes, "registers");
    memcpy(out->registers, registers, bytes);
    return true;
}

bool capture_guard_resume(CaptureGuard *guard, ProcessCopy *out, GuardTimes *times, Error *error)
{
    const GuardRequest request = {.kind = GUARD_RESUME};
    GuardReply reply;
    bool is_ok = ask(guard, &request, &reply, error);

    *times = reply.times;
    if (!is_ok)
        return false;
    out->threads = calloc((size_t)reply.thread_count + 1, sizeof *out->threads);
    if (out->threads == NULL)
        return error_set_memory(error, reply.thread_count * sizeof *out->threads, "threads");
    for (uint32_t i = 0; i < reply.thread_count; i++) {
        if (!receive_thread(guard, &out->threads[i], error))
            return false;
        out->thread_count++;
    }
    if (reply.is_over)
        return error_set(error, ERROR_LIMIT, "process %d was let go before its memory was copied",
                         guard->pid);
    return true;
}

bool capture_guard_open_userfault(CaptureGuard *guard, uint64_t limit_ns, int *descriptor,
                                  GuardTimes *times, Error *error)
{
    const GuardRequest request = {.kind = GUARD_OPEN_USERFAULT, .limit_ns = limit_ns};
    GuardReply reply;
    bool is_ok = ask_for(guard, &request, &reply, descriptor, error);

    *times = reply.times;
    if (is_ok && *descriptor < 0)
        return error_set(error, ERROR_SYSTEM, "no file descriptor is left to take one over");
    return is_ok;
}

static uint64_t between(uint64_t from_ns, uint64_t to_ns)
{
    return from_ns == 0 || to_ns < from_ns ? 0 : to_ns - from_ns;
}

void capture_guard_note_stop(PauseCertificate *certificate, const char *phase,
                             const GuardTimes *times, uint32_t thread_count, uint64_t page_count)
{
    PauseStop stop = {.thread_count = thread_count,
                      .page_count = page_count,
                      .stopping_ns = between(times->interrupted_at_ns, times->stopped_at_ns),
                      .working_ns = between(times->stopped_at_ns, times->resuming_at_ns),
                      .resuming_ns = between(times->resuming_at_ns, times->resumed_at_ns)};

    if (times->interrupted_at_ns == 0)
        return;
    (void)snprintf(stop.phase, sizeof stop.phase, "%s", phase);
    pause_certificate_add_stop(certificate, &stop);
}

void capture_guard_end(CaptureGuard *guard)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    if (guard->socket >= 0)
        (void)close(guard->socket);
    guard->socket = -1;
    // A guard that waits for a thread to stop may take longer, and does not need us for it.
    for (int polls = 0; guard->process > 0 && polls < END_PATIENCE_MS; polls++) {
        pid_t ended = waitpid(guard->process, NULL, WNOHANG);

        if (ended == guard->process || (ended < 0 && errno != EINTR))
            break;
        wake(guard);
        (void)nanosleep(&moment, NULL);
    }
    guard->process = 0;
}
