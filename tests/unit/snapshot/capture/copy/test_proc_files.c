// What /proc says about this process, and about a child of it.

#include "snapshot/capture/copy/proc_files.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "tests/support/captured_child.h"

#define PAGE 4096u
#define NO_PROCESS INT32_MAX

TestSuite(proc_files, .fini = child_end, .timeout = 60);

Test(proc_files, files_are_read_whole_whatever_their_size)
{
    char path[] = "/tmp/rudo-snap-proc.XXXXXX", *text;
    int file = mkstemp(path);
    char *bytes = malloc(300000);

    cr_assert(file >= 0 && bytes != NULL);
    memset(bytes, 'x', 300000);
    bytes[299999] = 'y';
    cr_assert_eq(write(file, bytes, 300000), 300000);
    text = proc_file_read(path);
    cr_assert_not_null(text);
    cr_expect_eq(strlen(text), 300000);
    cr_expect_eq(text[299999], 'y');
    free(text);
    free(bytes);
    (void)close(file);
    (void)unlink(path);
    errno = 0;
    cr_expect_null(proc_file_read(path));
    cr_expect_eq(errno, ENOENT);
}

Test(proc_files, numbers_of_the_status_are_found_by_their_whole_name)
{
    cr_expect_eq(proc_status_number(getpid(), getpid(), "Pid", -1), getpid());
    cr_expect_eq(proc_status_number(getpid(), getpid(), "PPid", -1), getppid());
    cr_expect_eq(proc_status_number(getpid(), getpid(), "Pi", -7), -7);
    cr_expect_eq(proc_status_number(NO_PROCESS, NO_PROCESS, "Pid", -7), -7);
}

static void take_a_bad_name(void)
{
    // A name may hold what separates the fields of /proc/PID/stat, and what no terminal should get.
    (void)prctl(PR_SET_NAME, "a) S 1 (\033[2J");
}

Test(proc_files, a_name_cannot_pass_for_other_fields_and_is_clean)
{
    char name[64], tiny[4];

    child_start(take_a_bad_name);
    proc_task_name(child_pid(), child_pid(), name, sizeof name);
    cr_expect_eq(strncmp(name, "a) S 1 (", 8), 0, "%s", name);
    cr_expect_null(strchr(name, '\033'));
    proc_task_name(child_pid(), child_pid(), tiny, sizeof tiny);
    cr_expect_str_eq(tiny, "a) ");
    cr_expect_not_null(strchr("RSD", proc_task_state(child_pid(), child_pid())));
    cr_expect_not(proc_is_kernel_thread(child_pid()));
    cr_expect_not(proc_is_io_worker(child_pid(), child_pid()));
    cr_expect_eq(proc_task_state(NO_PROCESS, NO_PROCESS), 0);
    proc_task_name(NO_PROCESS, NO_PROCESS, name, sizeof name);
    cr_expect_str_eq(name, "");
}

Test(proc_files, the_executable_has_no_folders_in_its_name)
{
    char name[256];

    proc_executable_name(getpid(), getpid(), name, sizeof name);
    cr_expect_str_eq(name, "test_proc_files");
}

static void *outlive_the_first_thread(void *context)
{
    (void)context;
    child_meet();
}

static void end_the_first_thread(void)
{
    pthread_t thread;

    (void)pthread_create(&thread, NULL, outlive_the_first_thread, NULL);
    pthread_exit(NULL);
}

Test(proc_files, a_task_that_lives_is_found_when_the_first_has_ended)
{
    ProcessMapping *mappings;
    uint32_t count = 0;
    int *tids = NULL, live;

    child_start(end_the_first_thread);
    for (int i = 0; i < 5000 && proc_task_state(child_pid(), child_pid()) != 'Z'; i++)
        (void)usleep(1000);
    cr_assert_eq(proc_task_state(child_pid(), child_pid()), 'Z');
    cr_assert(proc_task_list(child_pid(), &tids, &count));
    cr_expect_eq(count, 2);
    free(tids);
    live = proc_live_task(child_pid());
    cr_expect_neq(live, child_pid());
    cr_expect_not(proc_mappings_read(child_pid(), child_pid(), &mappings, &count));
    cr_expect_eq(errno, ENODATA);
    cr_assert(proc_mappings_read(child_pid(), live, &mappings, &count));
    proc_mappings_free(mappings, count);
    cr_expect_eq(proc_live_task(NO_PROCESS), NO_PROCESS);
    cr_expect_not(proc_task_list(NO_PROCESS, &tids, &count));
}

Test(proc_files, mappings_say_where_what_and_how)
{
    uint8_t *memory =
        mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    const uint64_t start = (uint64_t)(uintptr_t)memory;
    ProcessMapping *mappings;
    bool is_found = false;
    uint32_t count;

    cr_assert_neq(memory, MAP_FAILED);
    cr_assert_eq(mprotect(memory + PAGE, PAGE, PROT_READ), 0);
    cr_assert(proc_mappings_read(getpid(), getpid(), &mappings, &count));
    for (uint32_t i = 0; i < count; i++) {
        const ProcessMapping *mapping = &mappings[i];

        cr_expect_lt(mapping->start, mapping->end);
        cr_expect(i == 0 || mappings[i - 1].end <= mapping->start);
        if (mapping->start != start + PAGE)
            continue;
        is_found = true;
        cr_expect_eq(mapping->end, start + 2 * PAGE);
        cr_expect(mapping->is_private && mapping->is_readable && !mapping->is_writable &&
                  !mapping->is_executable);
        cr_expect_eq(mapping->inode, 0);
    }
    cr_expect(is_found);
    proc_mappings_free(mappings, count);
}
