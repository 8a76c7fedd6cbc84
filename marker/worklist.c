// Worklist: see marker/worklist.h.

#include "marker/worklist.h"

#include <stddef.h>

#include "base/side_table.h"

// Slabs double in size, from what a small mark needs to a huge page.
#define FIRST_SLAB_BYTES ((size_t)32 << 10)
#define LARGEST_SLAB_BYTES ((size_t)2 << 20)

typedef struct SegmentSlab {
    struct SegmentSlab *previous;
    size_t bytes;
    size_t used;
} SegmentSlab;

void segment_slabs_init(SegmentSlabs *slabs, uint32_t segment_items)
{
    *slabs = (SegmentSlabs){.segment_items = segment_items};
}

void segment_slabs_release(SegmentSlabs *slabs)
{
    while (slabs->newest != NULL) {
        SegmentSlab *slab = slabs->newest;
        slabs->newest = slab->previous;
        side_table_free(slab, slab->bytes);
    }
}

static bool add_slab(SegmentSlabs *slabs)
{
    size_t bytes = FIRST_SLAB_BYTES;
    SegmentSlab *slab;

    if (slabs->newest != NULL)
        bytes = slabs->newest->bytes < LARGEST_SLAB_BYTES ? 2 * slabs->newest->bytes
                                                          : LARGEST_SLAB_BYTES;
    slab = side_table_new(bytes);
    if (slab == NULL)
        return false;
    slab->previous = slabs->newest;
    slab->bytes = bytes;
    slab->used = sizeof *slab;
    slabs->newest = slab;
    return true;
}

WorkSegment *segment_slabs_take(SegmentSlabs *slabs)
{
    size_t bytes = sizeof(WorkSegment) + slabs->segment_items * sizeof(uint64_t);
    WorkSegment *segment;

    if ((slabs->newest == NULL || slabs->newest->bytes - slabs->newest->used < bytes) &&
        !add_slab(slabs))
        return NULL;
    segment = (WorkSegment *)(void *)((uint8_t *)slabs->newest + slabs->newest->used);
    slabs->newest->used += bytes;
    slabs->taken++;
    segment->next = NULL;
    segment->count = 0;
    return segment;
}

bool worklist_init(Worklist *list, bool is_shared, Error *error)
{
    list->first = NULL;
    list->is_shared = is_shared;
    shared_u32_store(&list->count, 0, SHARED_RELAXED); // no other worker knows the list yet
    if (!shared_mutex_init(&list->mutex))
        return error_set(error, ERROR_SYSTEM, "cannot make a lock");
    return true;
}

void worklist_release(Worklist *list)
{
    list->first = NULL;
    shared_mutex_release(&list->mutex);
}

void worklist_put(Worklist *list, WorkSegment *segment)
{
    if (list->is_shared)
        shared_mutex_lock(&list->mutex);
    segment->next = list->first;
    list->first = segment;
    // Relaxed: only the lock hands anything over.
    shared_u32_store(&list->count, shared_u32_load(&list->count, SHARED_RELAXED) + 1,
                     SHARED_RELAXED);
    if (list->is_shared)
        shared_mutex_unlock(&list->mutex);
}

WorkSegment *worklist_take(Worklist *list)
{
    WorkSegment *segment;

    if (worklist_size(list) == 0)
        return NULL;
    if (list->is_shared)
        shared_mutex_lock(&list->mutex);
    segment = list->first;
    if (segment != NULL) {
        list->first = segment->next;
        segment->next = NULL;
        shared_u32_store(&list->count, shared_u32_load(&list->count, SHARED_RELAXED) - 1,
                         SHARED_RELAXED);
    }
    if (list->is_shared)
        shared_mutex_unlock(&list->mutex);
    return segment;
}

uint32_t worklist_size(const Worklist *list)
{
    // Relaxed: as in steal_queue_size().
    return shared_u32_load(&list->count, SHARED_RELAXED);
}
