// AddressIndex: see address_index_internal.h.

#include "snapshot/capture/find/address_index_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"

#define LEAF_ENTRIES (UINT64_C(1) << (INDEX_TOP_SHIFT - INDEX_PAGE_SHIFT))
#define GIB (UINT64_C(1) << INDEX_TOP_SHIFT)
#define INDEX_END (UINT64_C(1) << (INDEX_TOP_SHIFT + INDEX_TOP_BITS))

static uint64_t user_end(const MallocChunk *chunk)
{
    return chunk_user_address(chunk) + chunk_user_bytes(chunk);
}

static bool get_leaf(AddressIndex *index, uint64_t gib, uint32_t **out, Error *error)
{
    uint32_t entry = index->top[gib];

    if (entry != 0) {
        *out = index->leaves[entry - 1];
        return true;
    }
    if (!array_reserve(&index->leaves, &index->leaf_capacity, index->leaf_count + 1u,
                       sizeof *index->leaves, "the address index", error))
        return false;
    *out = calloc(LEAF_ENTRIES, sizeof **out);
    if (*out == NULL)
        return error_set_memory(error, LEAF_ENTRIES * sizeof **out, "the address index");
    index->leaves[index->leaf_count++] = *out;
    index->top[gib] = index->leaf_count;
    return true;
}

// Gives all pages that overlap [start, end) this entry, unless they have one.
static bool fill(AddressIndex *index, uint64_t start, uint64_t end, uint32_t entry, Error *error)
{
    if (end > INDEX_END)
        end = INDEX_END;
    while (start < end) {
        uint64_t gib = start >> INDEX_TOP_SHIFT;
        uint64_t gib_end = (gib + 1) << INDEX_TOP_SHIFT;
        uint64_t stop = end < gib_end ? end : gib_end;
        uint32_t *leaf;
        // A chunk that covers a whole GiB needs no leaf there.
        if (entry > 1 && stop - start == GIB) {
            index->top[gib] = INDEX_DIRECT | (entry - 2);
            start = stop;
            continue;
        }
        if ((index->top[gib] & INDEX_DIRECT) != 0) {
            start = stop;
            continue;
        }
        if (!get_leaf(index, gib, &leaf, error))
            return false;
        for (uint64_t page = start >> INDEX_PAGE_SHIFT; page <= (stop - 1) >> INDEX_PAGE_SHIFT;
             page++)
            if (leaf[page % LEAF_ENTRIES] == 0)
                leaf[page % LEAF_ENTRIES] = entry;
        start = stop;
    }
    return true;
}

bool address_index_build(AddressIndex *index, const SnapshotPages *runs, uint64_t run_count,
                         uint32_t page_size, const MallocChunk *chunks, uint32_t chunk_count,
                         Error *error)
{
    *index = (AddressIndex){
        .chunks = chunks,
        .chunk_count = chunk_count,
        .runs = runs,
        .run_count = run_count,
        .page_size = page_size,
    };
    index->top = calloc(UINT64_C(1) << INDEX_TOP_BITS, sizeof *index->top);
    if (index->top == NULL)
        return error_set_memory(error, (UINT64_C(1) << INDEX_TOP_BITS) * sizeof *index->top,
                                "the address index");
    for (uint64_t i = 0; i < index->run_count; i++) {
        const SnapshotPages *run = &index->runs[i];
        index->end = run->address + run->page_count * index->page_size;
        if (!fill(index, run->address, index->end, 1, error))
            return false;
    }
    for (uint32_t i = 0; i < chunk_count; i++) {
        uint64_t end = user_end(&chunks[i]);

        index->end = end > index->end ? end : index->end;
        if (!fill(index, chunk_user_address(&chunks[i]), end, i + 2, error))
            return false;
    }
    return true;
}

void address_index_release(AddressIndex *index)
{
    for (uint32_t i = 0; i < index->leaf_count; i++)
        free(index->leaves[i]);
    free(index->leaves);
    free(index->top);
    *index = (AddressIndex){0};
}

uint32_t address_index_chunk_from(const AddressIndex *index, uint32_t first, uint64_t address)
{
    for (; first < index->chunk_count && chunk_user_address(&index->chunks[first]) <= address;
         first++)
        if (address < user_end(&index->chunks[first]))
            return first;
    return ADDRESS_NOWHERE;
}

static bool ends_at_or_below(const void *chunks, uint64_t index, const void *address)
{
    return user_end((const MallocChunk *)chunks + index) <= *(const uint64_t *)address;
}

uint32_t address_index_find_slow(const AddressIndex *index, uint64_t address)
{
    uint64_t next = search_above(index->runs, index->run_count, address, address);

    // Few processes have memory above 2^48.
    if (next > 0 && address - index->runs[next - 1].address <
                        index->runs[next - 1].page_count * index->page_size)
        return ADDRESS_IN_PAGE;
    next = search_first(index->chunks, index->chunk_count, ends_at_or_below, &address);
    return address_index_chunk_from(index, (uint32_t)next, address);
}
