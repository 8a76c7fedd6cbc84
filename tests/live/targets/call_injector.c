// Injects system calls into each thread of a process, one after the other, as a capture does.
//
//     call_injector PID ROUNDS
//
// Each round stops every thread once, alone, has it make getpid() and an unknown call, and resumes
// it; then it has the guard open a userfaultfd in the process. The last line is
//
//     calls N wrong W refused R userfaults U failed F median_us M first REASON
//
// `wrong` counts unexpected results, `refused` threads into which no call could be injected;
// `median_us` is how long the one thread stood still for a userfaultfd.

#include <errno.h>
#include <linux/userfaultfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snapshot/capture/guard/call_injection_internal.h"
#include "snapshot/capture/guard/capture_guard.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/guard/traced_threads_internal.h"
#include "tests/support/target.h"

#define NO_SUCH_CALL 4000
#define MAX_ROUNDS 100000

typedef struct Counts {
    unsigned long calls, wrong, refused, userfaults, failed;
    Error first;
} Counts;

static void note(Counts *counts, unsigned long *count, const Error *error)
{
    if (counts->first.code == ERROR_NONE)
        counts->first = *error;
    (*count)++;
}

static bool call(CallInjection *injection, long number, int64_t expected, Counts *counts,
                 Error *error)
{
    const uint64_t arguments[6] = {0};
    int64_t result;

    if (!call_injection_call(injection, number, arguments, &result, error))
        return false;
    counts->calls++;
    counts->wrong += result != expected;
    return true;
}

static void borrow_thread(int pid, int tid, uint64_t instruction, Counts *counts)
{
    TracedThreads threads;
    CallInjection injection;
    Error error, end_error;

    traced_threads_init(&threads, pid, NULL);
    if (!traced_threads_stop_one(&threads, tid, &error) ||
        !call_injection_begin(&injection, pid, tid, instruction, 0, &error)) {
        note(counts, &counts->refused, &error);
    } else {
        if (!call(&injection, SYS_getpid, pid, counts, &error) ||
            !call(&injection, NO_SUCH_CALL, -ENOSYS, counts, &error))
            note(counts, &counts->failed, &error);
        if (!call_injection_end(&injection, &end_error))
            note(counts, &counts->failed, &end_error);
    }
    traced_threads_resume(&threads);
    traced_threads_release(&threads);
}

static void borrow_all(int pid, uint64_t instruction, Counts *counts)
{
    uint32_t count = 0;
    int *tids = NULL;

    if (!proc_task_list(pid, &tids, &count))
        target_fail("the threads of the process");
    for (uint32_t i = 0; i < count; i++)
        borrow_thread(pid, tids[i], instruction, counts);
    free(tids);
}

static uint64_t open_userfault(int pid, Counts *counts)
{
    struct uffdio_api api = {.api = UFFD_API};
    CaptureGuard guard;
    GuardTimes times = {0};
    int descriptor = -1;
    Error error;

    if (!capture_guard_start(&guard, pid, NULL, &error) ||
        !capture_guard_open_userfault(&guard, 0, &descriptor, &times, &error))
        note(counts, &counts->refused, &error);
    else if (ioctl(descriptor, UFFDIO_API, &api) != 0)
        counts->wrong++;
    else
        counts->userfaults++;
    capture_guard_end(&guard);
    if (descriptor >= 0)
        (void)close(descriptor);
    return (uint64_t)(times.resumed_at_ns - times.interrupted_at_ns);
}

static int compare(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

int main(int argc, char **argv)
{
    static uint64_t stops[MAX_ROUNDS];
    Counts counts = {.first = {.code = ERROR_NONE}};
    ProcessMapping *mappings = NULL;
    uint64_t instruction = 0;
    uint32_t mapping_count = 0;
    sigset_t child_signal;
    long rounds;
    int pid;

    (void)sigemptyset(&child_signal);
    (void)sigaddset(&child_signal, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &child_signal, NULL);
    if (argc != 3) {
        fprintf(stderr, "usage: %s PID ROUNDS\n", argv[0]);
        return 2;
    }
    pid = (int)strtol(argv[1], NULL, 10);
    rounds = strtol(argv[2], NULL, 10);
    if (!proc_mappings_read(pid, pid, &mappings, &mapping_count) || rounds > MAX_ROUNDS)
        target_fail("the mappings of the process");
    if (!call_injection_find_instruction(pid, mappings, mapping_count, &instruction)) {
        printf("skipped: no system call instruction in the process\n");
        return 0;
    }
    for (long i = 0; i < rounds; i++) {
        borrow_all(pid, instruction, &counts);
        stops[i] = open_userfault(pid, &counts);
    }
    qsort(stops, (size_t)rounds, sizeof stops[0], compare);
    printf("calls %lu wrong %lu refused %lu userfaults %lu failed %lu median_us %llu first %s\n",
           counts.calls, counts.wrong, counts.refused, counts.userfaults, counts.failed,
           rounds == 0 ? 0ull : (unsigned long long)stops[rounds / 2] / 1000, counts.first.message);
    proc_mappings_free(mappings, mapping_count);
    return 0;
}
