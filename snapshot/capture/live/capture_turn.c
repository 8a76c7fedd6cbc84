// CaptureTurn: see capture_turn_internal.h.

#include "snapshot/capture/live/capture_turn_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/capture_guard.h"

#define POLL_NS 2000000
// The guard of a capture that was killed lets the process go within a tenth of a second.
#define GUARD_PATIENCE_NS (5 * UINT64_C(1000000000))

// Is one of the threads traced by a guard?
static bool has_guard(int pid)
{
    char name[64] = "";
    uint32_t count = 0;
    int *tids = NULL;

    if (!proc_task_list(pid, &tids, &count))
        return false;
    for (uint32_t i = 0; i < count && strcmp(name, CAPTURE_GUARD_NAME) != 0; i++) {
        int tracer = (int)proc_status_number(pid, tids[i], "TracerPid", 0);

        name[0] = '\0';
        if (tracer != 0)
            proc_task_name(tracer, tracer, name, sizeof name);
    }
    free(tids);
    return strcmp(name, CAPTURE_GUARD_NAME) == 0;
}

static bool wait_a_moment(uint64_t until_ns, const Cancel *cancel, bool *is_over, Error *error)
{
    const struct timespec moment = {.tv_nsec = POLL_NS};

    *is_over = clock_monotonic_ns() >= until_ns;
    if (*is_over)
        return true;
    (void)nanosleep(&moment, NULL);
    return cancel_check(cancel, error);
}

// The lock of a capture that was killed is gone before its guard is. After the time is over, the
// tracer is reported like any other.
static bool await_end_of_guard(int pid, const Cancel *cancel, Error *error)
{
    uint64_t until_ns = clock_monotonic_ns() + GUARD_PATIENCE_NS;
    bool is_over = false;

    while (!is_over && has_guard(pid))
        if (!wait_a_moment(until_ns, cancel, &is_over, error))
            return false;
    return true;
}

bool capture_turn_take(CaptureTurn *turn, int pid, uint64_t patience_ns, const Cancel *cancel,
                       Error *error)
{
    uint64_t until_ns = clock_monotonic_ns() + patience_ns;
    char path[PROC_PATH_BYTES];
    bool is_over = false;

    (void)snprintf(path, sizeof path, "/proc/%d/fd", pid);
    turn->lock = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    // Other failures than a lock that is taken: there is no such lock here.
    while (turn->lock >= 0 && flock(turn->lock, LOCK_EX | LOCK_NB) != 0 &&
           (errno == EWOULDBLOCK || errno == EINTR)) {
        if (!wait_a_moment(until_ns, cancel, &is_over, error))
            return false;
        if (is_over) {
            (void)error_set(error, ERROR_SYSTEM,
                            "process %d is still being captured by another rudo-snap after %llu s",
                            pid, (unsigned long long)(patience_ns / 1000000000));
            return error_add_hint(error, "captures of one process take turns; try again later");
        }
    }
    return await_end_of_guard(pid, cancel, error);
}

void capture_turn_give(CaptureTurn *turn)
{
    if (turn->lock >= 0)
        (void)close(turn->lock);
    turn->lock = -1;
}
