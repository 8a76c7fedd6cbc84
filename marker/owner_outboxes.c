// OwnerOutboxes: see marker/owner_outboxes.h.

#include "marker/owner_outboxes.h"

#include <string.h>

void owner_outboxes_init(OwnerOutboxes *outboxes, ChunkPool *pool, uint32_t self,
                         uint32_t owner_count)
{
    memset(outboxes, 0, sizeof *outboxes);
    outboxes->pool = pool;
    outboxes->owner_count = owner_count;
    // Adds for the worker itself are not kept: they overwrite one cell, which is never full.
    outboxes->boxes[self].next = &outboxes->own;
    outboxes->open_count = 1;
}

static void open_box(OwnerOutboxes *outboxes, uint32_t owner)
{
    OwnerOutbox *box = &outboxes->boxes[owner];
    ReferenceChunk *chunk = outboxes->spares;

    outboxes->spares = chunk->next;
    outboxes->spare_count--;
    chunk->next = NULL;
    chunk->owner = owner;
    box->chunk = chunk;
    box->next = chunk->granules;
    box->end = chunk->granules + outboxes->pool->chunk_references;
    outboxes->open_count++;
}

static void close_box(OwnerOutboxes *outboxes, OwnerOutbox *box)
{
    *box = (OwnerOutbox){0};
    outboxes->open_count--;
}

static void send(OwnerOutboxes *outboxes, OwnerOutbox *box)
{
    box->chunk->count = (uint32_t)(box->next - box->chunk->granules);
    box->chunk->next = outboxes->outgoing;
    outboxes->outgoing = box->chunk;
    close_box(outboxes, box);
}

static bool is_own(const OwnerOutboxes *outboxes, const OwnerOutbox *box)
{
    return box->next == &outboxes->own;
}

bool owner_outboxes_reserve(OwnerOutboxes *outboxes)
{
    uint32_t needed = outboxes->pool->reserve + outboxes->owner_count - outboxes->open_count;

    if (outboxes->spare_count < needed) {
        // More than needed, so that the lock is taken rarely.
        chunk_pool_take(outboxes->pool, &outboxes->spares, &outboxes->spare_count,
                        needed + outboxes->pool->reserve / 2);
        if (outboxes->spare_count < needed)
            return false;
    }
    for (uint32_t owner = 0; outboxes->open_count < outboxes->owner_count; owner++)
        if (outboxes->boxes[owner].next == NULL)
            open_box(outboxes, owner);
    return true;
}

void owner_outboxes_exchange(OwnerOutboxes *outboxes, uint32_t owner)
{
    send(outboxes, &outboxes->boxes[owner]);
    open_box(outboxes, owner);
}

void owner_outboxes_flush(OwnerOutboxes *outboxes)
{
    for (uint32_t owner = 0; owner < outboxes->owner_count; owner++) {
        OwnerOutbox *box = &outboxes->boxes[owner];
        if (box->chunk != NULL && box->next != box->chunk->granules)
            send(outboxes, box);
    }
}

void owner_outboxes_reuse(OwnerOutboxes *outboxes, ReferenceChunk *chunk)
{
    uint32_t reserve = outboxes->pool->reserve;

    chunk->next = outboxes->spares;
    outboxes->spares = chunk;
    if (++outboxes->spare_count > 2 * reserve)
        chunk_pool_give(outboxes->pool, &outboxes->spares, &outboxes->spare_count,
                        reserve + reserve / 2);
}

void owner_outboxes_return(OwnerOutboxes *outboxes)
{
    for (uint32_t owner = 0; owner < outboxes->owner_count; owner++) {
        OwnerOutbox *box = &outboxes->boxes[owner];
        if (is_own(outboxes, box) || box->chunk == NULL)
            continue;
        ReferenceChunk *chunk = box->chunk;
        close_box(outboxes, box);
        chunk->next = outboxes->spares;
        outboxes->spares = chunk;
        outboxes->spare_count++;
    }
    if (outboxes->spare_count > 0)
        chunk_pool_give(outboxes->pool, &outboxes->spares, &outboxes->spare_count, 0);
}
