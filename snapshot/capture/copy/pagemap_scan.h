// PAGEMAP_SCAN, the request of Linux 6.7 that finds pages of a process by what they are, and
// write-protects them in the same step. Spelled out, because Debian 12's headers are older.
//
// What a page is, for a query: its bits of PageCategory, with those of `inverted` turned round; it
// is found when all of `mask` and any of `any_of` (unless that is 0) are set. Neighbours come as
// one range when their bits of `returned` are the same.
//
// As the kernel has it, a page that holds nothing has no category at all, except that the query
// with mask = returned = WRITTEN, and nothing else, counts it as written, until it is protected:
// then a marker in its place tells that, which looks like SWAPPED to all other queries.

#ifndef SNAPSHOT_CAPTURE_COPY_PAGEMAP_SCAN_H
#define SNAPSHOT_CAPTURE_COPY_PAGEMAP_SCAN_H

#include <stdbool.h>
#include <stdint.h>

enum PageCategory {
    PAGE_IS_TRACKED = 1 << 0, // its mapping is registered for asynchronous write protection
    PAGE_IS_WRITTEN = 1 << 1, // not write-protected
    PAGE_IS_OF_FILE = 1 << 2, // not a private copy of it
    PAGE_IS_PRESENT = 1 << 3,
    PAGE_IS_SWAPPED = 1 << 4,
    PAGE_IS_ZERO_PAGE = 1 << 5,
};

typedef struct PageQuery {
    bool protects;      // what is found, where it is tracked; nothing else is found then
    uint64_t max_pages; // that one call finds; 0: any
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

// How many regions one call may find.
#define PAGEMAP_SCAN_REGIONS 4096u

// Looks from `*start` on, at most to `end`, and moves `*start` to where it came. Returns how many
// regions it found, ascending, or -1 with errno set; ENOTTY or EINVAL: the kernel does not know
// the request.
int pagemap_scan(int pagemap, const PageQuery *query, uint64_t *start, uint64_t end,
                 PagemapRegion regions[PAGEMAP_SCAN_REGIONS]);

#endif
