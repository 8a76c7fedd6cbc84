// AddressIndex: from a word to the GC page or malloc chunk that it points into.
//
// Asked for every word of malloc'd memory and of all roots. Most of them point nowhere: one load
// decides those.

#ifndef SNAPSHOT_CAPTURE_FIND_ADDRESS_INDEX_INTERNAL_H
#define SNAPSHOT_CAPTURE_FIND_ADDRESS_INDEX_INTERNAL_H

#include "snapshot/capture/find/malloc_chunks_internal.h"
#include "snapshot/file/snapshot_file.h"

#define ADDRESS_NOWHERE UINT32_MAX
#define ADDRESS_IN_PAGE (UINT32_MAX - 1)

typedef struct AddressIndex {
    uint32_t *top;     // per GiB below 2^48: 0, leaf number + 1, or a direct answer
    uint32_t **leaves; // per page of a GiB: 0, in a GC page, or first chunk + 2
    uint32_t leaf_count;
    uint64_t leaf_capacity;
    const MallocChunk *chunks; // borrowed; ascending
    uint32_t chunk_count;
    const SnapshotPages *runs; // borrowed
    uint64_t run_count;
    uint32_t page_size;
    uint64_t end; // of all pages and chunks
} AddressIndex;

// Builds a zeroed index of page runs and chunks, both ascending and borrowed. Errors: memory.
NODISCARD bool address_index_build(AddressIndex *index, const SnapshotPages *runs,
                                   uint64_t run_count, uint32_t page_size,
                                   const MallocChunk *chunks, uint32_t chunk_count, Error *error);
void address_index_release(AddressIndex *index);

// For address_index_find(): the chunk whose user range holds `address`, looking from chunk `first`
// on; and any address.
uint32_t address_index_chunk_from(const AddressIndex *index, uint32_t first, uint64_t address);
uint32_t address_index_find_slow(const AddressIndex *index, uint64_t address);

#define INDEX_TOP_SHIFT 30
#define INDEX_TOP_BITS 18
#define INDEX_PAGE_SHIFT 12
#define INDEX_DIRECT (UINT32_C(1) << 31) // the whole GiB is one chunk's

// ADDRESS_NOWHERE, ADDRESS_IN_PAGE, or a chunk's number.
static inline uint32_t address_index_find(const AddressIndex *index, uint64_t address)
{
    uint32_t entry;

    // Text and numbers, nearly always.
    if (address >> (INDEX_TOP_SHIFT + INDEX_TOP_BITS) != 0)
        return address >= index->end ? ADDRESS_NOWHERE : address_index_find_slow(index, address);
    entry = index->top[address >> INDEX_TOP_SHIFT];
    if (entry == 0)
        return ADDRESS_NOWHERE;
    if ((entry & INDEX_DIRECT) != 0)
        return address_index_chunk_from(index, entry & ~INDEX_DIRECT, address);
    entry = index->leaves[entry - 1][address >> INDEX_PAGE_SHIFT &
                                     ((1u << (INDEX_TOP_SHIFT - INDEX_PAGE_SHIFT)) - 1)];
    if (entry == 0)
        return ADDRESS_NOWHERE;
    return entry == 1 ? ADDRESS_IN_PAGE : address_index_chunk_from(index, entry - 2, address);
}

#endif
