// The chunks of glibc's malloc: what a chunk is, lists of them, and the three ways to find them.
//
//   malloc_search   where chunks lie: the main arena, other arenas, mappings of their own
//   malloc_walk     the chunks of one stretch of an arena's heap
//   malloc_mapped   chunks that have mappings of their own
//   malloc_cached   which chunks wait in thread caches and fast bins, and so are free

#ifndef SNAPSHOT_CAPTURE_FIND_MALLOC_CHUNKS_INTERNAL_H
#define SNAPSHOT_CAPTURE_FIND_MALLOC_CHUNKS_INTERNAL_H

#include "snapshot/capture/copy/malloc_state.h"
#include "snapshot/capture/copy/memory_reader.h"
#include "snapshot/capture/find/region_map_internal.h"

enum {
    CHUNK_FREE = 1,    // in a bin, fast bin or thread cache, or the top chunk
    CHUNK_MMAPPED = 2, // has a mapping of its own
    CHUNK_ODD = 4,     // holds GC pages or a stack: not a block, its other words are roots
    CHUNK_MATTERS = 8, // leads to the GC heap
    CHUNK_FLAGS = 15,
};

#define CHUNK_HEADER_BYTES 16u
#define CHUNK_MIN_BYTES 32u

typedef struct MallocChunk {
    uint64_t address; // of the chunk's header; the user's bytes begin 16 behind
    uint64_t size;    // of the whole chunk, with CHUNK_* flags in its low 4 bits
} MallocChunk;

static inline uint64_t chunk_bytes(const MallocChunk *chunk)
{
    return chunk->size & ~(uint64_t)CHUNK_FLAGS;
}

static inline bool chunk_is_block(const MallocChunk *chunk)
{
    return (chunk->size & (CHUNK_FREE | CHUNK_ODD)) == 0;
}

static inline uint64_t chunk_user_address(const MallocChunk *chunk)
{
    return chunk->address + CHUNK_HEADER_BYTES;
}

// malloc_usable_size(): a chunk of the heap may use the first word of the next one.
static inline uint64_t chunk_user_bytes(const MallocChunk *chunk)
{
    return chunk_bytes(chunk) - ((chunk->size & CHUNK_MMAPPED) != 0 ? 16 : 8);
}

typedef struct MallocChunks {
    MallocChunk *items; // ascending by address, disjoint; owned
    uint64_t count;
    uint64_t capacity;
} MallocChunks;

// Errors: memory.
NODISCARD bool malloc_chunks_add(MallocChunks *chunks, MallocChunk chunk, Error *error);
// The index of the chunk that begins at `address`, or UINT64_MAX.
uint64_t malloc_chunks_find(const MallocChunks *chunks, uint64_t address);
// The index of the chunk whose bytes, header included, hold `address`, or UINT64_MAX.
uint64_t malloc_chunks_holding(const MallocChunks *chunks, uint64_t address);

// Walks the chunks of [start, end): adds them to `chunks` and the walked spans to `spans`.
// is_main: no chunk may carry the NON_MAIN_ARENA flag. top: 0 when unknown or elsewhere.
// Errors: memory.
NODISCARD bool malloc_walk_area(MemoryReader *reader, uint64_t start, uint64_t end, bool is_main,
                                uint64_t top, MallocChunks *chunks, RegionList *spans,
                                Error *error);

// Finds chunks that have mappings of their own in `area`, outside of `busy` and `heaps`
// (both ascending and disjoint); adds them to `chunks` and their mappings to `spans`.
// Errors: memory.
NODISCARD bool malloc_find_mapped(MemoryReader *reader, const Region *area, const RegionList *busy,
                                  const RegionList *heaps, MallocChunks *chunks, RegionList *spans,
                                  Error *error);

// Flags the chunks that wait in thread caches and in the fast bins of `states` as free.
void malloc_flag_cached(MemoryReader *reader, MallocChunks *chunks, const MallocState *states,
                        uint64_t state_count);

#endif
