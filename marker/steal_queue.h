// StealQueue: a lock-free double-ended queue of fixed capacity, for one owner and many thieves.
//
// Chase and Lev's deque with the orders of Lê, Pop, Cohen, Zappa Nardelli, "Correct and
// Efficient Work-Stealing for Weak Memory Models", PPoPP 2013. Two deviations: ordered accesses
// stand where the paper has fences, and pop() stores `bottom` with release, because C++20 removed
// the rule (release sequences continued by plain stores of the same thread) by which the paper's
// relaxed stores still published push()'s items to thieves.
//
// Main invariant: the items are those with index top <= i < bottom, item i in slot i modulo
// capacity. `top` only grows, and only by a CAS; `bottom` is written by the owner alone.
// Indices are signed, since pop() lets `bottom` fall to `top - 1` for a moment.
//
// The owner pushes and pops at the bottom (last in, first out); others steal from the top
// (first in, first out). A full queue refuses an item; it never drops one.

#ifndef MARKER_STEAL_QUEUE_H
#define MARKER_STEAL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared_memory.h"
#include "base/error.h"

typedef struct StealQueue {
    _Alignas(SHARED_LINE_BYTES) SharedI64 top;    // written by owner and thieves
    _Alignas(SHARED_LINE_BYTES) SharedI64 bottom; // written by the owner, read by thieves
    _Alignas(SHARED_LINE_BYTES) int64_t capacity; // a power of two
    SharedU64 *slots;                             // written by the owner, read by thieves
} StealQueue;

// capacity: a power of two, at least 2. Errors: usage, memory.
NODISCARD bool steal_queue_init(StealQueue *queue, uint32_t capacity, Error *error);
void steal_queue_release(StealQueue *queue);

// Owner only. False: the queue is full, and nothing was pushed.
NODISCARD bool steal_queue_push(StealQueue *queue, uint64_t item);

// Owner only. False: the queue is empty.
NODISCARD bool steal_queue_pop(StealQueue *queue, uint64_t *item);

// Any thread. False: the queue was empty, or another thread was faster.
NODISCARD bool steal_queue_steal(StealQueue *queue, uint64_t *item);

// The number of items that a thief may find. Exact only while no other thread uses the queue.
uint32_t steal_queue_size(const StealQueue *queue);

#endif
