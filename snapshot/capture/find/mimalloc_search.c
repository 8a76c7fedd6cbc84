// Finding the blocks of mimalloc 3.
//
// Its memory is in arenas: a header, bitmaps, a table with one page record for each slice of 64
// KiB, and slices. A page is one or more slices that hold blocks of one size. An arena is
// recognised by its header, whose numbers and pointers agree with each other; a page record by the
// arena and the slice that it names, which must be its own. A block that needs more memory or
// alignment than a slice can give has a mapping of its own with the record in front.
//
// A page's blocks are in use unless one of its three lists has them: `free`, `local_free`, and the
// blocks that other threads freed. Lists must stay inside the page and agree with its count. Links
// are plain in builds without MI_SECURE; in others the checks fail.

#include <stdlib.h>

#include "snapshot/capture/find/block_allocators_internal.h"
#include "snapshot/heap/heap_image.h"

#define SLICE_BYTES UINT64_C(65536)
#define MIN_ARENA_SLICES 512u       // one chunk of its bitmaps
#define MAX_ARENA_SLICES (1u << 18) // 512 chunks
#define MAX_ARENAS 160u
#define PAGE_RECORD_BYTES UINT64_C(120)
#define MAX_BLOCKS 65536u // the counts of a page have 16 bits

typedef enum MemoryKind {
    MEMORY_OS_FIRST = 4,
    MEMORY_OS_LAST = 6,
    MEMORY_ARENA = 7,
} MemoryKind;

// Offsets in mi_arena_t.
enum {
    ARENA_INDEX = 32,
    ARENA_SLICES = 40,
    ARENA_INFO_SLICES = 48,
    ARENA_FIRST_BITMAP = 104, // slices_free; three more follow
    ARENA_RECORDS = 136,
    ARENA_PAGES_BITMAP = 144,
};

// In a bitmap of an arena: the number of chunks of 512 bits; their bits, behind a map of chunks.
enum {
    BITMAP_CHUNKS = 0,
    BITMAP_CHUNK_BITS = 512,
    BITMAP_HEADER_BYTES = 64 + 64, // with the map of chunks
};

typedef struct Arena {
    uint64_t address;
    uint64_t slices;
    uint64_t info_slices; // the first ones: header, bitmaps, records
    uint64_t records;     // address of the table
    uint64_t free_bitmap;
} Arena;

// mi_page_t.
typedef struct PageInfo {
    uint64_t free;
    uint64_t local_free;
    uint64_t thread_free;
    uint64_t used, capacity, reserved; // numbers of blocks
    uint64_t block_bytes;
    uint64_t start;  // of the blocks
    uint64_t memory; // the arena, or the start of the mapping
    uint64_t place;  // slice and number of slices, or the bytes of the mapping
    uint32_t memory_kind;
} PageInfo;

typedef struct PageWalk {
    BlockSearch *search;
    uint8_t is_free[MAX_BLOCKS / 8];
} PageWalk;

static PageInfo read_page(MemoryReader *reader, uint64_t record)
{
    uint64_t counts = memory_word(reader, record + 16);

    return (PageInfo){
        .free = memory_word(reader, record + 8),
        .used = counts & 0xffff,
        .capacity = counts >> 16 & 0xffff,
        .reserved = counts >> 32 & 0xffff,
        .local_free = memory_word(reader, record + 24),
        .thread_free = memory_word(reader, record + 32) & ~UINT64_C(1),
        .block_bytes = memory_word(reader, record + 40),
        .start = memory_word(reader, record + 48),
        .memory = memory_word(reader, record + 96),
        .place = memory_word(reader, record + 104),
        .memory_kind = (uint32_t)memory_word(reader, record + 112),
    };
}

// Do the page's blocks lie in [start, end), and do its counts agree?
static bool is_page(const PageInfo *page, uint64_t start, uint64_t end)
{
    return page->block_bytes >= 8 && page->block_bytes % 8 == 0 && page->start % 8 == 0 &&
           page->start >= start && page->start < end && page->reserved > 0 &&
           page->used <= page->capacity && page->capacity <= page->reserved &&
           page->block_bytes <= (end - page->start) / page->reserved;
}

// Flags the blocks of a list as free and counts them. False: it is not a list of blocks of the
// page.
static bool flag_list(PageWalk *walk, const PageInfo *page, uint64_t link, uint64_t *count)
{
    *count = 0;
    for (; link != 0; link = memory_word(&walk->search->reader, link)) {
        uint64_t block = (link - page->start) / page->block_bytes;
        uint8_t bit = (uint8_t)(1u << block % 8);
        if (link < page->start || block >= page->capacity ||
            (link - page->start) % page->block_bytes != 0 || (walk->is_free[block / 8] & bit) != 0)
            return false;
        walk->is_free[block / 8] |= bit;
        (*count)++;
    }
    return true;
}

// A thread may have been stopped between changing a list and changing the count.
static bool is_nearly(uint64_t a, uint64_t b)
{
    return a == b || a + 1 == b || a == b + 1;
}

// Adds the blocks of a page that are in use. *is_valid: its lists passed the checks.
static bool add_blocks(PageWalk *walk, const PageInfo *page, bool *is_valid, Error *error)
{
    uint64_t free_count, local_count, thread_count;

    for (uint64_t i = 0; i < (page->capacity + 7) / 8; i++)
        walk->is_free[i] = 0;
    *is_valid = flag_list(walk, page, page->free, &free_count) &&
                flag_list(walk, page, page->local_free, &local_count) &&
                flag_list(walk, page, page->thread_free, &thread_count) &&
                is_nearly(free_count + local_count + page->used, page->capacity) &&
                thread_count <= page->used;
    if (!*is_valid)
        return true;
    for (uint64_t i = 0; i < page->capacity; i++)
        if ((walk->is_free[i / 8] & 1u << i % 8) == 0 &&
            !block_search_add(walk->search, page->start + i * page->block_bytes, page->block_bytes,
                              error))
            return false;
    return true;
}

// ---- arenas ----

// Is there a bitmap for this number of slices inside the arena's own memory?
static bool is_bitmap(MemoryReader *reader, const Arena *arena, uint64_t address)
{
    uint64_t end = arena->address + arena->info_slices * SLICE_BYTES;

    return address % 64 == 0 && address > arena->address && address < end &&
           memory_word(reader, address + BITMAP_CHUNKS) == arena->slices / BITMAP_CHUNK_BITS;
}

static bool read_arena(MemoryReader *reader, uint64_t address, uint64_t end, Arena *arena)
{
    uint64_t info_end;

    *arena = (Arena){
        .address = address,
        .slices = memory_word(reader, address + ARENA_SLICES),
        .info_slices = memory_word(reader, address + ARENA_INFO_SLICES),
        .records = memory_word(reader, address + ARENA_RECORDS),
        .free_bitmap = memory_word(reader, address + ARENA_FIRST_BITMAP),
    };
    if (arena->slices < MIN_ARENA_SLICES || arena->slices > MAX_ARENA_SLICES ||
        arena->slices % BITMAP_CHUNK_BITS != 0 || arena->slices > (end - address) / SLICE_BYTES ||
        arena->info_slices == 0 || arena->info_slices >= arena->slices ||
        memory_word(reader, address + ARENA_INDEX) >= MAX_ARENAS)
        return false;
    // Four bitmaps and that of the pages, each behind the one before.
    for (uint32_t i = 0; i < 4; i++) {
        uint64_t bitmap = memory_word(reader, address + ARENA_FIRST_BITMAP + 8 * i);
        uint64_t next = memory_word(
            reader, address + (i == 3 ? ARENA_PAGES_BITMAP : ARENA_FIRST_BITMAP + 8 * (i + 1)));
        if (!is_bitmap(reader, arena, bitmap) || !is_bitmap(reader, arena, next) || next <= bitmap)
            return false;
    }
    info_end = address + arena->info_slices * SLICE_BYTES;
    return arena->records % 8 == 0 && arena->records > address && arena->records < info_end &&
           arena->slices <= (info_end - arena->records) / PAGE_RECORD_BYTES;
}

// Adds the page that begins at `slice`, if there is one. *slices: the number of slices that are
// done.
static bool walk_slice(PageWalk *walk, const Arena *arena, uint64_t slice, uint64_t *slices,
                       Error *error)
{
    BlockSearch *search = walk->search;
    PageInfo page = read_page(&search->reader, arena->records + slice * PAGE_RECORD_BYTES);
    uint64_t start = arena->address + slice * SLICE_BYTES, end;
    bool is_valid = true;

    *slices = 1;
    // An unused record, or one that was freed; the rest of its words stay.
    if (page.block_bytes == 0)
        return region_list_add(search->spans, start, start + SLICE_BYTES, REGION_MALLOC, NO_INDEX,
                               error);
    *slices = page.place >> 32;
    if (page.memory_kind != MEMORY_ARENA || page.memory != arena->address ||
        (page.place & UINT32_MAX) != slice || *slices == 0 || *slices > arena->slices - slice) {
        *slices = 1;
        is_valid = false;
    }
    end = start + *slices * SLICE_BYTES;
    if (is_valid && is_page(&page, start, end)) {
        if (!add_blocks(walk, &page, &is_valid, error))
            return false;
    } else {
        is_valid = false;
    }
    if (!is_valid) {
        search->unwalked_bytes += memory_copied_bytes(&search->reader, start, end);
        return true;
    }
    return region_list_add(search->spans, start, end, REGION_MALLOC, NO_INDEX, error);
}

static bool walk_arena(PageWalk *walk, const Arena *arena, Error *error)
{
    BlockSearch *search = walk->search;
    uint64_t slices;

    if (!region_list_add(search->metadata, arena->address,
                         arena->address + arena->info_slices * SLICE_BYTES, REGION_IGNORED,
                         NO_INDEX, error))
        return false;
    for (uint64_t slice = arena->info_slices; slice < arena->slices; slice += slices)
        if (!walk_slice(walk, arena, slice, &slices, error) || !cancel_check(search->cancel, error))
            return false;
    return true;
}

// ---- blocks with mappings of their own ----

// Adds the block whose page record is at `address`, at the start of a mapping that ends at or below
// `end`. *stop moves behind it.
static bool walk_single(PageWalk *walk, uint64_t address, uint64_t end, uint64_t *stop,
                        Error *error)
{
    BlockSearch *search = walk->search;
    PageInfo page = read_page(&search->reader, address);
    bool is_valid;

    if (page.memory_kind < MEMORY_OS_FIRST || page.memory_kind > MEMORY_OS_LAST ||
        page.reserved != 1 || page.memory > address || page.memory % PAGE_BYTES != 0 ||
        page.place > UINT64_MAX - page.memory || page.memory + page.place > end ||
        page.memory + page.place <= address ||
        !is_page(&page, address + PAGE_RECORD_BYTES, page.memory + page.place))
        return true;
    if (!add_blocks(walk, &page, &is_valid, error))
        return false;
    if (!is_valid)
        return true;
    *stop = page.memory + page.place;
    return region_list_add(search->metadata, address, page.start, REGION_IGNORED, NO_INDEX,
                           error) &&
           region_list_add(search->spans, page.start, *stop, REGION_MALLOC, NO_INDEX, error);
}

// ---- the search ----

static bool walk_area(PageWalk *walk, const Region *area, Error *error)
{
    MemoryReader pieces = walk->search->reader;
    uint64_t address = area->start, position = address;
    MemoryPiece piece;
    Arena arena;

    // A mapping begins with a header, so memory that was never touched is skipped at once.
    while (position = address, memory_next_piece(&pieces, &position, area->end, &piece)) {
        uint64_t stop;

        address = round_up(piece.address, SLICE_BYTES);
        if (address < piece.address || address >= area->end)
            return true;
        if (address >= piece.address + piece.bytes)
            continue;
        stop = address + SLICE_BYTES;
        if (read_arena(&walk->search->reader, address, area->end, &arena)) {
            stop = address + arena.slices * SLICE_BYTES;
            if (!walk_arena(walk, &arena, error))
                return false;
        } else if (!walk_single(walk, address, area->end, &stop, error)) {
            return false;
        }
        address = stop;
        if (!cancel_check(walk->search->cancel, error))
            return false;
    }
    return true;
}

bool mimalloc_find_blocks(BlockSearch *search, Error *error)
{
    PageWalk *walk = malloc(sizeof *walk);
    bool ok = true;

    if (walk == NULL)
        return error_set_memory(error, sizeof *walk, "a walk through mimalloc's pages");
    walk->search = search;
    for (uint64_t i = 0; ok && i < search->areas->count; i++)
        ok = walk_area(walk, &search->areas->items[i], error);
    free(walk);
    return ok;
}
