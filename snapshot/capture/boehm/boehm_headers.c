// The headers of blocks: one for each block, elsewhere in the collector's memory.
//
// The header of a block in use names its block; that gives the size of blocks. Where the marks are
// differs by version and configuration: the right layout is the one in which, in every block of
// small objects, the mark behind the last object is set, the marks are as many as the header
// counts, and the map of offsets is that of the block's size.

#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/boehm/boehm_search_internal.h"

enum {
    HEADER_NEXT = 0,
    HEADER_BLOCK = 16,
    HEADER_KIND = 24,
    HEADER_FLAGS = 25,
    HEADER_RECLAIMED = 26,
    HEADER_BYTES = 32,
    HEADER_DESCRIPTOR = 40,
};

#define LEAST_LOG 9u
#define MOST_LOG 16u
// Marks are counted without a lock, so some counts are off by a few.
#define COUNT_SLACK 3
#define LEAST_RIGHT_COUNTS 0.9

static const HeaderLayout layouts[] = {
    {"7.6 and later, mark bytes", 48, 0, 56, 64, true, false},
    {"7.6 and later, mark bits", 48, 0, 56, 64, false, false},
    {"7.6 and later, a mark byte an object", 0, 28, 48, 56, true, true},
    {"7.6 and later, a mark bit an object", 0, 28, 48, 56, false, true},
    {"7.2 to 7.4, mark bytes", 56, 0, 64, 72, true, false},
    {"7.2 to 7.4, mark bits", 56, 0, 64, 72, false, false},
    {"7.2 to 7.4, a mark byte an object", 0, 48, 56, 64, true, true},
    {"7.2 to 7.4, a mark bit an object", 0, 48, 56, 64, false, true},
};

// ---- from the index to blocks ----

// The entries of a node: headers, or how many blocks back the head of a large object is.
typedef struct TailEntry {
    uint64_t number; // of the block
    uint64_t distance;
} TailEntry;

typedef struct Entries {
    TailEntry *tails;
    uint64_t tail_count;
    uint64_t tail_capacity;
} Entries;

static bool take_entry(BoehmSearch *search, Entries *entries, uint64_t number, uint64_t entry,
                       Error *error)
{
    BoehmHeap *heap = search->heap;
    MemoryReader *reader = &search->reader;
    BoehmBlock *block;

    if (entry < BOEHM_LEAST_HEADER) {
        if (!array_reserve(&entries->tails, &entries->tail_capacity, entries->tail_count + 1,
                           sizeof *entries->tails, "the block index", error))
            return false;
        entries->tails[entries->tail_count++] = (TailEntry){number, entry};
        return true;
    }
    if (entry % 8 != 0)
        return boehm_refuse(error, "a block header lies at 0x%llx, which is not aligned",
                            (unsigned long long)entry);
    if (!array_reserve(&heap->blocks, &search->block_capacity, heap->block_count + 1,
                       sizeof *heap->blocks, "the blocks of the heap", error))
        return false;
    block = &heap->blocks[heap->block_count++];
    *block = (BoehmBlock){.address = number, .header = entry};
    uint64_t small = memory_word(reader, entry + HEADER_KIND);
    block->next = memory_word(reader, entry + HEADER_NEXT);
    block->bytes = memory_word(reader, entry + HEADER_BYTES);
    block->descriptor = memory_word(reader, entry + HEADER_DESCRIPTOR);
    block->kind = (uint8_t)small;
    block->flags = (uint8_t)(small >> 8 * (HEADER_FLAGS - HEADER_KIND));
    block->last_reclaimed = (uint16_t)(small >> 8 * (HEADER_RECLAIMED - HEADER_KIND));
    block->is_free = (block->flags & BOEHM_FLAG_FREE) != 0;
    return true;
}

static bool take_entries(BoehmSearch *search, Entries *entries, Error *error)
{
    for (uint64_t n = 0; n < search->node_count; n++) {
        const BoehmNode *node = &search->nodes[n];

        if (node->key >= UINT64_C(1) << 38)
            return boehm_refuse(error, "the block index has a node for no address");
        for (uint64_t i = 0; i < BOEHM_NODE_ENTRIES; i++) {
            uint64_t entry = memory_word(&search->reader, node->address + 8 * i);

            if (entry != 0 &&
                !take_entry(search, entries, node->key * BOEHM_NODE_ENTRIES + i, entry, error))
                return false;
        }
    }
    return search->heap->block_count > 0 || boehm_refuse(error, "the block index has no blocks");
}

// The size of blocks is the one with which every header of a block in use names its block.
static bool find_block_bytes(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;

    for (uint32_t log = LEAST_LOG; log <= MOST_LOG; log++) {
        uint64_t i = 0;

        while (i < heap->block_count &&
               (heap->blocks[i].is_free ||
                memory_word(&search->reader, heap->blocks[i].header + HEADER_BLOCK) ==
                    heap->blocks[i].address << log))
            i++;
        if (i == heap->block_count) {
            heap->block_bytes = UINT64_C(1) << log;
            for (i = 0; i < heap->block_count; i++)
                heap->blocks[i].address <<= log;
            return true;
        }
    }
    return boehm_refuse(error, "the headers of blocks do not name their blocks");
}

static uint64_t all_bytes(const BoehmHeap *heap, const BoehmBlock *block)
{
    return block->is_free ? block->bytes : round_up(block->bytes, heap->block_bytes);
}

// Sizes, and whether blocks overlap.
static bool check_sizes(BoehmHeap *heap, Error *error)
{
    uint64_t end = 0;

    for (uint64_t i = 0; i < heap->block_count; i++) {
        BoehmBlock *block = &heap->blocks[i];

        if (block->bytes == 0 || block->bytes >= UINT64_C(1) << 47 ||
            block->bytes % (block->is_free ? heap->block_bytes : 8) != 0)
            return boehm_refuse(error, "the block at 0x%llx has objects of %llu bytes",
                                (unsigned long long)block->address,
                                (unsigned long long)block->bytes);
        block->is_large = !block->is_free && block->bytes > heap->block_bytes / 2;
        if (block->address < end)
            return boehm_refuse(error, "the block at 0x%llx overlaps the one before",
                                (unsigned long long)block->address);
        end = block->address + all_bytes(heap, block);
        block->first_slot = heap->slot_count;
        block->slot_count = block->is_free    ? 0
                            : block->is_large ? 1
                                              : (uint32_t)(heap->block_bytes / block->bytes);
        heap->slot_count += block->slot_count;
        heap->heap_bytes += all_bytes(heap, block);
        heap->free_bytes += block->is_free ? block->bytes : 0;
    }
    return true;
}

// The tails of large objects, all of them, lead back to their heads.
static bool check_tails(const BoehmHeap *heap, const Entries *entries, Error *error)
{
    uint64_t tails = 0;

    for (uint64_t i = 0; i < heap->block_count; i++)
        if (heap->blocks[i].is_large)
            tails += all_bytes(heap, &heap->blocks[i]) / heap->block_bytes - 1;
    if (tails != entries->tail_count)
        return boehm_refuse(error, "the block index has %llu tails of large objects, not %llu",
                            (unsigned long long)entries->tail_count, (unsigned long long)tails);
    for (uint64_t i = 0; i < entries->tail_count; i++) {
        uint64_t address = entries->tails[i].number * heap->block_bytes;
        const BoehmBlock *block = boehm_heap_block_at(heap, address);

        if (block == NULL || !block->is_large ||
            entries->tails[i].distance > (address - block->address) / heap->block_bytes)
            return boehm_refuse(error, "the block index leads from 0x%llx to no large object",
                                (unsigned long long)address);
    }
    return true;
}

// ---- marks ----

#define MOST_MARK_BYTES (4096u / BOEHM_GRANULE + 8)

// How many marks the layout has for a block, one behind its last object among them.
static uint64_t marks_of(const BoehmHeap *heap, const HeaderLayout *layout, const BoehmBlock *block)
{
    (void)heap;
    return block->slot_count *
           (layout->is_by_slot || block->is_large ? 1 : block->bytes / BOEHM_GRANULE);
}

static bool mark_at(const HeaderLayout *layout, const uint8_t *marks, uint64_t index)
{
    return layout->has_bytes ? marks[index] != 0 : (marks[index / 8] >> index % 8 & 1) != 0;
}

// The bytes of all marks of a block.
static uint64_t mark_bytes(const BoehmHeap *heap, const HeaderLayout *layout)
{
    uint64_t count = heap->block_bytes / BOEHM_GRANULE + 1;

    return layout->has_bytes ? count : (count + 63) / 64 * 8;
}

static bool is_map(MemoryReader *reader, const BoehmHeap *heap, uint64_t map, uint64_t bytes)
{
    uint64_t granules = heap->block_bytes / BOEHM_GRANULE, size = bytes / BOEHM_GRANULE;
    uint16_t entries[4096 / 16];

    boehm_read(reader, map, entries, granules * sizeof entries[0]);
    for (uint64_t i = 0; i < granules; i++)
        if (entries[i] != i % size)
            return false;
    return true;
}

// A layout's fit with the block. *is_counted: the header counts as many marks as there are.
static bool fits(BoehmSearch *search, const HeaderLayout *layout, const BoehmBlock *block,
                 bool *is_counted)
{
    uint8_t marks[MOST_MARK_BYTES];
    uint64_t last = marks_of(search->heap, layout, block), total = 0, counted;

    boehm_read(&search->reader, block->header + layout->marks, marks,
               mark_bytes(search->heap, layout));
    if (!mark_at(layout, marks, last))
        return false;
    for (uint64_t i = 0; i < last; i++) {
        if (layout->has_bytes && marks[i] > 1)
            return false;
        total += mark_at(layout, marks, i);
    }
    counted = memory_word(&search->reader, block->header + layout->mark_count);
    *is_counted = counted + COUNT_SLACK >= total && counted <= total + COUNT_SLACK;
    if (layout->map == 0) {
        uint64_t want = ((UINT64_C(1) << 32) + block->bytes - 1) / block->bytes;
        uint32_t have = boehm_read_u32(&search->reader, block->header + layout->inverse);

        return have + 1 >= want && have <= want + 1;
    }
    return memory_word(&search->reader, block->header + layout->map) != 0;
}

// The map of each size of objects, and no other.
static bool maps_agree(BoehmSearch *search, const HeaderLayout *layout)
{
    const BoehmHeap *heap = search->heap;
    uint64_t maps[4096 / 16] = {0};

    for (uint64_t i = 0; layout->map != 0 && i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];
        uint64_t *map = &maps[block->bytes / BOEHM_GRANULE % (4096 / 16)], found;

        if (block->slot_count < 2)
            continue;
        found = memory_word(&search->reader, block->header + layout->map);
        if (*map == 0 && (block->bytes % BOEHM_GRANULE != 0 ||
                          !is_map(&search->reader, heap, found, block->bytes)))
            return false;
        if (*map != 0 && *map != found)
            return false;
        *map = found;
    }
    return true;
}

static bool choose_header(BoehmSearch *search, Error *error)
{
    const BoehmHeap *heap = search->heap;

    for (size_t l = 0; l < sizeof layouts / sizeof layouts[0]; l++) {
        const HeaderLayout *layout = &layouts[l];
        uint64_t small = 0, right = 0, i;
        bool is_counted = false;

        for (i = 0; i < heap->block_count; i++) {
            if (heap->blocks[i].slot_count < 2)
                continue;
            if (!fits(search, layout, &heap->blocks[i], &is_counted))
                break;
            small++;
            right += is_counted;
        }
        if (i < heap->block_count || small == 0 ||
            (double)right < LEAST_RIGHT_COUNTS * (double)small || !maps_agree(search, layout))
            continue;
        if (search->header != NULL)
            return boehm_refuse(error, "the headers of blocks fit two layouts, '%s' and '%s'",
                                search->header->name, layout->name);
        search->header = layout;
    }
    return search->header != NULL ||
           boehm_refuse(error, "the headers of blocks fit no known layout");
}

// The marks of all objects.
static bool take_marks(BoehmSearch *search, Error *error)
{
    BoehmHeap *heap = search->heap;
    const HeaderLayout *layout = search->header;
    uint8_t marks[MOST_MARK_BYTES];

    heap->marked = calloc(heap->slot_count + 1, 1);
    heap->slots = calloc(heap->slot_count + 1, 1);
    if (heap->marked == NULL || heap->slots == NULL)
        return error_set_memory(error, 2 * heap->slot_count, "the objects of the heap");
    for (uint64_t i = 0; i < heap->block_count; i++) {
        const BoehmBlock *block = &heap->blocks[i];
        uint64_t step = layout->is_by_slot || block->is_large ? 1 : block->bytes / BOEHM_GRANULE;

        boehm_read(&search->reader, block->header + layout->marks, marks, mark_bytes(heap, layout));
        for (uint32_t slot = 0; slot < block->slot_count; slot++)
            heap->marked[block->first_slot + slot] = mark_at(layout, marks, slot * step);
    }
    return true;
}

bool boehm_search_headers(BoehmSearch *search, Error *error)
{
    Entries entries = {0};
    bool is_ok = take_entries(search, &entries, error) && find_block_bytes(search, error) &&
                 check_sizes(search->heap, error) && check_tails(search->heap, &entries, error);

    free(entries.tails);
    if (is_ok && search->heap->block_bytes != 4096)
        return boehm_refuse(error, "its blocks have %llu bytes; only 4096 are known",
                            (unsigned long long)search->heap->block_bytes);
    return is_ok && choose_header(search, error) && take_marks(search, error);
}
