// GuardedChild: see snapshot/capture/names/guarded_child.h.
//
// The child writes to an unnamed file in memory, so that it waits for no reader, and its output
// survives it. The first byte of the file says whether it came to its end: its exit status may be
// lost (SIGCHLD ignored, another thread that waits for all children).

#include "snapshot/capture/names/guarded_child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "snapshot/capture/names/checked_file.h"
#include "snapshot/capture/names/guarded_opens.h"

#define FIRST_POLL_NS 200000
#define LONGEST_POLL_NS 10000000
#define STILL_AT_WORK '.'
#define CAME_TO_ITS_END 'E'

struct GuardedChild {
    int file;
    uint64_t bytes_left;
};

const char *guarded_end_text(GuardedEnd end)
{
    switch (end) {
    case GUARDED_DONE:
        return "";
    case GUARDED_NOT_STARTED:
        return "no process could be made to read them";
    case GUARDED_FAILED:
        return "reading the executables failed";
    case GUARDED_TOO_LONG:
        return "reading the executables took too long";
    }
    return "unknown";
}

// ---- in the child ----

bool guarded_child_write(GuardedChild *child, const void *bytes, size_t length)
{
    const char *next = bytes;

    if (length > child->bytes_left)
        return false;
    child->bytes_left -= length;
    while (length > 0) {
        ssize_t written = write(child->file, next, length);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            child->bytes_left = 0;
            return false;
        }
        next += written;
        length -= (size_t)written;
    }
    return true;
}

static void limit(int resource, uint64_t value)
{
    struct rlimit limits;

    if (getrlimit((__rlimit_resource_t)resource, &limits) != 0)
        return;
    if (limits.rlim_cur > value) // RLIM_INFINITY is the largest number
        limits.rlim_cur = value;
    limits.rlim_max = limits.rlim_cur;
    (void)setrlimit((__rlimit_resource_t)resource, &limits);
}

// The bytes of private writable memory that we have, as RLIMIT_DATA counts them.
static uint64_t data_bytes(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (file == NULL)
        return UINT64_MAX / 2;
    if (fscanf(file, "%*u %*u %*u %*u %*u %llu", &pages) != 1)
        pages = UINT64_MAX / 2 / 65536;
    (void)fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

// Should memory be short all the same, the kernel kills the child before any other process.
static void prefer_as_victim(void)
{
    static const char worst[] = "1000";
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (file < 0)
        return;
    if (write(file, worst, strlen(worst)) < 0)
        errno = 0; // a precaution, which may not be allowed
    (void)close(file);
}

// The process whose root it is may be gone by now.
static void guard_opens(const char *path)
{
    int root = checked_root_open(path);

    guarded_opens_begin(root < 0 ? checked_root_open("/") : root);
}

// False: the mark of the end could not be written.
static bool run_child(const GuardedWork *work, int file, pid_t parent)
{
    GuardedChild child = {.file = file, .bytes_left = work->output_bytes};
    const char mark = CAME_TO_ITS_END;

    prefer_as_victim();
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)prctl(PR_SET_NAME, "rudo-snap-names");
    // A crash is expected: it must leave no core file and no report.
    (void)prctl(PR_SET_DUMPABLE, 0);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_CPU, work->cpu_seconds);
    limit(RLIMIT_DATA, data_bytes() + work->memory_bytes);
    if (getppid() != parent)
        return false;
    if (work->root != NULL)
        guard_opens(work->root);
    work->run(work->context, &child);
    return pwrite(file, &mark, 1, 0) == 1;
}

// ---- in the parent ----

static bool has_ended(pid_t pid, int *status)
{
    pid_t found;

    do
        found = waitpid(pid, status, WNOHANG | __WALL);
    while (found < 0 && errno == EINTR);
    // Another thread may have waited for it.
    return found == pid || (found < 0 && errno == ECHILD);
}

static void end_child(pid_t pid)
{
    int status;

    (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, __WALL) < 0 && errno == EINTR)
        continue;
}

// Waits for the child. False: the caller cancelled, and the child was ended.
static bool wait_for_child(const GuardedWork *work, pid_t pid, GuardedEnd *end)
{
    uint64_t deadline = clock_monotonic_ns() + work->wall_seconds * UINT64_C(1000000000);
    struct timespec pause = {.tv_nsec = FIRST_POLL_NS};
    int status = 0;

    while (!has_ended(pid, &status)) {
        if (cancel_is_requested(&work->cancel)) {
            end_child(pid);
            return false;
        }
        if (clock_monotonic_ns() > deadline) {
            end_child(pid);
            *end = GUARDED_TOO_LONG;
            return true;
        }
        (void)nanosleep(&pause, NULL);
        if (pause.tv_nsec < LONGEST_POLL_NS)
            pause.tv_nsec *= 2;
    }
    // SIGXCPU is blocked in the child; at its hard limit the kernel ends it with SIGKILL.
    *end = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? GUARDED_TOO_LONG : GUARDED_FAILED;
    return true;
}

// Reads the output of the child; *is_whole when it came to its end.
static bool read_output(int file, ByteBuffer *output, bool *is_whole, Error *error)
{
    struct stat status;
    void *bytes;

    *is_whole = false;
    if (fstat(file, &status) != 0 || status.st_size < 1)
        return true;
    bytes = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    if (bytes == MAP_FAILED)
        return error_set_memory(error, (unsigned long long)status.st_size, "names");
    *is_whole = *(const char *)bytes == CAME_TO_ITS_END;
    byte_buffer_add(output, (const char *)bytes + 1, (size_t)status.st_size - 1);
    (void)munmap(bytes, (size_t)status.st_size);
    return !output->is_short ||
           error_set_memory(error, (unsigned long long)status.st_size, "names");
}

bool guarded_child_run(const GuardedWork *work, ByteBuffer *output, GuardedEnd *end, Error *error)
{
    pid_t parent = getpid(), pid;
    sigset_t all, before;
    const char mark = STILL_AT_WORK;
    bool is_whole = false, ok;
    int file;

    *end = GUARDED_NOT_STARTED;
    file = memfd_create("rudo-snap-names", MFD_CLOEXEC);
    if (file < 0 || write(file, &mark, 1) != 1) {
        if (file >= 0)
            (void)close(file);
        return true;
    }
    // The child takes no signals: none of our handlers may run in it. Crashes end it all the same.
    (void)sigfillset(&all);
    (void)sigprocmask(SIG_SETMASK, &all, &before);
    pid = fork();
    if (pid == 0) {
        bool has_ended_well = run_child(work, file, parent);
        // Not exit(): that would flush buffers which the parent flushes, too.
        (void)syscall(SYS_exit_group, has_ended_well ? 0 : 1);
    }
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    if (pid < 0) {
        (void)close(file);
        return true;
    }
    ok = wait_for_child(work, pid, end) || error_set(error, ERROR_INTERRUPTED, "interrupted");
    ok = ok && read_output(file, output, &is_whole, error);
    if (is_whole)
        *end = GUARDED_DONE;
    (void)close(file);
    return ok;
}
