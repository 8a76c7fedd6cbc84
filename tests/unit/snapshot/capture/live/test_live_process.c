// live_process_copy(): the content of the copy, and that the process runs on undisturbed. The
// processes are forked children of the test, so their variables have known addresses.

#include "snapshot/capture/live/live_process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "snapshot/capture/guard/thread_registers.h"
#include "tests/support/captured_child.h"

#define PAGE 4096u
#define UNTOUCHED_BYTES (UINT64_C(256) << 20)

static uint64_t in_data = 1;
static uint64_t in_bss;
static __thread uint64_t in_tls = 2;

static ProcessCopy copy;
static Error error;
static ProcessCopyOptions options;

// Defines the same test for each method.
#define EACH_METHOD(name)                                                                          \
    static void name(void);                                                                        \
    Test(capture_process, name##_by_precopy)                                                       \
    {                                                                                              \
        by_method(CAPTURE_PRECOPY, name);                                                          \
    }                                                                                              \
    Test(capture_process, name##_by_fork)                                                          \
    {                                                                                              \
        by_method(CAPTURE_FORK, name);                                                             \
    }                                                                                              \
    Test(capture_process, name##_by_stop)                                                          \
    {                                                                                              \
        by_method(CAPTURE_STOP, name);                                                             \
    }                                                                                              \
    static void name(void)

static void begin(void)
{
    if (!thread_registers_are_supported())
        cr_skip_test("capturing processes needs x86-64");
    memset(&error, 0, sizeof error);
}

static void end(void)
{
    process_copy_release(&copy);
    child_end();
}

static void expect_running(void)
{
    cr_expect(child_is_running(), "it stands still, or is still traced");
}

static void by_method(CaptureMethod method, void (*test)(void))
{
    options = (ProcessCopyOptions){.method = method};
    test();
}

// Skips the test if the kernel does not have the method.
static void skip_without_method(void)
{
    if (strstr(error.hint, "--method auto") != NULL)
        cr_skip_test("%s", error.message);
}

static void capture_well(void)
{
    if (!live_process_copy(child_pid(), &options, &copy, &error))
        skip_without_method();
    cr_assert(error.code == ERROR_NONE, "%s: %s", error.message, error.hint);
    expect_running();
}

static uint64_t word_at(const void *address)
{
    const uint8_t *bytes = process_copy_bytes(&copy, (uint64_t)(uintptr_t)address, 8);
    uint64_t word = 0;

    cr_expect_not_null(bytes, "%p is not in the copy", address);
    if (bytes != NULL)
        memcpy(&word, bytes, sizeof word);
    return word;
}

TestSuite(capture_process, .init = begin, .fini = end, .timeout = 60);

static void write_everywhere(void)
{
    static uint64_t stack_word_address;
    volatile uint64_t on_stack = 0x5757;

    stack_word_address = (uint64_t)(uintptr_t)&on_stack;
    child_meeting->on_stack = (uint64_t *)(uintptr_t)stack_word_address;
    in_data = 0x1111;
    in_bss = 0x2222;
    in_tls = 0x3333;
    child_meet();
}

EACH_METHOD(the_copy_holds_data_bss_tls_and_stack)
{
    child_start(write_everywhere);
    capture_well();
    cr_expect_eq(word_at(&in_data), 0x1111);
    cr_expect_eq(word_at(&in_bss), 0x2222);
    cr_expect_eq(word_at(&in_tls), 0x3333);
    cr_expect_eq(word_at(child_meeting->on_stack), 0x5757);
    cr_expect_eq(copy.pid, child_pid());
    cr_expect_eq(copy.unreadable_bytes, 0);
    cr_expect_gt(copy.pause_ns, 0);
    cr_expect_gt(copy.captured_at_ns, INT64_C(1700000000) * 1000000000);
}

static uint8_t *untouched, *zeroes, *spots;

static void touch_some(void)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i < 16; i++)
        sum += ((volatile uint8_t *)zeroes)[i * PAGE];
    for (uint64_t i = 0; i < 16; i += 2)
        spots[i * PAGE] = (uint8_t)(0x80 + i + sum);
}

EACH_METHOD(pages_that_were_never_written_are_neither_copied_nor_touched)
{
    long page_tables;

    untouched = mmap(NULL, UNTOUCHED_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    zeroes = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    spots = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)madvise(zeroes, 16 * PAGE, MADV_NOHUGEPAGE);
    (void)madvise(spots, 16 * PAGE, MADV_NOHUGEPAGE);
    child_start(touch_some);
    page_tables = child_status_number("VmPTE");
    capture_well();
    // Page tables for the untouched memory would take 512 KiB; those for library data are allowed.
    cr_expect_leq(child_status_number("VmPTE"), page_tables + 128, "its page tables have grown");
    cr_expect_null(process_copy_bytes(&copy, (uint64_t)(uintptr_t)untouched, 1));
    cr_expect_null(process_copy_bytes(&copy, (uint64_t)(uintptr_t)untouched + PAGE * 5000, 1));
    for (uint64_t i = 0; i < 16; i++) {
        const uint8_t *bytes =
            process_copy_bytes(&copy, (uint64_t)(uintptr_t)spots + i * PAGE, PAGE);

        if (i % 2 == 0)
            cr_expect(bytes != NULL && bytes[0] == 0x80 + i, "page %d", (int)i);
        else
            cr_expect_null(bytes, "page %d", (int)i);
    }
}

static uint8_t *file_mapping;

static void touch_file_mapping(void)
{
    file_mapping[PAGE] = 0xaa;
}

EACH_METHOD(private_mappings_of_files_are_copied_where_they_were_never_touched)
{
    char path[] = "/tmp/rudo-snap-mapping.XXXXXX";
    int fd = mkstemp(path);
    uint8_t page[PAGE];
    const uint8_t *pages[3];

    cr_assert_geq(fd, 0);
    (void)unlink(path);
    for (uint8_t i = 1; i <= 3; i++) {
        memset(page, i, sizeof page);
        cr_assert_eq(write(fd, page, sizeof page), (ssize_t)sizeof page);
    }
    file_mapping = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    child_start(touch_file_mapping);
    capture_well();
    for (unsigned i = 0; i < 3; i++)
        pages[i] = process_copy_bytes(&copy, (uint64_t)(uintptr_t)file_mapping + i * PAGE, PAGE);
    cr_assert(pages[0] != NULL && pages[1] != NULL && pages[2] != NULL);
    cr_expect_eq(pages[0][0], 1);
    cr_expect_eq(pages[1][0], 0xaa);
    cr_expect_eq(pages[1][1], 2);
    cr_expect_eq(pages[2][PAGE - 1], 3);
    // The fourth page is behind the end of the file, and cannot be read.
    cr_expect_eq(copy.unreadable_bytes, PAGE);
    (void)close(fd);
}

static void *sleep_in_thread(void *context)
{
    (void)context;
    (void)prctl(PR_SET_NAME, "sleeper (1) x");
    for (;;)
        (void)pause();
    return NULL;
}

static void start_three_threads(void)
{
    const struct timespec moment = {.tv_nsec = 50000000};
    pthread_t thread;

    for (int i = 0; i < 3; i++)
        (void)pthread_create(&thread, NULL, sleep_in_thread, NULL);
    (void)nanosleep(&moment, NULL);
}

EACH_METHOD(every_thread_is_there_with_name_stack_and_control_block)
{
    child_start(start_three_threads);
    capture_well();
    cr_assert_eq(copy.thread_count, 4);
    cr_expect_eq((pid_t)copy.threads[0].tid, child_pid(), "the main thread comes first");
    for (uint32_t i = 0; i < 4; i++) {
        const ProcessThread *thread = &copy.threads[i];

        if (i > 0) {
            cr_expect_str_eq(thread->name, "sleeper (1) x");
            cr_expect_gt(thread->tid, copy.threads[i - 1].tid);
        }
        cr_expect_not_null(process_copy_bytes(&copy, thread->stack_pointer & ~UINT64_C(7), 8));
        // The control block begins with its own address.
        cr_expect_eq(word_at((const void *)(uintptr_t)thread->control_block),
                     thread->control_block);
        cr_expect(process_copy_find_mapping(&copy, thread->program_counter)->is_executable);
        cr_expect_gt(thread->register_count, 3);
        for (uint32_t r = 0; r < thread->register_count; r++) {
            cr_expect_neq(thread->registers[r].value, 0);
            cr_expect(r == 0 || thread->registers[r].number > thread->registers[r - 1].number);
        }
    }
}

#if defined(__x86_64__)
// Numbers of the words: docs/format.md.
#define REGISTER_RBX 5u
#define REGISTER_XMM3 (0x1000u + (160 + 3 * 16) / 8)

static void hold_registers(void)
{
    child_announce();
    __asm__ volatile("movq %0, %%rbx\n\t"
                     "movq %1, %%xmm3\n\t"
                     "1: lock incq (%2)\n\t"
                     "pause\n\t"
                     "jmp 1b"
                     :
                     : "r"(UINT64_C(0x123456789abc)), "r"(UINT64_C(0xfedcba98)),
                       "r"(&child_meeting->beats)
                     : "rbx", "xmm3", "memory");
}

EACH_METHOD(general_and_vector_registers_are_words_of_their_own)
{
    uint64_t rbx = 0, xmm3 = 0;

    child_start(hold_registers);
    capture_well();
    cr_assert_eq(copy.thread_count, 1);
    for (uint32_t r = 0; r < copy.threads[0].register_count; r++) {
        if (copy.threads[0].registers[r].number == REGISTER_RBX)
            rbx = copy.threads[0].registers[r].value;
        if (copy.threads[0].registers[r].number == REGISTER_XMM3)
            xmm3 = copy.threads[0].registers[r].value;
    }
    cr_expect_eq(rbx, 0x123456789abc);
    cr_expect_eq(xmm3, 0xfedcba98);
}
#endif

static bool is_copied(const ProcessMapping *mapping)
{
    return mapping_is_private_writable(mapping) || mapping->is_shared_memory;
}

EACH_METHOD(mappings_and_ranges_ascend_and_lie_in_private_or_shared_memory)
{
    child_start(start_three_threads);
    capture_well();
    cr_assert_gt(copy.mapping_count, 5);
    for (uint32_t i = 1; i < copy.mapping_count; i++)
        cr_expect_leq(copy.mappings[i - 1].end, copy.mappings[i].start);
    for (uint64_t i = 0; i < copy.range_count; i++) {
        const ProcessRange *range = &copy.ranges[i];
        const ProcessMapping *first = process_copy_find_mapping(&copy, range->address);
        const ProcessMapping *last =
            process_copy_find_mapping(&copy, range->address + range->bytes - 1);

        cr_expect(i == 0 || range[-1].address + range[-1].bytes <= range->address);
        cr_assert(first != NULL && last != NULL);
        cr_expect(is_copied(first) && is_copied(last));
    }
    cr_expect_null(process_copy_find_mapping(&copy, 1));
    cr_expect_null(process_copy_bytes(&copy, 1, 1));
}

static void do_nothing(void)
{
}

static unsigned cancel_countdown;

static bool count_down(void *context)
{
    (void)context;
    return cancel_countdown-- == 0;
}

EACH_METHOD(it_can_be_cancelled_at_every_step)
{
    bool is_done = false;

    child_start(start_three_threads);
    options.cancel.is_cancelled = count_down;
    for (unsigned steps = 0; !is_done; steps++) {
        cr_assert_lt(steps, 100000);
        cancel_countdown = steps;
        is_done = live_process_copy(child_pid(), &options, &copy, &error);
        if (!is_done && error.code != ERROR_INTERRUPTED)
            skip_without_method();
        if (!is_done)
            cr_assert_eq(error.code, ERROR_INTERRUPTED, "%s", error.message);
        if (steps < 20)
            expect_running();
        process_copy_release(&copy);
        // The number of checks depends on timing, since the wait for threads checks, too.
        if (steps > 20)
            steps += steps / 4;
    }
    expect_running();
}

EACH_METHOD(a_child_of_ours_that_is_killed_can_still_be_waited_for)
{
    int status = 0;

    child_start(start_three_threads);
    capture_well();
    (void)kill(child_pid(), SIGKILL);
    cr_expect_eq(waitpid(child_pid(), &status, 0), child_pid());
    cr_expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    child_forget();
}

static void expect_refusal(int pid, ErrorCode code, const char *message)
{
    cr_expect_not(live_process_copy(pid, &options, &copy, &error));
    cr_expect_eq(error.code, code);
    cr_expect_not_null(strstr(error.message, message), "the message is: %s", error.message);
    cr_expect_null(copy.ranges);
    cr_expect_null(copy.staging);
}

EACH_METHOD(pids_without_a_process_are_refused)
{
    expect_refusal(0, ERROR_SYSTEM, "no such process");
    expect_refusal(-5, ERROR_SYSTEM, "no such process");
    expect_refusal(INT32_MAX, ERROR_SYSTEM, "no such process");
    expect_refusal(getpid(), ERROR_SYSTEM, "this program itself");
}

EACH_METHOD(a_zombie_is_refused)
{
    child_start(do_nothing);
    (void)kill(child_pid(), SIGKILL);
    (void)waitid(P_PID, (id_t)child_pid(), &(siginfo_t){0}, WEXITED | WNOWAIT);
    expect_refusal(child_pid(), ERROR_SYSTEM, "has ended already");
}

EACH_METHOD(a_process_that_is_traced_already_is_refused_with_its_tracer)
{
    char tracer[32];

    child_start(do_nothing);
    cr_assert_eq(ptrace(PTRACE_SEIZE, child_pid(), NULL, NULL), 0);
    (void)snprintf(tracer, sizeof tracer, "process %d traces it already", getpid());
    expect_refusal(child_pid(), ERROR_SYSTEM, tracer);
}

// Executes another program again and again, and rests after every sixteenth: a capture on a machine
// that executes faster than it captures meets both.
#define BECOME_AGAIN                                                                               \
    "i=$(($1 + 1)); [ $((i % 16)) -ne 0 ] || sleep 0.05; exec sh -c \"$0\" \"$0\" $i"

static void become_again(void)
{
    child_announce();
    (void)execl("/bin/sh", "sh", "-c", BECOME_AGAIN, BECOME_AGAIN, "0", NULL);
}

EACH_METHOD(a_process_that_starts_other_programs_is_copied_or_refused_and_lives_on)
{
    int copied = 0;

    child_start(become_again);
    for (int i = 0; i < 60; i++) {
        if (live_process_copy(child_pid(), &options, &copy, &error))
            copied++;
        else
            cr_assert(error.code == ERROR_SYSTEM, "%s", error.message);
        process_copy_release(&copy);
    }
    cr_expect_eq(waitpid(child_pid(), NULL, WNOHANG), 0, "it has ended");
    cr_expect_eq(child_status_number("TracerPid"), 0);
    cr_expect_gt(copied, 0);
}

static void *wait_for_vfork_child(void *context)
{
    pid_t child = vfork();

    (void)context;
    if (child == 0) {
        const struct timespec long_time = {.tv_sec = 4};

        (void)nanosleep(&long_time, NULL);
        _exit(0);
    }
    return NULL;
}

static void start_vfork(void)
{
    const struct timespec moment = {.tv_nsec = 100000000};
    pthread_t thread;

    (void)pthread_create(&thread, NULL, wait_for_vfork_child, NULL);
    (void)nanosleep(&moment, NULL);
}

EACH_METHOD(a_thread_in_uninterruptible_sleep_ends_the_wait_with_a_reason)
{
    child_start(start_vfork);
    expect_refusal(child_pid(), ERROR_SYSTEM, "does not stop: it is in uninterruptible sleep");
    expect_running();
}
