// Finding the blocks of jemalloc 5.3: the regions of its extents (jemalloc_tree.c) that are in use.
//
// An extent that is active is one block, or a slab of regions of one size, of which the bitmap
// tells the free ones; those that wait in thread caches are free, too (jemalloc_cached.c). Records,
// leaves and the other bookkeeping lie in base blocks, which are not roots: a record has the
// address of its extent's first region.

#include <stdlib.h>

#include "base/search.h"
#include "snapshot/capture/find/jemalloc_extents_internal.h"
#include "snapshot/heap/heap_image.h"

#define BASE_HEADER_BYTES 144u // its size, the next block, a record

// ---- base blocks ----

// Is there the head of a base block at `address`? Its record says what is unused at the end.
static bool is_base_block(MemoryReader *reader, uint64_t address, uint64_t end, uint64_t *bytes)
{
    uint64_t rest = memory_word(reader, address + 24);

    *bytes = memory_word(reader, address);
    return *bytes >= PAGE_BYTES && *bytes % PAGE_BYTES == 0 && *bytes <= end - address &&
           memory_word(reader, address + 8) % PAGE_BYTES == 0 &&
           rest >= address + BASE_HEADER_BYTES && rest <= address + *bytes &&
           memory_word(reader, address + 32) <= address + *bytes - rest;
}

static int compare_words(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static bool is_below(const void *words, uint64_t index, const void *address)
{
    return ((const uint64_t *)words)[index] < *(const uint64_t *)address;
}

// Claims the base blocks in which records or leaves lie.
static bool claim_base_blocks(BlockSearch *search, const uint64_t *places, uint64_t count,
                              Error *error)
{
    for (uint64_t i = 0; i < search->areas->count; i++) {
        const Region *area = &search->areas->items[i];
        uint64_t address = area->start, position = address;
        MemoryReader pieces = search->reader;
        MemoryPiece piece;
        while (position = address, memory_next_piece(&pieces, &position, area->end, &piece)) {
            uint64_t bytes, first;
            address = round_up(piece.address, PAGE_BYTES);
            first = search_first(places, count, is_below, &address);
            if (first < count && is_base_block(&search->reader, address, area->end, &bytes) &&
                places[first] < address + bytes) {
                if (!region_list_add(search->metadata, address, address + bytes, REGION_IGNORED,
                                     NO_INDEX, error))
                    return false;
                address += bytes;
            } else {
                address += PAGE_BYTES;
            }
        }
    }
    return true;
}

static bool find_base_blocks(BlockSearch *search, const JemallocExtents *extents, Error *error)
{
    uint64_t count = extents->count + extents->leaves.count;
    uint64_t *places = malloc((count + 1) * sizeof *places);
    bool ok;

    if (places == NULL)
        return error_set_memory(error, count * sizeof *places, "records of jemalloc");
    for (uint64_t i = 0; i < extents->count; i++)
        places[i] = extents->items[i].record;
    for (uint64_t i = 0; i < extents->leaves.count; i++)
        places[extents->count + i] = extents->leaves.items[i].start;
    qsort(places, count, sizeof *places, compare_words);
    ok = claim_base_blocks(search, places, count, error);
    free(places);
    return ok;
}

// ---- results ----

static bool add_blocks(BlockSearch *search, const JemallocExtent *extent, Error *error)
{
    uint64_t bytes = extent->user_bytes;
    uint64_t count = extent->is_slab ? extent->bytes / bytes : 1;

    for (uint64_t i = 0; i < count; i++)
        if ((extent->free_bits[i / 64] >> i % 64 & 1) == 0 &&
            !block_search_add(search, extent->user + i * bytes, bytes, error))
            return false;
    return true;
}

static bool add_results(BlockSearch *search, const JemallocExtents *extents, Error *error)
{
    for (uint64_t i = 0; i < extents->count; i++) {
        const JemallocExtent *extent = &extents->items[i];
        if (!region_list_add(search->spans, extent->start, extent->start + extent->bytes,
                             REGION_MALLOC, NO_INDEX, error) ||
            (extent->is_active && !add_blocks(search, extent, error)) ||
            (i % 65536 == 0 && !cancel_check(search->cancel, error)))
            return false;
    }
    return true;
}

bool jemalloc_find_blocks(BlockSearch *search, Error *error)
{
    JemallocExtents extents = {0};
    bool ok = jemalloc_find_extents(search, &extents, error);

    if (ok && extents.count > 0) {
        ok = find_base_blocks(search, &extents, error) &&
             jemalloc_flag_cached(search, &extents, error) && add_results(search, &extents, error);
    }
    jemalloc_extents_release(&extents);
    return ok;
}
