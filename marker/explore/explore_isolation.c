// Isolation: see marker/explore/explore_isolation.h.

#include "marker/explore/explore_isolation.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// A child is ended when no choice was made for this many waits of a second.
#define WAIT_MS 1000
#define MOST_WAITS 10u

IsolatedArea *isolated_area_new(void)
{
    IsolatedArea *area = mmap(NULL, sizeof *area, PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    return area != MAP_FAILED ? area : NULL;
}

void isolated_area_free(IsolatedArea *area)
{
    if (area != NULL)
        (void)munmap(area, sizeof *area);
}

static const char *signal_text(int signal)
{
    switch (signal) {
    case SIGSEGV:
        return "segmentation fault";
    case SIGABRT:
        return "abort";
    case SIGBUS:
        return "bus error";
    case SIGFPE:
        return "arithmetic error";
    case SIGILL:
        return "illegal instruction";
    default:
        return "a signal";
    }
}

static void say_how(int status, bool hangs, Violation *violation)
{
    char *text = violation->text;
    size_t size = sizeof violation->text;

    *violation = (Violation){.kind = VIOLATION_CRASH};
    if (hangs)
        (void)snprintf(text, size, "a worker runs on without shared operations");
    else if (WIFSIGNALED(status))
        (void)snprintf(text, size, "the code crashes: %s (signal %d)",
                       signal_text(WTERMSIG(status)), WTERMSIG(status));
    else
        (void)snprintf(text, size, "the code ends its process with status %d", WEXITSTATUS(status));
}

// Waits until the child has closed the pipe, which it does by ending. True: it had to be ended.
static bool await_end(int ending, pid_t child, const ChoiceMirror *mirror)
{
    struct pollfd end = {.fd = ending, .events = POLLIN};
    uint64_t beat = 0;

    for (uint32_t waits = 0; poll(&end, 1, WAIT_MS) <= 0;) {
        uint64_t now = __atomic_load_n(&mirror->beat, __ATOMIC_RELAXED);
        waits = now == beat ? waits + 1 : 0;
        beat = now;
        if (waits < MOST_WAITS)
            continue;
        (void)kill(child, SIGKILL);
        return true;
    }
    return false;
}

static void run_child(IsolatedArea *area, void (*body)(void *context), void *context, pid_t parent)
{
    static const int crashes[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
    const struct rlimit none = {0, 0};
    sigset_t set;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)sigemptyset(&set);
    for (size_t i = 0; i < sizeof crashes / sizeof crashes[0]; i++)
        (void)sigaddset(&set, crashes[i]);
    (void)sigprocmask(SIG_UNBLOCK, &set, NULL);
    if (getppid() == parent) {
        body(context);
        area->is_done = true;
    }
    // Not exit(): that would flush buffers which the parent flushes, too.
    (void)syscall(SYS_exit_group, 0);
}

bool isolated_run(IsolatedArea *area, void (*body)(void *context), void *context,
                  Violation *violation)
{
    pid_t parent = getpid(), child = -1;
    int ends[2] = {-1, -1};
    int status = 0;
    bool hangs;

    area->is_done = false;
    area->has_found = area->has_failed = false;
    area->mirror.count = 0;
    area->mirror.step = 0;
    if (pipe(ends) == 0)
        child = fork();
    if (child == 0)
        run_child(area, body, context, parent);
    if (ends[1] >= 0)
        (void)close(ends[1]);
    if (child < 0) {
        body(context);
        area->is_done = true;
    } else {
        hangs = await_end(ends[0], child, &area->mirror);
        while (waitpid(child, &status, 0) < 0 && errno == EINTR)
            continue;
        if (!area->is_done)
            say_how(status, hangs, violation);
    }
    if (ends[0] >= 0)
        (void)close(ends[0]);
    return area->is_done;
}
