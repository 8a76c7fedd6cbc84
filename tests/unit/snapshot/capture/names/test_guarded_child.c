// Work in a child process: whatever happens to it, what it said is there, and we go on.

#include <criterion/criterion.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/capture/names/guarded_child.h"

typedef struct Outcome {
    ByteBuffer said;
    GuardedEnd end;
} Outcome;

static GuardedWork work_of(void (*run)(void *, GuardedChild *), void *context)
{
    return (GuardedWork){.run = run,
                         .context = context,
                         .cpu_seconds = 30,
                         .wall_seconds = 60,
                         .memory_bytes = 64 << 20,
                         .output_bytes = 1 << 20};
}

static Outcome must_run(const GuardedWork *work)
{
    Outcome outcome = {.end = GUARDED_NOT_STARTED};
    Error error;

    cr_assert(guarded_child_run(work, &outcome.said, &outcome.end, &error), "%s", error.message);
    return outcome;
}

static void expect_said(const Outcome *outcome, const char *text)
{
    cr_expect(outcome->said.length == strlen(text) &&
                  memcmp(outcome->said.bytes, text, strlen(text)) == 0,
              "it said %zu bytes", outcome->said.length);
}

static void say(GuardedChild *child, const char *text)
{
    (void)guarded_child_write(child, text, strlen(text));
}

static void say_context(void *context, GuardedChild *child)
{
    say(child, context);
    say(child, "!");
}

Test(guarded_child, what_it_says_arrives)
{
    char text[] = "names";
    GuardedWork work = work_of(say_context, text);
    Outcome outcome = must_run(&work);

    cr_expect_eq(outcome.end, GUARDED_DONE);
    cr_expect_str_eq(guarded_end_text(outcome.end), "");
    expect_said(&outcome, "names!");
    byte_buffer_release(&outcome.said);
}

static void say_and_write(void *context, GuardedChild *child)
{
    *(int *)context = 7;
    say(child, "written");
}

Test(guarded_child, what_it_writes_to_memory_does_not)
{
    int value = 1;
    GuardedWork work = work_of(say_and_write, &value);
    Outcome outcome = must_run(&work);

    cr_expect_eq(value, 1);
    byte_buffer_release(&outcome.said);
}

static void say_and_fault(void *context, GuardedChild *child)
{
    void *nothing = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    say(child, "so far");
    if (nothing != MAP_FAILED)
        *(volatile char *)nothing = 1;
    (void)context;
}

Test(guarded_child, a_crash_keeps_what_was_said)
{
    GuardedWork work = work_of(say_and_fault, NULL);
    Outcome outcome = must_run(&work);

    cr_expect_eq(outcome.end, GUARDED_FAILED);
    expect_said(&outcome, "so far");
    byte_buffer_release(&outcome.said);
}

static void say_and_sleep(void *context, GuardedChild *child)
{
    say(child, "so far");
    for (;;)
        (void)pause();
    (void)context;
}

Test(guarded_child, it_is_ended_when_it_takes_too_long)
{
    GuardedWork work = work_of(say_and_sleep, NULL);
    Outcome outcome;

    work.wall_seconds = 1;
    outcome = must_run(&work);
    cr_expect_eq(outcome.end, GUARDED_TOO_LONG);
    expect_said(&outcome, "so far");
    byte_buffer_release(&outcome.said);
}

static void compute(void *context, GuardedChild *child)
{
    volatile uint64_t *counter = context;

    (void)child;
    for (;;)
        (*counter)++;
}

Test(guarded_child, it_is_ended_when_it_computes_too_much)
{
    uint64_t counter = 0;
    GuardedWork work = work_of(compute, &counter);
    Outcome outcome;

    work.cpu_seconds = 1;
    outcome = must_run(&work);
    cr_expect_eq(outcome.end, GUARDED_TOO_LONG);
    byte_buffer_release(&outcome.said);
}

static void take_memory(void *context, GuardedChild *child)
{
    uint64_t taken = 0;

    // Straight from the kernel: sanitizers end a program whose malloc() fails.
    while (taken < UINT64_C(1) << 40 && mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE,
                                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
        taken += 1 << 20;
    (void)context;
    (void)guarded_child_write(child, &taken, sizeof taken);
}

Test(guarded_child, it_gets_no_more_memory_than_it_may)
{
    GuardedWork work = work_of(take_memory, NULL);
    Outcome outcome = must_run(&work);
    uint64_t taken = 0;

    cr_assert_eq(outcome.said.length, sizeof taken);
    memcpy(&taken, outcome.said.bytes, sizeof taken);
    cr_expect_leq(taken, work.memory_bytes + (1 << 20));
    byte_buffer_release(&outcome.said);
}

static void say_too_much(void *context, GuardedChild *child)
{
    static const char page[4096];

    (void)context;
    while (guarded_child_write(child, page, sizeof page))
        continue;
    (void)guarded_child_write(child, page, 1);
}

Test(guarded_child, it_says_no_more_than_it_may)
{
    GuardedWork work = work_of(say_too_much, NULL);
    Outcome outcome = must_run(&work);

    cr_expect_leq(outcome.said.length, work.output_bytes);
    cr_expect_geq(outcome.said.length, work.output_bytes - 4096);
    byte_buffer_release(&outcome.said);
}

static bool is_cancelled(void *context)
{
    (void)context;
    return true;
}

Test(guarded_child, a_cancelled_one_is_an_error_and_gone)
{
    GuardedWork work = work_of(say_and_sleep, NULL);
    ByteBuffer said = {0};
    GuardedEnd end;
    Error error;

    work.cancel = (Cancel){is_cancelled, NULL};
    cr_expect_not(guarded_child_run(&work, &said, &end, &error));
    cr_expect_eq(error.code, ERROR_INTERRUPTED);
    cr_expect_eq(waitpid(-1, NULL, WNOHANG), -1, "a child is left");
    byte_buffer_release(&said);
}

Test(guarded_child, a_program_that_ignores_its_children_has_them_all_the_same)
{
    char text[] = "names";
    GuardedWork work = work_of(say_context, text);
    Outcome outcome;

    cr_assert_neq(signal(SIGCHLD, SIG_IGN), SIG_ERR);
    outcome = must_run(&work);
    cr_expect_eq(outcome.end, GUARDED_DONE);
    expect_said(&outcome, "names!");
    byte_buffer_release(&outcome.said);
}

static volatile sig_atomic_t handled;

static void handle(int signal)
{
    (void)signal;
    handled = 1;
}

static void take_signals(void *context, GuardedChild *child)
{
    (void)context;
    (void)kill(getpid(), SIGINT);
    (void)kill(getpid(), SIGTERM);
    say(child, handled ? "handled" : "quiet");
}

Test(guarded_child, no_handler_of_ours_runs_in_it)
{
    GuardedWork work = work_of(take_signals, NULL);
    Outcome outcome;

    cr_assert_neq(signal(SIGINT, handle), SIG_ERR);
    cr_assert_neq(signal(SIGTERM, handle), SIG_ERR);
    outcome = must_run(&work);
    cr_expect_eq(outcome.end, GUARDED_DONE);
    expect_said(&outcome, "quiet");
    cr_expect_eq(handled, 0);
    byte_buffer_release(&outcome.said);
}
