// The method fork: a stopped thread of the process forks, the process runs on, and the child, which
// holds the memory of that moment and never runs, is copied and removed. Memory that does not fork
// is copied during the stop (unforked_memory.c).

#include "snapshot/capture/live/live_process_internal.h"

#include <stdio.h>

#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/live/unforked_memory_internal.h"

// ---- while the process is stopped ----

static bool fork_while_stopped(ForkCopy *job, CaptureGuard *guard, UnforkedMemory *unforked,
                               int *child, Error *error)
{
    uint64_t limit_ns = job->options->max_pause_ns;
    uint64_t unreadable_bytes = 0;
    ProcessCopy *out = job->out;
    GuardTimes times = {0};
    Error resume_error;
    bool is_ok, is_resumed;
    GuardReply hold;

    if (!capture_guard_stop(guard, limit_ns, true, &hold, error)) {
        capture_guard_note_stop(&out->certificate, "fork", &hold.times, hold.thread_count, 0);
        return false;
    }
    capture_guard_note_sharing(&out->certificate, &hold.sharing);
    is_ok = unforked_memory_copy(unforked, job->pid, hold.tid, &job->options->cancel,
                                 &unreadable_bytes, error) &&
            capture_guard_fork(guard, child, error);
    is_resumed = capture_guard_resume(guard, out, &times, &resume_error);
    capture_guard_note_stop(&out->certificate, "fork", &times, hold.thread_count,
                            unforked->selection.bytes / PAGE_BYTES);
    out->captured_at_ns = (int64_t)times.captured_at_ns;
    out->unreadable_bytes = unreadable_bytes;
    // The child holds the memory of the stop even if the guard has resumed the target by itself
    // since.
    if (is_ok && !is_resumed && resume_error.code != ERROR_LIMIT) {
        *error = resume_error;
        return false;
    }
    return is_ok;
}

// ---- while the process runs again ----

static bool copy_child(ForkCopy *job, int child, const UnforkedMemory *unforked, Error *error)
{
    const Cancel *cancel = &job->options->cancel;
    PageSource source;
    uint64_t unreadable_bytes = 0;
    ProcessCopy *out = job->out;

    if (!page_source_read(&source, child, child, out, error) ||
        !page_selection_fill_private(job->selection, &source, cancel, error))
        return false;
    // In plain memory, the pages that were not forked go behind all others.
    job->used_bytes = job->staging->packed == NULL ? job->selection->bytes : 0;
    if (!staging_memory_extend(&job->staging->memory, job->used_bytes + unforked->selection.bytes,
                               error) ||
        !staging_area_copy(job->staging, job->selection, job->pid, child, cancel, &unreadable_bytes,
                           error) ||
        !unforked_memory_add(unforked, out, job->selection,
                             job->staging->memory.base + job->used_bytes, error))
        return false;
    job->used_bytes += unforked->selection.bytes;
    out->unreadable_bytes += unreadable_bytes;
    out->copied_bytes = job->selection->bytes - out->unreadable_bytes;
    return true;
}

// Replaces an error about the child, whose pid means nothing to the user, if the child was killed.
static void explain_loss(int pid, int child, Error *error)
{
    char state = proc_task_state(child, child);

    if (error->code == ERROR_SYSTEM && state != 't' && state != 'T')
        error_set(error, ERROR_SYSTEM, "the copy of process %d was killed before it was read", pid);
}

bool fork_copy_run(ForkCopy *job, CaptureGuard *guard, Error *error)
{
    PauseCertificate *certificate = &job->out->certificate;
    UnforkedMemory unforked;
    GuardTimes times = {0};
    Error reap_error;
    bool is_ok, is_reaped;
    int child = 0;

    is_ok = unforked_memory_find(&unforked, job->pid, job->tid, error) &&
            fork_while_stopped(job, guard, &unforked, &child, error);
    if (child == 0)
        goto done;
    if (is_ok && !copy_child(job, child, &unforked, error)) {
        explain_loss(job->pid, child, error);
        is_ok = false;
    }
    is_reaped = capture_guard_end_fork(guard, &times, &reap_error);
    capture_guard_note_stop(certificate, "reap", &times, 1, 0);
    if (!is_reaped)
        (void)snprintf(certificate->method_note, sizeof certificate->method_note, "%.199s",
                       reap_error.message);
    if (is_ok)
        job->out->unreadable_bytes += unforked_memory_missed_bytes(&unforked, job->pid, job->tid);

done:
    unforked_memory_release(&unforked);
    return is_ok;
}
