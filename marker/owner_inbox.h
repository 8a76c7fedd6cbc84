// OwnerInbox: where other workers leave references to pages that this worker owns.
//
// References come in batches, so the lock is taken once per batch. What does not fit the bounded
// part goes to overflow segments behind it; those are bounded too: when there are
// INBOX_OVERFLOW_SEGMENTS of them, a delivery is refused, and the sender works through its own
// inbox until there is room (see mark_worker.c, Note [Senders that wait]).
//
// A non-empty inbox counts as one unit in `outstanding`, the count that tells whether the mark
// is finished, so that no worker leaves while a reference waits here.

#ifndef MARKER_OWNER_INBOX_H
#define MARKER_OWNER_INBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/worklist.h"
#include "shared_memory.h"
#include "snapshot/error.h"

// References of a batch, unless a small queue capacity asks for smaller ones.
#define INBOX_BATCH 256u
#define INBOX_OVERFLOW_SEGMENTS 64u

typedef struct OwnerInbox {
    _Alignas(SHARED_LINE_BYTES) SharedMutex mutex; // guards all but `is_pending`
    uint64_t *items;
    uint32_t capacity;
    uint32_t count;
    WorkSegment *overflow;
    uint32_t overflow_count;
    uint32_t segment_items;
    SharedU32 *outstanding; // the mark's; changed here under the lock
    SharedU32 is_pending;   // 1 when not empty; written under the lock, read by anybody
} OwnerInbox;

// capacity: references of the bounded part. Errors: memory, system.
NODISCARD bool owner_inbox_init(OwnerInbox *inbox, uint32_t capacity, uint32_t segment_items,
                                SharedU32 *outstanding, Error *error);
void owner_inbox_release(OwnerInbox *inbox);

typedef enum InboxAnswer {
    INBOX_TAKEN,
    INBOX_TAKEN_FIRST,   // and it was empty before: the owner may be asleep
    INBOX_WANTS_SEGMENT, // nothing taken: come again with a segment
    INBOX_FULL,          // nothing taken: come again later
} InboxAnswer;

// Leaves `count` references, at most the items of a segment. `*spare` may be NULL; when the
// inbox needs it, it takes it and sets it to NULL.
InboxAnswer owner_inbox_deliver(OwnerInbox *inbox, const uint64_t *references, uint32_t count,
                                WorkSegment **spare);

// Takes up to `limit` references out; 0: the inbox is empty. The caller, who must be counted in
// `outstanding` itself, gets an emptied segment through `*emptied`, or NULL.
uint32_t owner_inbox_take(OwnerInbox *inbox, uint64_t *references, uint32_t limit,
                          WorkSegment **emptied);

bool owner_inbox_is_pending(const OwnerInbox *inbox);

#endif
