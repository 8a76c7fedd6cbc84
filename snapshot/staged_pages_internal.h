// Pages of a process in staging memory that are copied more than once, because they are written
// meanwhile: each keeps its place.
//
//     staged_pages_place(&staged, &written, &pieces, error);
//     page_copying_pieces(&pieces, ..., &staged.memory, ...);
//     staged_pages_add(&staged, &pieces, error);

#ifndef SNAPSHOT_STAGED_PAGES_INTERNAL_H
#define SNAPSHOT_STAGED_PAGES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/error.h"
#include "snapshot/page_copying_internal.h"
#include "snapshot/page_selection_internal.h"

typedef struct StagedPages {
    StagingMemory memory;
    uint64_t used_bytes; // of it, from the start on
    PageSelection pages; // that have a place, with data
    PageSelection scratch[2];
} StagedPages;

// Clears `pieces` and fills it with `wanted`, and where each page of it goes: to its place, or
// behind all others. Takes the time of `wanted`, however many pages there are. Errors: memory.
NODISCARD bool staged_pages_place(StagedPages *staged, const PageSelection *wanted,
                                  PageSelection *pieces, Error *error);

// Takes in what has been placed and copied. Errors: memory.
NODISCARD bool staged_pages_add(StagedPages *staged, const PageSelection *pieces, Error *error);

// Drops all pages but these. Errors: memory.
NODISCARD bool staged_pages_keep(StagedPages *staged, const PageSelection *kept, Error *error);

// All but the staging memory, which is somebody else's then.
void staged_pages_release(StagedPages *staged);

#endif
