// OwnerInbox: see marker/owner_inbox.h.

#include "marker/owner_inbox.h"

#include <string.h>

bool owner_inbox_init(OwnerInbox *inbox, uint32_t capacity, SharedU32 *outstanding, Error *error)
{
    memset(inbox, 0, sizeof *inbox);
    inbox->outstanding = outstanding;
    shared_u32_store(&inbox->is_pending, 0, SHARED_RELAXED); // no other worker exists yet
    if (!shared_mutex_init(&inbox->mutex))
        return error_set(error, ERROR_SYSTEM, "cannot make a lock");
    inbox->capacity = capacity; // only now is there something to release
    return true;
}

void owner_inbox_release(OwnerInbox *inbox)
{
    if (inbox->capacity == 0)
        return;
    shared_mutex_release(&inbox->mutex);
    inbox->capacity = 0;
}

bool owner_inbox_deliver(OwnerInbox *inbox, ReferenceChunk *chunk)
{
    bool was_empty;

    shared_mutex_lock(&inbox->mutex);
    was_empty = inbox->count == 0;
    // The list is only used when the array is full, so an empty array means an empty inbox.
    if (inbox->count < inbox->capacity) {
        inbox->chunks[inbox->count++] = chunk;
    } else {
        chunk->next = inbox->overflow;
        inbox->overflow = chunk;
    }
    if (was_empty) {
        // Before the owner can see the chunk, or it could count it off first. Relaxed: ordered
        // by the lock; the sender's own unit keeps the count above 0.
        (void)shared_u32_fetch_add(inbox->outstanding, 1, SHARED_RELAXED);
        // Relaxed: only the lock hands anything over.
        shared_u32_store(&inbox->is_pending, 1, SHARED_RELAXED);
    }
    shared_mutex_unlock(&inbox->mutex);
    return was_empty;
}

ReferenceChunk *owner_inbox_take(OwnerInbox *inbox)
{
    ReferenceChunk *list;

    if (!owner_inbox_is_pending(inbox))
        return NULL;
    shared_mutex_lock(&inbox->mutex);
    list = inbox->overflow;
    inbox->overflow = NULL;
    for (uint32_t i = 0; i < inbox->count; i++) {
        inbox->chunks[i]->next = list;
        list = inbox->chunks[i];
    }
    inbox->count = 0;
    if (list != NULL) {
        // Relaxed: the caller's own unit keeps the count above 0.
        (void)shared_u32_fetch_sub(inbox->outstanding, 1, SHARED_RELAXED);
        shared_u32_store(&inbox->is_pending, 0, SHARED_RELAXED);
    }
    shared_mutex_unlock(&inbox->mutex);
    return list;
}

bool owner_inbox_is_pending(const OwnerInbox *inbox)
{
    // Relaxed: as in steal_queue_size().
    return shared_u32_load(&inbox->is_pending, SHARED_RELAXED) != 0;
}
