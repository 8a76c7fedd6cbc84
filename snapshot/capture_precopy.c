// Copying a process while it runs: see capture_precopy_internal.h.
//
// The target opens a userfaultfd for us (guard_userfault_internal.h), through which its memory is
// write-protected and what it writes is found out (write_tracking_internal.h). Each round copies
// what was written since the last one. When little is left, or it does not get less, all
// threads are stopped by the guard, and what is left is copied. Whatever happens to us, the kernel
// takes the protection away when the userfaultfd is closed.

#include "snapshot/capture_precopy_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "snapshot/capture_guard_internal.h"
#include "snapshot/capture_method_internal.h"
#include "snapshot/capture_refusal_internal.h"
#include "snapshot/copy_check_internal.h"
#include "snapshot/page_sets_internal.h"
#include "snapshot/proc_files_internal.h"
#include "snapshot/staged_pages_internal.h"
#include "snapshot/write_tracking_internal.h"
#include "snapshot/write_tracking_support_internal.h"

#define MAX_ROUNDS 8
// One round may take long because others use the CPU; not two.
#define MAX_VAIN_ROUNDS 2
// So little is copied in less time than it takes to stop the threads.
#define FEW_BYTES (UINT64_C(2) << 20)
// Staging memory beyond what the process held when it was looked at first.
#define HEADROOM_SHARE 8
#define HEADROOM_BYTES (UINT64_C(8) << 20)

typedef struct Precopy {
    int pid;
    int tid;
    const ProcessCopyOptions *options;
    ProcessCopy *out;
    CaptureGuard guard;
    WriteTracking tracking;
    StagedPages staged;
    PageSelection written;   // what a round, or the stop, has to copy
    PageSelection unchanged; // at the stop
    PageSelection pieces;    // `written` with places
    PageSelection unread;    // what could not be read in some round
    PageSelection failed;    // in the last one
    PageSelection scratch;
    CopyCheck *check;
    Error *error;
} Precopy;

static int64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static bool read_mappings(Precopy *job, int tid, PageSource *source)
{
    ProcessCopy *out = job->out;

    proc_mappings_free(out->mappings, out->mapping_count);
    if (!proc_mappings_read(job->pid, tid, &out->mappings, &out->mapping_count))
        return capture_refusal_explain(job->pid, errno, job->error);
    *source = (PageSource){.pid = job->pid,
                           .tid = tid,
                           .mappings = out->mappings,
                           .mapping_count = out->mapping_count};
    return true;
}

// Adds pages to a set that is used again.
static bool unite(Precopy *job, PageSelection *set, const PageSelection *more)
{
    PageSelection before = *set;

    if (more->count == 0)
        return true;
    if (!page_set_unite(set, more, &job->scratch, job->error))
        return false;
    *set = job->scratch;
    job->scratch = before;
    return true;
}

// ---- before ----

static bool prepare_staging(Precopy *job)
{
    PageSelection *pages = &job->scratch;
    PageSource source;
    uint64_t bytes;

    if (!read_mappings(job, job->tid, &source) ||
        !page_selection_fill(pages, &source, &job->options->cancel, job->error))
        return false;
    bytes = pages->bytes + pages->bytes / HEADROOM_SHARE + HEADROOM_BYTES;
    job->check = calloc(1, sizeof *job->check);
    if (job->check == NULL)
        return error_set_memory(job->error, sizeof *job->check, "a check");
    return staging_memory_prepare(&job->staged.memory, bytes, job->pid, &job->options->cancel,
                                  job->error);
}

static bool begin_tracking(Precopy *job)
{
    GuardTimes times = {0};
    int userfault;

    bool is_open = capture_guard_open_userfault(&job->guard, &userfault, &times, job->error);

    if (times.interrupted_at_ns != 0)
        capture_guard_note_stop(&job->out->certificate, "open", &times, 1, 0);
    // It has only this one way of failing; others may go well, or tell more.
    if (!is_open && job->error->code == ERROR_SYSTEM)
        job->error->code = ERROR_UNSUPPORTED;
    return is_open && write_tracking_init(&job->tracking, job->pid, job->tid, userfault,
                                          &job->options->cancel, job->error);
}

// ---- while it runs ----

static bool copy_written(Precopy *job, int tid)
{
    return staged_pages_place(&job->staged, &job->written, &job->pieces, job->error) &&
           page_copying_pieces(&job->pieces, job->pid, tid, &job->staged.memory,
                               &job->options->cancel, &job->failed, job->error);
}

static bool run_round(Precopy *job)
{
    int64_t since = now_ns();
    PageSource source;

    if (!read_mappings(job, job->tid, &source) ||
        !write_tracking_protect(&job->tracking, &source, &job->written, job->error) ||
        !copy_written(job, job->tid) || !staged_pages_add(&job->staged, &job->pieces, job->error) ||
        !unite(job, &job->unread, &job->failed))
        return false;
    pause_certificate_add_round(&job->out->certificate, job->written.bytes / TARGET_PAGE_SIZE,
                                (uint64_t)(now_ns() - since));
    return true;
}

// Until little is left, or it does not get less.
static bool run_rounds(Precopy *job)
{
    uint64_t least = UINT64_MAX;
    int vain_rounds = 0;

    for (int round = 0; round < MAX_ROUNDS && vain_rounds < MAX_VAIN_ROUNDS; round++) {
        if (!run_round(job))
            return false;
        if (job->written.bytes <= FEW_BYTES)
            break;
        vain_rounds = job->written.bytes > least - least / 4 ? vain_rounds + 1 : 0;
        least = job->written.bytes < least ? job->written.bytes : least;
    }
    return true;
}

// What was written in the last round, and what is pinned, is about what is left to copy while it
// stands still: is that too much, where something else may be chosen?
static bool check_rest(const Precopy *job)
{
    uint64_t rest = job->written.bytes + job->tracking.pinned.pages.bytes,
             limit = job->options->max_pause_ns;
    uint64_t rest_ns = capture_method_estimate_ns(CAPTURE_STOP, job->pid, job->tid, rest);
    uint64_t fork_ns =
        capture_method_estimate_ns(CAPTURE_FORK, job->pid, job->tid, job->staged.pages.bytes);

    if (rest <= FEW_BYTES || job->options->method != CAPTURE_AUTO ||
        (rest_ns < fork_ns && (limit == 0 || rest_ns < limit)))
        return true;
    return error_set(job->error, ERROR_UNSUPPORTED,
                     "it writes pages faster than they can be copied (%.1f MiB were left)",
                     (double)rest / (1 << 20));
}

// ---- while it stands still ----

// Pages that could not be read when they were protected have not been copied since.
static bool add_unread(Precopy *job)
{
    return page_set_intersect(&job->unread, &job->unchanged, &job->failed, job->error) &&
           unite(job, &job->written, &job->failed);
}

// The copy is wrong: all of it is taken again.
static bool copy_everything(Precopy *job, int tid)
{
    return page_set_intersect(&job->staged.pages, &job->unchanged, &job->failed, job->error) &&
           unite(job, &job->written, &job->failed) && copy_written(job, tid);
}

static bool copy_rest(Precopy *job, int tid)
{
    PauseCertificate *certificate = &job->out->certificate;
    PageSource source;

    if (!write_tracking_is_alive(&job->tracking))
        return capture_refusal_gone(job->pid, job->error);
    if (!read_mappings(job, tid, &source) ||
        !write_tracking_collect(&job->tracking, &source, &job->unchanged, &job->written,
                                job->error) ||
        !add_unread(job) || !copy_written(job, tid))
        return false;
    copy_check_run(job->check, tid, &job->staged.pages, &job->unchanged, (uint64_t)now_ns());
    certificate->compared_pages = job->check->compared;
    certificate->differing_pages = job->check->differing;
    return job->check->differing == 0 || copy_everything(job, tid);
}

static bool copy_while_stopped(Precopy *job)
{
    int64_t limit_ns = (int64_t)job->options->max_pause_ns;
    GuardTimes times = {0};
    GuardReply hold;
    Error resume_error;
    bool is_ok, is_resumed;

    if (!capture_guard_stop(&job->guard, limit_ns, false, &hold, job->error)) {
        capture_guard_note_stop(&job->out->certificate, "last", &hold.times, hold.thread_count, 0);
        return false;
    }
    is_ok = copy_rest(job, hold.tid);
    is_resumed = capture_guard_resume(&job->guard, job->out, &times, &resume_error);
    // What failed to be copied after the target had been let go failed for that reason.
    if (!is_resumed && (is_ok || resume_error.code == ERROR_LIMIT))
        *job->error = resume_error;
    capture_guard_note_stop(&job->out->certificate, "last", &times, job->out->thread_count,
                            job->pieces.bytes / TARGET_PAGE_SIZE);
    job->out->captured_at_ns = times.captured_at_ns;
    return is_ok && is_resumed;
}

// ---- after ----

static bool put_together(Precopy *job)
{
    ProcessCopy *out = job->out;

    if (!staged_pages_keep(&job->staged, &job->unchanged, job->error) ||
        !staged_pages_add(&job->staged, &job->pieces, job->error))
        return false;
    staging_memory_trim(&job->staged.memory, job->staged.used_bytes);
    out->method = "precopy";
    out->unreadable_bytes = job->failed.bytes;
    out->copied_bytes = job->staged.pages.bytes - job->failed.bytes;
    out->ranges = job->staged.pages.ranges;
    out->range_count = job->staged.pages.count;
    out->staging = job->staged.memory.base;
    out->staging_bytes = job->staged.memory.bytes;
    job->staged.pages = (PageSelection){0};
    job->staged.memory = (StagingMemory){0};
    return true;
}

static void release(Precopy *job)
{
    staging_memory_release(&job->staged.memory);
    staged_pages_release(&job->staged);
    page_selection_release(&job->written);
    page_selection_release(&job->unchanged);
    page_selection_release(&job->pieces);
    page_selection_release(&job->unread);
    page_selection_release(&job->failed);
    page_selection_release(&job->scratch);
    free(job->check);
}

bool capture_precopy(int pid, int tid, const ProcessCopyOptions *options, ProcessCopy *out,
                     Error *error)
{
    Precopy job = {.pid = pid, .tid = tid, .options = options, .out = out, .error = error};
    bool is_ok;

    if (!write_tracking_check_support(pid, tid, error))
        return false;
    // Made before there is much memory to be copied along.
    is_ok = capture_guard_start(&job.guard, pid, &options->cancel, error) &&
            prepare_staging(&job) && begin_tracking(&job) && run_rounds(&job) && check_rest(&job) &&
            copy_while_stopped(&job);
    capture_guard_end(&job.guard);
    write_tracking_release(&job.tracking);
    is_ok = is_ok && put_together(&job);
    release(&job);
    return is_ok;
}
