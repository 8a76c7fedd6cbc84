// RootOrder: the roots of a snapshot in the order of the file, which is by kind, thread, address,
// value and exactness.
//
// A capture finds roots region by region, each in this order, so they lie in a few ascending runs
// of one kind and thread. Where these do not overlap, they are written run by run from where they
// lie; only other roots are copied and sorted.

#ifndef SNAPSHOT_FILE_ROOT_ORDER_H
#define SNAPSHOT_FILE_ROOT_ORDER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/file/frames/seekable_writer.h"
#include "snapshot/heap/heap_image.h"

typedef struct RootOrder {
    // The first piece is empty, for the head of the table; the others are the roots. Owned; their
    // bytes are borrowed.
    StreamPiece *pieces;
    uint64_t piece_count;
    Root *sorted; // the copy, where there is one; owned
} RootOrder;

// `roots` are borrowed for as long as the order lives. Errors: memory.
NODISCARD bool root_order_init(RootOrder *order, const Root *roots, uint64_t count, Error *error);
void root_order_release(RootOrder *order);

#endif
