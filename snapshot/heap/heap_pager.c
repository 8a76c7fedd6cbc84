// HeapPager: see snapshot/heap/heap_pager.h.
//
// A chunk is brought in a lane: memory beside the range, which only the thread that brings it
// uses. Then the lane's memory moves to the chunk's place (mremap), so no thread ever sees a part
// of a chunk. In the same way the memory of the chunk that makes room moves to the lane first. The
// place that it leaves stays reserved (MREMAP_DONTUNMAP) and inaccessible.

#include "snapshot/heap/heap_pager_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/parallel_for.h"

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4 // Linux 5.7
#endif
#define CHUNK_BYTES (UINT64_C(2) << 20) // a huge page
#define LEAST_CHUNKS 4u
// Each resident chunk is a mapping of its own, and the kernel's limit is 65,530.
#define MOST_CHUNKS 8192u

static uint64_t range_bytes(const HeapPager *pager)
{
    return pager->chunk_count * pager->chunk_bytes;
}

// Inaccessible room at a multiple of the chunk size; NULL where there is none.
static uint8_t *reserve(uint64_t bytes, uint64_t alignment)
{
    uint8_t *mapped = mmap(NULL, bytes + alignment, PROT_NONE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    uint64_t before;

    if (mapped == MAP_FAILED)
        return NULL;
    before = -(uint64_t)(uintptr_t)mapped & (alignment - 1);
    if (before > 0)
        (void)munmap(mapped, before);
    (void)munmap(mapped + before + bytes, alignment - before);
    (void)madvise(mapped + before, bytes, MADV_HUGEPAGE); // only speed is lost without it
    return mapped + before;
}

static bool move_chunk(uint8_t *from, uint8_t *to, uint64_t bytes)
{
    return mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to;
}

bool heap_pager_is_supported(void)
{
    uint64_t bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    uint8_t *room =
        mmap(NULL, 2 * bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool is_supported;

    if (room == MAP_FAILED)
        return false;
    is_supported = move_chunk(room, room + bytes, bytes);
    (void)munmap(room, 2 * bytes);
    return is_supported;
}

static bool make_rooms(HeapPager *pager, Error *error)
{
    uint64_t lane_bytes = HEAP_PAGER_LANES * pager->chunk_bytes;

    pager->base = reserve(range_bytes(pager), pager->chunk_bytes);
    pager->lanes = reserve(lane_bytes, pager->chunk_bytes);
    if (pager->base == NULL || pager->lanes == NULL ||
        mprotect(pager->lanes, lane_bytes, PROT_READ | PROT_WRITE) != 0)
        return error_set_memory(error, range_bytes(pager), "the addresses of a heap");
    // Kernels before 5.7 cannot move memory and keep its place.
    if (!move_chunk(pager->lanes, pager->lanes + pager->chunk_bytes, pager->chunk_bytes))
        return error_set(error, ERROR_UNSUPPORTED,
                         "this kernel cannot hold a part of a heap in memory: %s", strerror(errno));
    return true;
}

uint64_t heap_pager_chunk_bytes(const HeapPagerOptions *options)
{
    return options->chunk_bytes != 0 ? options->chunk_bytes : CHUNK_BYTES;
}

bool heap_pager_new(const HeapPagerOptions *options, uint64_t bytes, const HeapPageSource *source,
                    HeapPager **out, Error *error)
{
    HeapPager *pager = calloc(1, sizeof *pager);
    uint64_t chunk = heap_pager_chunk_bytes(options);

    *out = NULL;
    if (pager == NULL)
        return error_set_memory(error, sizeof *pager, "a pager");
    pager->catcher = *options->catcher;
    pager->bytes = bytes;
    pager->chunk_bytes = chunk;
    pager->chunk_count = (bytes + chunk - 1) / chunk + (bytes == 0);
    pager->most_chunks = options->budget_bytes / chunk;
    pager->most_chunks = pager->most_chunks < LEAST_CHUNKS ? LEAST_CHUNKS : pager->most_chunks;
    pager->most_chunks = pager->most_chunks > MOST_CHUNKS ? MOST_CHUNKS : pager->most_chunks;
    (void)pthread_mutex_init(&pager->mutex, NULL);
    (void)pthread_cond_init(&pager->has_come, NULL);
    pager->states = calloc(pager->chunk_count, sizeof *pager->states);
    pager->zeros = calloc(pager->chunk_count, sizeof(ChunkZeros *));
    pager->ring = calloc(pager->most_chunks, sizeof *pager->ring);
    if (pager->states == NULL || pager->zeros == NULL || pager->ring == NULL) {
        heap_pager_free(pager);
        return error_set_memory(error, pager->chunk_count * 9, "a pager");
    }
    if (!make_rooms(pager, error) || !pager->catcher.add(pager, error)) {
        pager->catcher.remove = NULL;
        heap_pager_free(pager);
        return false;
    }
    pager->source = *source;
    *out = pager;
    return true;
}

void heap_pager_free(HeapPager *pager)
{
    if (pager == NULL)
        return;
    if (pager->catcher.remove != NULL && pager->source.read != NULL)
        pager->catcher.remove(pager);
    if (pager->base != NULL)
        (void)munmap(pager->base, range_bytes(pager));
    if (pager->lanes != NULL)
        (void)munmap(pager->lanes, HEAP_PAGER_LANES * pager->chunk_bytes);
    for (uint64_t i = 0; pager->zeros != NULL && i < pager->chunk_count; i++)
        heap_pager_free_zeros(pager->zeros[i]);
    free(pager->zeros);
    free(pager->states);
    free(pager->ring);
    if (pager->source.release != NULL)
        pager->source.release(pager->source.context);
    (void)pthread_cond_destroy(&pager->has_come);
    (void)pthread_mutex_destroy(&pager->mutex);
    free(pager);
}

uint8_t *heap_pager_base(const HeapPager *pager)
{
    return pager->base;
}

uint64_t heap_pager_budget(const HeapPager *pager)
{
    return pager->most_chunks * pager->chunk_bytes;
}

uint64_t heap_pager_resident(const HeapPager *pager)
{
    return pager->ring_count * pager->chunk_bytes;
}

uint64_t heap_pager_brought(const HeapPager *pager)
{
    return pager->brought;
}

bool heap_pager_check(const HeapPager *pager, Error *error)
{
    if (pager == NULL || !pager->has_failed)
        return true;
    *error = pager->failure;
    return false;
}

// ---- bringing ----

static void fail(HeapPager *pager, const Error *error)
{
    if (!pager->has_failed)
        pager->failure = *error;
    pager->has_failed = true;
}

// Bytes of the heap in a chunk; the last one may have fewer.
static uint64_t chunk_length(const HeapPager *pager, uint64_t chunk)
{
    uint64_t left = pager->bytes - chunk * pager->chunk_bytes;

    return left < pager->chunk_bytes ? left : pager->chunk_bytes;
}

// Reads a chunk; bytes that do not come are zero.
static bool read_chunk(HeapPager *pager, uint32_t lane, uint64_t chunk, uint8_t *to, Error *error)
{
    uint64_t length = pager->bytes == 0 ? 0 : chunk_length(pager, chunk);

    memset(to + length, 0, pager->chunk_bytes - length);
    if (length == 0 || pager->source.read(pager->source.context, lane, chunk * pager->chunk_bytes,
                                          length, to, error))
        return true;
    memset(to, 0, length);
    return false;
}

// Takes a lane, and room for one more chunk: memory of the one that came first. With the mutex.
static uint32_t begin(HeapPager *pager)
{
    uint32_t lane;
    uint64_t victim;
    uint8_t *from;

    while (pager->busy_lanes == UINT32_MAX)
        (void)pthread_cond_wait(&pager->has_come, &pager->mutex);
    lane = (uint32_t)__builtin_ctz(~pager->busy_lanes);
    pager->busy_lanes |= UINT32_C(1) << lane;
    pager->coming++;
    if (pager->ring_count == 0 || pager->ring_count + pager->coming <= pager->most_chunks)
        return lane;
    victim = pager->ring[pager->ring_start];
    pager->ring_start = (pager->ring_start + 1) % pager->most_chunks;
    pager->ring_count--;
    from = pager->base + victim * pager->chunk_bytes;
    pager->states[victim] = CHUNK_ABSENT;
    // First no thread can use it any more; then it moves. Where it cannot, it is given back.
    if (mprotect(from, pager->chunk_bytes, PROT_NONE) != 0 ||
        !move_chunk(from, pager->lanes + lane * pager->chunk_bytes, pager->chunk_bytes))
        (void)madvise(from, pager->chunk_bytes, MADV_DONTNEED);
    (void)mprotect(pager->lanes + lane * pager->chunk_bytes, pager->chunk_bytes,
                   PROT_READ | PROT_WRITE);
    return lane;
}

// Puts the chunk that was read in the lane to its place. With the mutex.
static bool end(HeapPager *pager, uint32_t lane, uint64_t chunk)
{
    bool is_there = true;
    uint8_t *from = pager->lanes + lane * pager->chunk_bytes;
    uint8_t *to = pager->base + chunk * pager->chunk_bytes;

    heap_pager_apply_zeros(pager, chunk, from);
    if (!move_chunk(from, to, pager->chunk_bytes)) {
        Error error;

        (void)error_set(&error, ERROR_MEMORY, "cannot map a part of the heap: %s", strerror(errno));
        fail(pager, &error);
        // Too many mappings: copying splits none.
        if (mprotect(to, pager->chunk_bytes, PROT_READ | PROT_WRITE) == 0)
            memcpy(to, from, pager->chunk_bytes);
        else
            is_there = false; // the access that faulted can neither end nor be repeated
    }
    pager->states[chunk] = CHUNK_RESIDENT;
    pager->ring[(pager->ring_start + pager->ring_count++) % pager->most_chunks] = chunk;
    pager->coming--;
    pager->brought++;
    pager->busy_lanes &= ~(UINT32_C(1) << lane);
    (void)pthread_cond_broadcast(&pager->has_come);
    return is_there;
}

// Makes a chunk resident. With the mutex, which is given up meanwhile.
static bool bring(HeapPager *pager, uint64_t chunk)
{
    Error error;
    uint32_t lane;
    bool ok;

    while (pager->states[chunk] == CHUNK_COMING)
        (void)pthread_cond_wait(&pager->has_come, &pager->mutex);
    if (pager->states[chunk] == CHUNK_RESIDENT)
        return true;
    pager->states[chunk] = CHUNK_COMING;
    lane = begin(pager);
    (void)pthread_mutex_unlock(&pager->mutex);
    ok = read_chunk(pager, lane, chunk, pager->lanes + lane * pager->chunk_bytes, &error);
    (void)pthread_mutex_lock(&pager->mutex);
    if (!ok)
        fail(pager, &error);
    return end(pager, lane, chunk);
}

bool heap_pager_catch(HeapPager *pager, const void *address)
{
    uint64_t offset = (uint64_t)(uintptr_t)address - (uint64_t)(uintptr_t)pager->base;
    int errno_before = errno;
    bool is_there;

    if (offset >= range_bytes(pager))
        return false;
    (void)pthread_mutex_lock(&pager->mutex);
    is_there = bring(pager, offset / pager->chunk_bytes);
    (void)pthread_mutex_unlock(&pager->mutex);
    errno = errno_before;
    return is_there;
}

// ---- visiting ----

typedef struct Visiting {
    HeapPager *pager;
    HeapPagerVisit *visit;
    void *context;
} Visiting;

_Static_assert(PARALLEL_FOR_MAX_THREADS <= HEAP_PAGER_LANES, "each thread has a lane");

static bool visit_chunk(void *context, uint32_t worker, uint64_t chunk, Error *error)
{
    const Visiting *visiting = context;
    HeapPager *pager = visiting->pager;
    uint8_t *bytes = pager->lanes + worker * pager->chunk_bytes;

    if (!read_chunk(pager, worker, chunk, bytes, error))
        return false;
    visiting->visit(visiting->context, chunk * pager->chunk_bytes, bytes,
                    chunk_length(pager, chunk));
    return true;
}

bool heap_pager_visit(HeapPager *pager, uint32_t threads, HeapPagerVisit *visit, void *context,
                      Error *error)
{
    Visiting visiting = {pager, visit, context};

    return pager->bytes == 0 ||
           parallel_for(pager->chunk_count, parallel_for_threads(threads, pager->chunk_count),
                        visit_chunk, &visiting, error);
}
