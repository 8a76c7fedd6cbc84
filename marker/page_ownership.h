// PageOwnership: which worker owns which page.
//
// The window of the heap is divided into regions, and each region belongs to one worker of a mark,
// so that the owner's mark words stay in its cache. Regions that one thread of the captured program
// filled (PageHeader.owner_thread) stay together, because objects of one thread refer to each other
// more than to others; and every worker gets about the same number of live objects, because a heap
// with one allocating thread must keep all workers busy too. So regions are sorted by owner thread
// and address, and the sequence is cut into shares of equal weight. The cut depends on the image
// and the number of workers alone.

#ifndef MARKER_PAGE_OWNERSHIP_H
#define MARKER_PAGE_OWNERSHIP_H

#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/heap_image.h"

#define MAX_REGIONS 1024u

typedef struct PageOwnership {
    uint64_t window_start; // captured address
    uint32_t region_shift; // log2 of a region's bytes, at least a page's
    uint32_t region_count;
    uint8_t workers[MAX_REGIONS]; // per region
} PageOwnership;

// worker_count: 1..MAX_VIRTUAL_WORKERS. Errors: memory.
NODISCARD bool page_ownership_init(PageOwnership *ownership, const HeapImage *image,
                                   uint32_t worker_count, Error *error);

// The owner of the page at a captured address. Pages outside the window belong to the first worker.
static inline uint32_t page_ownership_worker(const PageOwnership *ownership, uint64_t address)
{
    uint64_t region = (address - ownership->window_start) >> ownership->region_shift;

    return region < ownership->region_count ? ownership->workers[region] : 0;
}

#endif
