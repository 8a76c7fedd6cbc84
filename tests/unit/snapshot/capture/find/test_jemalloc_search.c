// Finding jemalloc's blocks in extents that are made, whole and broken, for both shapes of its
// tree.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define PAGES UINT64_C(0x600000000000)
#define OBJECT (PAGES + 1600)
#define DATA UINT64_C(0x560000000000)
#define BASE UINT64_C(0x7f0000000000) // a base block
#define BASE_BYTES UINT64_C(0x400000)
#define NODE (BASE + 0x1000)
#define LEAF (BASE + 0x80000)
#define SLAB_RECORD (BASE + 0x300000)
#define LARGE_RECORD (BASE + 0x300080)
#define FREE_RECORD (BASE + 0x300100)
#define SLAB UINT64_C(0x7f0047ff8000)
#define LARGE (SLAB + 0x1000)
#define LARGE_BYTES UINT64_C(0x6000) // a class of 20 KiB, and a page by which its start is moved
#define UNUSED (LARGE + LARGE_BYTES)
#define CLASS 3u // 48 bytes
#define REGIONS 85u
#define LARGE_CLASS 37u
#define DESCRIPTOR (UINT64_C(0x7f0100000000) + 0x2000)
#define CACHE (DESCRIPTOR - 0x800)
#define STACKS (BASE + 0x380000) // of the cache's bins
#define BINS 36u

typedef struct Shape {
    bool is_wide; // of 57-bit addresses
} Shape;

static void set_element(MadeProcess *process, bool is_wide, uint64_t address, uint64_t record,
                        uint64_t size_class, uint64_t flags)
{
    uint64_t place = address >> 12 & (is_wide ? 0x7fff : 0x3ffff);

    if (is_wide) {
        made_process_set(process, LEAF + 16 * place, record);
        made_process_set(process, LEAF + 16 * place + 8, size_class << 5 | flags);
    } else {
        made_process_set(process, LEAF + 8 * place, record | size_class << 48 | flags);
    }
}

static void set_record(MadeProcess *process, uint64_t record, uint64_t bits, uint64_t address,
                       uint64_t bytes)
{
    made_process_set(process, record, bits | 1 << 13);
    made_process_set(process, record + 8, address);
    made_process_set(process, record + 16, bytes | 7); // with a serial number
}

// A cache with one entry in the bin of the slab's class: region 1.
static void make_cache(MadeProcess *process)
{
    uint64_t place = STACKS;

    made_process_map(process, DESCRIPTOR - 0x2000, 0x4000, "rw-p", "");
    (void)made_process_thread(process, MADE_SEARCH_STACK + 0x2800, DESCRIPTOR);
    made_process_set(process, DESCRIPTOR, DESCRIPTOR);
    made_process_set(process, DESCRIPTOR + 8, DESCRIPTOR - 0x1f00); // its vector of TLS blocks
    made_process_set(process, DESCRIPTOR - 0x1f00 - 16, 1);
    made_process_set(process, DESCRIPTOR - 0x1f00 + 16, DESCRIPTOR - 0x1000);
    for (uint64_t bin = 0; bin < BINS; bin++) {
        uint64_t full = place, empty = place + 8 * 20;
        uint64_t head = bin == CLASS ? empty - 8 : empty;
        made_process_set(process, CACHE + 24 * bin, head);
        made_process_set(process, CACHE + 24 * bin + 16,
                         (head & 0xffff) | (full & 0xffff) << 16 | (empty & 0xffff) << 32);
        if (bin == CLASS)
            made_process_set(process, head, SLAB + 48);
        place = empty;
    }
}

// A slab, of which the regions 0 to 3 are in use to its bitmap, region 1 waits in a cache; a large
// block; a free extent. Variables point at all of them, and all hold an address of an object.
static MadeProcess *process_with_extents(bool is_wide)
{
    MadeProcess *process = made_process_with_stack();

    made_process_map(process, PAGES, 0x1000, "rw-p", "");
    made_process_page(process, PAGES, 64, 7);
    made_process_map(process, DATA, 0x1000, "r-xp", "/lib/made");
    made_process_map(process, DATA + 0x1000, 0x2000, "rw-p", "/lib/made");
    made_process_map(process, BASE, BASE_BYTES, "rw-p", "");
    made_process_map(process, SLAB, 0x10000, "rw-p", "");
    made_process_set(process, BASE, BASE_BYTES);
    made_process_set(process, BASE + 24, BASE + 0x3f0000);
    made_process_set(process, BASE + 32, 0x10000);
    set_record(process, SLAB_RECORD, 1 << 12 | CLASS << 20 | (uint64_t)(REGIONS - 4) << 28, SLAB,
               0x1000);
    made_process_set(process, SLAB_RECORD + 64, ~UINT64_C(15));
    made_process_set(process, SLAB_RECORD + 72, (UINT64_C(1) << (REGIONS - 64)) - 1);
    set_record(process, LARGE_RECORD, LARGE_CLASS << 20, LARGE + 0x340, LARGE_BYTES);
    set_record(process, FREE_RECORD, 1 << 17 | UINT64_C(232) << 20, UNUSED, 0x2000);
    set_element(process, is_wide, SLAB, SLAB_RECORD, CLASS, 1);
    set_element(process, is_wide, LARGE, LARGE_RECORD, LARGE_CLASS, 0);
    set_element(process, is_wide, UNUSED, FREE_RECORD, 232, 1 << 2);
    if (is_wide)
        made_process_set(process, NODE + 8 * (SLAB >> 27 & 0x7fff), LEAF);
    made_process_set(process, DATA + 0x1800, is_wide ? NODE : LEAF);
    for (uint64_t i = 0; i < 6; i++) {
        made_process_set(process, SLAB + 48 * i + 8, OBJECT);
        made_process_set(process, DATA + 0x1000 + 8 * i, SLAB + 48 * i);
    }
    made_process_set(process, LARGE + 0x1000, OBJECT);
    made_process_set(process, UNUSED + 0x1000, OBJECT);
    made_process_set(process, DATA + 0x1100, LARGE + 0x340);
    made_process_set(process, DATA + 0x1108, UNUSED);
    make_cache(process);
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

Test(jemalloc_search, regions_and_extents_in_use_are_blocks)
{
    for (int is_wide = 0; is_wide < 2; is_wide++) {
        MadeProcess *process = process_with_extents(is_wide != 0);
        HeapSearch *search = made_search(process, FOREIGN_BLOCKS, NULL);
        const SnapshotBlock *large = made_search_block(search, LARGE + 0x340);

        cr_expect_eq(heap_search_contents(search)->block_count, 4u);
        for (uint64_t i = 0; i < 6; i++) {
            const SnapshotBlock *block = made_search_block(search, SLAB + 48 * i);
            cr_expect_eq(block != NULL, i == 0 || i == 2 || i == 3, "region %d", (int)i);
            cr_expect(block == NULL || block->bytes == 48);
        }
        cr_expect(large != NULL && large->bytes == 20480);
        cr_expect_eq(made_search_roots_of_kind(search, ROOT_FOREIGN), 0u);
        cr_expect_eq(made_search_roots_of_kind(search, ROOT_TLS), 0u);
        heap_search_free(search);
        made_process_free(process);
    }
}

Test(jemalloc_search, a_thread_remembers_a_leaf_which_keeps_nothing_alive)
{
    MadeProcess *process = process_with_extents(true);
    uint64_t key = SLAB >> 27 << 27;
    HeapSearch *search;

    // The large block is made to hold the first address that the leaf stands for.
    made_process_set(process, CACHE - 0x100, key);
    made_process_set(process, CACHE - 0x100 + 8, LEAF);
    made_process_set(process, CACHE - 0x200, OBJECT);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(made_search_roots_of_kind(search, ROOT_TLS), 1u);
    cr_expect_not(made_search_has_root(search, ROOT_TLS, CACHE - 0x100));
    heap_search_free(search);
    made_process_free(process);
}

Test(jemalloc_search, extents_that_fail_a_check_are_roots)
{
    static const struct {
        uint64_t address, word;
        uint64_t blocks, roots;
    } cases[] = {
        // More free regions than the bitmap says; the class of another element; a slab that is
        // none;
        // the address elsewhere; more bytes than the mapping has.
        {SLAB_RECORD, 1 << 12 | CLASS << 20 | UINT64_C(10) << 28, 1, 6},
        {SLAB_RECORD, 1 << 12 | 4 << 20 | UINT64_C(81) << 28, 1, 6},
        {SLAB_RECORD, CLASS << 20 | UINT64_C(81) << 28, 1, 6},
        {SLAB_RECORD + 8, SLAB + 0x3000, 1, 6},
        {SLAB_RECORD + 16, UINT64_C(0x100000000), 1, 6},
        {LARGE_RECORD + 8, 0, 3, 1},
        {LARGE_RECORD + 16, 0x3000, 3, 1},
        {LARGE_RECORD, UINT64_C(232) << 20, 3, 1},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MadeProcess *process = process_with_extents(false);
        uint64_t roots;
        made_process_set(process, cases[i].address, cases[i].word);
        cr_expect_eq(count_blocks(process, &roots), cases[i].blocks, "case %zu", i);
        cr_expect_eq(roots, cases[i].roots, "case %zu", i);
    }
}

Test(jemalloc_search, a_cache_that_does_not_agree_frees_nothing)
{
    static const struct {
        uint64_t address, word;
    } cases[] = {
        {STACKS + 8 * (20 * (CLASS + 1) - 1), SLAB + 50}, // not the start of a region
        {STACKS + 8 * (20 * (CLASS + 1) - 1), LARGE},     // of another class
        {CACHE + 24 * 10, STACKS},                        // more entries than are full
        {CACHE + 24 * 20, 0},                             // too few bins
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        MadeProcess *process = process_with_extents(false);
        uint64_t roots;
        made_process_set(process, cases[i].address, cases[i].word);
        cr_expect_eq(count_blocks(process, &roots), 5u, "case %zu", i);
    }
}

Test(jemalloc_search, a_tree_that_leads_nowhere_ends)
{
    static const uint64_t words[] = {BASE, NODE, DATA, UINT64_MAX & ~UINT64_C(63), BASE + 64};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        MadeProcess *process = process_with_extents(true);
        uint64_t roots;
        made_process_set(process, NODE + 8 * (SLAB >> 27 & 0x7fff), words[i]);
        cr_expect_eq(count_blocks(process, &roots), 0u);
        cr_expect_eq(roots, 8u);
    }
}
