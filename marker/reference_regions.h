// ReferenceRegions: references that one worker found and has not visited yet, by the region of
// the heap that they lead to.
//
// Visiting a reference touches two tables at a random place (the page's tag and its mark word),
// and then the object. A region (4 MiB as a rule) is so small that its part of the tables stays
// in the innermost cache; so references wait until many for one region have come together, and
// are then visited in a row. That is worth more than any fetching ahead: it about doubles the
// speed on a heap of random references.
//
// A reference is kept as its place: how many words behind the start of the window it leads to. Of
// that the lower 32 bits are enough, as no region crosses a multiple of 2^32. Chunks come from a
// pool that all workers share and that is as large as the mark allows references to wait: nothing
// is allocated while marking, and when the pool is empty, workers visit what they have, which frees
// chunks, before they look for more.

#ifndef MARKER_REFERENCE_REGIONS_H
#define MARKER_REFERENCE_REGIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "shared_memory.h"
#include "snapshot/error.h"
#include "snapshot/heap_image.h"

#define CHUNK_BYTES 2048u
#define MAX_REGIONS 1024u
#define REGION_WORDS (MAX_REGIONS / 64)
// References beyond that many bytes of the window do not wait in regions. (The last region's
// bytes are left out, so that dividing by the largest region always gives fewer than MAX_REGIONS.)
#define REGIONS_MAX_BYTES ((UINT64_C(1) << 44) - (UINT64_C(1) << 34))

// Aligned to CHUNK_BYTES, so that a pointer behind its last reference can be told.
typedef struct ReferenceChunk {
    struct ReferenceChunk *next;
    uint32_t region;
    uint32_t end; // references [first of the pool, end); kept up to date only when not on top
    uint32_t references[];
} ReferenceChunk;

#define CHUNK_REFERENCES ((uint32_t)((CHUNK_BYTES - sizeof(ReferenceChunk)) / sizeof(uint32_t)))

typedef struct ChunkPool {
    _Alignas(SHARED_LINE_BYTES) SharedMutex mutex; // guards the next three
    ReferenceChunk *free;
    uint32_t free_count;
    uint32_t unused; // chunks that were never given out
    // From here on: written at the start only.
    bool is_shared; // false: one worker alone, no lock is taken
    uint32_t chunk_count;
    uint32_t first;  // chunks are used from this reference on: 0, but in tests
    uint8_t *chunks; // aligned
    void *memory;
    uint64_t memory_bytes;
    // How the window is divided.
    uint32_t region_count;
    uint32_t region_shift; // log2 of a region's bytes
    uint32_t reserve;      // chunks that a worker must have in hand before a batch
} ChunkPool;

typedef struct ChunkPoolOptions {
    uint32_t worker_count;
    uint32_t least_regions;    // so many if the heap has as many pages
    uint32_t chunk_references; // 1..CHUNK_REFERENCES
    uint32_t batch_words;      // most references that come up between two calls of _reserve()
} ChunkPoolOptions;

// Errors: memory, system.
NODISCARD bool chunk_pool_init(ChunkPool *pool, const HeapImage *image,
                               const ChunkPoolOptions *options, Error *error);
void chunk_pool_release(ChunkPool *pool);

typedef struct ReferenceRegions {
    ChunkPool *pool;
    uint32_t place_shift; // log2 of a region's words
    uint32_t region_count;
    // Per region: where the next reference goes. A multiple of CHUNK_BYTES: there is no room.
    // The last one belongs to no region and is written to by appends that are none.
    uint32_t *tops[MAX_REGIONS + 1];
    ReferenceChunk *chunks[MAX_REGIONS + 1]; // the chunk on top; older ones behind it
    uint64_t filled[REGION_WORDS];           // bit per region: it has references
    uint64_t own[REGION_WORDS];              // bit per region: this worker may visit them
    ReferenceChunk *outgoing;                // full chunks for regions of others
    ReferenceChunk *cache;                   // empty chunks in hand
    uint32_t cached;
    uint32_t current; // region visited last
    uint64_t pending; // references, about
    uint32_t scratch[2 * CHUNK_BYTES / sizeof(uint32_t)];
} ReferenceRegions;

// All regions are the worker's own.
void reference_regions_init(ReferenceRegions *regions, ChunkPool *pool, uint32_t first_region);

// Takes chunks from the pool until there are enough for one batch. False: the pool is empty.
bool reference_regions_reserve(ReferenceRegions *regions);
// Gives all chunks in hand back.
void reference_regions_return(ReferenceRegions *regions);

// Room in a region whose top is a multiple of CHUNK_BYTES. After reference_regions_reserve().
uint32_t *reference_regions_open(ReferenceRegions *regions, uint32_t region);

// What appending needs of ReferenceRegions, to be kept in registers: references are u32, as some
// of its fields are, so the compiler has to take every reference stored for a change of them.
typedef struct ReferenceAppender {
    ReferenceRegions *regions;
    uint32_t **tops;
    uint32_t place_shift;
    uint32_t region_count;
} ReferenceAppender;

static inline ReferenceAppender reference_appender(ReferenceRegions *regions)
{
    return (ReferenceAppender){regions, regions->tops, regions->place_shift, regions->region_count};
}

// Adds a reference, `place` words behind the start of the window, if `is_one` is 1, and nothing if
// it is 0, without a branch on it. The caller adds to `pending`.
static inline __attribute__((always_inline)) void
reference_append(const ReferenceAppender *appender, uint64_t place, uint64_t is_one)
{
    // Masks rather than a choice, which compilers like to turn into a branch. Both numbers are at
    // most MAX_REGIONS where the mask lets them through.
    uint64_t mask = 0 - is_one;
    uint64_t region = ((place >> appender->place_shift) & mask) | (appender->region_count & ~mask);
    uint32_t *top = appender->tops[region];

    if (__builtin_expect((uintptr_t)top % CHUNK_BYTES == 0, 0))
        top = reference_regions_open(appender->regions, (uint32_t)region);
    *top = (uint32_t)place;
    appender->tops[region] = top + is_one;
}

// The part of the place that a reference into this region does not hold.
static inline uint64_t reference_regions_base(const ReferenceRegions *regions, uint32_t region)
{
    return ((uint64_t)region << regions->place_shift) & ~(uint64_t)UINT32_MAX;
}

// The next region of our own that has references: the current one as long as it has some, then
// onwards from it. NO_INDEX: there is none.
uint32_t reference_regions_next(ReferenceRegions *regions);

// The newest references of a region that has some, at most `limit`: `*count` of them, in place.
// They must be dropped before anything is added.
static inline const uint32_t *reference_regions_newest(const ReferenceRegions *regions,
                                                       uint32_t region, uint32_t limit,
                                                       uint32_t *count)
{
    const ReferenceChunk *chunk = regions->chunks[region];
    const uint32_t *top = regions->tops[region];
    uint32_t available = (uint32_t)(top - chunk->references) - regions->pool->first;

    *count = available < limit ? available : limit;
    return top - *count;
}

// Drops the chunk on top of a region, which is empty.
void reference_regions_drop_chunk(ReferenceRegions *regions, uint32_t region);

// Drops the `count` newest references of a region, all in the chunk on top.
static inline void reference_regions_drop(ReferenceRegions *regions, uint32_t region,
                                          uint32_t count)
{
    regions->tops[region] -= count;
    regions->pending -= count;
    if (regions->tops[region] == regions->chunks[region]->references + regions->pool->first)
        reference_regions_drop_chunk(regions, region);
}

// Takes a chunk with some references out, so that it can be given to somebody else: full ones
// and other regions' first. NULL: there is nothing that is worth it. For regions of our own.
ReferenceChunk *reference_regions_detach(ReferenceRegions *regions);
// Consumes a chunk that was detached, here or by another worker.
void reference_regions_attach(ReferenceRegions *regions, ReferenceChunk *chunk);

// Puts the references into regions of others into `outgoing`, full chunk or not.
void reference_regions_flush(ReferenceRegions *regions);

#endif
