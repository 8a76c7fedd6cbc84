// ReferenceChunk and ChunkPool: see marker/reference_chunk.h.

#include "marker/reference_chunk.h"

#include <string.h>

#include "base/side_table.h"

// Chunks that may wait in each inbox before the pool runs short.
#define WAITING_CHUNKS 32u

bool chunk_pool_init(ChunkPool *pool, const ChunkPoolOptions *options, Error *error)
{
    uint64_t workers = options->worker_count;
    uint64_t count;

    memset(pool, 0, sizeof *pool);
    pool->chunk_references = options->chunk_references;
    // Every box may be about to be full when the batch begins.
    pool->reserve = options->batch_references / options->chunk_references + options->worker_count;
    pool->chunk_bytes = sizeof(ReferenceChunk) + options->chunk_references * sizeof(uint64_t);
    // Each worker may have an open chunk for each other, and twice the reserve as spares. All
    // others can wait in inboxes.
    count = workers * (workers + 2 * (uint64_t)pool->reserve + WAITING_CHUNKS);
    pool->chunk_count = (uint32_t)count;
    pool->memory_bytes = count * pool->chunk_bytes;
    pool->chunks = side_table_new(pool->memory_bytes);
    if (pool->chunks == NULL)
        return error_set_memory(error, pool->memory_bytes, "the chunks of references");
    if (!shared_mutex_init(&pool->mutex)) {
        side_table_free(pool->chunks, pool->memory_bytes);
        pool->chunks = NULL;
        return error_set(error, ERROR_SYSTEM, "cannot make a lock");
    }
    return true;
}

void chunk_pool_release(ChunkPool *pool)
{
    if (pool->chunks == NULL)
        return;
    shared_mutex_release(&pool->mutex);
    side_table_free(pool->chunks, pool->memory_bytes);
    pool->chunks = NULL;
}

void chunk_pool_take(ChunkPool *pool, ReferenceChunk **first, uint32_t *count, uint32_t wanted)
{
    shared_mutex_lock(&pool->mutex);
    while (*count < wanted) {
        ReferenceChunk *chunk = pool->free;
        if (chunk != NULL)
            pool->free = chunk->next;
        else if (pool->unused < pool->chunk_count)
            chunk = (ReferenceChunk *)(void *)(pool->chunks + pool->unused++ * pool->chunk_bytes);
        else
            break;
        chunk->next = *first;
        *first = chunk;
        (*count)++;
    }
    shared_mutex_unlock(&pool->mutex);
}

void chunk_pool_give(ChunkPool *pool, ReferenceChunk **first, uint32_t *count, uint32_t kept)
{
    shared_mutex_lock(&pool->mutex);
    while (*count > kept) {
        ReferenceChunk *chunk = *first;
        *first = chunk->next;
        chunk->next = pool->free;
        pool->free = chunk;
        (*count)--;
    }
    shared_mutex_unlock(&pool->mutex);
}
