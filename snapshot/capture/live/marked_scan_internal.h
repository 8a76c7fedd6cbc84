// MarkedScan: finds the written pages of marked memory (Note [Marked pages] in tracked_runs.c),
// which are not protected any more, during the stop. That is the longest scan, so several threads
// do it, while the caller reads the mappings.
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

// The memory bandwidth is the limit: more threads gain nothing.
#define MARKED_SCAN_MAX_THREADS 4u

typedef struct MarkedScanWorker {
    PagemapRegion *regions; // room for the results of one request; owned
    PageSelection found;
} MarkedScanWorker;

// A zeroed one may be released.
typedef struct MarkedScan {
    ParallelTeam *team;
    int pid;
    int pagemap;         // borrowed
    ProcessRange *parts; // each is scanned by one thread; owned
    uint64_t part_count;
    uint64_t part_capacity;
    MarkedScanWorker workers[MARKED_SCAN_MAX_THREADS];
    Error error;
} MarkedScan;

// Errors: memory. Call marked_scan_release() whatever it returns.
NODISCARD bool marked_scan_init(MarkedScan *scan, int pid, int pagemap, Error *error);
void marked_scan_release(MarkedScan *scan);

// Sets the memory of the next scan. Errors: memory.
NODISCARD bool marked_scan_prepare(MarkedScan *scan, const PageSelection *marked, Error *error);

// Starts the scan on the threads; marked_scan_end() waits for it.
void marked_scan_begin(MarkedScan *scan);

// Clears `written` and fills it with the pages found, ascending. Errors: system, memory.
NODISCARD bool marked_scan_end(MarkedScan *scan, PageSelection *written, Error *error);

#endif
