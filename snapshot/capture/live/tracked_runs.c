// Runs of memory, and the queries of the write tracking: see tracked_runs_internal.h.
//
// Note [Marked pages]
// ~~~~~~~~~~~~~~~~~~~
// The scan in the stop must be fast, and only the simplest query is fast: all pages that are not
// protected. It counts empty pages as written, unless they are protected as well, which leaves a
// marker in the page table. So anonymous memory is marked wherever it has a page table anyway: in
// the blocks of 2 MiB (the memory that one page table maps) that hold a page with content. In
// address space that is only reserved, markers would cost page tables; it was not copied either,
// and a slow scan for content finds no tables to walk there.
// A marked page that is written, and a page with content that is given back (MADV_DONTNEED), lose
// their marker or protection, so the scan finds both.
//
// Note [Mapped files]
// ~~~~~~~~~~~~~~~~~~~
// A private page of a mapped file that is given back has the content of the file again, and keeps
// its marker. So of mapped files (and of huge pages, which keep their markers, too) only those
// pages are unchanged that are present, private, and protected; all others are content, and copied
// in the stop.

#include "snapshot/capture/live/tracked_runs_internal.h"

#include <errno.h>
#include <string.h>

#include "base/cancel.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"

// Present or swapped out, and not the zero page.
const PageQuery page_content_query = {.inverted = PAGE_IS_ZERO_PAGE,
                                      .mask = PAGE_IS_ZERO_PAGE,
                                      .any_of = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                                      .returned = PAGE_IS_ZERO_PAGE};
const PageQuery page_written_content_query = {.inverted = PAGE_IS_ZERO_PAGE,
                                              .mask = PAGE_IS_ZERO_PAGE | PAGE_IS_WRITTEN,
                                              .any_of = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
                                              .returned = PAGE_IS_ZERO_PAGE};
// The fast query.
const PageQuery page_written_query = {.mask = PAGE_IS_WRITTEN, .returned = PAGE_IS_WRITTEN};
const PageQuery page_untracked_query = {
    .inverted = PAGE_IS_TRACKED, .mask = PAGE_IS_TRACKED, .returned = PAGE_IS_TRACKED};
// See Note [Mapped files].
const PageQuery page_unchanged_private_query = {.inverted = PAGE_IS_WRITTEN | PAGE_IS_OF_FILE,
                                                .mask = PAGE_IS_PRESENT | PAGE_IS_WRITTEN |
                                                        PAGE_IS_OF_FILE,
                                                .returned = PAGE_IS_WRITTEN};

// ---- runs ----

static RunKind kind_of(const ProcessMapping *mapping)
{
    if (page_selection_has_file_content(mapping))
        return RUN_OF_FILE;
    return strncmp(mapping->name, "/anon_hugepage", 14) == 0 ? RUN_OF_HUGE_PAGES : RUN_ANONYMOUS;
}

bool tracked_run_next(const PageSource *source, TrackedRun *run)
{
    uint32_t at = run->first + run->count;

    while (at < source->mapping_count && !page_selection_includes(&source->mappings[at]))
        at++;
    if (at == source->mapping_count)
        return false;
    run->kind = kind_of(&source->mappings[at]);
    run->start = source->mappings[at].start;
    run->end = source->mappings[at].end;
    run->first = at;
    run->count = 1;
    while (run->kind == RUN_ANONYMOUS && ++at < source->mapping_count &&
           source->mappings[at].start == run->end &&
           page_selection_includes(&source->mappings[at]) &&
           kind_of(&source->mappings[at]) == RUN_ANONYMOUS) {
        run->end = source->mappings[at].end;
        run->count++;
    }
    return true;
}

// ---- scanning ----

bool tracked_scan(WriteTracking *tracking, const PageQuery *query, uint64_t start, uint64_t end,
                  PageSelection *out, Error *error)
{
    while (start < end) {
        int found = pagemap_scan(tracking->pagemap, query, &start, end, tracking->regions);

        if (found < 0)
            return capture_refusal_explain(tracking->pid, errno, error);
        if (query->protects && !cancel_check(tracking->cancel, error))
            return false;
        for (int i = 0; i < found; i++) {
            const PagemapRegion *region = &tracking->regions[i];

            if ((region->categories & PAGE_IS_ZERO_PAGE) == 0 &&
                !page_set_add(out, region->start, region->end, error))
                return false;
        }
    }
    return true;
}

bool tracked_scan_set(WriteTracking *tracking, const PageQuery *query, const PageSelection *set,
                      PageSelection *out, Error *error)
{
    for (uint64_t i = 0; i < set->count; i++) {
        const ProcessRange *range = &set->ranges[i];

        if (!tracked_scan(tracking, query, range->address, range->address + range->bytes, out,
                          error))
            return false;
    }
    return true;
}
