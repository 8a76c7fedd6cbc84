// MarkedScan: see marked_scan_internal.h. Each thread of the team scans parts of 32 MiB; the
// results are merged at the end.

#include "snapshot/capture/live/marked_scan_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/live/tracked_runs_internal.h"

// 8,192 entries of page tables, about 20 us.
#define PART_BYTES (UINT64_C(32) << 20)

bool marked_scan_init(MarkedScan *scan, int pid, int pagemap, Error *error)
{
    uint32_t threads = parallel_for_burst_threads(MARKED_SCAN_MAX_THREADS);

    *scan = (MarkedScan){.pid = pid, .pagemap = pagemap};
    for (uint32_t i = 0; i < threads; i++) {
        scan->workers[i].regions = malloc(PAGEMAP_SCAN_REGIONS * sizeof *scan->workers[i].regions);
        if (scan->workers[i].regions == NULL)
            return error_set_memory(error, PAGEMAP_SCAN_REGIONS * sizeof *scan->workers[i].regions,
                                    "the page map");
    }
    return parallel_team_new(threads, &scan->team, error);
}

void marked_scan_release(MarkedScan *scan)
{
    parallel_team_free(scan->team);
    for (uint32_t i = 0; i < MARKED_SCAN_MAX_THREADS; i++) {
        free(scan->workers[i].regions);
        page_selection_release(&scan->workers[i].found);
    }
    free(scan->parts);
    *scan = (MarkedScan){.team = NULL};
}

bool marked_scan_prepare(MarkedScan *scan, const PageSelection *marked, Error *error)
{
    if (!array_reserve(&scan->parts, &scan->part_capacity,
                       marked->count + marked->bytes / PART_BYTES, sizeof *scan->parts,
                       "parts of memory", error))
        return false;
    scan->part_count = 0;
    for (uint64_t i = 0; i < marked->count; i++) {
        ProcessRange part = marked->ranges[i];
        uint64_t left = part.bytes;

        for (; left > 0; left -= part.bytes) {
            part.bytes = left < PART_BYTES ? left : PART_BYTES;
            scan->parts[scan->part_count++] = part;
            part.address += part.bytes;
        }
    }
    return true;
}

static bool scan_part(void *context, uint32_t worker, uint64_t item, Error *error)
{
    MarkedScan *scan = context;
    MarkedScanWorker *mine = &scan->workers[worker];
    uint64_t start = scan->parts[item].address, end = start + scan->parts[item].bytes;

    while (start < end) {
        int found = pagemap_scan(scan->pagemap, &page_written_query, &start, end, mine->regions);

        if (found < 0)
            return capture_refusal_explain(scan->pid, errno, error);
        for (int i = 0; i < found; i++) {
            const ProcessRange range = {.address = mine->regions[i].start,
                                        .bytes = mine->regions[i].end - mine->regions[i].start};

            if (!page_set_add_data(&mine->found, &range, error))
                return false;
        }
    }
    return true;
}

void marked_scan_begin(MarkedScan *scan)
{
    for (uint32_t i = 0; i < MARKED_SCAN_MAX_THREADS; i++)
        page_set_clear(&scan->workers[i].found);
    parallel_team_begin(scan->team, scan->part_count, scan_part, scan, &scan->error);
}

bool marked_scan_end(MarkedScan *scan, PageSelection *written, Error *error)
{
    page_set_clear(written);
    if (!parallel_team_end(scan->team)) {
        *error = scan->error;
        return false;
    }
    for (uint32_t i = 0; i < MARKED_SCAN_MAX_THREADS; i++)
        for (uint64_t j = 0; j < scan->workers[i].found.count; j++)
            if (!page_set_add_data(written, &scan->workers[i].found.ranges[j], error))
                return false;
    page_set_sort(written);
    return true;
}
