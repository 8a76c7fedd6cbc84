// Executes another program as soon as it has a child that it did not create, the fork of a capture.
// The kernel takes three seconds for that, in which the process cannot be traced.
//
//     slow_exec HEARTBEAT PROGRAM
//
// PROGRAM is a copy of this one that no other test uses. Prints "ready", then "slow" before it
// executes PROGRAM, which prints "again"; "skipped: REASON" if this machine does not have fanotify.

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fanotify.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

#define HEAP_PAGES 6144u
#define DELAY_S 3
// The delaying process ends by then, even if the program is never executed.
#define LIFE_S 60

static void say(const char *what)
{
    printf("%s\n", what);
    (void)fflush(stdout);
}

// Delays the first read of the program by DELAY_S; later ones wait until this process has ended.
static void delay_reads(int events)
{
    struct fanotify_event_metadata event;
    struct fanotify_response answer = {.response = FAN_ALLOW};

    (void)alarm(LIFE_S);
    if (read(events, &event, sizeof event) == (ssize_t)sizeof event) {
        (void)sleep(DELAY_S);
        answer.fd = event.fd;
        (void)!write(events, &answer, sizeof answer);
    }
    _exit(0);
}

// Starts the delaying process as an orphan, so that this process has no child.
static void make_slow(const char *program)
{
    int events = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY | O_CLOEXEC);
    pid_t child;

    if (events < 0 ||
        fanotify_mark(events, FAN_MARK_ADD, FAN_ACCESS_PERM, AT_FDCWD, program) != 0) {
        printf("skipped: no permission events: %s\n", strerror(errno));
        say("ready");
        exit(0);
    }
    child = fork();
    if (child < 0)
        target_fail("fork");
    if (child == 0) {
        if (fork() == 0)
            delay_reads(events);
        _exit(0);
    }
    (void)waitpid(child, NULL, 0);
    (void)close(events);
}

static int has_child(void)
{
    siginfo_t info;

    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT | __WALL) == 0;
}

int main(int argc, char **argv)
{
    const struct timespec moment = {.tv_nsec = 200000};

    if (argc < 2 || argc > 3) {
        fprintf(stderr, "usage: %s HEARTBEAT PROGRAM\n", argv[0]);
        return 2;
    }
    if (argc == 3)
        make_slow(argv[2]);
    (void)target_map_heap(HEAP_PAGES);
    target_start_heartbeat(argv[1]);
    if (argc == 2) {
        say("again");
        for (;;)
            (void)pause();
    }
    target_announce();
    while (!has_child())
        (void)nanosleep(&moment, NULL);
    say("slow");
    (void)execl(argv[2], argv[2], argv[1], (char *)NULL);
    target_fail(argv[2]);
}
