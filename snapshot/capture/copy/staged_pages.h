// Pages of a process in a staging area that are copied more than once, because they are written
// meanwhile. In plain memory each keeps its place:
//
//     staged_pages_place(&staged, &written, &pieces, error);
//     page_copying_pieces(&pieces, ..., &staged.area.memory, ...);
//     staged_pages_add(&staged, &pieces, error);
//
// Many at once can be compressed instead, where the area does that; later versions override.
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
    uint64_t used_bytes;  // of its memory, from the start on
    PageSelection pages;  // that have a place in its memory, with data
    PageSelection packed; // that are compressed, with data; of those, `pages` are later versions
    PageSelection scratch[2];
} StagedPages;

// Clears `pieces` and fills it with `wanted`, and where each page of it goes: to its place, or
// behind all others. Takes the time of `wanted`, however many pages there are. Errors: memory.
NODISCARD bool staged_pages_place(StagedPages *staged, const PageSelection *wanted,
                                  PageSelection *pieces, Error *error);

// Takes in what has been placed and copied. Errors: memory.
NODISCARD bool staged_pages_add(StagedPages *staged, const PageSelection *pieces, Error *error);

// Copies `written`, and compresses it. Clears `unread` and fills it with what could not be read.
// Errors: those of packed_pages_add().
NODISCARD bool staged_pages_pack(StagedPages *staged, PageSelection *written, int pid, int tid,
                                 const Cancel *cancel, PageSelection *unread, Error *error);

// How many bytes all pages have; those that there are twice count twice.
uint64_t staged_pages_bytes(const StagedPages *staged);

// Puts the compressed ones among the others. Errors: memory.
NODISCARD bool staged_pages_unite(StagedPages *staged, Error *error);

// Drops all pages but these, once they are united. Errors: memory.
NODISCARD bool staged_pages_keep(StagedPages *staged, const PageSelection *kept, Error *error);

// All but the staging area, which is somebody else's then.
void staged_pages_release(StagedPages *staged);

#endif
