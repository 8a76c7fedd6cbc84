// Messages for a process that cannot be captured: see capture_refusal.h. The hints say what the
// user can do: another user, sudo, another tracer, a setting of the kernel.

#include "snapshot/capture/copy/capture_refusal.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/capture/copy/proc_files.h"

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
                       "kernel.yama.ptrace_scope is %d: no process may trace another "
                       "until the next reboot",
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
                         "cannot allocate memory for the files of process %d in '/proc'", pid);
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

    // A killed process takes a moment to end; one that has executed another program lives on.
    for (int polls = 0; polls < 100; polls++) {
        char state = proc_task_state(pid, pid);

        if (state == 0 || state == 'Z' || state == 'X')
            return error_set(error, ERROR_SYSTEM, "process %d exited while it was captured", pid);
        (void)nanosleep(&moment, NULL);
    }
    return error_set(error, ERROR_SYSTEM,
                     "process %d started another program while it was captured", pid);
}
