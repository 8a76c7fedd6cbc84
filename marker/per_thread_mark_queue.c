// PerThreadMarkQueue: see marker/per_thread_mark_queue.h.

#include "marker/per_thread_mark_queue.h"

#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"

// Maximum number of items that move at once between a StealQueue and a stack.
#define TRANSFER_ITEMS 256u

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

bool per_thread_mark_queue_new(const PerThreadMarkQueueOptions *options, PerThreadMarkQueue **out,
                               Error *error)
{
    PerThreadMarkQueue *queue = aligned_alloc(SHARED_LINE_BYTES, sizeof *queue);

    *out = NULL;
    if (queue == NULL)
        return error_set_memory(error, sizeof *queue, "a mark queue");
    memset(queue, 0, sizeof *queue);
    queue->is_shared = options->is_shared;
    segment_slabs_init(&queue->slabs, smaller(SEGMENT_ITEMS, options->capacity));
    queue->spill_above = smaller(STACK_ITEMS, 4 * options->capacity);
    queue->items = malloc((STACK_ITEMS + STACK_SLACK) * sizeof *queue->items);
    if (queue->items == NULL) {
        free(queue);
        return error_set_memory(error, STACK_ITEMS * sizeof *queue->items, "a mark stack");
    }
    if (!worklist_init(&queue->overflow, options->is_shared, error)) {
        free(queue->items);
        free(queue);
        return false;
    }
    if (options->is_shared &&
        (!steal_queue_init(&queue->stealable, options->capacity, error) ||
         !owner_inbox_init(&queue->inbox, smaller(INBOX_CHUNKS, options->capacity),
                           options->outstanding, error))) {
        per_thread_mark_queue_free(queue);
        return false;
    }
    *out = queue;
    return true;
}

void per_thread_mark_queue_free(PerThreadMarkQueue *queue)
{
    if (queue == NULL)
        return;
    if (queue->is_shared) {
        steal_queue_release(&queue->stealable);
        owner_inbox_release(&queue->inbox);
    }
    worklist_release(&queue->overflow);
    segment_slabs_release(&queue->slabs);
    free(queue->items);
    free(queue);
}

// A segment with count 0, or NULL when memory is short.
static WorkSegment *empty_segment(PerThreadMarkQueue *queue)
{
    WorkSegment *segment = queue->spares;

    if (segment == NULL)
        return segment_slabs_take(&queue->slabs);
    queue->spares = segment->next;
    segment->next = NULL;
    return segment;
}

static void keep_spare(PerThreadMarkQueue *queue, WorkSegment *segment)
{
    segment->count = 0;
    segment->next = queue->spares;
    queue->spares = segment;
}

bool per_thread_mark_queue_spill(PerThreadMarkQueue *queue, bool *spilled)
{
    uint32_t size = per_thread_mark_queue_size(queue);
    uint32_t count = queue->slabs.segment_items;

    *spilled = false;
    while (size > queue->spill_above / 2 && size > count) {
        WorkSegment *segment = empty_segment(queue);
        if (segment == NULL)
            return false;
        memcpy(segment->items, queue->items + queue->base, count * sizeof *segment->items);
        segment->count = count;
        queue->base += count;
        size -= count;
        worklist_put(&queue->overflow, segment);
        *spilled = true;
    }
    memmove(queue->items, queue->items + queue->base, size * sizeof *queue->items);
    queue->base = 0;
    queue->top = size;
    return true;
}

static void take_segment(PerThreadMarkQueue *queue, WorkSegment *segment)
{
    memcpy(queue->items, segment->items, segment->count * sizeof *segment->items);
    queue->base = 0;
    queue->top = segment->count;
    keep_spare(queue, segment);
}

bool per_thread_mark_queue_unspill(PerThreadMarkQueue *queue)
{
    WorkSegment *segment = worklist_take(&queue->overflow);

    if (segment != NULL)
        take_segment(queue, segment);
    return segment != NULL;
}

bool per_thread_mark_queue_refill(PerThreadMarkQueue *queue)
{
    queue->base = queue->top = 0;
    if (queue->is_shared)
        while (queue->top < TRANSFER_ITEMS &&
               steal_queue_pop(&queue->stealable, &queue->items[queue->top]))
            queue->top++;
    return queue->top > 0 || per_thread_mark_queue_unspill(queue);
}

uint32_t per_thread_mark_queue_share(PerThreadMarkQueue *queue)
{
    uint32_t wanted = smaller((per_thread_mark_queue_size(queue) + 1) / 2, TRANSFER_ITEMS);
    uint32_t shared = 0;

    // The oldest first: in a tree they are the largest pieces of work.
    while (shared < wanted && steal_queue_push(&queue->stealable, queue->items[queue->base])) {
        queue->base++;
        shared++;
    }
    return shared;
}

bool per_thread_mark_queue_steal(PerThreadMarkQueue *thief, PerThreadMarkQueue *victim)
{
    uint32_t wanted = smaller((steal_queue_size(&victim->stealable) + 1) / 2, TRANSFER_ITEMS);
    WorkSegment *segment;

    thief->base = thief->top = 0;
    while (thief->top < wanted && steal_queue_steal(&victim->stealable, &thief->items[thief->top]))
        thief->top++;
    if (thief->top > 0)
        return true;
    segment = worklist_take(&victim->overflow);
    if (segment == NULL)
        return false;
    take_segment(thief, segment);
    return true;
}

bool per_thread_mark_queue_is_stealable(const PerThreadMarkQueue *queue)
{
    return steal_queue_size(&queue->stealable) > 0 || worklist_size(&queue->overflow) > 0;
}
