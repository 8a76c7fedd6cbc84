// CaptureGuard: the guard stops a process, and the process runs on whatever becomes of the guard
// and of us.

#include "snapshot/capture/guard/capture_guard.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/thread_registers.h"
#include "tests/support/captured_child.h"

#define THREADS 4u

static CaptureGuard guard = {.socket = -1};
static ProcessCopy copy;
static GuardReply hold;
static GuardTimes times;
static Error error;

static void *sleep_in_thread(void *context)
{
    for (;;)
        (void)pause();
    return context;
}

static void start_threads(void)
{
    pthread_t thread;

    for (unsigned i = 1; i < THREADS; i++)
        (void)pthread_create(&thread, NULL, sleep_in_thread, NULL);
}

static void begin(void)
{
    if (!thread_registers_are_supported())
        cr_skip_test("capturing processes needs x86-64");
    child_start(start_threads);
    cr_assert(capture_guard_start(&guard, child_pid(), NULL, &error), "%s", error.message);
}

static void end(void)
{
    capture_guard_end(&guard);
    process_copy_release(&copy);
    child_end();
}

TestSuite(capture_guard, .init = begin, .fini = end, .timeout = 60);

static void stop(uint64_t limit_ns, bool will_fork)
{
    cr_assert(capture_guard_stop(&guard, limit_ns, will_fork, &hold, &error), "%s", error.message);
}

static bool resume(void)
{
    return capture_guard_resume(&guard, &copy, &times, &error);
}

static bool child_stands_still(void)
{
    uint64_t before = __atomic_load_n(&child_meeting->beats, __ATOMIC_RELAXED);

    (void)usleep(30000);
    return __atomic_load_n(&child_meeting->beats, __ATOMIC_RELAXED) == before;
}

Test(capture_guard, a_stop_holds_all_threads_until_they_are_resumed)
{
    stop(0, false);
    cr_expect(child_stands_still());
    cr_expect_eq(hold.thread_count, THREADS);
    cr_expect_eq(child_status_number("TracerPid"), guard.process);
    cr_assert(resume(), "%s", error.message);
    cr_expect(child_is_running());
    cr_assert_eq(copy.thread_count, THREADS);
    cr_expect_eq((pid_t)copy.threads[0].tid, child_pid(), "the main thread comes first");
    for (uint32_t i = 0; i < copy.thread_count; i++)
        cr_expect_gt(copy.threads[i].register_count, 0);
}

Test(capture_guard, the_moments_of_a_stop_are_in_order)
{
    stop(0, false);
    cr_assert(resume(), "%s", error.message);
    cr_expect_gt(times.interrupted_at_ns, 0);
    cr_expect_geq(times.stopped_at_ns, times.interrupted_at_ns);
    cr_expect_geq(times.resuming_at_ns, times.stopped_at_ns);
    cr_expect_geq(times.resumed_at_ns, times.resuming_at_ns);
}

Test(capture_guard, a_process_can_be_stopped_again)
{
    for (int i = 0; i < 3; i++) {
        stop(0, false);
        cr_expect(child_stands_still());
        cr_assert(resume(), "%s", error.message);
        cr_expect(child_is_running());
        process_copy_drop_threads(&copy);
    }
}

Test(capture_guard, a_stop_ends_by_itself_when_its_time_is_over)
{
    stop(UINT64_C(20000000), false);
    cr_expect(child_is_running());
    cr_expect_not(resume());
    cr_expect_eq(error.code, ERROR_LIMIT);
}

Test(capture_guard, the_process_runs_on_when_the_guard_is_killed)
{
    stop(0, false);
    (void)kill(guard.process, SIGKILL);
    cr_expect(child_is_running());
    cr_expect_not(resume());
    cr_expect_eq(error.code, ERROR_SYSTEM);
}

Test(capture_guard, the_process_runs_on_when_we_are_gone)
{
    stop(0, false);
    // What the kernel does when we are killed.
    (void)close(guard.socket);
    guard.socket = -1;
    cr_expect(child_is_running());
    cr_expect_eq(waitpid(guard.process, NULL, 0), guard.process, "the guard ends");
    guard.process = 0;
}

// The children of all threads of the child, as /proc lists them.
static bool child_has_children(void)
{
    uint32_t count = 0;
    bool has_any = false;
    int *tids = NULL;

    cr_assert(proc_task_list(child_pid(), &tids, &count));
    for (uint32_t i = 0; i < count; i++) {
        char path[PROC_PATH_BYTES], *text;

        proc_task_path(path, child_pid(), tids[i], "children");
        text = proc_file_read(path);
        has_any = has_any || (text != NULL && text[0] != '\0');
        free(text);
    }
    free(tids);
    return has_any;
}

Test(capture_guard, a_fork_stands_still_and_is_removed_without_a_trace)
{
    int fork = 0;

    stop(0, true);
    if (!capture_guard_fork(&guard, &fork, &error))
        cr_skip_test("%s", error.message);
    cr_assert(resume(), "%s", error.message);
    cr_expect(child_is_running());
    cr_expect_gt(fork, 0);
    cr_expect_eq(proc_task_state(fork, fork), 't');
    cr_expect(child_has_children());
    cr_assert(capture_guard_end_fork(&guard, &times, &error), "%s", error.message);
    cr_expect_eq(proc_task_state(fork, fork), 0);
    cr_expect_not(child_has_children());
    cr_expect(child_is_running());
}

Test(capture_guard, a_fork_that_we_leave_behind_is_removed)
{
    int fork = 0;

    stop(0, true);
    if (!capture_guard_fork(&guard, &fork, &error))
        cr_skip_test("%s", error.message);
    capture_guard_end(&guard);
    cr_expect(child_is_running());
    cr_expect_eq(proc_task_state(fork, fork), 0);
    cr_expect_not(child_has_children());
}

// How many open files the child has.
static unsigned child_open_files(void)
{
    char path[PROC_PATH_BYTES];
    unsigned count = 0;
    DIR *folder;

    proc_task_path(path, child_pid(), child_pid(), "fd");
    folder = opendir(path);
    cr_assert_not_null(folder);
    while (readdir(folder) != NULL)
        count++;
    (void)closedir(folder);
    return count;
}

Test(capture_guard, a_userfaultfd_becomes_ours_and_leaves_nothing_in_the_process)
{
    unsigned open_files = child_open_files();
    int descriptor = -1;

    if (!capture_guard_open_userfault(&guard, 0, &descriptor, &times, &error))
        cr_skip_test("%s", error.message);
    cr_expect_geq(descriptor, 0);
    cr_expect_gt(times.interrupted_at_ns, 0);
    cr_expect_eq(child_open_files(), open_files);
    cr_expect(child_is_running());
    // The guard can be used on.
    stop(0, false);
    cr_assert(resume(), "%s", error.message);
    (void)close(descriptor);
}
