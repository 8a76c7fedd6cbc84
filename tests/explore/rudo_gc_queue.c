// The algorithm of rudo-gc 0.8.19's work-stealing queue, in our own words, to see whether exploring
// finds its two errors: pop() loads top only before it announces its item, so that bottom may end
// up below top (rudo_gc_pop: with a correct steal()), and steal() reads the slot after its owner
// may have used it again, so that the item there may be a later one (rudo_gc_steal: with a correct
// pop()).

#include "marker/explore/sim/exploring_marker.h"
#include "shared_memory.h"

#define CAPACITY_MAX 8u

typedef struct RudoQueue {
    SharedI64 top;
    SharedI64 bottom;
    int64_t capacity;
    SharedU64 slots[CAPACITY_MAX];
} RudoQueue;

extern const MarkerOperations rudo_gc_queue, rudo_gc_pop, rudo_gc_steal;

static SharedU64 *slot_of(RudoQueue *queue, int64_t index)
{
    return &queue->slots[index & (queue->capacity - 1)];
}

static bool queue_init(void *memory, uint32_t capacity, Error *error)
{
    RudoQueue *queue = memory;

    if (capacity > CAPACITY_MAX)
        return error_set(error, ERROR_USAGE, "too large");
    memset(queue, 0, sizeof *queue);
    queue->capacity = capacity;
    return true;
}

static bool queue_push(void *memory, uint64_t item)
{
    RudoQueue *queue = memory;
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_RELAXED);
    int64_t top = shared_i64_load(&queue->top, SHARED_ACQUIRE);

    if (bottom - top >= queue->capacity)
        return false;
    shared_u64_store(slot_of(queue, bottom), item, SHARED_RELAXED);
    shared_i64_store(&queue->bottom, bottom + 1, SHARED_RELEASE);
    return true;
}

static bool queue_pop(void *memory, uint64_t *item)
{
    RudoQueue *queue = memory;
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_RELAXED);
    int64_t top = shared_i64_load(&queue->top, SHARED_ACQUIRE);
    bool is_ours;

    if (bottom == top)
        return false;
    shared_i64_store(&queue->bottom, bottom - 1, SHARED_RELEASE);
    *item = shared_u64_load(slot_of(queue, bottom - 1), SHARED_RELAXED);
    if (bottom - 1 != top)
        return true;
    is_ours =
        shared_i64_compare_exchange(&queue->top, &top, top + 1, SHARED_ACQ_REL, SHARED_RELAXED);
    shared_i64_store(&queue->bottom, bottom, SHARED_RELEASE);
    return is_ours;
}

static bool queue_steal(void *memory, uint64_t *item)
{
    RudoQueue *queue = memory;
    int64_t top = shared_i64_load(&queue->top, SHARED_ACQUIRE);
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_RELAXED);
    int64_t oldest = top;

    if (top == bottom ||
        !shared_i64_compare_exchange(&queue->top, &top, top + 1, SHARED_ACQ_REL, SHARED_RELAXED))
        return false;
    *item = shared_u64_load(slot_of(queue, oldest), SHARED_RELAXED);
    return true;
}

// As they should be.

static bool right_pop(void *memory, uint64_t *item)
{
    RudoQueue *queue = memory;
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_RELAXED) - 1;
    bool is_ours = false;

    shared_i64_store(&queue->bottom, bottom, SHARED_SEQ_CST);
    int64_t top = shared_i64_load(&queue->top, SHARED_SEQ_CST);
    *item = shared_u64_load(slot_of(queue, bottom), SHARED_RELAXED);
    if (top < bottom)
        return true;
    if (top == bottom)
        is_ours =
            shared_i64_compare_exchange(&queue->top, &top, top + 1, SHARED_SEQ_CST, SHARED_RELAXED);
    shared_i64_store(&queue->bottom, bottom + 1, SHARED_RELEASE);
    return is_ours;
}

static bool right_steal(void *memory, uint64_t *item)
{
    RudoQueue *queue = memory;
    int64_t top = shared_i64_load(&queue->top, SHARED_SEQ_CST);
    int64_t bottom = shared_i64_load(&queue->bottom, SHARED_SEQ_CST);

    if (top >= bottom)
        return false;
    *item = shared_u64_load(slot_of(queue, top), SHARED_RELAXED);
    return shared_i64_compare_exchange(&queue->top, &top, top + 1, SHARED_SEQ_CST, SHARED_RELAXED);
}

static uint32_t queue_size(void *memory)
{
    RudoQueue *queue = memory;
    int64_t size = shared_i64_load(&queue->bottom, SHARED_ACQUIRE) -
                   shared_i64_load(&queue->top, SHARED_ACQUIRE);

    return size > 0 ? (uint32_t)size : 0;
}

#define QUEUE(title, pop, steal)                                                                   \
    {                                                                                              \
        .name = title, .queue_bytes = sizeof(RudoQueue), .queue_init = queue_init,                 \
        .queue_push = queue_push, .queue_pop = pop, .queue_steal = steal, .queue_size = queue_size \
    }

const MarkerOperations rudo_gc_queue = QUEUE("rudo-gc-0.8.19", queue_pop, queue_steal);
const MarkerOperations rudo_gc_pop = QUEUE("its pop()", queue_pop, right_steal);
const MarkerOperations rudo_gc_steal = QUEUE("its steal()", right_pop, queue_steal);
