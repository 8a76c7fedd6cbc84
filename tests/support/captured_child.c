// A forked child to be captured: see captured_child.h.

#include "tests/support/captured_child.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

static const struct timespec one_millisecond = {.tv_nsec = 1000000};

ChildMeeting *child_meeting;
static pid_t child;

void child_announce(void)
{
    // Release: what the child did before is there; partner of child_start().
    __atomic_store_n(&child_meeting->is_ready, 1, __ATOMIC_RELEASE);
}

void child_meet(void)
{
    child_announce();
    // Relaxed: the test wants to see progress, no more.
    for (;;) {
        __atomic_fetch_add(&child_meeting->beats, 1, __ATOMIC_RELAXED);
        (void)nanosleep(&one_millisecond, NULL);
    }
}

void child_start(void (*body)(void))
{
    child_meeting = mmap(NULL, sizeof *child_meeting, PROT_READ | PROT_WRITE,
                         MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (child_meeting == MAP_FAILED)
        target_fail("mmap");
    child = fork();
    if (child < 0)
        target_fail("fork");
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
        body();
        child_meet();
    }
    while (__atomic_load_n(&child_meeting->is_ready, __ATOMIC_ACQUIRE) == 0)
        (void)nanosleep(&one_millisecond, NULL);
}

pid_t child_pid(void)
{
    return child;
}

long child_status_number(const char *key)
{
    char path[64], line[256];
    long value = -1;
    FILE *file;

    (void)snprintf(path, sizeof path, "/proc/%d/status", child);
    file = fopen(path, "r");
    if (file == NULL)
        return -1;
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            value = strtol(line + strlen(key) + 1, NULL, 10);
    }
    (void)fclose(file);
    return value;
}

bool child_is_running(void)
{
    uint64_t before = __atomic_load_n(&child_meeting->beats, __ATOMIC_RELAXED);

    for (int i = 0; i < 5000; i++) {
        if (__atomic_load_n(&child_meeting->beats, __ATOMIC_RELAXED) != before)
            return child_status_number("TracerPid") == 0;
        (void)nanosleep(&one_millisecond, NULL);
    }
    return false;
}

void child_end(void)
{
    if (child <= 0)
        return;
    (void)kill(child, SIGKILL);
    (void)waitpid(child, NULL, 0);
    child = 0;
}

void child_forget(void)
{
    child = 0;
}
