// MemorySharers: processes that share the memory of this one are found, others are not.

#include "snapshot/capture/guard/memory_sharers_internal.h"

#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES 65536u

static MemorySharers sharers;
static uint8_t stacks[4][STACK_BYTES] __attribute__((aligned(16)));
static pid_t processes[4];
static unsigned process_count;

static int wait_to_be_killed(void *context)
{
    (void)context;
    for (;;)
        (void)syscall(SYS_pause);
    return 0;
}

// A process that shares the memory of this one.
static pid_t start_sharer(void)
{
    pid_t pid =
        clone(wait_to_be_killed, stacks[process_count] + STACK_BYTES, CLONE_VM | SIGCHLD, NULL);

    cr_assert_gt(pid, 0);
    processes[process_count++] = pid;
    return pid;
}

static pid_t start_child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        (void)wait_to_be_killed(NULL);
    cr_assert_gt(pid, 0);
    processes[process_count++] = pid;
    return pid;
}

static void begin(void)
{
    memory_sharers_init(&sharers, getpid());
}

static void end(void)
{
    for (unsigned i = 0; i < process_count; i++) {
        (void)kill(processes[i], SIGKILL);
        (void)waitpid(processes[i], NULL, 0);
    }
}

TestSuite(memory_sharers, .init = begin, .fini = end, .timeout = 60);

Test(memory_sharers, a_process_alone_has_none)
{
    memory_sharers_find(&sharers);
    (void)start_child();
    cr_expect_not(memory_sharers_find_new(&sharers));
    cr_expect_eq(sharers.count, 0);
}

Test(memory_sharers, all_are_found_and_new_ones_later)
{
    pid_t old = start_sharer(), new;

    if (!sharers.compares)
        cr_skip_test("no kcmp here");
    memory_sharers_find(&sharers);
    cr_assert_eq(sharers.count, 1);
    cr_expect_eq(sharers.pids[0], old);
    cr_expect_not(memory_sharers_find_new(&sharers));
    new = start_sharer();
    (void)start_child();
    cr_expect(memory_sharers_find_new(&sharers));
    cr_assert_eq(sharers.count, 2);
    cr_expect_eq(sharers.pids[1], new);
}

Test(memory_sharers, numbers_of_tasks_begin_again_at_the_limit)
{
    pid_t sharer;

    if (!sharers.compares)
        cr_skip_test("no kcmp here");
    memory_sharers_find(&sharers);
    sharer = start_sharer();
    // As if the last one had got the number below the limit, and numbers had begun again.
    sharers.newest = sharers.pid_limit - 1;
    cr_expect(memory_sharers_find_new(&sharers));
    cr_assert_eq(sharers.count, 1);
    cr_expect_eq(sharers.pids[0], sharer);
}

Test(memory_sharers, one_that_has_ended_does_not_share_any_more)
{
    pid_t sharer = start_sharer();

    cr_expect(memory_sharers_includes(&sharers, sharer));
    (void)kill(sharer, SIGKILL);
    (void)waitpid(sharer, NULL, 0);
    cr_expect_not(memory_sharers_includes(&sharers, sharer));
    cr_expect_not(memory_sharers_includes(&sharers, start_child()));
}

// Where the kernel does not compare, the counters of the memory do, while it does not change: here
// the test itself changes it.
Test(memory_sharers, without_kcmp_the_counters_tell)
{
    pid_t target = start_sharer(), other = start_sharer();
    bool is_found = false, is_included = false;

    memory_sharers_init(&sharers, target);
    sharers.compares = false;
    memory_sharers_find(&sharers);
    for (int tries = 0; tries < 1000 && !is_found; tries++)
        is_found = memory_sharers_find_new(&sharers);
    cr_expect(is_found);
    for (int tries = 0; tries < 1000 && !is_included; tries++)
        is_included = memory_sharers_includes(&sharers, other);
    cr_expect(is_included);
    for (uint32_t i = 0; i < sharers.count; i++)
        cr_expect(sharers.pids[i] == other || sharers.pids[i] == getpid());
    cr_expect_not(memory_sharers_includes(&sharers, getppid()));
}
