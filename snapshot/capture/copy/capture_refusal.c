// Why a process cannot be captured: see capture_refusal_internal.h.

#include "snapshot/capture/copy/capture_refusal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/live/thread_registers.h"

#define YAMA_SCOPE "/proc/sys/kernel/yama/ptrace_scope"

// The name of the user with this number, or the number itself.
static void user_name(uid_t uid, char *name, size_t bytes)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];

    if (getpwuid_r(uid, &entry, buffer, sizeof buffer, &found) == 0 && found != NULL)
        (void)snprintf(name, bytes, "'%s'", found->pw_name);
    else
        (void)snprintf(name, bytes, "number %u", (unsigned)uid);
}

static int yama_scope(void)
{
    char *text = proc_file_read(YAMA_SCOPE);
    int scope = text == NULL ? 0 : (int)strtol(text, NULL, 10);

    free(text);
    return scope;
}

static void add_yama_hint(Error *error)
{
    int scope = yama_scope();

    if (scope == 1)
        error_add_hint(error, "kernel.yama.ptrace_scope is 1: only its parent may trace it, or "
                              "root; run with sudo");
    else if (scope == 2)
        error_add_hint(error, "kernel.yama.ptrace_scope is 2: only root may trace; run with sudo");
    else if (scope >= 3)
        error_add_hint(error,
                       "kernel.yama.ptrace_scope is %d: nobody may trace until the next "
                       "reboot",
                       scope);
}

static bool explain_no_permission(int pid, int reason, Error *error)
{
    long tracer = proc_status_number(pid, pid, "TracerPid", 0);
    long owner = proc_status_number(pid, pid, "Uid", -1);
    char name[128];

    if (tracer != 0) {
        error_set(error, ERROR_SYSTEM, "cannot trace pid %d: process %ld traces it already", pid,
                  tracer);
        return error_add_hint(error,
                              "a process has one tracer at a time: end the debugger, strace "
                              "or capture that runs as pid %ld",
                              tracer);
    }
    error_set(error, ERROR_SYSTEM, "cannot trace pid %d: %s", pid,
              reason == EACCES ? "permission denied" : "operation not permitted");
    if (owner >= 0 && (uid_t)owner != geteuid()) {
        user_name((uid_t)owner, name, sizeof name);
        if (geteuid() != 0)
            error_add_hint(error, "it belongs to user %s; run as that user or with sudo", name);
    }
    add_yama_hint(error);
    if (geteuid() == 0)
        return error_add_hint(error, "root may not trace it either: a container without "
                                     "CAP_SYS_PTRACE or a security module forbids it");
    if (owner >= 0 && (uid_t)owner == geteuid() && yama_scope() == 0)
        return error_add_hint(error,
                              "it is yours, but made itself untraceable (set-user-ID program "
                              "or PR_SET_DUMPABLE), or a security module forbids it; run "
                              "with sudo");
    return false;
}

bool capture_refusal_explain(int pid, int reason, Error *error)
{
    switch (reason) {
    case EPERM:
    case EACCES:
        return explain_no_permission(pid, reason, error);
    case ESRCH:
    case ENOENT:
    case ENODATA:
        return capture_refusal_gone(pid, error);
    case ENOMEM:
        return error_set(error, ERROR_MEMORY,
                         "cannot allocate memory for what '/proc' tells about process %d", pid);
    case ENOEXEC:
        return error_set(error, ERROR_NOT_64_BIT,
                         "cannot capture pid %d: it runs 32-bit code, only 64-bit code can be "
                         "captured",
                         pid);
    case ENOSYS:
        return error_set(error, ERROR_SYSTEM,
                         "cannot trace pid %d: this system does not allow tracing", pid);
    default:
        return error_set(error, ERROR_SYSTEM, "cannot trace pid %d: %s", pid, strerror(reason));
    }
}

bool capture_refusal_gone(int pid, Error *error)
{
    const struct timespec moment = {.tv_nsec = 1000000};

    // A process that was killed takes a moment to die; one that became another program lives.
    for (int polls = 0; polls < 100; polls++) {
        char state = proc_task_state(pid, pid);

        if (state == 0 || state == 'Z' || state == 'X')
            return error_set(error, ERROR_SYSTEM, "process %d exited while it was captured", pid);
        (void)nanosleep(&moment, NULL);
    }
    return error_set(error, ERROR_SYSTEM,
                     "process %d started another program while it was captured", pid);
}

bool capture_cancel_check(const Cancel *cancel, int pid, Error *error)
{
    if (!cancel_is_requested(cancel))
        return true;
    return error_set(error, ERROR_INTERRUPTED, "interrupted while process %d was captured", pid);
}

// A process that /proc does not show.
static bool explain_absence(int pid, Error *error)
{
    if (access("/proc/self/status", R_OK) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot look at processes: '/proc' is not mounted");
    if (pid > 0 && kill(pid, 0) != 0 && errno == EPERM) {
        error_set(error, ERROR_SYSTEM, "cannot trace pid %d: '/proc' hides it", pid);
        return error_add_hint(error, "it belongs to another user; run as that user or with sudo");
    }
    error_set(error, ERROR_SYSTEM, "no such process: pid %d", pid);
    return error_add_hint(error, "`pgrep -a NAME` lists processes by name");
}

// 64-bit code is all that we can read registers and pointers of.
static bool check_word_size(int pid, int tid, Error *error)
{
    char path[PROC_PATH_BYTES];
    unsigned char ident[EI_NIDENT] = {0};
    ssize_t got;
    int fd;

    proc_task_path(path, pid, tid, "exe");
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return true; // not telling is no reason to refuse; the registers will show
    got = read(fd, ident, sizeof ident);
    (void)close(fd);
    if (got == (ssize_t)sizeof ident && memcmp(ident, ELFMAG, SELFMAG) == 0 &&
        ident[EI_CLASS] == ELFCLASS32)
        return error_set(error, ERROR_NOT_64_BIT,
                         "cannot capture pid %d: it is a 32-bit program, only 64-bit ones can be "
                         "captured",
                         pid);
    return true;
}

// One byte of its memory needs the same permission as tracing, and disturbs nothing.
static bool check_permission(int pid, const ProcessMapping *mapping, Error *error)
{
    char byte;
    struct iovec local = {.iov_base = &byte, .iov_len = 1};
    struct iovec remote = {.iov_len = 1};

    memcpy(&remote.iov_base, &mapping->start, sizeof remote.iov_base);
    if (process_vm_readv(pid, &local, 1, &remote, 1, 0) < 0 && (errno == EPERM || errno == ENOSYS))
        return capture_refusal_explain(pid, errno, error);
    return true;
}

bool capture_refusal_check(int pid, Error *error)
{
    char state = pid > 0 ? proc_task_state(pid, pid) : 0;
    long group = proc_status_number(pid, pid, "Tgid", 0);
    ProcessMapping *mappings = NULL;
    uint32_t count = 0;
    bool is_ok;

    if (!thread_registers_are_supported())
        return error_set(error, ERROR_UNSUPPORTED,
                         "cannot capture pid %d: capturing processes needs x86-64", pid);
    if (state == 0)
        return explain_absence(pid, error);
    if (pid == getpid())
        return error_set(error, ERROR_SYSTEM, "cannot capture pid %d: that is this program itself",
                         pid);
    if (group != 0 && group != pid) {
        error_set(error, ERROR_SYSTEM, "cannot capture pid %d: it is a thread of process %ld", pid,
                  group);
        return error_add_hint(error, "--pid %ld captures it with all its threads", group);
    }
    if ((state == 'Z' || state == 'X') && proc_status_number(pid, pid, "Threads", 1) <= 1)
        return error_set(error, ERROR_SYSTEM,
                         "cannot capture pid %d: it has ended already and only waits for its "
                         "parent (a zombie)",
                         pid);
    if (state == 'Z')
        return check_word_size(pid, proc_live_task(pid), error); // other threads run on
    if (proc_is_kernel_thread(pid))
        return error_set(error, ERROR_SYSTEM,
                         "cannot capture pid %d: it is a kernel thread without memory of its own",
                         pid);
    if (proc_status_number(pid, pid, "TracerPid", 0) != 0)
        return explain_no_permission(pid, EPERM, error);
    if (!proc_mappings_read(pid, pid, &mappings, &count))
        return capture_refusal_explain(pid, errno, error);
    is_ok = check_permission(pid, &mappings[0], error) && check_word_size(pid, pid, error);
    proc_mappings_free(mappings, count);
    return is_ok;
}
