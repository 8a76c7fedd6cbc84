// MadeBoehm: see tests/support/made_boehm.h.

#include "tests/support/made_boehm.h"

#include <stdlib.h>
#include <string.h>

#define LISTS 129u // free lists of a kind: one for each number of granules, from 0
#define GRANULE UINT64_C(16)
#define NODE_BYTES UINT64_C(8224)
#define HEADER_BYTES UINT64_C(352)
#define MAP_BYTES UINT64_C(512)
#define MOST_MAPS 129u

struct MadeBoehm {
    MadeProcess *process;
    uint64_t nil;
    uint64_t node;
    uint64_t maps[MOST_MAPS]; // by granules of an object
    uint64_t meta_used;
    uint64_t heap_used;
    uint64_t free_bytes;
};

const BoehmLayout *made_boehm_layout(void)
{
    const BoehmLayout *layout;

    for (uint32_t i = 0; (layout = boehm_layout(i)) != NULL; i++)
        if (strcmp(layout->builds, "8.2.2 to 8.2.6, threads") == 0)
            return layout;
    abort();
}

static void set(MadeBoehm *made, uint64_t address, uint64_t word)
{
    made_process_set(made->process, address, word);
}

static uint64_t get(MadeBoehm *made, uint64_t address)
{
    uint64_t word;

    memcpy(&word, made_process_bytes(made->process, address, sizeof word), sizeof word);
    return word;
}

static uint64_t take_meta(MadeBoehm *made, uint64_t bytes)
{
    uint64_t address = MADE_META + made->meta_used;

    made->meta_used += (bytes + 15) / 16 * 16;
    if (made->meta_used > MADE_META_BYTES)
        abort();
    (void)made_process_bytes(made->process, address, bytes);
    return address;
}

static uint64_t free_lists_of(uint8_t kind)
{
    const BoehmLayout *layout = made_boehm_layout();

    return MADE_ARRAYS + (kind == MADE_POINTER_FREE ? layout->atomic_lists
                          : kind == MADE_NORMAL     ? layout->normal_lists
                                                    : layout->normal_lists + 2 * 8 * LISTS);
}

static void make_kinds(MadeBoehm *made)
{
    const uint64_t descriptors[] = {0, UINT64_MAX - 7, UINT64_MAX - 7};

    for (uint8_t kind = 0; kind < 3; kind++) {
        uint64_t record = MADE_KINDS + kind * made_boehm_layout()->kind_bytes;

        set(made, record, free_lists_of(kind));
        set(made, record + 8, MADE_DATA + 0x3b000 + kind * UINT64_C(0x800)); // blocks to sweep
        set(made, record + 16, descriptors[kind]);
        set(made, record + 24, kind != MADE_POINTER_FREE);
    }
}

static void make_arrays(MadeBoehm *made)
{
    const BoehmLayout *layout = made_boehm_layout();
    uint64_t set_record = MADE_ARRAYS + layout->root_sets, sections = take_meta(made, 64);

    set(made, MADE_ARRAYS + layout->all_nils, made->nil);
    for (uint64_t i = 0; i < 2048; i++)
        set(made, MADE_ARRAYS + layout->top_index + 8 * i, made->nil);
    for (uint64_t i = 0; i < MADE_BLOCK_BYTES; i += 8)
        set(made, MADE_ARRAYS + layout->valid_offsets + i, UINT64_C(0x0101010101010101));
    set(made, set_record, MADE_ROOTS);
    set(made, set_record + 8, MADE_ROOTS + 512);
    set(made, MADE_ARRAYS + layout->root_hash, set_record);
    // The number of root sets is a u32 in the upper half of its word.
    set(made, (MADE_ARRAYS + layout->root_set_count) & ~UINT64_C(7),
        UINT64_C(1) << (MADE_ARRAYS + layout->root_set_count) % 8 * 8);
    set(made, MADE_ARRAYS + layout->heap_sections, sections);
    set(made, MADE_ARRAYS + layout->heap_section_count, 1);
    set(made, sections, MADE_HEAP);
}

MadeBoehm *made_boehm_new(void)
{
    MadeBoehm *made = calloc(1, sizeof *made);
    const BoehmLayout *layout = made_boehm_layout();
    uint64_t key = MADE_HEAP >> 22;

    if (made == NULL)
        abort();
    made->process = made_process_new();
    made_process_map(made->process, MADE_MODULE, 0x1000, "r-xp", "/lib/made-gc");
    made_process_map(made->process, MADE_DATA, MADE_DATA_BYTES, "rw-p", "/lib/made-gc");
    made_process_map(made->process, MADE_META, MADE_META_BYTES, "rw-p", "");
    made_process_map(made->process, MADE_CONTROL_BLOCK, 0x1000, "rw-p", "");
    made_process_map(made->process, MADE_HEAP, MADE_HEAP_BYTES, "rw-p", "");
    made_process_map(made->process, MADE_STACK, 0x4000, "rw-p", "[stack]");
    (void)made_process_thread(made->process, MADE_STACK + 0x2800, MADE_CONTROL_BLOCK);
    set(made, MADE_STACK + 0x2800, 0);
    made->nil = take_meta(made, NODE_BYTES);
    made->node = take_meta(made, NODE_BYTES);
    set(made, made->node + 8208, key);
    set(made, made->node + 8216, made->nil);
    make_arrays(made);
    set(made, MADE_ARRAYS + layout->top_index + 8 * (key % 2048), made->node);
    make_kinds(made);
    set(made, MADE_THREAD + 8, MADE_CONTROL_BLOCK);
    set(made, MADE_THREAD + layout->thread_flags, 4); // the main thread
    set(made, MADE_THREAD + layout->thread_stack_end, MADE_STACK + 0x4000);
    return made;
}

void made_boehm_free(MadeBoehm *made)
{
    made_process_free(made->process);
    free(made);
}

// ---- blocks ----

// Takes `bytes` of the heap, and makes their header.
static uint64_t take_heap(MadeBoehm *made, uint64_t bytes, uint64_t *header)
{
    const BoehmLayout *layout = made_boehm_layout();
    uint64_t block = MADE_HEAP + made->heap_used, number = block / MADE_BLOCK_BYTES % 1024;

    made->heap_used += bytes;
    if (made->heap_used > MADE_HEAP_BYTES)
        abort();
    *header = take_meta(made, HEADER_BYTES);
    set(made, made->node + 8 * number, *header);
    set(made, *header + 16, block);
    set(made, MADE_ARRAYS, made->heap_used);
    set(made, get(made, MADE_ARRAYS + layout->heap_sections) + 8, made->heap_used);
    return block;
}

static void make_header(MadeBoehm *made, uint64_t header, uint64_t object_bytes, uint8_t kind,
                        uint8_t flags)
{
    uint64_t descriptor = kind == MADE_POINTER_FREE ? 0 : object_bytes - 8;

    set(made, header + 24, kind | (uint64_t)flags << 8 | (uint64_t)MADE_COLLECTIONS << 16);
    set(made, header + 32, object_bytes);
    set(made, header + 40, descriptor);
}

// The table that says for each granule of a block how far into an object it lies.
static uint64_t map_of(MadeBoehm *made, uint64_t granules)
{
    if (made->maps[granules] == 0) {
        uint64_t map = take_meta(made, MAP_BYTES);
        uint8_t *bytes = made_process_bytes(made->process, map, MAP_BYTES);

        for (uint32_t i = 0; i < MADE_BLOCK_BYTES / GRANULE; i++) {
            uint16_t entry = (uint16_t)(i % granules);
            memcpy(bytes + 2 * (size_t)i, &entry, sizeof entry);
        }
        made->maps[granules] = map;
    }
    return made->maps[granules];
}

static void make_mark(MadeBoehm *made, uint64_t header, uint64_t index, uint8_t value)
{
    *made_process_bytes(made->process, header + 64 + index, 1) = value;
}

uint64_t made_boehm_block(MadeBoehm *made, uint64_t object_bytes, uint8_t kind, uint32_t count)
{
    uint64_t header, block = take_heap(made, MADE_BLOCK_BYTES, &header);
    uint64_t granules = object_bytes / GRANULE, slots = MADE_BLOCK_BYTES / object_bytes;
    uint64_t list = free_lists_of(kind) + 8 * granules;

    (void)made_process_bytes(made->process, block, MADE_BLOCK_BYTES);
    make_header(made, header, object_bytes, kind, 0);
    set(made, header + 48, map_of(made, granules));
    set(made, header + 56, count);
    for (uint64_t i = 0; i < count; i++)
        make_mark(made, header, i * granules, 1);
    make_mark(made, header, slots * granules, 1);
    for (uint64_t i = count; i < slots; i++) {
        set(made, block + i * object_bytes, get(made, list));
        set(made, list, block + i * object_bytes);
    }
    return block;
}

uint64_t made_boehm_large(MadeBoehm *made, uint64_t bytes, uint8_t kind)
{
    uint64_t pages = (bytes + MADE_BLOCK_BYTES - 1) / MADE_BLOCK_BYTES;
    uint64_t header, block = take_heap(made, pages * MADE_BLOCK_BYTES, &header);

    (void)made_process_bytes(made->process, block, pages * MADE_BLOCK_BYTES);
    make_header(made, header, bytes, kind, 0x20);
    set(made, header + 56, 1);
    make_mark(made, header, 0, 1);
    for (uint64_t i = 1; i < pages; i++)
        set(made, made->node + 8 * ((block / MADE_BLOCK_BYTES + i) % 1024), i);
    return block;
}

void made_boehm_free_memory(MadeBoehm *made, uint64_t bytes)
{
    uint64_t header;

    (void)take_heap(made, bytes, &header);
    make_header(made, header, bytes, 0, BOEHM_FLAG_FREE);
    made->free_bytes += bytes;
    set(made, MADE_ARRAYS + made_boehm_layout()->large_free, made->free_bytes);
}

uint64_t made_boehm_header(const MadeBoehm *made, uint64_t block)
{
    return get((MadeBoehm *)(uintptr_t)made, made->node + 8 * (block / MADE_BLOCK_BYTES % 1024));
}

void made_boehm_unmark(MadeBoehm *made, uint64_t block, uint32_t object)
{
    uint64_t header = made_boehm_header(made, block);

    make_mark(made, header, object * get(made, header + 32) / GRANULE, 0);
    set(made, header + 56, get(made, header + 56) - 1);
}

void made_boehm_root(MadeBoehm *made, uint32_t index, uint64_t value)
{
    set(made, MADE_ROOTS + 8 * (uint64_t)index, value);
}

MadeProcess *made_boehm_process(MadeBoehm *made)
{
    return made->process;
}

const ProcessCopy *made_boehm_copy(MadeBoehm *made)
{
    return made_process_copy(made->process);
}

static bool no_symbols(void *context, uint64_t address, BoehmSymbols *symbols, Error *error)
{
    (void)context;
    (void)address;
    (void)symbols;
    (void)error;
    return true;
}

bool made_boehm_find(MadeBoehm *made, BoehmHeap **out, Error *error)
{
    return made_boehm_find_as(made, NULL, out, error);
}

bool made_boehm_find_as(MadeBoehm *made, const BoehmLayout *layout, BoehmHeap **out, Error *error)
{
    const BoehmRange data = {MADE_DATA, MADE_DATA + MADE_DATA_BYTES};

    return boehm_heap_find_as(layout, 1, made_boehm_copy(made), &data, 1, no_symbols, NULL, out,
                              error);
}
