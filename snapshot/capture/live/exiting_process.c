// Copying a process that an ExitWatch holds at its end: see exiting_process.h. This process is its
// tracer. A guard stops other processes that share its memory; else nothing changes meanwhile.

#include "snapshot/capture/live/exiting_process.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/copy/staging_area.h"
#include "snapshot/capture/guard/capture_guard.h"
#include "snapshot/capture/guard/thread_registers.h"
#include "snapshot/heap/snapshot_machine.h"

static int compare_tids(const void *left, const void *right)
{
    return *(const int *)left - *(const int *)right;
}

// The main thread comes first, the others ascend.
static bool collect_threads(ProcessCopy *out, int *tids, uint32_t count, Error *error)
{
    qsort(tids, count, sizeof *tids, compare_tids);
    out->threads = calloc(count, sizeof *out->threads);
    if (out->threads == NULL)
        return error_set_memory(error, count * sizeof *out->threads, "threads");
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < count; i++) {
            ProcessThread *thread = &out->threads[out->thread_count];
            GeneralRegisters general;

            if ((tids[i] == out->pid) != (pass == 0))
                continue;
            thread->tid = (uint32_t)tids[i];
            proc_task_name(out->pid, tids[i], thread->name, sizeof thread->name);
            if (!thread_registers_read_general(tids[i], &general) ||
                !thread_registers_collect(tids[i], &general, thread))
                return capture_refusal_explain(out->pid, errno, error);
            out->thread_count++;
        }
    return true;
}

static bool copy_memory(ProcessCopy *out, int tid, const ProcessCopyOptions *options, Error *error)
{
    PageSource source;
    PageSelection selection = {0};
    StagingArea staging = {0};
    bool is_ok;

    is_ok = page_source_read(&source, out->pid, tid, out, error) &&
            page_selection_fill(&selection, &source, &options->cancel, error) &&
            staging_area_prepare(&staging, selection.bytes, options, error) &&
            staging_area_copy(&staging, &selection, out->pid, tid, &options->cancel,
                              &out->unreadable_bytes, error);
    out->copied_bytes = selection.bytes - out->unreadable_bytes;
    staging_area_give(&staging, staging.packed == NULL ? selection.bytes : 0, &selection, out);
    return is_ok;
}

// Appends the threads of `more`, which loses them.
static bool append_threads(ProcessCopy *out, ProcessCopy *more, Error *error)
{
    size_t count = (size_t)out->thread_count + more->thread_count + 1;
    ProcessThread *all = realloc(out->threads, count * sizeof *all);

    if (all == NULL)
        return error_set_memory(error, count * sizeof *all, "threads");
    out->threads = all;
    if (more->thread_count > 0)
        memcpy(all + out->thread_count, more->threads, more->thread_count * sizeof *all);
    out->thread_count += more->thread_count;
    more->thread_count = 0;
    return true;
}

// Copies the memory while the processes that share it stand still, too.
static bool copy_at_rest(ProcessCopy *out, int tid, const ProcessCopyOptions *options, Error *error)
{
    ProcessCopy sharers = {.pid = out->pid};
    GuardTimes times = {0};
    CaptureGuard guard;
    GuardReply hold;
    Error resume_error;
    bool is_ok;

    if (capture_guard_start(&guard, out->pid, &options->cancel, error) &&
        capture_guard_stop_sharers(&guard, &hold, error)) {
        capture_guard_note_sharing(&out->certificate, &hold.sharing);
        is_ok = copy_memory(out, tid, options, error);
        if (!capture_guard_resume(&guard, &sharers, &times, &resume_error) && is_ok) {
            *error = resume_error;
            is_ok = false;
        }
        is_ok = is_ok && append_threads(out, &sharers, error);
    } else {
        is_ok = false;
    }
    capture_guard_end(&guard);
    process_copy_drop_threads(&sharers);
    return is_ok;
}

bool exiting_process_copy(const ExitWatch *watch, const ProcessCopyOptions *options,
                          ProcessCopy *out, Error *error)
{
    uint64_t began_ns = clock_monotonic_ns();
    uint32_t count;
    const int *held = exit_watch_threads(watch, &count);
    int *tids = malloc((count + 1) * sizeof *tids);
    bool is_ok;

    memset(out, 0, sizeof *out);
    if (tids == NULL)
        return error_set_memory(error, count * sizeof *tids, "threads");
    memcpy(tids, held, count * sizeof *tids);
    out->pid = exit_watch_pid(watch);
    out->machine = snapshot_machine_of_build();
    out->method = "exit";
    out->captured_at_ns = (int64_t)clock_realtime_ns();
    proc_executable_name(out->pid, tids[0], out->executable, sizeof out->executable);
    is_ok = collect_threads(out, tids, count, error) && copy_at_rest(out, tids[0], options, error);
    if (is_ok)
        resident_memory_count_written(&out->resident, out->pid, tids[0], out->mappings,
                                      out->mapping_count);
    out->pause_ns = clock_monotonic_ns() - began_ns;
    free(tids);
    if (!is_ok)
        process_copy_release(out);
    return is_ok;
}
