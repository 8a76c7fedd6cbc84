// WriteTracking while the process runs: registering memory, protecting it in rounds, and releasing
// it again. See write_tracking_internal.h; the queries are in tracked_runs.c, the stop is in
// write_tracking_stop.c. The unit test is tests/unit/snapshot/capture/live/test_write_tracking.c.
//
// Note [Other trackers]
// ~~~~~~~~~~~~~~~~~~~~~
// Another process may track the writes to the same memory, by a userfaultfd that it got from the
// target: another capture, a checkpoint, a debugger. The descriptor need not be open in the target,
// so that no file there tells. A tracker that protects pages again consumes what the kernel has
// noted since, and the other one misses writes. But memory has one userfaultfd at most: registering
// it with ours fails with EBUSY when it has another one, and does nothing when it has ours. So each
// round registers all memory before it protects any of it, and once more after the stop, for
// mappings that were made since the last round: then all protection that was seen was ours.

#include "snapshot/capture/live/write_tracking_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/live/tracked_runs_internal.h"

// The memory that one page table maps: 512 pages.
#define BLOCK_BYTES (UINT64_C(2) << 20)
// How much memory is protected, and unregistered, in one request, during which the process cannot
// map memory.
#define PROTECT_PAGES 32768u
#define UNREGISTER_STEP (UINT64_C(16) << 20)

// ---- registering ----

static bool register_range(const WriteTracking *tracking, uint64_t start, uint64_t end)
{
    struct uffdio_register request = {.range = {.start = start, .len = end - start},
                                      .mode = UFFDIO_REGISTER_MODE_WP};

    return ioctl(tracking->userfault, UFFDIO_REGISTER, &request) == 0;
}

// Registers the run; what is registered already stays so. Mappings that cannot be registered count
// as written in every round. See Note [Other trackers].
static bool register_run(const WriteTracking *tracking, const PageSource *source,
                         const TrackedRun *run, Error *error)
{
    bool is_foreign = false;

    if (register_range(tracking, run->start, run->end))
        return true;
    is_foreign = errno == EBUSY;
    for (uint32_t i = run->first; !is_foreign && i < run->first + run->count; i++)
        is_foreign =
            !register_range(tracking, source->mappings[i].start, source->mappings[i].end) &&
            errno == EBUSY;
    if (!is_foreign)
        return true;
    return error_set(error, ERROR_UNSUPPORTED,
                     "another process tracks the writes to the memory of process %d (a "
                     "userfaultfd)",
                     tracking->pid);
}

// Notes which memory may be protected.
static bool note_registered(WriteTracking *tracking, const PageSource *source, Error *error)
{
    PageSelection *runs = &tracking->scratch[0], *all = &tracking->scratch[1];
    TrackedRun run = {0};

    page_set_clear(runs);
    while (tracked_run_next(source, &run))
        if (!page_set_add(runs, run.start, run.end, error))
            return false;
    return page_set_add_set(&tracking->registered, runs, all, error);
}

// ---- a round ----

static bool protect_run(WriteTracking *tracking, const TrackedRun *run, PageSelection *written,
                        Error *error)
{
    PageQuery query = {.protects = true,
                       .max_pages = PROTECT_PAGES,
                       .mask = PAGE_IS_WRITTEN,
                       .any_of = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                       .returned = PAGE_IS_ZERO_PAGE};

    if (run->kind == RUN_OF_FILE) {
        query.inverted = PAGE_IS_OF_FILE;
        query.mask = PAGE_IS_WRITTEN | PAGE_IS_OF_FILE;
    }
    return tracked_scan(tracking, &query, run->start, run->end, written, error);
}

// Adds the blocks of the run that hold pages of `written`, whose ranges may begin before the run.
static bool add_blocks(const TrackedRun *run, const PageSelection *written, PageSelection *blocks,
                       Error *error)
{
    uint64_t end = run->start;

    for (uint64_t i = page_set_find(written, run->start); i < written->count; i++) {
        const ProcessRange *range = &written->ranges[i];
        uint64_t from = range->address / BLOCK_BYTES * BLOCK_BYTES;
        uint64_t to = (range->address + range->bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;

        from = from > end ? from : end;
        to = to < run->end ? to : run->end;
        if (!page_set_add(blocks, from, to, error))
            return false;
        end = to > end ? to : end;
    }
    return true;
}

// Marks the blocks: see Note [Marked pages]. Pages that appeared, or were written, since they were
// scanned are found unprotected at this moment: those with content are added to `written`.
static bool mark_blocks(WriteTracking *tracking, const PageSelection *blocks,
                        PageSelection *written, Error *error)
{
    PageQuery marking = page_written_query, present = page_content_query;
    PageSelection *fresh = &tracking->scratch[0], *found = &tracking->scratch[1];
    PageSelection *held = &tracking->scratch[2], late = {0};
    bool is_ok;

    if (!page_set_subtract(blocks, &tracking->marked, fresh, error))
        return false;
    page_set_clear(found);
    page_set_clear(held);
    marking.protects = true;
    marking.max_pages = PROTECT_PAGES;
    // To this query, markers look like swapped pages, which are asked for only if there are any.
    if (proc_status_number(tracking->pid, tracking->pid, "VmSwap", 1) == 0)
        present.any_of = PAGE_IS_PRESENT;
    is_ok = tracked_scan_set(tracking, &marking, fresh, found, error) &&
            tracked_scan_set(tracking, &present, fresh, held, error) &&
            page_set_intersect(found, held, &late, error) &&
            page_set_add_set(written, &late, found, error) &&
            page_set_add_set(&tracking->marked, fresh, found, error);
    page_selection_release(&late);
    return is_ok;
}

bool write_tracking_register(WriteTracking *tracking, const PageSource *source, Error *error)
{
    TrackedRun run = {0};

    // First, so that everything that is registered below will be released.
    if (!note_registered(tracking, source, error))
        return false;
    while (tracked_run_next(source, &run))
        if (!register_run(tracking, source, &run, error))
            return false;
    return true;
}

bool write_tracking_protect(WriteTracking *tracking, const PageSource *source,
                            PageSelection *written, Error *error)
{
    PageSelection *blocks = &tracking->scratch[3];
    TrackedRun run = {0};

    page_set_clear(written);
    page_set_clear(blocks);
    if (!write_tracking_register(tracking, source, error))
        return false;
    while (tracked_run_next(source, &run)) {
        if (!protect_run(tracking, &run, written, error))
            return false;
        if (run.kind == RUN_ANONYMOUS && !add_blocks(&run, written, blocks, error))
            return false;
    }
    return mark_blocks(tracking, blocks, written, error) &&
           marked_scan_prepare(&tracking->scan, &tracking->marked, error) &&
           pinned_memory_look(&tracking->pinned, source, error);
}

// ---- begin and end ----

bool write_tracking_init(WriteTracking *tracking, int pid, int tid, int userfault,
                         const Cancel *cancel, Error *error)
{
    struct uffdio_api api = {.api = UFFD_API, .features = WRITE_TRACKING_FEATURES};
    char path[PROC_PATH_BYTES];

    *tracking =
        (WriteTracking){.pid = pid, .cancel = cancel, .userfault = userfault, .pagemap = -1};
    if (ioctl(userfault, UFFDIO_API, &api) != 0)
        return error_set(error, ERROR_UNSUPPORTED,
                         "this kernel has no asynchronous write protection (Linux 6.7): %s",
                         strerror(errno));
    proc_task_path(path, pid, tid, "pagemap");
    tracking->pagemap = open(path, O_RDONLY | O_CLOEXEC);
    if (tracking->pagemap < 0)
        return capture_refusal_explain(pid, errno, error);
    tracking->regions = malloc(PAGEMAP_SCAN_REGIONS * sizeof *tracking->regions);
    if (tracking->regions == NULL)
        return error_set_memory(error, PAGEMAP_SCAN_REGIONS * sizeof *tracking->regions,
                                "the page map");
    return marked_scan_init(&tracking->scan, pid, tracking->pagemap, error);
}

// A request about address 4096, where programs map nothing: it fails otherwise than by ESRCH.
bool write_tracking_is_alive(const WriteTracking *tracking)
{
    struct uffdio_range range = {.start = PAGE_BYTES, .len = PAGE_BYTES};

    return ioctl(tracking->userfault, UFFDIO_UNREGISTER, &range) == 0 || errno != ESRCH;
}

// False when the process has gone.
static bool unregister(const WriteTracking *tracking, const PageSelection *set, uint64_t step)
{
    for (uint64_t i = 0; i < set->count; i++) {
        uint64_t start = set->ranges[i].address, end = start + set->ranges[i].bytes;

        for (; start < end; start += end - start < step ? end - start : step) {
            struct uffdio_range range = {.start = start,
                                         .len = end - start < step ? end - start : step};

            // EINVAL: the memory has been unmapped.
            if (ioctl(tracking->userfault, UFFDIO_UNREGISTER, &range) != 0 && errno == ESRCH)
                return false;
        }
    }
    return true;
}

void write_tracking_release(WriteTracking *tracking)
{
    if (tracking->userfault > 0) {
        // The marked blocks first, in small steps; the rest may be terabytes of empty memory.
        // The kernel unregisters what is missed when the userfaultfd is closed.
        if (unregister(tracking, &tracking->marked, UNREGISTER_STEP))
            (void)unregister(tracking, &tracking->registered, UINT64_MAX);
        (void)close(tracking->userfault);
    }
    marked_scan_release(&tracking->scan);
    if (tracking->pagemap > 0)
        (void)close(tracking->pagemap);
    free(tracking->regions);
    page_selection_release(&tracking->registered);
    page_selection_release(&tracking->marked);
    pinned_memory_release(&tracking->pinned);
    for (unsigned i = 0; i < sizeof tracking->scratch / sizeof *tracking->scratch; i++)
        page_selection_release(&tracking->scratch[i]);
    *tracking = (WriteTracking){.userfault = -1, .pagemap = -1};
}
