// PageOwnership: which worker owns which page.
//
// Each page of the heap belongs to one worker of a mark. Pages that one thread of the captured
// program allocated (PageHeader.owner_thread) stay together, because they refer to each other
// more than to others; and every worker gets about the same number of live objects, because a
// heap with one allocating thread must keep all workers busy too. So pages are taken in order of
// (owner thread, address) and cut into shares of equal weight. The cut depends on the image and
// the number of workers alone.

#ifndef MARKER_PAGE_OWNERSHIP_H
#define MARKER_PAGE_OWNERSHIP_H

#include <stdint.h>

#include "snapshot/error.h"
#include "snapshot/heap_image.h"

typedef struct PageOwnership {
    // Per word index (heap_image_first_word() of the page): the worker. Words that belong to no
    // page belong to worker 0.
    uint8_t *workers;
} PageOwnership;

// worker_count: 1..MAX_WORKERS. Errors: memory.
NODISCARD bool page_ownership_init(PageOwnership *ownership, const HeapImage *image,
                                   uint32_t worker_count, Error *error);
void page_ownership_release(PageOwnership *ownership);

static inline uint32_t page_ownership_worker(const PageOwnership *ownership, const HeapImage *image,
                                             uint32_t page)
{
    return ownership->workers[heap_image_first_word(image, page)];
}

#endif
