// Finding glibc's chunks in heaps that are made, whole and broken, and those of them that are free.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define BRK UINT64_C(0x555555600000)
#define DATA UINT64_C(0x560000000000)
#define PAGES UINT64_C(0x600000000000)
#define ARENA UINT64_C(0x7f0010000000) // 64 MiB-aligned
#define MAPPED UINT64_C(0x7f0100000000)
#define STACK UINT64_C(0x7ffe00000000)
#define OBJECT (PAGES + 1600)
#define IN_USE 1u // of the chunk below
#define IS_MMAPPED 2u
#define BINS 127u

static const SnapshotMetadata *metadata_of(const HeapSearch *search)
{
    return &heap_search_contents(search)->details->metadata;
}

// A process with one GC page, a stack, and a module that has data of its own.
static MadeProcess *process_with_page(void)
{
    MadeProcess *process = made_process_new();

    made_process_map(process, STACK, 0x2000, "rw-p", "[stack]");
    made_process_map(process, PAGES, 0x1000, "rw-p", "");
    made_process_page(process, PAGES, 64, 7);
    made_process_map(process, DATA, 0x1000, "r-xp", "/lib/made");
    made_process_map(process, DATA + 0x1000, 0x2000, "rw-p", "/lib/made");
    (void)made_process_thread(process, STACK + 0x1800, 0);
    return process;
}

// An empty malloc_state at `state`, as glibc 2.26 and later have it. Returns the place of top.
static uint64_t make_state(MadeProcess *process, uint64_t state, uint64_t top)
{
    uint64_t place = state + 96;

    made_process_set(process, place, top);
    for (uint32_t i = 0; i < BINS; i++) {
        made_process_set(process, place + 16 + 16 * (uint64_t)i, place + 16 * (uint64_t)i);
        made_process_set(process, place + 24 + 16 * (uint64_t)i, place + 16 * (uint64_t)i);
    }
    return place;
}

Test(malloc_search, free_chunks_are_neither_blocks_nor_roots)
{
    const uint64_t sizes[] = {64, 64, 64};
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 3, BRK + 0x2000);
    made_process_set(process, BRK + 64 + 32, OBJECT);
    made_process_set(process, BRK + 128, 64);          // size of the free chunk below
    made_process_set(process, BRK + 128 + 8, 64);      // and its flag
    made_process_set(process, BRK + 192 + 64, OBJECT); // in the top chunk
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(heap_search_contents(search)->block_count, 0u);
    cr_expect_eq(heap_search_contents(search)->root_count, 0u);
    heap_search_free(search);
    made_process_free(process);
}

// Chunks of 48 bytes in a thread cache of `shape`; a mangled list unless told otherwise.
static void make_cache(MadeProcess *process, bool is_mangled, uint64_t counter)
{
    const uint64_t sizes[] = {0x290, 48, 48, 48};
    uint64_t cache = BRK + 16, first = BRK + 0x290 + 16, second = first + 48;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 4, BRK + 0x2000);
    made_process_set(process, cache, counter << 16); // bin 1: 48 bytes
    made_process_set(process, cache + 128 + 8, first);
    made_process_set(process, first, is_mangled ? second ^ first >> 12 : second);
    made_process_set(process, second, is_mangled ? second >> 12 : 0);
    for (uint64_t i = 0; i < 3; i++)
        made_process_set(process, first + 48 * i + 24, OBJECT);
}

Test(malloc_search, chunks_in_a_thread_cache_are_free)
{
    for (int is_mangled = 0; is_mangled < 2; is_mangled++) {
        MadeProcess *process = process_with_page();
        HeapSearch *search;
        make_cache(process, is_mangled != 0, 2);
        search = made_search(process, FOREIGN_BLOCKS, NULL);
        cr_assert_eq(heap_search_contents(search)->block_count, 1u);
        cr_expect_not_null(made_search_block(search, BRK + 0x290 + 16 + 96));
        heap_search_free(search);
        made_process_free(process);
    }
}

Test(malloc_search, what_does_not_quite_look_like_a_cache_frees_nothing)
{
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    make_cache(process, true, 5);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    // All three chunks, and the one that points to them.
    cr_expect_eq(heap_search_contents(search)->block_count, 4u);
    heap_search_free(search);
    made_process_free(process);
}

Test(malloc_search, fast_bins_and_top_are_read_from_the_state_and_it_holds_no_roots)
{
    const uint64_t sizes[] = {64, 32, 64, 4096};
    MadeProcess *process = process_with_page();
    HeapSearch *search;
    uint64_t top = BRK + 64 + 32 + 64, fast = BRK + 64;
    uint64_t place;

    made_process_map(process, BRK, 0x4000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 4, BRK + 0x4000);
    // Memory behind the top chunk is not malloc's.
    made_process_set(process, top + 4096 + 256, OBJECT);
    place = make_state(process, DATA + 0x1100, top);
    made_process_set(process, place - 80, fast);
    made_process_set(process, fast + 16, (fast + 16) >> 12);
    made_process_set(process, fast + 24, OBJECT);
    made_process_set(process, BRK + 96 + 16, OBJECT); // in use: the last before top
    made_process_set(process, top + 64, OBJECT);      // in top
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_assert_eq(heap_search_contents(search)->block_count, 1u);
    cr_expect_not_null(made_search_block(search, BRK + 96 + 16));
    // `top` in the state points at the last word of that block.
    cr_expect_eq(heap_search_contents(search)->root_count, 1u);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, top + 4096 + 256));
    heap_search_free(search);
    made_process_free(process);
}

Test(malloc_search, a_broken_chain_is_taken_up_again_and_the_gap_becomes_roots)
{
    const uint64_t sizes[] = {64, 64, 64, 128, 64, 64};
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 6, BRK + 0x2000);
    for (uint64_t i = 0; i < 6; i++)
        made_process_set(process, BRK + i * 64 + 32, OBJECT);
    made_process_set(process, BRK + 192 + 8, 0xbad0bad0bad0bad0);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, BRK + 192 + 32));
    // The chunk behind the gap; those before it are not blocks any more, but not lost.
    cr_expect_not_null(made_search_block(search, BRK + 320 + 16));
    for (uint64_t i = 0; i < 3; i++)
        cr_expect(made_search_block(search, BRK + i * 64 + 16) != NULL ||
                  made_search_has_root(search, ROOT_FOREIGN, BRK + i * 64 + 32));
    cr_expect_neq(metadata_of(search)->foreign_note[0], '\0');
    heap_search_free(search);
    made_process_free(process);
}

Test(malloc_search, memory_from_sbrk_between_fence_posts_is_roots)
{
    const uint64_t sizes[] = {64, 64};
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, BRK, 0x4000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 2, BRK + 0x2000);
    made_process_set(process, BRK + 16, OBJECT);
    made_process_set(process, BRK + 128 + 8, 16 | IN_USE);
    made_process_set(process, BRK + 144 + 8, 16 | IN_USE);
    made_process_set(process, BRK + 0x800, OBJECT);
    made_process_chunks(process, BRK + 0x1230, sizes, 2, BRK + 0x4000);
    made_process_set(process, BRK + 0x1230 + 64 + 24, OBJECT);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_not_null(made_search_block(search, BRK + 16));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, BRK + 0x800));
    cr_expect_not_null(made_search_block(search, BRK + 0x1230 + 64 + 16));
    cr_expect_eq(heap_search_contents(search)->block_count, 2u);
    heap_search_free(search);
    made_process_free(process);
}

Test(malloc_search, chunks_with_mappings_of_their_own_aligned_ones_too)
{
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, MAPPED, 0x200000, "rw-p", "");
    made_process_set(process, MAPPED + 0x1000, OBJECT); // not a chunk's
    made_process_set(process, MAPPED + 0x10000 + 8, 0x21000 | IS_MMAPPED);
    made_process_set(process, MAPPED + 0x30ff8, OBJECT);
    // aligned_alloc(65536, ...)
    made_process_set(process, MAPPED + 0x44000 + 8, 0x40000 | IS_MMAPPED);
    made_process_set(process, MAPPED + 0x4fff0, 0xbff0);
    made_process_set(process, MAPPED + 0x4fff8, (0x40000 - 0xbff0) | IS_MMAPPED);
    made_process_set(process, MAPPED + 0x60000, OBJECT);
    // The first word is not zero: no chunk.
    made_process_set(process, MAPPED + 0x100000, 1);
    made_process_set(process, MAPPED + 0x100000 + 8, 0x1000 | IS_MMAPPED);
    made_process_set(process, MAPPED + 0x100010, OBJECT);
    // Longer than the mapping: no chunk.
    made_process_set(process, MAPPED + 0x101000 + 8, 0x200000 | IS_MMAPPED);
    made_process_set(process, MAPPED + 0x101010, OBJECT);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_assert_eq(heap_search_contents(search)->block_count, 2u);
    cr_assert_not_null(made_search_block(search, MAPPED + 0x10010));
    cr_expect_eq(made_search_block(search, MAPPED + 0x10010)->bytes, 0x20ff0u);
    cr_assert_not_null(made_search_block(search, MAPPED + 0x50000));
    cr_expect_eq(made_search_block(search, MAPPED + 0x50000)->bytes, 0x34000u);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, MAPPED + 0x1000));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, MAPPED + 0x100010));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, MAPPED + 0x101010));
    heap_search_free(search);
    made_process_free(process);
}

Test(malloc_search, a_chunk_that_holds_gc_pages_is_not_a_block)
{
    MadeProcess *process = process_with_page();
    HeapSearchCounts counts;
    HeapSearch *search;

    made_process_map(process, MAPPED, 0x10000, "rw-p", "");
    made_process_set(process, MAPPED + 8, 0x10000 | IS_MMAPPED);
    made_process_page(process, MAPPED + 0x4000, 64, 7);
    made_process_set(process, made_process_slot(MAPPED + 0x4000, 64, 0) + 48, OBJECT);
    made_process_set(process, MAPPED + 0x8000, OBJECT);
    search = made_search(process, FOREIGN_BLOCKS, &counts);
    cr_expect_eq(counts.page_count, 2u);
    cr_expect_eq(heap_search_contents(search)->block_count, 0u);
    cr_expect_eq(heap_search_contents(search)->root_count, 1u);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, MAPPED + 0x8000));
    heap_search_free(search);
    made_process_free(process);
}

Test(malloc_search, an_arena_with_two_heaps)
{
    const uint64_t sizes[] = {64, 96};
    MadeProcess *process = process_with_page();
    const uint64_t second = ARENA + (UINT64_C(64) << 20), state = ARENA + 0x30;
    HeapSearch *search;
    uint64_t chunks = ARENA + 0x8d0, top = second + 0x30 + 64 + 96;

    made_process_map(process, ARENA, UINT64_C(65) << 20, "rw-p", "");
    made_process_set(process, ARENA, state);
    made_process_set(process, ARENA + 16, 0x4000);
    (void)make_state(process, state, top);
    // The first heap ends in fence posts: 16, then 0.
    made_process_chunks(process, chunks, sizes, 2, ARENA + 0x4000);
    made_process_set(process, chunks + 160 + 8, (0x4000 - 0x8d0 - 160 - 32) | IN_USE);
    made_process_set(process, ARENA + 0x4000 - 32, 0x4000 - 0x8d0 - 160 - 32);
    made_process_set(process, ARENA + 0x4000 - 24, 16);
    made_process_set(process, ARENA + 0x4000 - 8, IN_USE);
    made_process_set(process, second, state);
    made_process_set(process, second + 8, ARENA);
    made_process_set(process, second + 16, 0x2000);
    made_process_chunks(process, second + 0x30, sizes, 2, second + 0x2000);
    made_process_set(process, chunks + 64 + 16, OBJECT);
    made_process_set(process, second + 0x30 + 64 + 16, OBJECT);
    made_process_set(process, chunks + 200, OBJECT); // free
    made_process_set(process, second + 0x5000, OBJECT);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(heap_search_contents(search)->block_count, 2u);
    cr_expect_not_null(made_search_block(search, chunks + 64 + 16));
    cr_expect_not_null(made_search_block(search, second + 0x30 + 64 + 16));
    cr_expect_eq(heap_search_contents(search)->root_count, 1u);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, second + 0x5000));
    heap_search_free(search);
    made_process_free(process);
}

Test(malloc_search, memory_of_another_allocator_is_roots_and_that_is_said)
{
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_map(process, MAPPED, 0x4000, "rw-p", "");
    made_process_set(process, BRK + 0x100, OBJECT);
    made_process_set(process, MAPPED + 0x100, OBJECT);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(metadata_of(search)->foreign_mode, FOREIGN_ROOTS);
    cr_expect_neq(metadata_of(search)->foreign_note[0], '\0');
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, BRK + 0x100));
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, MAPPED + 0x100));
    heap_search_free(search);
    made_process_free(process);
}
