// PerThreadMarkQueue: the work that waits for one worker.
//
// Items are objects and spans that were claimed and must still be scanned (see marker/mark_item.h).
// They wait in three places, which the owner fills and empties in this order:
//   - a private stack, an array that no other worker reads; the newest item first;
//   - the StealQueue, which the owner fills only while another worker is hungry;
//   - the Worklist: segments that did not fit the stack, which hungry workers take whole.
// References that another worker found wait elsewhere, in the OwnerInbox.
//
// Memory: an item waits in one place only. An object has at most one, and a span at most one for
// each piece that it is scanned in, so all queues of a mark together hold no more items than there
// are live objects, foreign blocks and pieces (2 KiB) of large objects and blocks. Segments are put
// on a Worklist full.

#ifndef MARKER_PER_THREAD_MARK_QUEUE_H
#define MARKER_PER_THREAD_MARK_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/owner_inbox.h"
#include "marker/steal_queue.h"
#include "marker/worklist.h"

// The private stack spills when it holds more than this.
#define STACK_ITEMS 4096u
// It has room for this many more, so that the innermost loop need not check.
#define STACK_SLACK 4096u

typedef struct PerThreadMarkQueue {
    // Private: items [base, top).
    uint64_t *items;
    uint32_t base;
    uint32_t top;
    uint32_t spill_above;
    SegmentSlabs slabs;
    WorkSegment *spares; // emptied segments, to be used again
    bool is_shared;
    // Shared.
    StealQueue stealable;
    Worklist overflow;
    OwnerInbox inbox;
} PerThreadMarkQueue;

typedef struct PerThreadMarkQueueOptions {
    uint32_t capacity;      // of the StealQueue; small ones make stack and segments small too
    bool is_shared;         // false: for one worker alone; there is neither StealQueue nor inbox
    SharedU32 *outstanding; // see OwnerInbox
} PerThreadMarkQueueOptions;

// Errors: usage (capacity), memory, system. The caller owns `*out`.
NODISCARD bool per_thread_mark_queue_new(const PerThreadMarkQueueOptions *options,
                                         PerThreadMarkQueue **out, Error *error);
// Not before all queues of the mark are out of use: others may have its segments.
void per_thread_mark_queue_free(PerThreadMarkQueue *queue);

// ---- for the owner ----

// Moves the oldest half of the stack to segments when it is above its limit. False: memory is
// short. *spilled: whether there are new segments for other workers.
NODISCARD bool per_thread_mark_queue_spill(PerThreadMarkQueue *queue, bool *spilled);

// Fills the empty stack from the Worklist. False: the Worklist is empty.
bool per_thread_mark_queue_unspill(PerThreadMarkQueue *queue);

// Fills the empty stack from StealQueue or Worklist. False: both are empty.
bool per_thread_mark_queue_refill(PerThreadMarkQueue *queue);

// Moves the older half of the stack to the StealQueue, as far as there is room. Returns the number
// of items.
uint32_t per_thread_mark_queue_share(PerThreadMarkQueue *queue);

// The stack must have room.
static inline void per_thread_mark_queue_push(PerThreadMarkQueue *queue, uint64_t item)
{
    queue->items[queue->top++] = item;
}

static inline uint32_t per_thread_mark_queue_size(const PerThreadMarkQueue *queue)
{
    return queue->top - queue->base;
}

// ---- for a hungry worker ----

// Fills the thief's empty stack from the victim's StealQueue (half of it) or Worklist (one
// segment). False: it got nothing.
bool per_thread_mark_queue_steal(PerThreadMarkQueue *thief, PerThreadMarkQueue *victim);

// True when there seems to be something to steal.
bool per_thread_mark_queue_is_stealable(const PerThreadMarkQueue *queue);

#endif
