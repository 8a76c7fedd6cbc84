// ExitWatch: see snapshot/capture/live/exit_watch.h.
//
// Note [Is the process ending?]
//
// A thread that reports its end may end alone, or with the whole process, or because another
// thread executes a program. The kernel does not report which; but
//
// - a thread that called exit(2) itself ends alone, unless it is the last;
// - any other thread was killed, as all threads are when the process ends: the others will report,
//   too, and the thread is held until they have;
// - or it was killed because another thread executes a program: that one waits inside execve(2) for
//   the others to be gone, which /proc shows. They are continued.

#include "snapshot/capture/live/exit_watch.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/array.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/copy/register_words.h"
#include "snapshot/capture/guard/thread_registers.h"

struct ExitWatch {
    int pid;
    bool is_released; // nothing is held any more
    int *held;        // owned
    uint32_t held_count;
    uint64_t held_capacity;
};

bool exit_watch_new(int pid, ExitWatch **out, Error *error)
{
    ExitWatch *watch = calloc(1, sizeof *watch);
    const long options = PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE;

    *out = NULL;
    if (watch == NULL)
        return error_set_memory(error, sizeof *watch, "watching a program");
    if (!thread_registers_are_supported()) {
        free(watch);
        return error_set(error, ERROR_UNSUPPORTED, "capturing processes needs x86-64");
    }
    watch->pid = pid;
    if (ptrace(PTRACE_SEIZE, pid, NULL, (void *)options) != 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot trace the program: %s", strerror(errno));
        free(watch);
        return false;
    }
    *out = watch;
    return true;
}

void exit_watch_free(ExitWatch *watch)
{
    if (watch == NULL)
        return;
    exit_watch_release(watch);
    free(watch->held);
    free(watch);
}

// Continues a thread, with a signal or 0. Fails only when the thread was killed this very moment.
static void go_on(int tid, int signal_number)
{
    (void)ptrace(PTRACE_CONT, tid, NULL, (void *)(intptr_t)signal_number);
}

// Does the thread end alone? Threads of a 32-bit program, which is not captured, are taken to.
static bool ends_alone(int tid)
{
    GeneralRegisters general;

    if (!thread_registers_read_general(tid, &general))
        return errno == ENOEXEC;
    return general.words[REGISTER_ORIG_RAX] == SYS_exit;
}

// False when memory is short: then the thread must be continued.
static bool hold(ExitWatch *watch, int tid)
{
    Error ignored;

    if (!array_reserve(&watch->held, &watch->held_capacity, watch->held_count + 1,
                       sizeof *watch->held, "threads", &ignored))
        return false;
    watch->held[watch->held_count++] = tid;
    return true;
}

static bool is_held(const ExitWatch *watch, int tid)
{
    for (uint32_t i = 0; i < watch->held_count; i++)
        if (watch->held[i] == tid)
            return true;
    return false;
}

// The number of threads, other than `except`, that are neither held at their end nor past it.
// *is_in_exec: one of them waits in execve() for the others to end.
static uint32_t count_others(const ExitWatch *watch, int except, bool *is_in_exec)
{
    uint32_t count = 0, others = 0;
    int *tids = NULL;

    *is_in_exec = false;
    if (!proc_task_list(watch->pid, &tids, &count))
        return 0;
    for (uint32_t i = 0; i < count; i++) {
        char state, path[PROC_PATH_BYTES], *call;

        if (tids[i] == except || is_held(watch, tids[i]))
            continue;
        state = proc_task_state(watch->pid, tids[i]);
        if (state == 0 || state == 'Z' || state == 'X')
            continue;
        others++;
        proc_task_path(path, watch->pid, tids[i], "syscall");
        call = proc_file_read(path);
        if (call != NULL) {
            long number = strtol(call, NULL, 10);

            *is_in_exec = *is_in_exec || number == SYS_execve || number == SYS_execveat;
        }
        free(call);
    }
    free(tids);
    return others;
}

// See Note [Is the process ending?].
static void handle_end(ExitWatch *watch, int tid)
{
    bool is_in_exec;

    if (watch->is_released || (ends_alone(tid) && count_others(watch, tid, &is_in_exec) > 0) ||
        !hold(watch, tid))
        go_on(tid, 0);
}

// clone() makes threads and processes, and both are traced from birth: is this a thread?
static bool is_thread_of(const ExitWatch *watch, int tid)
{
    return proc_status_number(tid, tid, "Tgid", watch->pid) == watch->pid;
}

static void handle_stop(const ExitWatch *watch, int tid, int signal_number)
{
    if (!is_thread_of(watch, tid)) {
        (void)ptrace(PTRACE_DETACH, tid, NULL, NULL);
        return;
    }
    switch (signal_number) {
    case SIGSTOP:
    case SIGTSTP:
    case SIGTTIN:
    case SIGTTOU:
        // Job control has stopped the process; it stays stopped until SIGCONT.
        (void)ptrace(PTRACE_LISTEN, tid, NULL, NULL);
        return;
    default:
        go_on(tid, 0);
        return;
    }
}

void exit_watch_handle(ExitWatch *watch, int tid, int status)
{
    if (!WIFSTOPPED(status))
        return;
    switch (status >> 16) {
    case 0: // a signal is about to be delivered: it is passed on
        go_on(tid, WSTOPSIG(status));
        return;
    case PTRACE_EVENT_EXIT:
        handle_end(watch, tid);
        return;
    case PTRACE_EVENT_STOP:
        handle_stop(watch, tid, WSTOPSIG(status));
        return;
    default:
        go_on(tid, 0);
        return;
    }
}

static void let_go(ExitWatch *watch)
{
    for (uint32_t i = 0; i < watch->held_count; i++)
        go_on(watch->held[i], 0);
    watch->held_count = 0;
}

bool exit_watch_is_over(ExitWatch *watch)
{
    bool is_in_exec;

    if (watch->held_count == 0)
        return false;
    if (count_others(watch, 0, &is_in_exec) == 0)
        return true;
    if (is_in_exec)
        let_go(watch);
    return false;
}

bool exit_watch_is_holding(const ExitWatch *watch)
{
    return watch->held_count > 0;
}

const int *exit_watch_threads(const ExitWatch *watch, uint32_t *count)
{
    *count = watch->held_count;
    return watch->held;
}

int exit_watch_pid(const ExitWatch *watch)
{
    return watch->pid;
}

void exit_watch_release(ExitWatch *watch)
{
    watch->is_released = true;
    let_go(watch);
}
