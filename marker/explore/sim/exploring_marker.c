// The table of the exploring build: see marker/explore/sim/exploring_marker.h. This file is
// compiled only there.

#include "marker/explore/sim/exploring_marker.h"

#include "marker/per_thread_mark_queue.h"
#include "marker/steal_queue.h"

static bool queue_init(void *queue, uint32_t capacity, Error *error)
{
    return steal_queue_init(queue, capacity, error);
}

static bool queue_push(void *queue, uint64_t item)
{
    return steal_queue_push(queue, item);
}

static bool queue_pop(void *queue, uint64_t *item)
{
    return steal_queue_pop(queue, item);
}

static bool queue_steal(void *queue, uint64_t *item)
{
    return steal_queue_steal(queue, item);
}

static uint32_t queue_size(void *queue)
{
    return steal_queue_size(queue);
}

// ---- overflow ----

#define MAX_QUEUES 8u

typedef struct Overflow {
    PerThreadMarkQueue *queues[MAX_QUEUES]; // of the owner, then of the thieves
    SharedU32 outstanding;
} Overflow;

static bool overflow_new(uint32_t capacity, uint32_t thieves, void **overflow, Error *error)
{
    Overflow *made = sim_calloc(1, sizeof *made);
    PerThreadMarkQueueOptions options = {.capacity = capacity, .is_shared = true};

    *overflow = made;
    if (made == NULL || thieves >= MAX_QUEUES)
        return error_set(error, ERROR_MEMORY, "the queues cannot be made");
    options.outstanding = &made->outstanding;
    for (uint32_t i = 0; i <= thieves; i++)
        if (!per_thread_mark_queue_new(&options, &made->queues[i], error))
            return false;
    return true;
}

// As a worker keeps room on its stack.
static bool overflow_push(void *overflow, uint32_t who, uint64_t item)
{
    PerThreadMarkQueue *queue = ((Overflow *)overflow)->queues[who];
    bool spilled;

    per_thread_mark_queue_push(queue, item);
    return per_thread_mark_queue_size(queue) <= queue->spill_above ||
           per_thread_mark_queue_spill(queue, &spilled);
}

static bool overflow_pop(void *overflow, uint32_t who, uint64_t *item)
{
    PerThreadMarkQueue *queue = ((Overflow *)overflow)->queues[who];

    // An empty segment on the list is an error, but not one that ends a mark.
    while (per_thread_mark_queue_size(queue) == 0)
        if (!per_thread_mark_queue_unspill(queue))
            return false;
    *item = queue->items[--queue->top];
    return true;
}

static bool overflow_steal(void *overflow, uint32_t thief)
{
    Overflow *from = overflow;

    return per_thread_mark_queue_steal(from->queues[thief], from->queues[0]);
}

const MarkerOperations exploring_marker = {
    .name = "rudo-snap",
    .queue_bytes = sizeof(StealQueue),
    .queue_init = queue_init,
    .queue_push = queue_push,
    .queue_pop = queue_pop,
    .queue_steal = queue_steal,
    .queue_size = queue_size,
    .overflow_new = overflow_new,
    .overflow_push = overflow_push,
    .overflow_pop = overflow_pop,
    .overflow_steal = overflow_steal,
    .mark = mark_reachable,
};
