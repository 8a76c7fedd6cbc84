// PagePieces: the pages of a heap as pieces of a stream, without the bytes that must not get into
// a file.
//
// A free slot keeps the bytes of its object header, or, in classes smaller than
// that, of its free-list link; the rest is written as zeros: it is data of dead
// objects, and costs space. With a Redaction, no data is written at all.

#ifndef SNAPSHOT_FILE_PAGE_PIECES_H
#define SNAPSHOT_FILE_PAGE_PIECES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/file/redaction.h"
#include "snapshot/file/frames/seekable_writer.h"
#include "snapshot/file/snapshot_file.h"

typedef struct PagePieces {
    const HeapLayout *layout;   // borrowed
    const PageRecords *records; // borrowed
    const Redaction *redaction; // borrowed; NULL: none
    bool keeps_free_slots;
    StreamPiece *pieces; // owned; their bytes are borrowed from the runs
    uint64_t count;
    uint64_t capacity;
} PagePieces;

// Plans all runs of `contents`, in order. Errors: memory.
NODISCARD bool page_pieces_init(PagePieces *pieces, const SnapshotContents *contents,
                                bool keeps_free_slots, const Redaction *redaction, Error *error);
void page_pieces_release(PagePieces *pieces);

// The filter to append the pieces with; it borrows `pieces`.
StreamFilter page_pieces_filter(const PagePieces *pieces);

#endif
