// Processes that share memory: see tests/support/memory_sharer.h.

#include "tests/support/memory_sharer.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/support/target.h"

#define STACK_BYTES 65536u

typedef struct Sharer {
    int (*body)(void *context);
    void *context;
    bool is_traced;
} Sharer;

static int run_sharer(void *context)
{
    const Sharer *sharer = context;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifdef PR_SET_PTRACER
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
#endif
    if (sharer->is_traced && ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
        return 1;
    return sharer->body(sharer->context);
}

pid_t memory_sharer_start(int (*body)(void *context), void *context, bool is_traced)
{
    Sharer *sharer = malloc(sizeof *sharer);
    uint8_t *stack = malloc(STACK_BYTES);

    if (sharer == NULL || stack == NULL)
        return -1;
    *sharer = (Sharer){body, context, is_traced};
    return clone(run_sharer, stack + STACK_BYTES, CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD,
                 sharer);
}

// ---- relay ----

typedef struct Relay {
    void (*step)(void *context);
    void *context;
    pid_t program; // the parent of all of them
    unsigned turn;
    uint8_t *stacks[2]; // used in turn: the last process may still be on the other one
} Relay;

static int run_relay(void *context);

static pid_t pass_on(Relay *relay)
{
    uint8_t *stack = relay->stacks[relay->turn++ % 2];

    return clone(run_relay, stack + STACK_BYTES,
                 CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_PARENT | SIGCHLD, relay);
}

static int run_relay(void *context)
{
    const struct timespec moment = {.tv_nsec = 200000};
    Relay *relay = context;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
#ifdef PR_SET_PTRACER
    (void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
#endif
    // The program may have ended before.
    if (getppid() != relay->program)
        _exit(0);
    // The last one leaves its stack meanwhile.
    (void)nanosleep(&moment, NULL);
    relay->step(relay->context);
    _exit(pass_on(relay) < 0);
}

pid_t memory_sharer_relay(void (*step)(void *context), void *context)
{
    // The kernel reaps them.
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    Relay *relay = calloc(1, sizeof *relay);

    if (relay == NULL || sigaction(SIGCHLD, &ignore, NULL) != 0)
        return -1;
    *relay = (Relay){.step = step, .context = context, .program = getpid()};
    for (int i = 0; i < 2; i++)
        if ((relay->stacks[i] = malloc(STACK_BYTES)) == NULL)
            return -1;
    return clone(run_relay, relay->stacks[relay->turn++ % 2] + STACK_BYTES,
                 CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, relay);
}

// ---- other programs ----

static void *spawn_for_ever(void *context)
{
    static char name[] = "true";
    char *arguments[] = {name, NULL}, *environment[] = {NULL};

    (void)context;
    for (;;) {
        pid_t child;

        if (posix_spawn(&child, "/bin/true", NULL, NULL, arguments, environment) == 0)
            (void)waitpid(child, NULL, 0);
    }
    return NULL;
}

void memory_sharer_spawn_others(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, spawn_for_ever, NULL) != 0)
        target_fail("pthread_create");
}
