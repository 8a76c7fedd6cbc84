// The blocks of jemalloc that wait in thread caches. To the bitmaps of their slabs they are in use.
//
// A cache is an array of bins in thread-local storage, one for each size class: a pointer to the
// newest entry of a stack that grows down, a counter, and the low 16 bits of where the stack is
// full and empty. The stacks of all bins lie side by side, which tells an array of bins from other
// words: each is full where the one before it is empty.

#include "snapshot/capture/find/jemalloc_extents_internal.h"

#include "base/search.h"
#include "snapshot/heap/heap_image.h"

#define BIN_BYTES UINT64_C(24)
#define MAX_BINS 77u
// Entries of caches that are checked: real ones have a few thousand a thread.
#define MAX_ENTRIES (UINT64_C(1) << 26)

typedef struct CacheBin {
    uint64_t head; // address of the newest entry
    uint64_t count;
    uint16_t full, empty; // low bits of addresses
} CacheBin;

static bool read_bin(MemoryReader *reader, uint64_t address, CacheBin *bin)
{
    uint64_t bits = memory_word(reader, address + 16);

    bin->head = memory_word(reader, address);
    bin->full = (uint16_t)(bits >> 16);
    bin->empty = (uint16_t)(bits >> 32);
    bin->count = (uint16_t)(bin->empty - (uint16_t)bin->head) / 8u;
    return bin->head != 0 && bin->head % 8 == 0 && bin->full % 8 == 0 && bin->empty % 8 == 0 &&
           (uint16_t)(bin->empty - (uint16_t)bin->head) <= (uint16_t)(bin->empty - bin->full);
}

static bool ends_at_or_below(const void *extents, uint64_t index, const void *address)
{
    const JemallocExtent *extent = (const JemallocExtent *)extents + index;

    return extent->start + extent->bytes <= *(const uint64_t *)address;
}

// The active extent that holds `address`, or NULL.
static JemallocExtent *find_extent(const JemallocExtents *extents, uint64_t address)
{
    uint64_t i = search_first(extents->items, extents->count, ends_at_or_below, &address);

    return i < extents->count && extents->items[i].start <= address && extents->items[i].is_active
               ? &extents->items[i]
               : NULL;
}

// The place of the block of an extent that holds `address`.
static uint64_t block_place(const JemallocExtent *extent, uint64_t address)
{
    return extent->is_slab ? (address - extent->start) / jemalloc_class_bytes(extent->size_class)
                           : 0;
}

// Does `address` begin a block of this class?
static JemallocExtent *find_block(const JemallocExtents *extents, uint64_t address, uint32_t bin)
{
    JemallocExtent *extent = find_extent(extents, address);

    if (extent == NULL || extent->size_class != bin ||
        (extent->is_slab ? (address - extent->start) % jemalloc_class_bytes(bin) != 0
                         : address != extent->user))
        return NULL;
    return extent;
}

// Are all entries of the bin's stack blocks of its class?
static bool is_bin(BlockSearch *search, const JemallocExtents *extents, const CacheBin *bin,
                   uint32_t number)
{
    if (bin->count > search->entries_left)
        return false;
    search->entries_left -= bin->count;
    for (uint64_t i = 0; i < bin->count; i++)
        if (find_block(extents, memory_word(&search->reader, bin->head + 8 * i), number) == NULL)
            return false;
    return true;
}

static void flag_entries(BlockSearch *search, JemallocExtents *extents, const CacheBin *bin,
                         uint32_t number)
{
    JemallocExtent *holder = find_extent(extents, bin->head);

    for (uint64_t i = 0; i < bin->count; i++) {
        uint64_t address = memory_word(&search->reader, bin->head + 8 * i);
        JemallocExtent *extent = find_block(extents, address, number);
        uint64_t place = block_place(extent, address);
        extent->free_bits[place / 64] |= UINT64_C(1) << place % 64;
    }
    // Some versions have the stacks in a block of their own; its stale entries keep nothing alive.
    if (holder != NULL) {
        uint64_t place = block_place(holder, bin->head);
        if (place < JEMALLOC_MAX_REGIONS)
            holder->free_bits[place / 64] |= UINT64_C(1) << place % 64;
    }
}

// The number of bins of the cache at `address`; 0: there is none.
static uint32_t count_bins(BlockSearch *search, const JemallocExtents *extents, uint64_t address)
{
    uint32_t count = 0;
    uint16_t empty = 0;
    CacheBin bin;

    while (count < MAX_BINS && read_bin(&search->reader, address + count * BIN_BYTES, &bin) &&
           (count == 0 || bin.full == empty)) {
        empty = bin.empty;
        count++;
    }
    if (count < JEMALLOC_SMALL_CLASSES)
        return 0;
    for (uint32_t i = 0; i < count; i++)
        if (!read_bin(&search->reader, address + i * BIN_BYTES, &bin) ||
            !is_bin(search, extents, &bin, i))
            return i < JEMALLOC_SMALL_CLASSES ? 0 : i;
    return count;
}

static bool starts_below(const void *regions, uint64_t index, const void *address)
{
    return ((const Region *)regions)[index].start < *(const uint64_t *)address;
}

// Each thread remembers leaves: the first address that a leaf stands for, and the leaf. A block may
// lie at that address. Claims such pairs in [start, end).
static bool claim_remembered(BlockSearch *search, const RegionList *leaves, uint64_t start,
                             uint64_t end, Error *error)
{
    uint64_t first = leaves->items[0].start, span = leaves->items[leaves->count - 1].start - first;
    uint64_t position = round_up(start, 8), before = 0;
    MemoryReader reader = search->reader;
    MemoryPiece piece;

    while (memory_next_piece(&reader, &position, end, &piece))
        for (uint64_t offset = 0; offset + 8 <= piece.bytes; offset += 8) {
            uint64_t word = load_u64(piece.data + offset), key = before;
            uint64_t address = piece.address + offset;
            before = word;
            if (word - first > span || key == 0 || key % JEMALLOC_MIN_LEAF_SPAN != 0 ||
                leaves->items[search_first(leaves->items, leaves->count, starts_below, &word)]
                        .start != word)
                continue;
            if (!region_list_add(search->metadata, address - 8, address + 8, REGION_IGNORED,
                                 NO_INDEX, error))
                return false;
        }
    return true;
}

// The same in the storage of threads, and in anonymous memory outside of the extents, where that of
// threads lies that have ended.
static bool claim_all_remembered(BlockSearch *search, const JemallocExtents *extents, Error *error)
{
    uint64_t next = 0;

    for (uint64_t i = 0; i < search->thread_locals->count; i++) {
        const Region *region = &search->thread_locals->items[i];
        if (!claim_remembered(search, &extents->leaves, region->start, region->end, error))
            return false;
    }
    for (uint64_t i = 0; i < search->areas->count; i++) {
        const Region *area = &search->areas->items[i];
        uint64_t address = area->start;
        for (; next < extents->count && extents->items[next].start < area->end; next++) {
            const JemallocExtent *extent = &extents->items[next];
            if (!claim_remembered(search, &extents->leaves, address, extent->start, error))
                return false;
            address = extent->start + extent->bytes;
        }
        if (!claim_remembered(search, &extents->leaves, address, area->end, error) ||
            !cancel_check(search->cancel, error))
            return false;
    }
    return true;
}

bool jemalloc_flag_cached(BlockSearch *search, JemallocExtents *extents, Error *error)
{
    search->entries_left = MAX_ENTRIES;
    for (uint64_t i = 0; i < search->thread_locals->count; i++) {
        const Region *region = &search->thread_locals->items[i];
        uint64_t address = round_up(region->start, 8);
        while (address < region->end) {
            uint32_t count = count_bins(search, extents, address);
            for (uint32_t b = 0; b < count; b++) {
                CacheBin bin;
                if (read_bin(&search->reader, address + b * BIN_BYTES, &bin))
                    flag_entries(search, extents, &bin, b);
            }
            address += count > 0 ? count * BIN_BYTES : 8;
        }
    }
    return claim_all_remembered(search, extents, error);
}
