// WriteTracking in the stop: which pages are unchanged, and which must be copied. See
// write_tracking_internal.h, and Note [Marked pages], Note [Mapped files] in tracked_runs.c.

#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/live/tracked_runs_internal.h"
#include "snapshot/capture/live/write_tracking_internal.h"

// Scanning this much more memory takes less time than one more request.
#define CLOSE_BYTES (UINT64_C(2) << 20)

// Adds [at, end) without the pages in `written`, whose ranges before index `*next` lie lower; moves
// `*next` on.
static bool add_rest(PageSelection *unchanged, uint64_t at, uint64_t end,
                     const PageSelection *written, uint64_t *next, Error *error)
{
    for (; *next < written->count && written->ranges[*next].address < end; (*next)++) {
        const ProcessRange *range = &written->ranges[*next];

        if (range->address > at && !page_set_add(unchanged, at, range->address, error))
            return false;
        if (range->address + range->bytes > at)
            at = range->address + range->bytes;
        if (at > end)
            return true;
    }
    return page_set_add(unchanged, at, end, error);
}

// Adds to `unchanged` the marked pages of the run that are still protected: not in `written`.
static bool add_protected(const WriteTracking *tracking, const TrackedRun *run,
                          const PageSelection *written, PageSelection *unchanged, Error *error)
{
    const PageSelection *marked = &tracking->marked;
    uint64_t next = page_set_find(written, run->start);

    for (uint64_t i = page_set_find(marked, run->start);
         i < marked->count && marked->ranges[i].address < run->end; i++) {
        const ProcessRange *range = &marked->ranges[i];
        uint64_t at = range->address > run->start ? range->address : run->start;
        uint64_t end = range->address + range->bytes;

        end = end < run->end ? end : run->end;
        if (!add_rest(unchanged, at, end, written, &next, error))
            return false;
    }
    return true;
}

// Adds the written pages of the run that have content. They lie between the ranges of `unchanged`
// from index `first` on.
static bool add_written_content(WriteTracking *tracking, const TrackedRun *run,
                                const PageSelection *unchanged, uint64_t first,
                                PageSelection *content, Error *error)
{
    uint64_t start = run->start;

    for (uint64_t i = first; i < unchanged->count; i++) {
        const ProcessRange *range = &unchanged->ranges[i];

        if (range->bytes < CLOSE_BYTES)
            continue;
        if (range->address > start && !tracked_scan(tracking, &page_written_content_query, start,
                                                    range->address, content, error))
            return false;
        start = range->address + range->bytes;
    }
    return tracked_scan(tracking, &page_written_content_query, start, run->end, content, error);
}

// Of a mapped file, all pages are content that are not known to be unchanged.
static bool collect_of_file(WriteTracking *tracking, const TrackedRun *run,
                            PageSelection *unchanged, PageSelection *content, Error *error)
{
    PageSelection *found = &tracking->scratch[0];
    uint64_t at = run->start;

    page_set_clear(found);
    if (!tracked_scan(tracking, &page_unchanged_private_query, run->start, run->end, found, error))
        return false;
    for (uint64_t i = 0; i < found->count; i++) {
        uint64_t start = found->ranges[i].address, end = start + found->ranges[i].bytes;

        if (!page_set_add(content, at, start, error) || !page_set_add(unchanged, start, end, error))
            return false;
        at = end;
    }
    return page_set_add(content, at, run->end, error);
}

static bool collect_run(WriteTracking *tracking, const TrackedRun *run, PageSelection *unchanged,
                        PageSelection *content, Error *error)
{
    uint64_t first = unchanged->count;

    if (run->kind == RUN_OF_FILE)
        return collect_of_file(tracking, run, unchanged, content, error);
    if (!(run->kind == RUN_ANONYMOUS
              ? add_protected(tracking, run, &tracking->scratch[4], unchanged, error)
              : tracked_scan(tracking, &page_unchanged_private_query, run->start, run->end,
                             unchanged, error)))
        return false;
    return add_written_content(tracking, run, unchanged, first, content, error);
}

// Adds the pinned pages of all runs to the untracked ones.
static bool add_pinned(WriteTracking *tracking, const PageSource *source, PageSelection *untracked,
                       Error *error)
{
    PageSelection *runs = &tracking->scratch[0], *found = &tracking->scratch[2];
    PageSelection *whole = &tracking->scratch[3];
    TrackedRun run = {0};

    if (tracking->pinned.pages.count == 0)
        return true;
    page_set_clear(runs);
    while (tracked_run_next(source, &run))
        if (!page_set_add(runs, run.start, run.end, error))
            return false;
    return page_set_intersect(runs, &tracking->pinned.pages, found, error) &&
           page_set_add_set(untracked, found, whole, error);
}

void write_tracking_begin_collect(WriteTracking *tracking)
{
    marked_scan_begin(&tracking->scan);
}

bool write_tracking_collect(WriteTracking *tracking, const PageSource *source,
                            PageSelection *unchanged, PageSelection *content, Error *error)
{
    PageSelection *untracked = &tracking->scratch[1], *found = &tracking->scratch[2];
    PageSelection *whole = &tracking->scratch[3];
    TrackedRun run = {0};

    if (!marked_scan_end(&tracking->scan, &tracking->scratch[4], error))
        return false;
    page_set_clear(unchanged);
    page_set_clear(content);
    page_set_clear(untracked);
    while (tracked_run_next(source, &run)) {
        if (!collect_run(tracking, &run, unchanged, content, error) ||
            !tracked_scan(tracking, &page_untracked_query, run.start, run.end, untracked, error))
            return false;
    }
    if (!add_pinned(tracking, source, untracked, error))
        return false;
    if (untracked->count == 0)
        return true;
    page_set_clear(found);
    if (!page_set_subtract(unchanged, untracked, whole, error))
        return false;
    page_set_swap(unchanged, whole);
    return tracked_scan_set(tracking, &page_content_query, untracked, found, error) &&
           page_set_add_set(content, found, whole, error);
}
