// OwnerInbox: where other workers leave references into pages that this worker owns.
//
// They come in chunks (see marker/reference_chunk.h) that change hands whole, so nothing is
// copied and the lock is taken once per some hundred references. An array takes the first
// INBOX_CHUNKS; the rest waits in a list behind it. Both are bounded by the number of chunks in
// the mark's pool, so a delivery never fails.
//
// A non-empty inbox counts as one unit in `outstanding`, the count that detects the end of the
// mark, so that no worker leaves while a reference waits here.

#ifndef MARKER_OWNER_INBOX_H
#define MARKER_OWNER_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/reference_chunk.h"
#include "shared_memory.h"
#include "base/error.h"

#define INBOX_CHUNKS 64u

typedef struct OwnerInbox {
    _Alignas(SHARED_LINE_BYTES) SharedMutex mutex; // guards the next four
    ReferenceChunk *chunks[INBOX_CHUNKS];
    uint32_t capacity; // of `chunks`, in use; smaller in tests
    uint32_t count;
    ReferenceChunk *overflow;
    SharedU32 *outstanding; // the mark's; changed here under the lock
    SharedU32 is_pending;   // 1 when not empty; written under the lock, read by all workers
} OwnerInbox;

// capacity: 1..INBOX_CHUNKS. Errors: system.
NODISCARD bool owner_inbox_init(OwnerInbox *inbox, uint32_t capacity, SharedU32 *outstanding,
                                Error *error);
void owner_inbox_release(OwnerInbox *inbox);

// Consumes the chunk. Returns whether the inbox was empty before: then the owner may be asleep.
bool owner_inbox_deliver(OwnerInbox *inbox, ReferenceChunk *chunk);

// Takes all chunks, as a list through `next`; NULL: the inbox is empty. The caller must be
// counted in `outstanding` itself.
ReferenceChunk *owner_inbox_take(OwnerInbox *inbox);

bool owner_inbox_is_pending(const OwnerInbox *inbox);

#endif
