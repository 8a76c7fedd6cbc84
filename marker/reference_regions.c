// ReferenceRegions: see marker/reference_regions.h.

#include "marker/reference_regions.h"

#include <string.h>

#include "marker/mark.h"
#include "snapshot/side_table.h"

// 1,024 pages of 4 KiB: 8 KiB of mark words and 1 KiB of tags.
#define REGION_SHIFT 22u
// No region may cross a multiple of 2^32 words; see REGIONS_MAX_BYTES too.
#define MAX_REGION_SHIFT 34u
// References may take this share of the heap, at most.
#define POOL_HEAP_SHARE 32u

// ---- the pool ----

static void choose_regions(ChunkPool *pool, const HeapImage *image, uint32_t least_regions)
{
    uint64_t bytes = image->page_window.count << image->page_shift;
    uint32_t shift = REGION_SHIFT;

    if (bytes > REGIONS_MAX_BYTES)
        bytes = REGIONS_MAX_BYTES;
    while (shift > image->page_shift && bytes >> shift < least_regions)
        shift--;
    while (shift < MAX_REGION_SHIFT && bytes >> shift >= MAX_REGIONS)
        shift++;
    pool->region_shift = shift;
    pool->region_count = (uint32_t)(bytes >> shift) + 1;
}

bool chunk_pool_init(ChunkPool *pool, const HeapImage *image, const ChunkPoolOptions *options,
                     Error *error)
{
    uint64_t least, wanted;

    memset(pool, 0, sizeof *pool);
    choose_regions(pool, image, options->least_regions);
    pool->is_shared = options->worker_count > 1;
    pool->first = CHUNK_REFERENCES - options->chunk_references;
    // Each region may need a chunk, and each full chunk another.
    pool->reserve = pool->region_count + options->batch_words / options->chunk_references + 1;
    // Each worker may have a chunk in each region and twice the reserve in hand. That is also
    // enough for none to wait for ever: see Note [Pressure] in mark_worker.c.
    least = (uint64_t)options->worker_count * (pool->region_count + 2 * (uint64_t)pool->reserve);
    wanted = (image->page_window.count << image->page_shift) / POOL_HEAP_SHARE / CHUNK_BYTES;
    if (options->chunk_references < CHUNK_REFERENCES || wanted < least)
        wanted = least;
    if (wanted > UINT32_MAX)
        wanted = UINT32_MAX;
    pool->chunk_count = (uint32_t)wanted;
    pool->memory_bytes = (wanted + 1) * CHUNK_BYTES;
    pool->memory = side_table_new(pool->memory_bytes);
    if (pool->memory == NULL)
        return error_set_memory(error, pool->memory_bytes, "the chunks of references");
    uintptr_t start = (uintptr_t)pool->memory;
    pool->chunks = (uint8_t *)pool->memory + (CHUNK_BYTES - start % CHUNK_BYTES) % CHUNK_BYTES;
    if (!shared_mutex_init(&pool->mutex)) {
        side_table_free(pool->memory, pool->memory_bytes);
        pool->memory = NULL;
        return error_set(error, ERROR_SYSTEM, "cannot make a lock");
    }
    return true;
}

void chunk_pool_release(ChunkPool *pool)
{
    if (pool->memory == NULL)
        return;
    shared_mutex_release(&pool->mutex);
    side_table_free(pool->memory, pool->memory_bytes);
    pool->memory = NULL;
}

bool reference_regions_reserve(ReferenceRegions *regions)
{
    ChunkPool *pool = regions->pool;

    if (regions->cached >= pool->reserve)
        return true;
    if (pool->is_shared)
        shared_mutex_lock(&pool->mutex);
    // Some more than needed, so that the lock is taken rarely.
    while (regions->cached < pool->reserve + pool->reserve / 2) {
        ReferenceChunk *chunk = pool->free;
        if (chunk != NULL) {
            pool->free = chunk->next;
        } else if (pool->unused < pool->chunk_count) {
            chunk = (ReferenceChunk *)(void *)(pool->chunks + (size_t)pool->unused++ * CHUNK_BYTES);
        } else {
            break;
        }
        chunk->next = regions->cache;
        regions->cache = chunk;
        regions->cached++;
    }
    if (pool->is_shared)
        shared_mutex_unlock(&pool->mutex);
    return regions->cached >= pool->reserve;
}

static void return_chunks(ReferenceRegions *regions, uint32_t keep)
{
    ChunkPool *pool = regions->pool;

    if (pool->is_shared)
        shared_mutex_lock(&pool->mutex);
    while (regions->cached > keep) {
        ReferenceChunk *chunk = regions->cache;
        regions->cache = chunk->next;
        regions->cached--;
        chunk->next = pool->free;
        pool->free = chunk;
    }
    if (pool->is_shared)
        shared_mutex_unlock(&pool->mutex);
}

void reference_regions_return(ReferenceRegions *regions)
{
    if (regions->cached > 0)
        return_chunks(regions, 0);
}

// ---- regions ----

static void set_bit(uint64_t *bits, uint32_t region)
{
    bits[region / 64] |= UINT64_C(1) << (region % 64);
}

static void clear_bit(uint64_t *bits, uint32_t region)
{
    bits[region / 64] &= ~(UINT64_C(1) << (region % 64));
}

static bool has_bit(const uint64_t *bits, uint32_t region)
{
    return bits[region / 64] >> (region % 64) & 1;
}

void reference_regions_init(ReferenceRegions *regions, ChunkPool *pool, uint32_t first_region)
{
    uintptr_t scratch = (uintptr_t)regions->scratch;

    memset(regions, 0, sizeof *regions);
    regions->pool = pool;
    regions->place_shift = pool->region_shift - 3;
    regions->region_count = pool->region_count;
    regions->current = first_region;
    memset(regions->own, 0xff, sizeof regions->own);
    // Not a multiple of CHUNK_BYTES, and never moved.
    regions->tops[regions->region_count] = &regions->scratch[scratch % CHUNK_BYTES == 0 ? 1 : 0];
}

static void keep_chunk(ReferenceRegions *regions, ReferenceChunk *chunk)
{
    chunk->next = regions->cache;
    regions->cache = chunk;
    if (++regions->cached > 2 * regions->pool->reserve)
        return_chunks(regions, regions->pool->reserve + regions->pool->reserve / 2);
}

uint32_t *reference_regions_open(ReferenceRegions *regions, uint32_t region)
{
    ReferenceChunk *old = regions->chunks[region];
    ReferenceChunk *chunk = regions->cache;

    regions->cache = chunk->next;
    regions->cached--;
    chunk->region = region;
    chunk->next = old;
    if (old != NULL) {
        old->end = CHUNK_REFERENCES;
        if (!has_bit(regions->own, region)) {
            old->next = regions->outgoing;
            regions->outgoing = old;
            chunk->next = NULL;
        }
    }
    regions->chunks[region] = chunk;
    set_bit(regions->filled, region);
    return chunk->references + regions->pool->first;
}

uint32_t reference_regions_next(ReferenceRegions *regions)
{
    uint32_t words = (regions->region_count + 63) / 64;
    uint32_t word = regions->current / 64;
    uint64_t bits =
        regions->filled[word] & regions->own[word] & (UINT64_MAX << (regions->current % 64));

    // Once around, and to the first word again for the regions before the current one.
    for (uint32_t i = 0; i <= words; i++) {
        if (bits != 0) {
            regions->current = word * 64 + (uint32_t)__builtin_ctzll(bits);
            return regions->current;
        }
        word = word + 1 < words ? word + 1 : 0;
        bits = regions->filled[word] & regions->own[word];
    }
    return NO_INDEX;
}

void reference_regions_drop_chunk(ReferenceRegions *regions, uint32_t region)
{
    ReferenceChunk *empty = regions->chunks[region];
    ReferenceChunk *below = empty->next;

    regions->chunks[region] = below;
    regions->tops[region] = below != NULL ? below->references + below->end : NULL;
    if (below == NULL)
        clear_bit(regions->filled, region);
    keep_chunk(regions, empty);
}

// Half of the references in the chunk on top, in a chunk of their own.
static ReferenceChunk *split_top(ReferenceRegions *regions, uint32_t region)
{
    uint32_t first = regions->pool->first;
    uint32_t *bottom = regions->chunks[region]->references + first;
    uint32_t count = (uint32_t)(regions->tops[region] - bottom);
    ReferenceChunk *half = regions->cache;

    if (count < 2 || half == NULL)
        return NULL;
    regions->cache = half->next;
    regions->cached--;
    half->region = region;
    half->end = first + count / 2;
    // The older half goes away; in its place comes the newest.
    memcpy(half->references + first, bottom, count / 2 * sizeof *bottom);
    memmove(bottom, bottom + count / 2, (count - count / 2) * sizeof *bottom);
    regions->tops[region] -= count / 2;
    return half;
}

ReferenceChunk *reference_regions_detach(ReferenceRegions *regions)
{
    uint32_t current = reference_regions_next(regions);
    ReferenceChunk *chunk;
    uint32_t region;

    if (current == NO_INDEX)
        return NULL;
    // Another region than the one we are in: its part of the tables is in our cache.
    regions->current = current + 1 < regions->region_count ? current + 1 : 0;
    region = reference_regions_next(regions);
    regions->current = current;
    chunk = regions->chunks[region];
    if (chunk->next != NULL) {
        // A chunk below the top is full or was given to us, and ready to go.
        ReferenceChunk *below = chunk->next;
        chunk->next = below->next;
        chunk = below;
    } else if (region != current) {
        chunk->end = (uint32_t)(regions->tops[region] - chunk->references);
        regions->chunks[region] = NULL;
        regions->tops[region] = NULL;
        clear_bit(regions->filled, region);
    } else {
        chunk = split_top(regions, region);
        if (chunk == NULL)
            return NULL;
    }
    chunk->next = NULL;
    regions->pending -= chunk->end - regions->pool->first;
    return chunk;
}

void reference_regions_attach(ReferenceRegions *regions, ReferenceChunk *chunk)
{
    uint32_t region = chunk->region;
    ReferenceChunk *top = regions->chunks[region];

    regions->pending += chunk->end - regions->pool->first;
    if (top != NULL) {
        chunk->next = top->next;
        top->next = chunk;
        return;
    }
    chunk->next = NULL;
    regions->chunks[region] = chunk;
    regions->tops[region] = chunk->references + chunk->end;
    set_bit(regions->filled, region);
}

void reference_regions_flush(ReferenceRegions *regions)
{
    uint32_t words = (regions->region_count + 63) / 64;

    for (uint32_t word = 0; word < words; word++) {
        uint64_t bits = regions->filled[word] & ~regions->own[word];
        for (; bits != 0; bits &= bits - 1) {
            uint32_t region = word * 64 + (uint32_t)__builtin_ctzll(bits);
            ReferenceChunk *chunk = regions->chunks[region];
            chunk->end = (uint32_t)(regions->tops[region] - chunk->references);
            regions->chunks[region] = NULL;
            regions->tops[region] = NULL;
            clear_bit(regions->filled, region);
            chunk->next = regions->outgoing;
            regions->outgoing = chunk;
        }
    }
}
