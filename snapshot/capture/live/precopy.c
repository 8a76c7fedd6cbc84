// The method pre-copy: the process is copied while it runs, round by round, and stopped for the
// pages that it wrote last.
//
// The process opens a userfaultfd for us (guard_userfault.c), through which its memory is
// write-protected, and its writes are tracked (write_tracking_internal.h). Each round copies the
// pages written since the last one. When few are left, or their number does not decrease, the guard
// stops all threads, and the rest is copied. When we are killed, the kernel closes the userfaultfd
// and removes the protection.

#include "snapshot/capture/live/live_process_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/copy/staged_pages.h"
#include "snapshot/capture/guard/capture_guard.h"
#include "snapshot/capture/live/copy_check_internal.h"
#include "snapshot/capture/live/write_tracking_internal.h"

#define MAX_ROUNDS 8
// One round may take long because others use the CPU; not two.
#define MAX_VAIN_ROUNDS 2
// So little is copied in less time than it takes to stop the threads.
#define FEW_BYTES (UINT64_C(2) << 20)
// Staging memory beyond what the process held when it was looked at first.
#define HEADROOM_SHARE 8
#define HEADROOM_BYTES (UINT64_C(8) << 20)
// The share of the plain memory that one round may take while there is not enough for all.
#define PACKED_ROUND_SHARE 8

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
    return staging_area_reserve(&job->staged.area, bytes, job->options, job->error);
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
           page_copying_pieces(&job->pieces, job->pid, tid, &job->staged.area.memory,
                               &job->options->cancel, &job->failed, job->error);
}

// Is it so much that it has to be compressed? Plain memory is for what is left in the end.
static bool is_to_be_packed(const Precopy *job)
{
    const StagedPages *staged = &job->staged;
    uint64_t bytes = staged->area.memory.bytes;

    return staged->area.packed != NULL &&
           (job->written.bytes > bytes / PACKED_ROUND_SHARE || staged->used_bytes > bytes / 2);
}

// Room for what will be copied at the stop, and for what is new by then: asked for early, since
// whatever is done right before the stop is time in which more is written.
static bool supply_rest(Precopy *job, uint64_t bytes)
{
    StagedPages *staged = &job->staged;

    staging_memory_note_filled(&staged->area.memory, staged->used_bytes);
    return staging_memory_supply(&staged->area.memory, staged->used_bytes + bytes,
                                 &job->options->cancel, job->error);
}

static bool take_written(Precopy *job)
{
    if (is_to_be_packed(job))
        return staged_pages_pack(&job->staged, &job->written, job->pid, job->tid,
                                 &job->options->cancel, &job->failed, job->error);
    return copy_written(job, job->tid) &&
           staged_pages_add(&job->staged, &job->pieces, job->error) &&
           supply_rest(job, HEADROOM_BYTES);
}

static bool run_round(Precopy *job)
{
    uint64_t since_ns = clock_monotonic_ns();
    PageSource source;

    if (!read_mappings(job, job->tid, &source) ||
        !write_tracking_protect(&job->tracking, &source, &job->written, job->error) ||
        !take_written(job) || !unite(job, &job->unread, &job->failed))
        return false;
    pause_certificate_add_round(&job->out->certificate, job->written.bytes / TARGET_PAGE_SIZE,
                                clock_monotonic_ns() - since_ns);
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
    uint64_t fork_ns = capture_method_estimate_ns(CAPTURE_FORK, job->pid, job->tid,
                                                  staged_pages_bytes(&job->staged));

    if (rest <= FEW_BYTES || job->options->method != CAPTURE_AUTO ||
        (rest_ns < fork_ns && (limit == 0 || rest_ns < limit) && !is_to_be_packed(job)))
        return true;
    return error_set(
        job->error, ERROR_UNSUPPORTED,
        "it writes pages faster than they can be copied, or has them pinned (%.1f MiB were "
        "left)",
        (double)rest / (1 << 20));
}

// What will be compared, while it is no matter how long it takes to get at it.
static void choose_checked(Precopy *job)
{
    const StagedPages *staged = &job->staged;
    static const PageSelection none;
    bool is_packed = staged->packed.count > 0;

    copy_check_choose(job->check, is_packed ? &staged->packed : &staged->pages,
                      is_packed ? &staged->pages : &none, clock_monotonic_ns());
}

// ---- while it stands still ----

// Pages that could not be read when they were protected have not been copied since.
static bool add_unread(Precopy *job)
{
    return page_set_intersect(&job->unread, &job->unchanged, &job->failed, job->error) &&
           unite(job, &job->written, &job->failed);
}

// Where there is no room for it, it takes as long as compressing it takes.
static bool take_rest(Precopy *job, int tid)
{
    const StagedPages *staged = &job->staged;
    static const PageSelection none;

    if (staged->area.packed == NULL ||
        job->written.bytes <= staged->area.memory.bytes - staged->used_bytes)
        return copy_written(job, tid);
    return staged_pages_pack(&job->staged, &job->written, job->pid, tid, &job->options->cancel,
                             &job->failed, job->error) &&
           page_set_unite(&none, &job->written, &job->pieces, job->error);
}

// The copy is wrong: all of it is taken again.
static bool copy_everything(Precopy *job, int tid)
{
    const PageSelection *const sets[] = {&job->staged.pages, &job->staged.packed};

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (!page_set_intersect(sets[i], &job->unchanged, &job->failed, job->error) ||
            !unite(job, &job->written, &job->failed))
            return false;
    return take_rest(job, tid);
}

static bool copy_rest(Precopy *job, int tid)
{
    PauseCertificate *certificate = &job->out->certificate;
    PageSource source;

    write_tracking_begin_collect(&job->tracking);
    if (!write_tracking_is_alive(&job->tracking))
        return capture_refusal_gone(job->pid, job->error);
    if (!read_mappings(job, tid, &source) ||
        !write_tracking_collect(&job->tracking, &source, &job->unchanged, &job->written,
                                job->error) ||
        !add_unread(job) || !take_rest(job, tid))
        return false;
    copy_check_run(job->check, tid, &job->unchanged);
    certificate->compared_pages = job->check->compared;
    certificate->differing_pages = job->check->differing;
    return job->check->differing == 0 || copy_everything(job, tid);
}

static bool copy_while_stopped(Precopy *job)
{
    uint64_t limit_ns = job->options->max_pause_ns;
    GuardTimes times = {0};
    GuardReply hold;
    Error resume_error;
    bool is_ok, is_resumed;

    choose_checked(job);
    if (!supply_rest(job, job->written.bytes + HEADROOM_BYTES / 2))
        return false;
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
    job->out->captured_at_ns = (int64_t)times.captured_at_ns;
    return is_ok && is_resumed;
}

// ---- after ----

static bool put_together(Precopy *job)
{
    ProcessCopy *out = job->out;

    if (!staged_pages_unite(&job->staged, job->error) ||
        !staged_pages_keep(&job->staged, &job->unchanged, job->error) ||
        !staged_pages_add(&job->staged, &job->pieces, job->error))
        return false;
    out->method = "precopy";
    out->unreadable_bytes = job->failed.bytes;
    out->copied_bytes = job->staged.pages.bytes - job->failed.bytes;
    staging_area_give(&job->staged.area, job->staged.used_bytes, &job->staged.pages, out);
    return true;
}

static void release(Precopy *job)
{
    staging_area_release(&job->staged.area);
    staged_pages_release(&job->staged);
    page_selection_release(&job->written);
    page_selection_release(&job->unchanged);
    page_selection_release(&job->pieces);
    page_selection_release(&job->unread);
    page_selection_release(&job->failed);
    page_selection_release(&job->scratch);
    free(job->check);
}

bool precopy_run(int pid, int tid, const ProcessCopyOptions *options, ProcessCopy *out,
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
