// The table of the exploring build: see marker/explore/sim/exploring_marker.h. This file is
// compiled only there.

#include "marker/explore/sim/exploring_marker.h"

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

const MarkerOperations exploring_marker = {
    .name = "rudo-snap",
    .queue_bytes = sizeof(StealQueue),
    .queue_init = queue_init,
    .queue_push = queue_push,
    .queue_pop = queue_pop,
    .queue_steal = queue_steal,
    .queue_size = queue_size,
    .mark = mark_reachable,
};
