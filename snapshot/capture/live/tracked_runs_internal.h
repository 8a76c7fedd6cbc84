// TrackedRun: neighbouring mappings that the write tracking treats alike, and the queries by which
// it scans their page tables (pagemap_scan.h).

#ifndef SNAPSHOT_CAPTURE_LIVE_TRACKED_RUNS_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_TRACKED_RUNS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/pagemap_scan.h"
#include "snapshot/capture/live/write_tracking_internal.h"

typedef enum RunKind { RUN_ANONYMOUS, RUN_OF_FILE, RUN_OF_HUGE_PAGES } RunKind;

// Neighbouring mappings of anonymous memory, or one mapping of another kind.
typedef struct TrackedRun {
    RunKind kind;
    uint64_t start;
    uint64_t end;
    uint32_t first; // index of its first mapping
    uint32_t count;
} TrackedRun;

// Moves on to the next run; a zeroed one is before the first. False when there is none.
bool tracked_run_next(const PageSource *source, TrackedRun *run);

// A page with content; one that was written, too.
extern const PageQuery page_content_query;
extern const PageQuery page_written_content_query;
// A page without protection or marker (the fast query of Note [Marked pages]); one of a mapping
// that is not registered with the userfaultfd.
extern const PageQuery page_written_query;
extern const PageQuery page_untracked_query;
// A present, private and protected page: see Note [Mapped files].
extern const PageQuery page_unchanged_private_query;

// Adds to `out` the pages that the query finds in [start, end), or in `set`; zero pages are left
// out. Errors: system, memory, interrupted.
NODISCARD bool tracked_scan(WriteTracking *tracking, const PageQuery *query, uint64_t start,
                            uint64_t end, PageSelection *out, Error *error);
NODISCARD bool tracked_scan_set(WriteTracking *tracking, const PageQuery *query,
                                const PageSelection *set, PageSelection *out, Error *error);

#endif
