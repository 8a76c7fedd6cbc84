// ReferenceChunk: references that one worker found and another is to visit, many at a time; and
// the pool of all chunks of a mark.
//
// Chunks change hands whole: the finder fills one per owner (marker/owner_outboxes.h), the owner
// takes it from its inbox (marker/owner_inbox.h), visits its references, and uses it again. The
// pool bounds the number of references under way. When it is empty, workers visit the references
// that they find themselves, until the owners have caught up.

#ifndef MARKER_REFERENCE_CHUNK_H
#define MARKER_REFERENCE_CHUNK_H

#include <stdbool.h>
#include <stdint.h>

#include "shared_memory.h"
#include "base/error.h"

// References of a chunk, unless a small queue capacity asks for fewer: 2 KiB.
#define CHUNK_REFERENCES 254u

typedef struct ReferenceChunk {
    struct ReferenceChunk *next;
    uint32_t owner; // the worker that owns the pages of all references
    uint32_t count;
    uint64_t granules[]; // see marker/mark_granules_inline.h
} ReferenceChunk;

typedef struct ChunkPoolOptions {
    uint32_t worker_count;
    uint32_t chunk_references; // 1..CHUNK_REFERENCES
    uint32_t batch_references; // most references between two calls of owner_outboxes_reserve()
} ChunkPoolOptions;

typedef struct ChunkPool {
    _Alignas(SHARED_LINE_BYTES) SharedMutex mutex; // guards the next two
    ReferenceChunk *free;
    uint32_t unused; // index of the first chunk that was never given out
    // From here on: written at the start only.
    uint32_t chunk_count;
    uint32_t chunk_references;
    uint32_t reserve; // chunks that a batch may fill
    size_t chunk_bytes;
    uint8_t *chunks;
    size_t memory_bytes;
} ChunkPool;

// Errors: memory, system.
NODISCARD bool chunk_pool_init(ChunkPool *pool, const ChunkPoolOptions *options, Error *error);
// Accepts a pool that was never made (all zero).
void chunk_pool_release(ChunkPool *pool);

// Puts chunks in front of the list `*first` until it has `wanted` of them or the pool is empty.
// *count: the length of the list.
void chunk_pool_take(ChunkPool *pool, ReferenceChunk **first, uint32_t *count, uint32_t wanted);
// Gives chunks from the front of the list back until it has `kept`.
void chunk_pool_give(ChunkPool *pool, ReferenceChunk **first, uint32_t *count, uint32_t kept);

#endif
