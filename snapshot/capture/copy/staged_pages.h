// StagedPages: pages of a process in a staging area that are copied again when they are written
// meanwhile (pre-copy). In plain memory each page keeps its place:
//
//     staged_pages_place(&staged, &written, &pieces, error);
//     page_copying_pieces(&pieces, ..., &staged.area.memory, ...);
//     staged_pages_add(&staged, &pieces, error);
//
// If the area compresses pages, many of them can be compressed at once instead. Later versions of a
// page, in plain memory or compressed, override earlier ones.
//
//     staged_pages_pack(&staged, &written, pid, tid, ..., error);
//     ...
//     staged_pages_unite(&staged, error);

#ifndef SNAPSHOT_CAPTURE_COPY_STAGED_PAGES_H
#define SNAPSHOT_CAPTURE_COPY_STAGED_PAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/page_copying.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/staging_area.h"

typedef struct StagedPages {
    StagingArea area;
    uint64_t used_bytes; // of the area's memory, from its start
    PageSelection pages; // in plain memory, with data
    PageSelection
        packed; // compressed, with data; if a page is in both, `pages` has the later version
    PageSelection scratch[2];
} StagedPages;

// Clears `pieces` and fills it with the pages of `wanted` and the places where they are to be
// copied: the place that a page has, or a new one behind all others. The time depends on the size
// of `wanted` alone. Errors: memory.
NODISCARD bool staged_pages_place(StagedPages *staged, const PageSelection *wanted,
                                  PageSelection *pieces, Error *error);

// Adds pages that were placed and copied. Errors: memory.
NODISCARD bool staged_pages_add(StagedPages *staged, const PageSelection *pieces, Error *error);

// Copies and compresses `written`. Clears `unread` and fills it with the pages that could not be
// read. Errors: those of packed_pages_add().
NODISCARD bool staged_pages_pack(StagedPages *staged, PageSelection *written, int pid, int tid,
                                 const Cancel *cancel, PageSelection *unread, Error *error);

// The bytes of all pages; those that are in both sets count twice.
uint64_t staged_pages_bytes(const StagedPages *staged);

// Merges the compressed pages into `pages`. Errors: memory.
NODISCARD bool staged_pages_unite(StagedPages *staged, Error *error);

// Drops all pages but `kept`, after staged_pages_unite(). Errors: memory.
NODISCARD bool staged_pages_keep(StagedPages *staged, const PageSelection *kept, Error *error);

// Releases all but the staging area.
void staged_pages_release(StagedPages *staged);

#endif
