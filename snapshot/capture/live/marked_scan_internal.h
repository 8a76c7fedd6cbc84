// The long scan at the stop: which pages of marked memory (Note [Marked pages] in tracked_runs.c)
// are not protected any more; on several threads, which begin while the caller does something else.
//
//     marked_scan_prepare(&scan, &marked, error);
//     ...all threads of the target stand still...
//     marked_scan_begin(&scan);
//     ok = marked_scan_end(&scan, &written, error);

#ifndef SNAPSHOT_CAPTURE_LIVE_MARKED_SCAN_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_MARKED_SCAN_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/parallel_for.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/pagemap_scan.h"

// Memory is the limit: more threads gain nothing.
#define MARKED_SCAN_MAX_THREADS 4u

typedef struct MarkedScanWorker {
    PagemapRegion *regions; // room for what one request finds; owned
    PageSelection found;
} MarkedScanWorker;

// Zeroed is fine for marked_scan_release().
typedef struct MarkedScan {
    ParallelTeam *team;
    int pid;
    int pagemap;         // borrowed
    ProcessRange *parts; // what one thread asks about at a time; owned
    uint64_t part_count;
    uint64_t part_capacity;
    MarkedScanWorker workers[MARKED_SCAN_MAX_THREADS];
    Error error;
} MarkedScan;

// Errors: memory. Call marked_scan_release() whatever it returns.
NODISCARD bool marked_scan_init(MarkedScan *scan, int pid, int pagemap, Error *error);
void marked_scan_release(MarkedScan *scan);

// What there is to scan next. Errors: memory.
NODISCARD bool marked_scan_prepare(MarkedScan *scan, const PageSelection *marked, Error *error);

void marked_scan_begin(MarkedScan *scan);

// Clears `written` and fills it, in the order of addresses. Errors: system, memory.
NODISCARD bool marked_scan_end(MarkedScan *scan, PageSelection *written, Error *error);

#endif
