// OwnerOutboxes: where a worker collects the references that other workers are to visit, one chunk
// for each owner (MARK_POLICY_OWNER).
//
// Before a batch the worker makes sure that every box is open and that it holds as many spare
// chunks as the batch may fill, so adding a reference never fails and never waits.

#ifndef MARKER_OWNER_OUTBOXES_H
#define MARKER_OWNER_OUTBOXES_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "marker/reference_chunk.h"

typedef struct OwnerOutbox {
    uint64_t *next; // where the next reference goes
    uint64_t *end;
    ReferenceChunk *chunk; // NULL: closed
} OwnerOutbox;

typedef struct OwnerOutboxes {
    ChunkPool *pool; // borrowed
    uint32_t owner_count;
    uint32_t open_count; // boxes with a chunk
    OwnerOutbox boxes[MAX_VIRTUAL_WORKERS];
    uint64_t own;             // the cell of the worker itself: its value is never read
    ReferenceChunk *outgoing; // to be delivered
    ReferenceChunk *spares;
    uint32_t spare_count;
} OwnerOutboxes;

// self: index of the worker itself.
void owner_outboxes_init(OwnerOutboxes *outboxes, ChunkPool *pool, uint32_t self,
                         uint32_t owner_count);

// Prepares for a batch. False: the pool is empty.
bool owner_outboxes_reserve(OwnerOutboxes *outboxes);

// Exchanges the chunk of a full box. Between two calls of _reserve() as many references may be
// added as a batch finds.
void owner_outboxes_exchange(OwnerOutboxes *outboxes, uint32_t owner);

// Adds a reference for `owner` if `is_one` is 1, and nothing if it is 0, without a branch on it.
static inline void owner_outboxes_add(OwnerOutboxes *outboxes, uint32_t owner, uint64_t granule,
                                      uint32_t is_one)
{
    OwnerOutbox *box = &outboxes->boxes[owner];

    *box->next = granule;
    box->next += is_one;
    if (__builtin_expect(box->next == box->end, 0))
        owner_outboxes_exchange(outboxes, owner);
}

// Moves every reference to `outgoing`, full chunk or not, and closes the boxes.
void owner_outboxes_flush(OwnerOutboxes *outboxes);

// Consumes a chunk whose references have been visited.
void owner_outboxes_reuse(OwnerOutboxes *outboxes, ReferenceChunk *chunk);

// Closes the boxes, which must be empty, and returns all spare chunks to the pool.
void owner_outboxes_return(OwnerOutboxes *outboxes);

#endif
