// The exploring build of the marker: the same sources, compiled a second time against
// marker/explore/sim/shared_memory.h. This table is its only global symbol.

#ifndef MARKER_EXPLORE_SIM_EXPLORING_MARKER_H
#define MARKER_EXPLORE_SIM_EXPLORING_MARKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "marker/mark.h"
#include "base/error.h"

// All of these run inside a SimRun; their memory comes from the run's arena.
typedef struct MarkerOperations {
    const char *name;
    // A StealQueue: marker/steal_queue.h.
    size_t queue_bytes;
    bool (*queue_init)(void *queue, uint32_t capacity, Error *error);
    bool (*queue_push)(void *queue, uint64_t item);
    bool (*queue_pop)(void *queue, uint64_t *item);
    bool (*queue_steal)(void *queue, uint64_t *item);
    uint32_t (*queue_size)(void *queue);
    // The overflow of PerThreadMarkQueues: the stacks and Worklists of an owner, 0, and of thieves,
    // from 1 on. NULL in a build that has only a queue.
    bool (*overflow_new)(uint32_t capacity, uint32_t thieves, void **overflow, Error *error);
    bool (*overflow_push)(void *overflow, uint32_t who, uint64_t item);
    bool (*overflow_pop)(void *overflow, uint32_t who, uint64_t *item);
    // Moves items of the owner to the empty stack of a thief. False: it got nothing.
    bool (*overflow_steal)(void *overflow, uint32_t thief);
    // mark_reachable(); NULL in a build that has only a queue.
    bool (*mark)(const HeapImage *image, const MarkOptions *options, MarkResult **out,
                 Error *error);
} MarkerOperations;

// marker/explore/sim/exploring_marker.c
extern const MarkerOperations exploring_marker;

#endif
