// StealQueue: see marker/steal_queue.h.
//
// Note [Last item]
//
// Only the last item can be wanted by the owner and a thief at once. pop() announces that it
// takes item b by storing bottom = b, and then loads top. steal() loads top, and then bottom.
// These four accesses are seq_cst, so all threads agree on one order of them. If the
// owner reads top < b, then the CAS that would bring top to b comes later in that order than
// the store of bottom, and so does every load of bottom by a thief that found top = b: that
// thief reads bottom <= b and gives up. Hence item b is the owner's without a CAS. If the owner
// reads top = b, it competes for the item by the same CAS as the thieves. Were the store of
// bottom and the load of top any weaker, the load could overtake the store (it does, on x86
// too), and the item would be handed out twice.
//
// The thief's load of top is among the four, although an acquire load would do on x86 and ARMv8: in
// C++20, [atomics.order] 4, an acquire load that reads from a seq_cst CAS does not put that CAS
// before the seq_cst load of bottom that follows, because it does not belong to that order (the
// litmus test Z6.U in Lahav et al., "Repairing Sequential Consistency in C/C++11", PLDI 2017).

#include "marker/steal_queue.h"

#include <stdlib.h>

static SharedU64 *slot_of(const StealQueue *queue, int64_t index)
{
    return &queue->slots[index & (queue->capacity - 1)];
}

bool steal_queue_init(StealQueue *queue, uint32_t capacity, Error *error)
{
    queue->slots = NULL;
    if (capacity < 2 || (capacity & (capacity - 1)) != 0)
        return error_set(error, ERROR_USAGE, "queue capacity %u is not a power of two from 2",
                         capacity);
    queue->slots = calloc(capacity, sizeof *queue->slots);
    if (queue->slots == NULL)
        return error_set_memory(error, capacity * sizeof *queue->slots, "a steal queue");
    queue->capacity = capacity;
    // Relaxed: no other thread knows the queue yet.
    shared_i64_store(&queue->top, 0, SHARED_RELAXED);
    shared_i64_store(&queue->bottom, 0, SHARED_RELAXED);
    return true;
}

void steal_queue_release(StealQueue *queue)
{
    free(queue->slots);
    queue->slots = NULL;
}

bool steal_queue_push(StealQueue *queue, uint64_t item)
{
    // Relaxed: only this thread writes bottom.
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_RELAXED);
    // Acquire: partner is the CAS in steal(); the thief has read its slot before we reuse it.
    int64_t top = shared_i64_load(&queue->top, SHARED_ACQUIRE);

    if (bottom - top >= queue->capacity)
        return false;
    // Relaxed: published by the store of bottom.
    shared_u64_store(slot_of(queue, bottom), item, SHARED_RELAXED);
    // Release: partner is the load of bottom in steal().
    shared_i64_store(&queue->bottom, bottom + 1, SHARED_RELEASE);
    return true;
}

bool steal_queue_pop(StealQueue *queue, uint64_t *item)
{
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_RELAXED) - 1;

    // Seq_cst, both: see Note [Last item].
    shared_i64_store(&queue->bottom, bottom, SHARED_SEQ_CST);
    int64_t top = shared_i64_load(&queue->top, SHARED_SEQ_CST);
    if (top > bottom) {
        // Release, here and below: a thief that reads this value of bottom in steal() must see the
        // slots of all items below it, pushed long ago.
        shared_i64_store(&queue->bottom, bottom + 1, SHARED_RELEASE);
        return false;
    }
    // Relaxed: our own store.
    *item = shared_u64_load(slot_of(queue, bottom), SHARED_RELAXED);
    if (top < bottom)
        return true;
    // Competes with the CAS in steal(), on one cell. Relaxed: it hands nothing over (slots are
    // published by bottom), what the thieves before us read was ordered by the load of top above,
    // and a release sequence of theirs goes on through it. Note [Last item] speaks of the CAS of a
    // thief only: after ours, the next pop() finds top = b, and competes.
    bool is_ours =
        shared_i64_compare_exchange(&queue->top, &top, top + 1, SHARED_RELAXED, SHARED_RELAXED);
    shared_i64_store(&queue->bottom, bottom + 1, SHARED_RELEASE);
    return is_ours;
}

bool steal_queue_steal(StealQueue *queue, uint64_t *item)
{
    // Seq_cst, both: see Note [Last item].
    int64_t top = shared_i64_load(&queue->top, SHARED_SEQ_CST);
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_SEQ_CST);

    if (top >= bottom)
        return false;
    // Before the CAS: once top has moved, the owner may reuse the slot.
    uint64_t oldest = shared_u64_load(slot_of(queue, top), SHARED_RELAXED);
    // Relaxed on failure: another thread has the item, so `oldest` is dropped unused.
    if (!shared_i64_compare_exchange(&queue->top, &top, top + 1, SHARED_SEQ_CST, SHARED_RELAXED))
        return false;
    *item = oldest;
    return true;
}

uint32_t steal_queue_size(const StealQueue *queue)
{
    // Relaxed, both: an estimate; push, pop and steal check for themselves. A worker that is about
    // to sleep must not miss work here, and the last one not leave before a thief is counted on:
    // both are ordered by read-modify-writes of another cell, see Note [No lost wake-up] and
    // Note [Termination] in marker/parallel_mark_coordinator.h.
    int64_t top = shared_i64_load(&queue->top, SHARED_RELAXED);
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_RELAXED);

    return bottom > top ? (uint32_t)(bottom - top) : 0;
}
