// Finding mimalloc's blocks in arenas that are made, whole and broken.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define PAGES UINT64_C(0x600000000000)
#define OBJECT (PAGES + 1600)
#define DATA UINT64_C(0x560000000000)
#define ARENA UINT64_C(0x7f0000000000)
#define SLICE UINT64_C(0x10000)
#define SLICES UINT64_C(512)
#define RECORDS (ARENA + 0xa00)
#define FIRST (ARENA + SLICE) // the first page's slice
#define SINGLE UINT64_C(0x7f8000000000)
#define BLOCK 24u

// A page record in mimalloc's words.
static void set_record(MadeProcess *process, uint64_t record, uint64_t start, uint64_t block_bytes,
                       uint64_t used, uint64_t capacity, uint64_t reserved)
{
    made_process_set(process, record + 16, used | capacity << 16 | reserved << 32);
    made_process_set(process, record + 32, 1); // owned, nothing freed by other threads
    made_process_set(process, record + 40, block_bytes);
    made_process_set(process, record + 48, start);
}

static void set_memory(MadeProcess *process, uint64_t record, uint64_t memory, uint64_t place,
                       uint64_t kind)
{
    made_process_set(process, record + 96, memory);
    made_process_set(process, record + 104, place);
    made_process_set(process, record + 112, kind);
}

// An arena of one slice of records and bitmaps; a page of 24-byte blocks in the next one: of 6
// blocks, 0, 3 and 5 are in use. A variable points at each block, and each holds the address of an
// object.
static MadeProcess *process_with_arena(void)
{
    MadeProcess *process = made_process_with_stack();

    made_process_map(process, PAGES, 0x1000, "rw-p", "");
    made_process_page(process, PAGES, 64, 7);
    made_process_map(process, DATA, 0x1000, "rw-p", "/lib/made");
    made_process_map(process, ARENA, SLICES * SLICE, "rw-p", "");
    made_process_set(process, ARENA + 40, SLICES);
    made_process_set(process, ARENA + 48, 1);
    for (uint64_t i = 0; i < 5; i++) {
        uint64_t bitmap = ARENA + 0x400 + 0x100 * i;
        made_process_set(process, ARENA + (i < 4 ? 104 + 8 * i : 144), bitmap);
        made_process_set(process, bitmap, SLICES / 512);
    }
    made_process_set(process, ARENA + 136, RECORDS);
    set_record(process, RECORDS + 120, FIRST, BLOCK, 4, 6, 100);
    set_memory(process, RECORDS + 120, ARENA, 1 | UINT64_C(1) << 32, 7);
    for (uint64_t i = 0; i < 6; i++) {
        made_process_set(process, FIRST + BLOCK * i + 16, OBJECT);
        made_process_set(process, DATA + 8 * i, FIRST + BLOCK * i);
    }
    made_process_set(process, RECORDS + 120 + 8, FIRST + BLOCK);      // free: block 1
    made_process_set(process, RECORDS + 120 + 24, FIRST + 4 * BLOCK); // freed by its thread: 4
    made_process_set(process, RECORDS + 120 + 32, (FIRST + 2 * BLOCK) | 1); // by another one: 2
    return process;
}

static uint64_t count_blocks(MadeProcess *process, uint64_t *foreign_roots)
{
    HeapSearch *search = made_search(process, FOREIGN_BLOCKS, NULL);
    uint64_t count = heap_search_contents(search)->block_count;

    *foreign_roots = made_search_roots_of_kind(search, ROOT_FOREIGN);
    heap_search_free(search);
    made_process_free(process);
    return count;
}

Test(mimalloc_search, blocks_in_no_list_of_a_page_are_in_use)
{
    MadeProcess *process = process_with_arena();
    HeapSearch *search = made_search(process, FOREIGN_BLOCKS, NULL);

    cr_expect_eq(heap_search_contents(search)->block_count, 3u);
    for (uint64_t i = 0; i < 6; i++) {
        const SnapshotBlock *block = made_search_block(search, FIRST + BLOCK * i);
        cr_expect_eq(block != NULL, i == 0 || i == 3 || i == 5, "block %d", (int)i);
        cr_expect(block == NULL || block->bytes == BLOCK);
    }
    cr_expect_eq(made_search_roots_of_kind(search, ROOT_FOREIGN), 0u);
    heap_search_free(search);
    made_process_free(process);
}

Test(mimalloc_search, pages_that_fail_a_check_are_roots)
{
    // Which word of the record is another one.
    static const struct {
        uint64_t offset, word;
    } cases[] = {
        {8, FIRST + BLOCK + 8},                    // a link into the middle of a block
        {8, FIRST + 6 * BLOCK},                    // behind the blocks
        {8, UINT64_C(0x7f1000000000)},             // elsewhere
        {16, 6 | 6 << 16 | UINT64_C(100) << 32},   // more in use than the lists say
        {16, 4 | 6 << 16 | UINT64_C(60000) << 32}, // more than fit into the slice
        {24, FIRST + BLOCK},                       // a block in two lists
        {40, 20},                                  // an odd size
        {48, ARENA},                               // blocks outside of the slice
        {96, ARENA + SLICE},                       // another arena
        {104, 2 | UINT64_C(1) << 32},              // another slice
        {104, 1 | UINT64_C(600) << 32},            // more slices than there are
        {112, 4},                                  // another kind of memory
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MadeProcess *process = process_with_arena();
        uint64_t foreign_roots;
        made_process_set(process, RECORDS + 120 + cases[i].offset, cases[i].word);
        cr_expect_eq(count_blocks(process, &foreign_roots), 0u, "case %zu", i);
        cr_expect_eq(foreign_roots, 6u, "case %zu", i);
    }
}

Test(mimalloc_search, lists_in_a_circle_end)
{
    MadeProcess *process = process_with_arena();
    uint64_t foreign_roots;

    made_process_set(process, FIRST + BLOCK, FIRST + BLOCK);
    cr_expect_eq(count_blocks(process, &foreign_roots), 0u);
    cr_expect_eq(foreign_roots, 6u);
}

Test(mimalloc_search, a_count_may_be_off_by_one)
{
    MadeProcess *process = process_with_arena();
    uint64_t foreign_roots;

    made_process_set(process, RECORDS + 120 + 16, 3 | 6 << 16 | UINT64_C(100) << 32);
    cr_expect_eq(count_blocks(process, &foreign_roots), 3u);
}

Test(mimalloc_search, memory_that_is_not_quite_an_arena_is_roots)
{
    static const struct {
        uint64_t offset, word;
    } cases[] = {
        {40, SLICES * 2}, {40, 100},
        {48, 0},          {48, SLICES},
        {32, 1000},       {104, ARENA + 0x2008},
        {120, 8},         {136, ARENA + SLICE - 8},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MadeProcess *process = process_with_arena();
        uint64_t foreign_roots;
        made_process_set(process, ARENA + cases[i].offset, cases[i].word);
        cr_expect_eq(count_blocks(process, &foreign_roots), 0u, "case %zu", i);
        cr_expect_eq(foreign_roots, 6u, "case %zu", i);
    }
}

Test(mimalloc_search, a_large_block_has_a_mapping_of_its_own)
{
    MadeProcess *process = process_with_arena();
    HeapSearch *search;
    const SnapshotBlock *block;

    made_process_map(process, SINGLE, 4 * SLICE, "rw-p", "");
    set_record(process, SINGLE, SINGLE + 0x1000, 3 * SLICE, 1, 1, 1);
    set_memory(process, SINGLE, SINGLE, 4 * SLICE, 4);
    made_process_set(process, SINGLE + 2 * SLICE, OBJECT);
    made_process_set(process, DATA + 0x100, SINGLE + 0x1000);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    block = made_search_block(search, SINGLE + 0x1000);
    cr_assert_not_null(block);
    cr_expect_eq(block->bytes, 3 * SLICE);
    cr_expect_eq(heap_search_contents(search)->block_count, 4u);
    heap_search_free(search);
    made_process_free(process);
}
