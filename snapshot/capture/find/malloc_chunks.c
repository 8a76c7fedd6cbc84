// Lists of malloc chunks: see malloc_chunks_internal.h.

#include "snapshot/capture/find/malloc_chunks_internal.h"

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/find/block_allocators_internal.h"

bool malloc_chunks_add(MallocChunks *chunks, MallocChunk chunk, Error *error)
{
    if (!array_reserve(&chunks->items, &chunks->capacity, chunks->count + 1, sizeof *chunks->items,
                       "malloc chunks", error))
        return false;
    chunks->items[chunks->count++] = chunk;
    return true;
}

uint64_t malloc_chunks_holding(const MallocChunks *chunks, uint64_t address)
{
    uint64_t next = search_above(chunks->items, chunks->count, address, address);

    if (next == 0 ||
        address - chunks->items[next - 1].address >= chunk_bytes(&chunks->items[next - 1]))
        return UINT64_MAX;
    return next - 1;
}

uint64_t malloc_chunks_find(const MallocChunks *chunks, uint64_t address)
{
    uint64_t i = malloc_chunks_holding(chunks, address);

    return i != UINT64_MAX && chunks->items[i].address == address ? i : UINT64_MAX;
}

// Blocks of allocators without chunk headers become chunks whose user range is theirs: a header of
// 16 bytes is pretended in front.
bool block_search_add(BlockSearch *search, uint64_t address, uint64_t bytes, Error *error)
{
    MallocChunk chunk = {.address = address - CHUNK_HEADER_BYTES};

    chunk.size = bytes % 16 == 0 ? (bytes + 16) | CHUNK_MMAPPED : bytes + 8;
    return malloc_chunks_add(search->chunks, chunk, error);
}
