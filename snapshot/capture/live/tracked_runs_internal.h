// Runs of memory that write tracking treats alike, and the questions that it asks about them.

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
    uint32_t first; // its mappings
    uint32_t count;
} TrackedRun;

// Moves on to the next run; a zeroed one stands before the first. False when there is none.
bool tracked_run_next(const PageSource *source, TrackedRun *run);

// A page that holds something; one that was written as well.
extern const PageQuery page_content_query;
extern const PageQuery page_written_content_query;
// Whatever is not protected, marked or tracked: the fast query of Note [Marked pages].
extern const PageQuery page_written_query;
extern const PageQuery page_untracked_query;
// See Note [Mapped files].
extern const PageQuery page_unchanged_private_query;

// Adds to `out` what the query finds in [start, end), without the zero page. Errors: system,
// memory, interrupted.
NODISCARD bool tracked_scan(WriteTracking *tracking, const PageQuery *query, uint64_t start,
                            uint64_t end, PageSelection *out, Error *error);
NODISCARD bool tracked_scan_set(WriteTracking *tracking, const PageQuery *query,
                                const PageSelection *set, PageSelection *out, Error *error);

#endif
