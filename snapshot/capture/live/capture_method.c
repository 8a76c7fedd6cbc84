// Which way of copying a process stops it for the shortest time: see live_process_internal.h.
//
// Forking costs what copying the page tables costs, so they are what is measured: 64 pages of
// tables stand for 128 MiB of small pages, and for much more of huge ones. Copying costs bytes.
// Both figures are from an unloaded machine of 2026 and rounded up; they only have to be right
// about which method is cheaper, and whether one is out of the question.

#include "snapshot/capture/live/live_process_internal.h"

#include "snapshot/capture/copy/proc_files.h"

// A page of page tables (4 KiB, 512 entries) in a fork: 23 ms/GiB.
#define FORK_TABLE_NS UINT64_C(45000)
#define FORK_BASE_NS UINT64_C(500000)
// 4 GiB/s.
#define STOP_BYTES_PER_NS 4
#define STOP_BASE_NS UINT64_C(200000)
// A fork cannot be broken off, so it is not begun when it would take so many times too long; nor
// is copying, unless it is insisted on.
#define MAX_OVERSHOOT 2

const char *capture_method_name(CaptureMethod method)
{
    switch (method) {
    case CAPTURE_AUTO:
        return "auto";
    case CAPTURE_PRECOPY:
        return "precopy";
    case CAPTURE_FORK:
        return "fork";
    case CAPTURE_STOP:
        return "stop";
    }
    return "unknown";
}

uint64_t capture_method_estimate_ns(CaptureMethod method, int pid, int tid, uint64_t bytes)
{
    long table_kib;

    if (method == CAPTURE_STOP)
        return STOP_BASE_NS + bytes / STOP_BYTES_PER_NS;
    table_kib = proc_status_number(pid, tid, "VmPTE", -1);
    if (table_kib < 0) // a page of tables for 2 MiB
        table_kib = (long)(bytes >> 21) * 4;
    return FORK_BASE_NS + (uint64_t)table_kib / 4 * FORK_TABLE_NS;
}

static double in_ms(uint64_t ns)
{
    return (double)ns / 1e6;
}

bool capture_method_choose(const ProcessCopyOptions *options, int pid, int tid, uint64_t bytes,
                           CaptureMethod *out, Error *error)
{
    uint64_t fork_ns = capture_method_estimate_ns(CAPTURE_FORK, pid, tid, bytes);
    uint64_t stop_ns = capture_method_estimate_ns(CAPTURE_STOP, pid, tid, bytes);
    uint64_t limit_ns = options->max_pause_ns, chosen_ns;

    *out = options->method;
    if (*out == CAPTURE_AUTO)
        *out = fork_ns < stop_ns ? CAPTURE_FORK : CAPTURE_STOP;
    chosen_ns = *out == CAPTURE_FORK ? fork_ns : stop_ns;
    if (limit_ns == 0 || chosen_ns / MAX_OVERSHOOT <= limit_ns || options->method == CAPTURE_STOP)
        return true;
    error_set(error, ERROR_LIMIT,
              "process %d would stand still for about %.1f ms, %.1f ms are allowed", pid,
              in_ms(chosen_ns), in_ms(limit_ns));
    return error_add_hint(error, "it was not stopped (method %s)", capture_method_name(*out));
}

bool capture_method_check_pause(const ProcessCopyOptions *options, const ProcessCopy *copy,
                                Error *error)
{
    uint64_t worst_ns = pause_certificate_worst_ns(&copy->certificate);

    if (options->max_pause_ns == 0 || worst_ns <= options->max_pause_ns)
        return true;
    error_set(error, ERROR_LIMIT,
              "process %d stood still for %.3f ms, %.3f ms more than the %.3f ms that are allowed",
              copy->pid, in_ms(worst_ns), in_ms(worst_ns - options->max_pause_ns),
              in_ms(options->max_pause_ns));
    return error_add_hint(error, "it runs again, and there is no snapshot");
}
