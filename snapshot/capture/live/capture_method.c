// Which method stops a process for the shortest time: see live_process_internal.h.
//
// A fork copies the page tables, so its pause is estimated from their size: 64 pages of tables map
// 128 MiB of small pages, and much more of huge ones. The pause of the method stop is estimated
// from the number of bytes. Both rates were measured on an unloaded machine of 2026 and rounded up;
// they only have to tell which method is cheaper, and whether one would take far too long.

#include "snapshot/capture/live/live_process_internal.h"

#include "snapshot/capture/copy/proc_files.h"

// A page of page tables (4 KiB, 512 entries) in a fork: 23 ms/GiB.
#define FORK_TABLE_NS UINT64_C(45000)
#define FORK_BASE_NS UINT64_C(500000)
// 4 GiB/s.
#define STOP_BYTES_PER_NS 4
#define STOP_BASE_NS UINT64_C(200000)
// A method is refused when its estimate exceeds the allowed pause this many times: a fork cannot be
// broken off. (The method stop can, so it is tried when the user asks for it.)
#define MAX_OVERSHOOT 2

uint64_t capture_method_estimate_ns(CaptureMethod method, int pid, int tid, uint64_t bytes)
{
    long table_kib;

    if (method == CAPTURE_STOP)
        return STOP_BASE_NS + bytes / STOP_BYTES_PER_NS;
    table_kib = proc_status_number(pid, tid, "VmPTE", -1);
    if (table_kib < 0) // unknown: one page of tables maps 2 MiB
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
    return error_add_hint(error, "it was not stopped (method %s)",
                          *out == CAPTURE_FORK ? "fork" : "stop");
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
    return error_add_hint(error, "it runs again; no snapshot was written");
}
