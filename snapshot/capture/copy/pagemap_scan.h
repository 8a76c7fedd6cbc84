// PAGEMAP_SCAN, the request of Linux 6.7 that finds pages of a process by their categories, and can
// write-protect them in the same step. Declared here because Debian 12's headers are older.
//
// A query takes the categories of a page (PageCategory), inverts the bits of `inverted`, and finds
// the page when all bits of `mask` and any bit of `any_of` (unless that is 0) are set. Neighbouring
// pages come as one region when their bits of `returned` are the same.
//
// In the kernel, an empty page has no category at all. One query is special: with mask = returned =
// WRITTEN, and nothing else, it counts empty pages as written, until they are protected; protection
// leaves a marker in their place, which looks like SWAPPED to all other queries.

#ifndef SNAPSHOT_CAPTURE_COPY_PAGEMAP_SCAN_H
#define SNAPSHOT_CAPTURE_COPY_PAGEMAP_SCAN_H

#include <stdbool.h>
#include <stdint.h>

enum PageCategory {
    PAGE_IS_TRACKED = 1 << 0, // its mapping is registered for asynchronous write protection
    PAGE_IS_WRITTEN = 1 << 1, // not write-protected
    PAGE_IS_OF_FILE = 1 << 2, // a page of a mapped file, not a private copy
    PAGE_IS_PRESENT = 1 << 3,
    PAGE_IS_SWAPPED = 1 << 4,
    PAGE_IS_ZERO_PAGE = 1 << 5,
};

typedef struct PageQuery {
    bool protects;      // write-protect the found pages; only tracked pages are found then
    uint64_t max_pages; // limit of one call; 0: none
    uint64_t inverted;
    uint64_t mask;
    uint64_t any_of;
    uint64_t returned;
} PageQuery;

typedef struct PagemapRegion {
    uint64_t start;
    uint64_t end;
    uint64_t categories; // of `returned`
} PagemapRegion;

// The most regions that one call finds.
#define PAGEMAP_SCAN_REGIONS 4096u

// Scans [*start, end), until `regions` is full or `max_pages` is reached, and moves `*start` to
// where the scan ended. Returns the number of regions, ascending, or -1 with errno set; ENOTTY or
// EINVAL: the kernel does not know the request.
int pagemap_scan(int pagemap, const PageQuery *query, uint64_t *start, uint64_t end,
                 PagemapRegion regions[PAGEMAP_SCAN_REGIONS]);

#endif
