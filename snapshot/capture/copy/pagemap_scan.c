// The request PAGEMAP_SCAN: see pagemap_scan.h.

#include "snapshot/capture/copy/pagemap_scan.h"

#include <errno.h>
#include <sys/ioctl.h>

#include "snapshot/capture/copy/page_selection.h"

typedef struct ScanArguments {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end; // out: where the scan ended
    uint64_t vector;
    uint64_t vector_length;
    uint64_t max_pages;
    uint64_t category_inverted;
    uint64_t category_mask;
    uint64_t category_any_of;
    uint64_t return_mask;
} ScanArguments;

#define SCAN_REQUEST _IOWR('f', 16, ScanArguments)
#define SCAN_PROTECTS (UINT64_C(1) << 0)

int pagemap_scan(int pagemap, const PageQuery *query, uint64_t *start, uint64_t end,
                 PagemapRegion regions[PAGEMAP_SCAN_REGIONS])
{
    ScanArguments arguments = {
        .size = sizeof arguments,
        .flags = query->protects ? SCAN_PROTECTS : 0,
        .start = *start,
        .end = end,
        .vector = (uint64_t)(uintptr_t)regions,
        .vector_length = PAGEMAP_SCAN_REGIONS,
        .max_pages = query->max_pages,
        .category_inverted = query->inverted,
        .category_mask = query->mask,
        .category_any_of = query->any_of,
        .return_mask = query->returned,
    };
    uint64_t pages = 0;
    int found;

    do {
        found = ioctl(pagemap, SCAN_REQUEST, &arguments);
    } while (found < 0 && errno == EINTR);
    if (found < 0)
        return -1;
    for (int i = 0; i < found; i++)
        pages += (regions[i].end - regions[i].start) / PAGE_BYTES;
    // `walk_end` is not reliable: it may be where the kernel's own buffer was full on the way,
    // though the scan went on to the end (seen on 6.18). A scan ends early only when `regions` is
    // full or `max_pages` is reached.
    if (found < (int)PAGEMAP_SCAN_REGIONS && (query->max_pages == 0 || pages < query->max_pages))
        *start = end;
    else
        *start = regions[found - 1].end;
    return found;
}
