// live_process_copy() under hard conditions: older kernels, containers, too little memory, and a
// target that creates processes all the time.
//
// A seccomp filter in a child that does the capture makes system calls fail as such a kernel would.
// (In a child, since the leak check at the end of a sanitized program needs the refused calls.)

#include "snapshot/capture/live/live_process.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "snapshot/capture/guard/thread_registers.h"
#include "tests/support/captured_child.h"
#include "tests/support/dose.h"

#define PAGE 4096u
#define PAGEMAP_SCAN_REQUEST 0xc0606610u
#define ADVICE_POPULATE_WRITE 23u

static ProcessCopy copy;
static Error error;
static uint8_t *spots;

static void begin(void)
{
    if (!thread_registers_are_supported())
        cr_skip_test("capturing processes needs x86-64");
    memset(&error, 0, sizeof error);
    spots = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    (void)madvise(spots, 16 * PAGE, MADV_NOHUGEPAGE);
}

static void end(void)
{
    process_copy_release(&copy);
    child_end();
}

TestSuite(capture_hardship, .init = begin, .fini = end, .timeout = 60);

// System call `number` fails with `failure` if its argument with index `argument` is `value`, or
// always if the index is negative.
typedef struct Refusal {
    long number;
    int argument;
    uint32_t value;
    int failure;
} Refusal;

static bool refuse_call(Refusal refusal)
{
    bool is_any = refusal.argument < 0;
    size_t looked_at = is_any ? offsetof(struct seccomp_data, nr)
                              : offsetof(struct seccomp_data, args) + 8 * (size_t)refusal.argument;
    uint32_t value = is_any ? (uint32_t)refusal.number : refusal.value;
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refusal.number, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)looked_at),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)refusal.failure),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// The result of a capture in a sandbox.
typedef struct Outcome {
    bool is_refused; // the filter is in place
    bool is_copied;
    bool is_right; // check() returned true
    bool is_over;
    Error error;
} Outcome;

static bool need_not_check(void)
{
    return true;
}

// Captures the child from a sandbox that refuses the calls; the list ends with a zeroed one.
static Outcome capture_where(const Refusal *refusals, bool (*check)(void))
{
    Outcome *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    Outcome outcome;
    pid_t sandbox;

    cr_assert_neq(shared, MAP_FAILED);
    sandbox = fork();
    cr_assert_geq(sandbox, 0);
    if (sandbox == 0) {
        shared->is_refused = true;
        for (; refusals->failure != 0; refusals++)
            shared->is_refused &= refuse_call(*refusals);
        shared->is_copied = live_process_copy(child_pid(), NULL, &copy, &shared->error);
        shared->is_right = check();
        process_copy_release(&copy);
        shared->is_over = true;
        _exit(0);
    }
    cr_assert_eq(waitpid(sandbox, NULL, 0), sandbox);
    outcome = *shared;
    (void)munmap(shared, sizeof *shared);
    cr_expect(child_is_running());
    cr_assert(outcome.is_over, "the capture has crashed");
    if (!outcome.is_refused)
        cr_skip_test("this kernel has no seccomp filters");
    return outcome;
}

static void do_nothing(void)
{
}

static void write_every_other_page(void)
{
    for (uint64_t i = 0; i < 16; i += 2)
        spots[i * PAGE] = (uint8_t)(0x80 + i);
}

static bool every_other_page_is_there(void)
{
    for (uint64_t i = 0; i < 16; i++) {
        const uint8_t *bytes =
            process_copy_bytes(&copy, (uint64_t)(uintptr_t)spots + i * PAGE, PAGE);

        if ((bytes != NULL) != (i % 2 == 0) || (bytes != NULL && bytes[0] != 0x80 + i))
            return false;
    }
    return true;
}

static void expect_every_other_page(const Refusal *refusals)
{
    Outcome outcome;

    child_start(write_every_other_page);
    outcome = capture_where(refusals, every_other_page_is_there);
    cr_expect(outcome.is_copied, "%s: %s", outcome.error.message, outcome.error.hint);
    cr_expect(outcome.is_right, "not the right pages are in the copy");
}

Test(capture_hardship, pages_are_found_without_pagemap_scan)
{
    const Refusal refusals[] = {{SYS_ioctl, 1, PAGEMAP_SCAN_REQUEST, ENOTTY}, {0}};

    if (test_is_sanitized())
        cr_skip_test("a sanitized child has terabytes to look through");
    expect_every_other_page(refusals);
}

Test(capture_hardship, memory_is_supplied_without_populate)
{
    const Refusal refusals[] = {{SYS_madvise, 2, ADVICE_POPULATE_WRITE, EINVAL}, {0}};

    expect_every_other_page(refusals);
}

#if defined(__x86_64__)

#define REGISTER_XMM3 (0x1000u + (160 + 3 * 16) / 8) // docs/format.md
#define XSTATE_NOTE 0x202u                           // NT_X86_XSTATE

static void hold_xmm3(void)
{
    child_announce();
    __asm__ volatile("movq %0, %%xmm3\n\t"
                     "1: lock incq (%1)\n\t"
                     "pause\n\t"
                     "jmp 1b"
                     :
                     : "r"(UINT64_C(0xfedcba98)), "r"(&child_meeting->beats)
                     : "xmm3", "memory");
}

static bool xmm3_is_there(void)
{
    for (uint32_t i = 0; i < copy.threads[0].register_count; i++)
        if (copy.threads[0].registers[i].number == REGISTER_XMM3)
            return copy.threads[0].registers[i].value == 0xfedcba98;
    return false;
}

Test(capture_hardship, vector_registers_are_read_on_a_processor_without_xsave)
{
    const Refusal refusals[] = {{SYS_ptrace, 2, XSTATE_NOTE, ENODEV}, {0}};
    Outcome outcome;

    child_start(hold_xmm3);
    outcome = capture_where(refusals, xmm3_is_there);
    cr_expect(outcome.is_copied, "%s: %s", outcome.error.message, outcome.error.hint);
    cr_expect(outcome.is_right, "the register is not in the copy");
}

#endif

Test(capture_hardship, a_forbidden_ptrace_is_explained)
{
    const Refusal refusals[] = {{SYS_ptrace, -1, 0, EPERM}, {0}};
    Outcome outcome;

    child_start(do_nothing);
    outcome = capture_where(refusals, need_not_check);
    cr_expect_not(outcome.is_copied);
    cr_expect_eq(outcome.error.code, ERROR_SYSTEM);
    cr_expect_not_null(strstr(outcome.error.message, "operation not permitted"), "%s",
                       outcome.error.message);
    cr_expect_gt(strlen(outcome.error.hint), 0);
}

Test(capture_hardship, forbidden_reading_of_memory_is_noticed_before_the_target_is_stopped)
{
    const Refusal refusals[] = {
        {SYS_process_vm_readv, -1, 0, ENOSYS}, {SYS_ptrace, -1, 0, EIO}, {0}};
    Outcome outcome;

    child_start(do_nothing);
    outcome = capture_where(refusals, need_not_check);
    cr_expect_not(outcome.is_copied);
    cr_expect_eq(outcome.error.code, ERROR_SYSTEM);
    cr_expect_not_null(strstr(outcome.error.message, "does not allow tracing"), "%s",
                       outcome.error.message);
}

// Makes each system call of the capture fail in turn; the target runs on each time.
Test(capture_hardship, failures_in_the_middle_let_the_target_go)
{
    const Refusal refusals[][3] = {
        {{SYS_ioctl, 1, PAGEMAP_SCAN_REQUEST, EIO}},
        {{SYS_ptrace, 0, 0x4204, EIO}}, // GETREGSET
        {{SYS_ptrace, 0, 0x4207, EIO}}, // INTERRUPT
        {{SYS_waitid, 0, 1, EINVAL}},
        {{SYS_madvise, 2, ADVICE_POPULATE_WRITE, ENOMEM}},
        {{SYS_getdents64, -1, 0, EIO}},
        {{SYS_clone3, -1, 0, EAGAIN}, {SYS_clone, -1, 0, EAGAIN}},
    };

    child_start(do_nothing);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        Outcome outcome = capture_where(refusals[i], need_not_check);

        cr_expect_not(outcome.is_copied, "call %d", (int)i);
        cr_expect(outcome.error.code == ERROR_SYSTEM || outcome.error.code == ERROR_MEMORY,
                  "call %d: %s", (int)i, outcome.error.message);
    }
}

static void fill_memory(void)
{
    uint8_t *memory =
        mmap(NULL, UINT64_C(96) << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    memset(memory, 1, UINT64_C(96) << 20);
}

Test(capture_hardship, too_little_memory_is_an_error_before_the_target_is_stopped)
{
    char sizes[64] = "";
    struct rlimit limit;
    FILE *file;

    if (test_is_sanitized())
        cr_skip_test("sanitizers need the address space");
    child_start(fill_memory);
    cr_assert_eq(getrlimit(RLIMIT_AS, &limit), 0);
    // The memory in use, and half of the memory that the copy needs.
    file = fopen("/proc/self/statm", "r");
    cr_assert(file != NULL && fgets(sizes, sizeof sizes, file) != NULL);
    (void)fclose(file);
    limit.rlim_cur = strtoull(sizes, NULL, 10) * PAGE + (UINT64_C(48) << 20);
    cr_assert_eq(setrlimit(RLIMIT_AS, &limit), 0);
    cr_expect_not(live_process_copy(child_pid(), NULL, &copy, &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    cr_expect_not_null(strstr(error.message, "a copy of the process"), "%s", error.message);
    cr_expect_null(copy.staging);
    cr_expect(child_is_running());
}

// Children without an exit signal: the kernel reports such a child to the tracer like a thread.
static void clone_for_ever(void)
{
    child_announce();
    for (;;) {
        long process = syscall(SYS_clone, 0, NULL, NULL, NULL, NULL);

        if (process == 0)
            _exit(0);
        if (process < 0 || waitpid((pid_t)process, NULL, __WALL) != process)
            _exit(1);
        __atomic_fetch_add(&child_meeting->beats, 1, __ATOMIC_RELAXED);
    }
}

static void spawn_for_ever(void)
{
    char name[] = "true";
    char *arguments[] = {name, NULL};

    child_announce();
    for (;;) {
        pid_t process;

        if (posix_spawn(&process, "/bin/true", NULL, NULL, arguments, NULL) != 0 ||
            waitpid(process, NULL, 0) != process)
            _exit(1);
        __atomic_fetch_add(&child_meeting->beats, 1, __ATOMIC_RELAXED);
    }
}

static void capture_again_and_again(uint64_t times)
{
    for (uint64_t i = 0; i < times; i++) {
        cr_assert(live_process_copy(child_pid(), NULL, &copy, &error), "%s", error.message);
        cr_expect_eq(copy.thread_count, 1);
        process_copy_release(&copy);
        cr_assert(child_is_running());
    }
}

Test(capture_hardship, processes_that_the_target_clones_are_detached)
{
    child_start(clone_for_ever);
    capture_again_and_again(test_dose(32));
}

Test(capture_hardship, programs_that_the_target_spawns_are_left_alone)
{
    child_start(spawn_for_ever);
    capture_again_and_again(test_dose(16));
}
