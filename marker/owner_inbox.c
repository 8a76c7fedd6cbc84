// OwnerInbox: see marker/owner_inbox.h.

#include "marker/owner_inbox.h"

#include <stdlib.h>
#include <string.h>

bool owner_inbox_init(OwnerInbox *inbox, uint32_t capacity, uint32_t segment_items,
                      SharedU32 *outstanding, Error *error)
{
    memset(inbox, 0, sizeof *inbox);
    inbox->capacity = capacity;
    inbox->segment_items = segment_items;
    inbox->outstanding = outstanding;
    shared_u32_store(&inbox->is_pending, 0, SHARED_RELAXED); // nobody else knows it yet
    if (!shared_mutex_init(&inbox->mutex))
        return error_set(error, ERROR_SYSTEM, "cannot make a lock");
    inbox->items = malloc(capacity * sizeof *inbox->items);
    if (inbox->items == NULL) {
        shared_mutex_release(&inbox->mutex);
        return error_set_memory(error, capacity * sizeof *inbox->items, "an inbox");
    }
    return true;
}

void owner_inbox_release(OwnerInbox *inbox)
{
    if (inbox->items == NULL)
        return;
    work_segments_free(inbox->overflow);
    free(inbox->items);
    inbox->items = NULL;
    shared_mutex_release(&inbox->mutex);
}

// Under the lock.
static bool is_empty(const OwnerInbox *inbox)
{
    return inbox->count == 0 && inbox->overflow == NULL;
}

// Under the lock. Where `count` references go, or NULL and why.
static uint64_t *find_room(OwnerInbox *inbox, uint32_t count, WorkSegment **spare,
                           InboxAnswer *answer)
{
    WorkSegment *segment = inbox->overflow;
    uint64_t *room;

    if (count <= inbox->capacity - inbox->count) {
        room = inbox->items + inbox->count;
        inbox->count += count;
        return room;
    }
    if (segment == NULL || count > inbox->segment_items - segment->count) {
        if (inbox->overflow_count == INBOX_OVERFLOW_SEGMENTS) {
            *answer = INBOX_FULL;
            return NULL;
        }
        if (*spare == NULL) {
            *answer = INBOX_WANTS_SEGMENT;
            return NULL;
        }
        segment = *spare;
        *spare = NULL;
        segment->count = 0;
        segment->next = inbox->overflow;
        inbox->overflow = segment;
        inbox->overflow_count++;
    }
    room = segment->items + segment->count;
    segment->count += count;
    return room;
}

InboxAnswer owner_inbox_deliver(OwnerInbox *inbox, const uint64_t *references, uint32_t count,
                                WorkSegment **spare)
{
    InboxAnswer answer = INBOX_TAKEN;
    uint64_t *room;

    shared_mutex_lock(&inbox->mutex);
    bool was_empty = is_empty(inbox);
    room = find_room(inbox, count, spare, &answer);
    if (room != NULL) {
        memcpy(room, references, count * sizeof *room);
        if (was_empty) {
            answer = INBOX_TAKEN_FIRST;
            // Before the owner can see the references, or it could count them off first.
            // Relaxed: ordered by the lock; the sender's own unit keeps the count above 0.
            (void)shared_u32_fetch_add(inbox->outstanding, 1, SHARED_RELAXED);
            // Release: partner is owner_inbox_is_pending().
            shared_u32_store(&inbox->is_pending, 1, SHARED_RELEASE);
        }
    }
    shared_mutex_unlock(&inbox->mutex);
    return answer;
}

uint32_t owner_inbox_take(OwnerInbox *inbox, uint64_t *references, uint32_t limit,
                          WorkSegment **emptied)
{
    WorkSegment *segment;
    uint32_t taken;

    *emptied = NULL;
    if (!owner_inbox_is_pending(inbox))
        return 0;
    shared_mutex_lock(&inbox->mutex);
    segment = inbox->overflow;
    uint64_t *from = segment != NULL ? segment->items : inbox->items;
    uint32_t *count = segment != NULL ? &segment->count : &inbox->count;
    taken = *count < limit ? *count : limit;
    *count -= taken;
    memcpy(references, from + *count, taken * sizeof *references);
    if (segment != NULL && segment->count == 0) {
        inbox->overflow = segment->next;
        inbox->overflow_count--;
        segment->next = NULL;
        *emptied = segment;
    }
    if (taken > 0 && is_empty(inbox)) {
        // Relaxed: the caller's own unit keeps the count above 0.
        (void)shared_u32_fetch_sub(inbox->outstanding, 1, SHARED_RELAXED);
        shared_u32_store(&inbox->is_pending, 0, SHARED_RELEASE);
    }
    shared_mutex_unlock(&inbox->mutex);
    return taken;
}

bool owner_inbox_is_pending(const OwnerInbox *inbox)
{
    // Acquire: as in steal_queue_size().
    return shared_u32_load(&inbox->is_pending, SHARED_ACQUIRE) != 0;
}
