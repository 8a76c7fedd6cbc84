// Worklist: see marker/worklist.h.

#include "marker/worklist.h"

#include <stdlib.h>

WorkSegment *work_segment_new(uint32_t items)
{
    WorkSegment *segment = malloc(sizeof *segment + items * sizeof segment->items[0]);

    if (segment != NULL) {
        segment->next = NULL;
        segment->count = 0;
    }
    return segment;
}

void work_segments_free(WorkSegment *first)
{
    while (first != NULL) {
        WorkSegment *next = first->next;
        free(first);
        first = next;
    }
}

bool worklist_init(Worklist *list, bool is_shared, Error *error)
{
    list->first = NULL;
    list->is_shared = is_shared;
    shared_u32_store(&list->count, 0, SHARED_RELAXED); // nobody else knows the list yet
    if (!shared_mutex_init(&list->mutex))
        return error_set(error, ERROR_SYSTEM, "cannot make a lock");
    return true;
}

void worklist_release(Worklist *list)
{
    work_segments_free(list->first);
    list->first = NULL;
    shared_mutex_release(&list->mutex);
}

void worklist_put(Worklist *list, WorkSegment *segment)
{
    if (list->is_shared)
        shared_mutex_lock(&list->mutex);
    segment->next = list->first;
    list->first = segment;
    // Release: partner is worklist_size(). The segment itself is handed over by the lock.
    shared_u32_store(&list->count, shared_u32_load(&list->count, SHARED_RELAXED) + 1,
                     SHARED_RELEASE);
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
                         SHARED_RELEASE);
    }
    if (list->is_shared)
        shared_mutex_unlock(&list->mutex);
    return segment;
}

uint32_t worklist_size(const Worklist *list)
{
    // Acquire: as in steal_queue_size().
    return shared_u32_load(&list->count, SHARED_ACQUIRE);
}
