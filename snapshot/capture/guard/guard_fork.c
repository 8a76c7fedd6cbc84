// Forking the target: see guard_fork_internal.h.
//
// Note [Fork without a trace]
// ~~~~~~~~~~~~~~~~~~~~~~~~~~~
// The child is made with exit signal 0, so that the target gets no SIGCHLD and its wait() does not
// return it (waitpid() with __WALL or __WCLONE would). It shares the table of open files
// (CLONE_FILES), so no file, lock or connection stays open because of it. When it has been killed,
// its tracer reaps it first; then it is a zombie of the target, which only the target can reap: one
// of the target's threads calls wait4() for it.

#include "snapshot/capture/guard/guard_fork_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/thread_stops_internal.h"

static bool fork_in_thread(void *context, CallInjection *injection, Error *error)
{
    const uint64_t arguments[6] = {CLONE_FILES};
    GuardFork *fork = context;
    int64_t result;

    if (!call_injection_call(injection, SYS_clone, arguments, &result, error))
        return false;
    if (result <= 0)
        return error_set(error, ERROR_UNSUPPORTED, "process %d cannot fork: %s", injection->pid,
                         strerror((int)-result));
    fork->maker = injection->tid;
    fork->child = (pid_t)injection->newborn;
    fork->child_inside = result;
    return true;
}

static void wait_for(pid_t child, int what)
{
    siginfo_t info;

    while (waitid(P_PID, (id_t)child, &info, what | __WALL) != 0 && errno == EINTR)
        continue;
}

// Has the kernel kill the child first when memory is short. It may not be allowed to us.
static void prefer_as_victim(pid_t child)
{
    static const char worst[] = "1000";
    char path[PROC_PATH_BYTES];
    int file;

    proc_task_path(path, child, child, "oom_score_adj");
    file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    if (write(file, worst, strlen(worst)) < 0)
        errno = 0;
    (void)close(file);
}

bool guard_fork_make(GuardFork *fork, const TracedThreads *threads, const GuardCaller *caller,
                     Error *error)
{
    const GuardWork work = {.run = fork_in_thread, .context = fork};
    bool is_ok = guard_call_held(threads, caller, &work, error);

    if (fork->child == 0)
        return is_ok;
    wait_for(fork->child, WSTOPPED | WEXITED | WNOWAIT);
    (void)ptrace(PTRACE_SETOPTIONS, fork->child, NULL, (void *)PTRACE_O_EXITKILL);
    prefer_as_victim(fork->child);
    return is_ok;
}

static bool reap_in_thread(void *context, CallInjection *injection, Error *error)
{
    const uint64_t arguments[6] = {(uint64_t)((const GuardFork *)context)->child_inside, 0,
                                   __WALL | WNOHANG, 0};
    int64_t result;

    if (!call_injection_call(injection, SYS_wait4, arguments, &result, error))
        return false;
    // ECHILD: the target has reaped it itself.
    if (result == ((const GuardFork *)context)->child_inside || result == -ECHILD)
        return true;
    return error_set(error, ERROR_SYSTEM, "process %d keeps a zombie: %s", injection->pid,
                     result < 0 ? strerror((int)-result) : "it has not ended yet");
}

static bool has_gone(int pid)
{
    char state = proc_task_state(pid, pid);

    return state == 0 || state == 'X';
}

bool guard_fork_end(GuardFork *fork, GuardCall *call, uint64_t patience_ns, Error *error)
{
    const struct timespec moment = {.tv_nsec = 20000000};
    uint64_t until_ns = clock_monotonic_ns() + patience_ns;
    bool is_ok;

    if (fork->child_inside == 0)
        return true;
    if (fork->child != 0) {
        (void)kill(fork->child, SIGKILL);
        wait_for(fork->child, WEXITED);
        fork->child = 0;
    }
    call->work = (GuardWork){.run = reap_in_thread, .context = fork};
    // It could make a call then.
    call->preferred_tid = fork->maker;
    // A process that executes another program keeps its children; its threads may be in
    // uninterruptible sleep (state D) or about to end. When the process has ended, its children
    // are not its zombies any more.
    while (!(is_ok = guard_call_apart(call, error)) && !call->has_stuck_thread &&
           !has_gone(call->pid) && clock_monotonic_ns() < until_ns)
        (void)nanosleep(&moment, NULL);
    if (is_ok || has_gone(call->pid)) {
        fork->child_inside = 0;
        return true;
    }
    return false;
}
