// CallInjection: a stopped thread makes system calls for us and is as it was afterwards. The test
// itself is the tracer; tests/live/calls_injected.sh does it to threads asleep in many calls.

#include "snapshot/capture/guard/call_injection_internal.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/traced_threads_internal.h"
#include "tests/support/captured_child.h"

#define NO_SUCH_CALL 4000

static const uint64_t no_arguments[6];
static TracedThreads threads;
static CallInjection injection;
static uint64_t instruction;
static Error error;

static void block_child_signal(void)
{
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
}

static void find_instruction(void)
{
    ProcessMapping *mappings;
    uint32_t count;

    cr_assert(proc_mappings_read(child_pid(), child_pid(), &mappings, &count));
    cr_assert(call_injection_find_instruction(child_pid(), mappings, count, &instruction));
    proc_mappings_free(mappings, count);
}

static void beat(void)
{
}

static void begin(void)
{
    if (!thread_registers_are_supported())
        cr_skip_test("capturing processes needs x86-64");
    block_child_signal();
    child_start(beat);
    find_instruction();
    traced_threads_init(&threads, child_pid(), NULL);
    cr_assert(traced_threads_stop_one(&threads, child_pid(), &error), "%s", error.message);
}

static void end(void)
{
    traced_threads_resume(&threads);
    traced_threads_release(&threads);
    child_end();
}

TestSuite(call_injection, .init = begin, .fini = end, .timeout = 60);

static void begin_calls(void)
{
    cr_assert(call_injection_begin(&injection, child_pid(), child_pid(), instruction, 0, &error),
              "%s", error.message);
}

static int64_t call(long number, const uint64_t arguments[6])
{
    int64_t result = 0;

    cr_assert(call_injection_call(&injection, number, arguments, &result, &error), "%s",
              error.message);
    return result;
}

static void end_calls(void)
{
    cr_assert(call_injection_end(&injection, &error), "%s", error.message);
}

Test(call_injection, calls_return_what_the_kernel_returns)
{
    begin_calls();
    cr_expect_eq(call(SYS_getpid, no_arguments), child_pid());
    cr_expect_eq(call(SYS_getppid, no_arguments), getpid());
    cr_expect_eq(call(NO_SUCH_CALL, no_arguments), -ENOSYS);
    end_calls();
    traced_threads_resume(&threads);
    cr_expect(child_is_running());
}

Test(call_injection, all_six_arguments_arrive)
{
    const uint64_t map[6] = {0,          8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                             UINT64_MAX, 0};
    uint64_t unmap[6] = {0, 8192};
    int64_t address;

    begin_calls();
    address = call(SYS_mmap, map);
    cr_expect_gt(address, 0);
    cr_expect_eq(address % 4096, 0);
    unmap[0] = (uint64_t)address;
    cr_expect_eq(call(SYS_munmap, unmap), 0);
    end_calls();
}

Test(call_injection, registers_and_signal_mask_are_as_before)
{
    GeneralRegisters before, after;
    long mask_before, mask_after;

    cr_assert(thread_registers_read_general(child_pid(), &before));
    mask_before = child_status_number("SigBlk");
    begin_calls();
    (void)call(SYS_getpid, no_arguments);
    end_calls();
    mask_after = child_status_number("SigBlk");
    cr_expect_eq(mask_after, mask_before);
    cr_assert(thread_registers_read_general(child_pid(), &after));
    // It may have been asleep: then its call is about to be restarted, and all else is the same.
    for (int i = 0; i < GENERAL_REGISTER_COUNT; i++)
        if (i != REGISTER_RAX && i != REGISTER_ORIG_RAX && i != REGISTER_RIP)
            cr_expect_eq(after.words[i], before.words[i], "word %d", i);
}

Test(call_injection, nothing_changes_when_no_call_is_made)
{
    begin_calls();
    end_calls();
    traced_threads_resume(&threads);
    cr_expect(child_is_running());
}

Test(call_injection, an_instruction_that_is_not_there_is_refused)
{
    cr_expect_not(call_injection_begin(&injection, child_pid(), child_pid(), 4096, 0, &error));
    cr_expect_eq(error.code, ERROR_UNSUPPORTED);
    traced_threads_resume(&threads);
    cr_expect(child_is_running());
}

Test(call_injection, a_thread_that_is_killed_in_between_is_an_error)
{
    int64_t result;

    begin_calls();
    (void)kill(child_pid(), SIGKILL);
    cr_expect_not(call_injection_call(&injection, SYS_getpid, no_arguments, &result, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect_not_null(strstr(error.message, "exited"), "%s", error.message);
}

// ---- several threads ----

static void *sleep_on(void *context)
{
    (void)context;
    for (;;)
        (void)pause();
    return NULL;
}

static void beat_beside_a_thread(void)
{
    static bool has_thread;
    pthread_t thread;

    if (!has_thread)
        has_thread = pthread_create(&thread, NULL, sleep_on, NULL) == 0;
}

static uint32_t child_thread_count(void)
{
    uint32_t count = 0;
    int *tids = NULL;

    if (!proc_task_list(child_pid(), &tids, &count))
        count = 0;
    free(tids);
    return count;
}

static void begin_with_two_threads(void)
{
    if (!thread_registers_are_supported())
        cr_skip_test("capturing processes needs x86-64");
    block_child_signal();
    child_start(beat_beside_a_thread);
    while (child_thread_count() < 2)
        (void)usleep(1000);
    find_instruction();
    traced_threads_init(&threads, child_pid(), NULL);
    cr_assert(traced_threads_stop(&threads, &error), "%s", error.message);
}

TestSuite(call_injection_of_two_threads, .init = begin_with_two_threads, .fini = end,
          .timeout = 60);

// The kernel announces the end of the main thread only when its tracer has collected the other one.
Test(call_injection_of_two_threads, a_process_that_is_killed_in_the_middle_of_a_call_is_an_error)
{
    int64_t result;
    pid_t killer;

    begin_calls();
    killer = fork();
    if (killer == 0) {
        (void)usleep(200000);
        (void)kill(child_pid(), SIGKILL);
        _exit(0);
    }
    cr_expect_not(call_injection_call(&injection, SYS_ppoll, no_arguments, &result, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
    cr_expect_not_null(strstr(error.message, "exited"), "%s", error.message);
    (void)waitpid(killer, NULL, 0);
}
