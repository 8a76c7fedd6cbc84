// Copying a live process by pid: the choice between the methods pre-copy (precopy.c), fork
// (fork_copy.c) and stop, which is here.
//
// The guard process stops the threads (capture_guard.h), this process reads the memory. So the
// process runs on when we are killed, and when the guard is killed.

#include "snapshot/capture/live/live_process.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/copy/staging_area.h"
#include "snapshot/capture/guard/capture_guard.h"
#include "snapshot/capture/live/capture_turn_internal.h"
#include "snapshot/capture/live/live_process_internal.h"
#include "snapshot/heap/snapshot_machine.h"

// The staging memory is larger than what the process held before the stop, by a share and these
// bytes, since it may grow until then.
#define HEADROOM_SHARE 8
#define HEADROOM_BYTES (UINT64_C(8) << 20)

typedef struct CaptureJob {
    int pid;
    const Cancel *cancel;
    const ProcessCopyOptions *options;
    int task;             // a task of the process that has its memory
    CaptureMethod method; // not CAPTURE_AUTO
    PageSelection selection;
    StagingArea staging;
    uint64_t used_bytes; // of the staging memory
    ProcessCopy *out;
    Error *error;
} CaptureJob;

static bool is_automatic(const CaptureJob *job)
{
    return job->options->method == CAPTURE_AUTO;
}

static bool select_all(CaptureJob *job, int tid)
{
    PageSource source;

    return page_source_read(&source, job->pid, tid, job->out, job->error) &&
           page_selection_fill(&job->selection, &source, job->cancel, job->error);
}

// ---- while the process is stopped ----

static bool copy_memory(CaptureJob *job, int tid)
{
    ProcessCopy *out = job->out;

    if (!select_all(job, tid) ||
        !staging_area_copy(&job->staging, &job->selection, job->pid, tid, job->cancel,
                           &out->unreadable_bytes, job->error))
        return false;
    job->used_bytes = job->staging.packed == NULL ? job->selection.bytes : 0;
    out->copied_bytes = job->selection.bytes - out->unreadable_bytes;
    return true;
}

static bool copy_while_stopped(CaptureJob *job, CaptureGuard *guard)
{
    GuardTimes times = {0};
    GuardReply hold;
    Error resume_error;
    bool is_ok, is_resumed;

    if (!capture_guard_stop(guard, job->options->max_pause_ns, false, &hold, job->error)) {
        capture_guard_note_stop(&job->out->certificate, "copy", &hold.times, hold.thread_count, 0);
        return false;
    }
    capture_guard_note_sharing(&job->out->certificate, &hold.sharing);
    is_ok = copy_memory(job, hold.tid);
    is_resumed = capture_guard_resume(guard, job->out, &times, &resume_error);
    // If the guard had resumed the target by itself, that is why copying failed.
    if (!is_resumed && (is_ok || resume_error.code == ERROR_LIMIT))
        *job->error = resume_error;
    capture_guard_note_stop(&job->out->certificate, "copy", &times, job->out->thread_count,
                            job->selection.bytes / PAGE_BYTES);
    job->out->captured_at_ns = (int64_t)times.captured_at_ns;
    return is_ok && is_resumed;
}

static bool copy_fork(CaptureJob *job, CaptureGuard *guard)
{
    ForkCopy fork = {.pid = job->pid,
                     .tid = job->task,
                     .options = job->options,
                     .selection = &job->selection,
                     .staging = &job->staging,
                     .out = job->out};
    char reason[sizeof job->error->message];

    if (fork_copy_run(&fork, guard, job->error)) {
        job->used_bytes = fork.used_bytes;
        job->out->method = "fork";
        return true;
    }
    if (job->error->code != ERROR_UNSUPPORTED || !is_automatic(job))
        return false;
    (void)snprintf(reason, sizeof reason, "%s", job->error->message);
    process_copy_drop_threads(job->out);
    if (!copy_while_stopped(job, guard))
        return false;
    (void)snprintf(job->out->certificate.method_note, sizeof job->out->certificate.method_note,
                   "it was stopped, not forked: %.160s", reason);
    return true;
}

static bool copy_by_method(CaptureJob *job, CaptureGuard *guard)
{
    return job->method == CAPTURE_FORK ? copy_fork(job, guard) : copy_while_stopped(job, guard);
}

// ---- before and after ----

// The methods fork and stop: the kernel, or we, copy everything in one stop.
static bool copy_at_once(CaptureJob *job)
{
    ProcessCopy *out = job->out;
    CaptureGuard guard;
    uint64_t bytes;
    bool is_ok;

    out->method = "stop";
    if (!select_all(job, job->task) ||
        !capture_method_choose(job->options, job->pid, job->task, job->selection.bytes,
                               &job->method, job->error))
        return false;
    bytes = job->selection.bytes + job->selection.bytes / HEADROOM_SHARE + HEADROOM_BYTES;
    // The guard is forked while this process is small, and has one thread.
    is_ok = capture_guard_start(&guard, job->pid, job->cancel, job->error) &&
            staging_area_prepare(&job->staging, bytes, job->options, job->error) &&
            copy_by_method(job, &guard);
    capture_guard_end(&guard);
    if (!is_ok)
        return false;
    staging_area_give(&job->staging, job->used_bytes, &job->selection, out);
    return true;
}

static bool copy(CaptureJob *job)
{
    PauseCertificate *certificate = &job->out->certificate;
    CaptureMethod method = job->options->method;
    bool is_ok = false;

    if (method == CAPTURE_AUTO || method == CAPTURE_PRECOPY)
        is_ok = precopy_run(job->pid, job->task, job->options, job->out, job->error);
    if (!is_ok && method == CAPTURE_AUTO && job->error->code == ERROR_UNSUPPORTED) {
        (void)snprintf(certificate->method_note, sizeof certificate->method_note,
                       "it was not copied while it ran: %.160s", job->error->message);
        process_copy_drop_threads(job->out);
        is_ok = copy_at_once(job);
    } else if (method != CAPTURE_AUTO && method != CAPTURE_PRECOPY) {
        is_ok = copy_at_once(job);
    }
    // The user has asked for this method, and it cannot be used here.
    if (!is_ok && job->error->code == ERROR_UNSUPPORTED && !is_automatic(job)) {
        job->error->code = ERROR_SYSTEM;
        (void)error_add_hint(job->error, "`--method auto` finds another way");
    }
    return is_ok;
}

bool live_process_copy(int pid, const ProcessCopyOptions *options, ProcessCopy *out, Error *error)
{
    static const ProcessCopyOptions defaults;
    CaptureJob job = {.pid = pid, .out = out, .error = error};
    CaptureTurn turn = {.lock = -1};
    sigset_t waiting, before;
    bool is_ok;

    job.options = options == NULL ? &defaults : options;
    job.cancel = &job.options->cancel;
    memset(out, 0, sizeof *out);
    out->pid = pid;
    out->machine = snapshot_machine_of_build();
    if (!capture_turn_take(&turn, pid, CAPTURE_TURN_PATIENCE_NS, job.cancel, error) ||
        !live_process_check(pid, error)) {
        capture_turn_give(&turn);
        return false;
    }
    job.task = proc_live_task(pid);
    proc_executable_name(pid, job.task, out->executable, sizeof out->executable);
    // Job control must not stop this program meanwhile: the guard would resume the target.
    (void)sigemptyset(&waiting);
    (void)sigaddset(&waiting, SIGTSTP);
    (void)sigaddset(&waiting, SIGTTIN);
    (void)sigaddset(&waiting, SIGTTOU);
    (void)sigprocmask(SIG_BLOCK, &waiting, &before);
    is_ok = copy(&job);
    capture_turn_give(&turn);
    if (is_ok)
        resident_memory_count_written(&out->resident, pid, job.task, out->mappings,
                                      out->mapping_count);
    (void)sigprocmask(SIG_SETMASK, &before, NULL);
    out->pause_ns = pause_certificate_worst_ns(&out->certificate);
    if (is_ok || error->code == ERROR_LIMIT)
        is_ok = capture_method_check_pause(job.options, out, error) && is_ok;
    staging_area_release(&job.staging);
    page_selection_release(&job.selection);
    if (!is_ok)
        process_copy_release(out);
    return is_ok;
}
