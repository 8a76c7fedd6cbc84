// PagePieces: the pages of a heap as pieces of a stream, without what their free slots hold.
//
// A free slot keeps the bytes of its object header, or, in classes smaller than
// that, of its free-list link; the rest is written as zeros: it is data of dead
// objects, and costs space.

#ifndef SNAPSHOT_PAGE_PIECES_H
#define SNAPSHOT_PAGE_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/error.h"
#include "snapshot/heap_layout.h"
#include "snapshot/seekable_writer.h"
#include "snapshot/snapshot_file.h"

typedef struct PagePieces {
    StreamPiece *pieces; // owned; their bytes are borrowed from the runs
    uint64_t count;
    uint64_t capacity;
} PagePieces;

// Plans all runs, in order. Unless `keeps_free_slots`, the pieces that hold small pages are
// marked for the filter. Errors: corrupt (a page header is not valid), memory.
NODISCARD bool page_pieces_init(PagePieces *pieces, const HeapLayout *layout,
                                const SnapshotPages *runs, uint64_t run_count,
                                bool keeps_free_slots, Error *error);
void page_pieces_release(PagePieces *pieces);

// A StreamFilter's function: zeroes the value part of the free slots in whole small pages.
// `context` is the HeapLayout.
void page_pieces_filter(const void *context, uint8_t *bytes, uint64_t length);

#endif
