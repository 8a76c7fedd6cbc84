// The method pre-copy: the process is copied while it runs, round by round, and stopped for the
// pages that it wrote last.
//
// The process opens a userfaultfd for us (guard_userfault.c), through which its memory is
// write-protected, and its writes are tracked (write_tracking_internal.h). Each round copies the
// pages written since the last one. When few are left, or their number does not decrease, the guard
// stops all threads, and the rest is copied. When we are killed, the kernel closes the userfaultfd
// and removes the protection.

#include "snapshot/capture/live/live_process_internal.h"

#include <stdlib.h>

#include "base/clock.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/copy/staged_pages.h"
#include "snapshot/capture/guard/capture_guard.h"
#include "snapshot/capture/live/copy_check_internal.h"
#include "snapshot/capture/live/write_tracking_internal.h"

#define MAX_ROUNDS 8
// Rounds in a row that do not reduce the written pages. One may be slow because other programs use
// the CPU.
#define MAX_VAIN_ROUNDS 2
// Copying these takes less time than stopping the threads.
#define FEW_BYTES (UINT64_C(2) << 20)
// The staging memory is larger than what the process holds at first, by a share and these bytes.
#define HEADROOM_SHARE 8
#define HEADROOM_BYTES (UINT64_C(8) << 20)
// The share of the plain memory that one round may take; larger rounds are compressed.
#define PACKED_ROUND_SHARE 8

typedef struct Precopy {
    int pid;
    int tid;
    const ProcessCopyOptions *options;
    ProcessCopy *out;
    CaptureGuard guard;
    WriteTracking tracking;
    StagedPages staged;
    PageSelection written;   // to be copied by this round, or in the stop
    PageSelection unchanged; // since they were copied, at the stop
    PageSelection pieces;    // `written`, with places in the staging memory
    PageSelection unread;    // could not be read in some round
    PageSelection failed;    // could not be read in the last one
    PageSelection shared;    // shared memory, which is copied in the stop alone
    PageSelection scratch;
    CopyCheck *check;
    Error *error;
} Precopy;

static bool read_mappings(Precopy *job, int tid, PageSource *source)
{
    return page_source_read(source, job->pid, tid, job->out, job->error);
}

static bool add_pages(Precopy *job, PageSelection *set, const PageSelection *more)
{
    return page_set_add_set(set, more, &job->scratch, job->error);
}

// ---- preparation ----

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

    bool is_open = capture_guard_open_userfault(&job->guard, job->options->max_pause_ns, &userfault,
                                                &times, job->error);

    if (times.interrupted_at_ns != 0)
        capture_guard_note_stop(&job->out->certificate, "open", &times, 1, 0);
    // For whatever reason it failed, another method may succeed, or explain more.
    if (!is_open && job->error->code == ERROR_SYSTEM)
        job->error->code = ERROR_UNSUPPORTED;
    return is_open && write_tracking_init(&job->tracking, job->pid, job->tid, userfault,
                                          &job->options->cancel, job->error);
}

// ---- while the process runs ----

static bool copy_written(Precopy *job, int tid)
{
    return staged_pages_place(&job->staged, &job->written, &job->pieces, job->error) &&
           page_copying_pieces(&job->pieces, job->pid, tid, &job->staged.area.memory,
                               &job->options->cancel, &job->failed, job->error);
}

// Must the written pages be compressed? Plain memory is kept for the pages of the last round.
static bool must_be_packed(const Precopy *job)
{
    const StagedPages *staged = &job->staged;
    uint64_t bytes = staged->area.memory.bytes;

    return staged->area.packed != NULL &&
           (job->written.bytes > bytes / PACKED_ROUND_SHARE || staged->used_bytes > bytes / 2);
}

// Has the kernel supply memory for the pages that will be copied in the stop. This is done early:
// the longer the time between the last round and the stop, the more is written.
static bool supply_for_stop(Precopy *job, uint64_t bytes)
{
    StagedPages *staged = &job->staged;

    staging_memory_note_filled(&staged->area.memory, staged->used_bytes);
    return staging_memory_supply(&staged->area.memory, staged->used_bytes + bytes,
                                 &job->options->cancel, job->error);
}

static bool copy_or_pack_written(Precopy *job)
{
    if (must_be_packed(job))
        return staged_pages_pack(&job->staged, &job->written, job->pid, job->tid,
                                 &job->options->cancel, &job->failed, job->error);
    return copy_written(job, job->tid) &&
           staged_pages_add(&job->staged, &job->pieces, job->error) &&
           supply_for_stop(job, HEADROOM_BYTES);
}

static bool run_round(Precopy *job)
{
    uint64_t since_ns = clock_monotonic_ns();
    PageSource source;

    if (!read_mappings(job, job->tid, &source) ||
        !write_tracking_protect(&job->tracking, &source, &job->written, job->error) ||
        !copy_or_pack_written(job) || !add_pages(job, &job->unread, &job->failed))
        return false;
    pause_certificate_add_round(&job->out->certificate, job->written.bytes / PAGE_BYTES,
                                clock_monotonic_ns() - since_ns);
    return true;
}

// Runs rounds until few pages are left, or their number does not decrease.
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

// Selects the pages of shared memory. Other processes write them, too, so no write is tracked.
static bool select_shared(Precopy *job, int tid)
{
    PageSource source;

    return read_mappings(job, tid, &source) &&
           page_selection_fill_shared(&job->shared, &source, &job->options->cancel, job->error);
}

// The stop will copy about as many pages as the last round, the shared and the pinned ones. Fails
// if the method is automatic, and a fork would stop the process for a shorter time.
static bool check_estimated_pause(const Precopy *job)
{
    uint64_t rest = job->written.bytes + job->shared.bytes + job->tracking.pinned.pages.bytes;
    uint64_t limit = job->options->max_pause_ns;
    uint64_t rest_ns = capture_method_estimate_ns(CAPTURE_STOP, job->pid, job->tid, rest);
    uint64_t fork_ns = capture_method_estimate_ns(CAPTURE_FORK, job->pid, job->tid,
                                                  staged_pages_bytes(&job->staged));

    if (rest <= FEW_BYTES || job->options->method != CAPTURE_AUTO ||
        (rest_ns < fork_ns && (limit == 0 || rest_ns < limit) && !must_be_packed(job)))
        return true;
    return error_set(
        job->error, ERROR_UNSUPPORTED,
        "it writes pages faster than they can be copied, or has them pinned (%.1f MiB were "
        "left)",
        (double)rest / (1 << 20));
}

// Chooses the pages to be compared in the stop; reading them now may take a while.
static void choose_checked(Precopy *job)
{
    const StagedPages *staged = &job->staged;
    static const PageSelection none;
    bool is_packed = staged->packed.count > 0;

    copy_check_choose(job->check, is_packed ? &staged->packed : &staged->pages,
                      is_packed ? &staged->pages : &none, clock_monotonic_ns());
}

// ---- while the process is stopped ----

// Pages that could not be read in some round were not copied: they are copied now, though
// unchanged.
static bool add_unread(Precopy *job)
{
    return page_set_intersect(&job->unread, &job->unchanged, &job->failed, job->error) &&
           add_pages(job, &job->written, &job->failed);
}

// Copies the written pages, or compresses them if they do not fit into the plain memory.
static bool copy_or_pack_last(Precopy *job, int tid)
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

// The comparison has failed: copies everything again.
static bool copy_everything(Precopy *job, int tid)
{
    const PageSelection *const sets[] = {&job->staged.pages, &job->staged.packed};

    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++)
        if (!page_set_intersect(sets[i], &job->unchanged, &job->failed, job->error) ||
            !add_pages(job, &job->written, &job->failed))
            return false;
    return copy_or_pack_last(job, tid);
}

static bool copy_last(Precopy *job, int tid)
{
    PauseCertificate *certificate = &job->out->certificate;
    PageSource source;

    write_tracking_begin_collect(&job->tracking);
    if (!write_tracking_is_alive(&job->tracking))
        return capture_refusal_gone(job->pid, job->error);
    if (!read_mappings(job, tid, &source) ||
        !write_tracking_collect(&job->tracking, &source, &job->unchanged, &job->written,
                                job->error) ||
        !add_unread(job) ||
        !page_selection_fill_shared(&job->shared, &source, &job->options->cancel, job->error) ||
        !add_pages(job, &job->written, &job->shared) || !copy_or_pack_last(job, tid))
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
    if (!supply_for_stop(job, job->written.bytes + job->shared.bytes + HEADROOM_BYTES / 2))
        return false;
    if (!capture_guard_stop(&job->guard, limit_ns, false, &hold, job->error)) {
        capture_guard_note_stop(&job->out->certificate, "last", &hold.times, hold.thread_count, 0);
        return false;
    }
    capture_guard_note_sharing(&job->out->certificate, &hold.sharing);
    is_ok = copy_last(job, hold.tid);
    is_resumed = capture_guard_resume(&job->guard, job->out, &times, &resume_error);
    // If the guard had resumed the target by itself, that is why copying failed.
    if (!is_resumed && (is_ok || resume_error.code == ERROR_LIMIT))
        *job->error = resume_error;
    capture_guard_note_stop(&job->out->certificate, "last", &times, job->out->thread_count,
                            job->pieces.bytes / PAGE_BYTES);
    job->out->captured_at_ns = (int64_t)times.captured_at_ns;
    return is_ok && is_resumed;
}

// ---- after the stop ----

// Was all protection that the rounds and the stop have seen ours?
static bool check_trackers(Precopy *job)
{
    const PageSource source = {.pid = job->pid,
                               .tid = job->tid,
                               .mappings = job->out->mappings,
                               .mapping_count = job->out->mapping_count};

    return write_tracking_register(&job->tracking, &source, job->error);
}

static bool finish(Precopy *job)
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
    page_selection_release(&job->shared);
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
    // The guard is forked while this process is small.
    is_ok = capture_guard_start(&job.guard, pid, &options->cancel, error) &&
            prepare_staging(&job) && begin_tracking(&job) && run_rounds(&job) &&
            select_shared(&job, tid) && check_estimated_pause(&job) && copy_while_stopped(&job) &&
            check_trackers(&job);
    capture_guard_end(&job.guard);
    write_tracking_release(&job.tracking);
    is_ok = is_ok && finish(&job);
    release(&job);
    return is_ok;
}
