// Large malloc chunks, which have mappings of their own. The kernel merges their mappings with
// other anonymous memory, so every page boundary of it is tried.
//
// Such a chunk begins at a page boundary: a first word of 0, then its size, a multiple of the page
// size, with the flag IS_MMAPPED and no other. A chunk for aligned_alloc() begins further up in its
// mapping, right below the aligned address, and its first word is the distance; the head at the
// start of the mapping stays, so that both are there.

#include "snapshot/capture/find/malloc_chunks_internal.h"
#include "snapshot/heap/heap_image.h"

#define IS_MMAPPED 2u
#define SIZE_FLAGS 7u
// The largest alignment that is tried.
#define MAX_ALIGNMENT (UINT64_C(1) << 30)

// Is there a head at `address` of a chunk whose mapping starts at `mapping`, and which ends
// at or below `end`?
static bool is_head(MemoryReader *reader, uint64_t address, uint64_t mapping, uint64_t end,
                    uint64_t *bytes)
{
    uint64_t word = memory_word(reader, address + 8);

    *bytes = word & ~(uint64_t)SIZE_FLAGS;
    return (word & SIZE_FLAGS) == IS_MMAPPED && memory_word(reader, address) == address - mapping &&
           *bytes >= CHUNK_MIN_BYTES && *bytes <= end - address &&
           (address + *bytes) % PAGE_BYTES == 0;
}

// The chunk in a mapping of `bytes`: an aligned one, or the one at its start.
static MallocChunk chunk_in(MemoryReader *reader, uint64_t mapping, uint64_t bytes)
{
    uint64_t end = mapping + bytes;

    for (uint64_t alignment = 32; alignment <= MAX_ALIGNMENT; alignment *= 2) {
        uint64_t user = round_up(mapping + CHUNK_HEADER_BYTES, alignment);
        uint64_t aligned_bytes;
        if (user >= end || user < mapping)
            break;
        if (user - CHUNK_HEADER_BYTES > mapping &&
            is_head(reader, user - CHUNK_HEADER_BYTES, mapping, end, &aligned_bytes))
            return (MallocChunk){user - CHUNK_HEADER_BYTES, aligned_bytes | CHUNK_MMAPPED};
    }
    return (MallocChunk){mapping, bytes | CHUNK_MMAPPED};
}

typedef struct MappedSearch {
    MemoryReader *reader;
    const Region *area;
    const RegionList *busy;
    const RegionList *heaps;
    uint64_t next_busy; // cursors into the two: addresses ascend
    uint64_t next_heap;
} MappedSearch;

// Moves on behind busy memory, without reading it.
static uint64_t skip_busy(MappedSearch *search, uint64_t address)
{
    while (region_map_overlaps(search->busy, &search->next_busy, address, address + 1))
        address = round_up(search->busy->items[search->next_busy].end, PAGE_BYTES);
    return address;
}

// Does a mapping of one chunk start at `address`? Not when it would reach into an arena's heap.
// (Other busy memory in it makes it an odd chunk.)
static bool is_mapping(MappedSearch *search, uint64_t address, uint64_t *bytes)
{
    return is_head(search->reader, address, address, search->area->end, bytes) &&
           !region_map_overlaps(search->heaps, &search->next_heap, address, address + *bytes);
}

bool malloc_find_mapped(MemoryReader *reader, const Region *area, const RegionList *busy,
                        const RegionList *heaps, MallocChunks *chunks, RegionList *spans,
                        Error *error)
{
    MappedSearch search = {.reader = reader, .area = area, .busy = busy, .heaps = heaps};
    MemoryReader pieces = *reader;
    uint64_t position = area->start;
    MemoryPiece piece;

    while (memory_next_piece(&pieces, &position, area->end, &piece)) {
        uint64_t address = skip_busy(&search, round_up(piece.address, PAGE_BYTES));
        while (address < piece.address + piece.bytes) {
            uint64_t bytes;
            if (!is_mapping(&search, address, &bytes)) {
                address = skip_busy(&search, address + PAGE_BYTES);
                continue;
            }
            if (!malloc_chunks_add(chunks, chunk_in(reader, address, bytes), error) ||
                !region_list_add(spans, address, address + bytes, REGION_MALLOC, NO_INDEX, error))
                return false;
            address = skip_busy(&search, address + bytes);
        }
        if (address > position)
            position = address;
    }
    return true;
}
