// MemorySharers: see memory_sharers_internal.h.
//
// kcmp(2) compares the memory of two tasks, and needs the right to trace both. Where it is not
// allowed or not there, what everyone may read of a process is compared: the counters of its memory
// (Vm* in its status), which two processes have in common only if they share it, or by chance.

#include "snapshot/capture/guard/memory_sharers_internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snapshot/capture/copy/proc_files.h"

#define KCMP_MEMORY 1 // KCMP_VM
// In the stop, more new tasks than these are not asked for one by one.
#define MAX_NEW_TASKS 1000

typedef enum Sharing {
    SHARING_NONE,
    SHARING_MEMORY,
    SHARING_UNKNOWN, // we may not ask
} Sharing;

static Sharing compare(const MemorySharers *sharers, int task)
{
    long order;

    if (!sharers->compares)
        return SHARING_UNKNOWN;
    order = syscall(SYS_kcmp, sharers->tid, task, KCMP_MEMORY, 0, 0);
    if (order < 0)
        return errno == ESRCH ? SHARING_NONE : SHARING_UNKNOWN;
    return order == 0 ? SHARING_MEMORY : SHARING_NONE;
}

// ---- counters ----

// The lines of the status from VmPeak to VmSwap; NULL: there are none. To be freed.
static char *read_counters(int pid, int tid)
{
    char path[PROC_PATH_BYTES], *text, *from, *to, *counters = NULL;

    proc_task_path(path, pid, tid, "status");
    text = proc_file_read(path);
    from = text == NULL ? NULL : strstr(text, "\nVmPeak:");
    to = from == NULL ? NULL : strstr(from, "\nVmSwap:");
    if (to != NULL)
        counters = strndup(from, (size_t)(to - from));
    free(text);
    return counters;
}

static bool has_same_counters(const char *counters, int pid)
{
    char *other = read_counters(pid, pid);
    bool is_same = counters != NULL && other != NULL && strcmp(counters, other) == 0;

    free(other);
    return is_same;
}

// Are those counters the same that hardly ever change: the sizes of the stack, of the executable's
// code, and of the libraries' code? `counters` may be NULL.
static bool has_like_counters(const char *counters, int pid)
{
    char *other = read_counters(pid, pid);
    const char *from = counters == NULL ? NULL : strstr(counters, "\nVmStk:");
    const char *from_other = other == NULL ? NULL : strstr(other, "\nVmStk:");
    const char *to = from == NULL ? NULL : strstr(from, "\nVmPTE:");
    bool is_like =
        to != NULL && from_other != NULL && strncmp(from, from_other, (size_t)(to - from)) == 0;

    free(other);
    return is_like;
}

// ---- tasks ----

static bool is_among(const int *pids, uint32_t count, int pid)
{
    for (uint32_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

static void add_sharer(MemorySharers *sharers, int task)
{
    // Of a thread, its process.
    int pid = (int)proc_status_number(task, task, "Tgid", 0);

    if (pid == 0 || pid == sharers->pid || is_among(sharers->pids, sharers->count, pid))
        return;
    if (sharers->count == MEMORY_SHARERS_MAX)
        sharers->has_more = true;
    else
        sharers->pids[sharers->count++] = pid;
}

static void add_doubt(MemorySharers *sharers, int pid)
{
    if (sharers->doubt_count < MEMORY_SHARERS_MAX_DOUBTS &&
        !is_among(sharers->doubts, sharers->doubt_count, pid))
        sharers->doubts[sharers->doubt_count++] = pid;
}

// The number that the kernel gave to the last task; 0: not known.
static int newest_task(void)
{
    char *text = proc_file_read("/proc/loadavg");
    const char *last = text == NULL ? NULL : strrchr(text, ' ');
    int newest = last == NULL ? 0 : (int)strtol(last, NULL, 10);

    free(text);
    return newest;
}

static int read_pid_limit(void)
{
    char *text = proc_file_read("/proc/sys/kernel/pid_max");
    int limit = text == NULL ? 0 : (int)strtol(text, NULL, 10);

    free(text);
    return limit;
}

static void look_at_all(MemorySharers *sharers)
{
    char *counters = read_counters(sharers->pid, sharers->tid);
    const struct dirent *entry;
    DIR *folder = opendir("/proc");
    int self = (int)getpid();

    while (folder != NULL && (entry = readdir(folder)) != NULL) {
        int pid = (int)strtol(entry->d_name, NULL, 10);

        if (pid <= 0 || pid == self || pid == sharers->pid)
            continue;
        switch (compare(sharers, pid)) {
        case SHARING_NONE:
            break;
        case SHARING_MEMORY:
            add_sharer(sharers, pid);
            break;
        case SHARING_UNKNOWN:
            if (has_like_counters(counters, pid))
                add_doubt(sharers, pid);
            break;
        }
    }
    if (folder != NULL)
        (void)closedir(folder);
    free(counters);
}

static void look_at_task(MemorySharers *sharers, int task)
{
    char *counters;

    switch (compare(sharers, task)) {
    case SHARING_NONE:
        break;
    case SHARING_MEMORY:
        add_sharer(sharers, task);
        break;
    case SHARING_UNKNOWN:
        // Not one of our own threads, and not a task that is not there.
        if (proc_task_state(sharers->pid, task) != 0 || proc_task_state(task, task) == 0)
            break;
        counters = read_counters(sharers->pid, sharers->tid);
        if (has_like_counters(counters, task))
            add_doubt(sharers, task);
        free(counters);
        break;
    }
}

static void look_at_new(MemorySharers *sharers)
{
    int now = newest_task();
    int64_t new_tasks = (int64_t)now - sharers->newest;

    if (new_tasks < 0)
        new_tasks += sharers->pid_limit;
    if (now == 0 || sharers->newest == 0 || sharers->pid_limit == 0 || new_tasks > MAX_NEW_TASKS) {
        sharers->newest = now;
        look_at_all(sharers);
        return;
    }
    for (int task = sharers->newest; task != now;) {
        task = task + 1 < sharers->pid_limit ? task + 1 : 1;
        look_at_task(sharers, task);
    }
    sharers->newest = now;
}

static void settle_doubts(MemorySharers *sharers)
{
    char *counters = sharers->doubt_count == 0 ? NULL : read_counters(sharers->pid, sharers->tid);

    for (uint32_t i = 0; i < sharers->doubt_count; i++)
        if (has_same_counters(counters, sharers->doubts[i]))
            add_sharer(sharers, sharers->doubts[i]);
    free(counters);
}

// ---- all of it ----

void memory_sharers_init(MemorySharers *sharers, int pid)
{
    *sharers = (MemorySharers){.pid = pid, .tid = proc_live_task(pid)};
    sharers->compares = syscall(SYS_kcmp, sharers->tid, sharers->tid, KCMP_MEMORY, 0, 0) == 0;
    sharers->pid_limit = read_pid_limit();
}

void memory_sharers_find(MemorySharers *sharers)
{
    // First: a task that is made meanwhile is new.
    sharers->newest = newest_task();
    look_at_all(sharers);
}

bool memory_sharers_find_new(MemorySharers *sharers)
{
    uint32_t known = sharers->count;

    look_at_new(sharers);
    settle_doubts(sharers);
    return sharers->count > known;
}

bool memory_sharers_includes(const MemorySharers *sharers, int pid)
{
    char *counters;
    bool is_same;

    switch (compare(sharers, pid)) {
    case SHARING_NONE:
        return false;
    case SHARING_MEMORY:
        return true;
    case SHARING_UNKNOWN:
        break;
    }
    counters = read_counters(sharers->pid, sharers->tid);
    is_same = has_same_counters(counters, pid);
    free(counters);
    return is_same;
}
