// glibc's chunks in heaps that are made, whole and broken: which become foreign blocks.

#include <criterion/criterion.h>
#include <string.h>

#include "snapshot/capture/find/capture_analysis.h"
#include "tests/support/made_process.h"

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

static CaptureSummary summary;

static CaptureAnalysis *analyse(MadeProcess *process, ForeignMode mode)
{
    CaptureOptions options = {.foreign_mode = mode};
    CaptureAnalysis *analysis = NULL;
    Error error = {0};

    memset(&summary, 0, sizeof summary);
    cr_assert(
        capture_analysis_new(made_process_copy(process), &options, &analysis, &summary, &error),
        "%s", error.message);
    return analysis;
}

static const SnapshotBlock *find_block(const CaptureAnalysis *analysis, uint64_t address)
{
    const SnapshotContents *contents = capture_analysis_contents(analysis);

    for (uint64_t i = 0; i < contents->block_count; i++)
        if (contents->blocks[i].address == address)
            return &contents->blocks[i];
    return NULL;
}

static bool has_foreign_root(const CaptureAnalysis *analysis, uint64_t address)
{
    const SnapshotContents *contents = capture_analysis_contents(analysis);

    for (uint64_t i = 0; i < contents->root_count; i++)
        if (contents->roots[i].kind == ROOT_FOREIGN && contents->roots[i].address == address)
            return true;
    return false;
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

// Lays out chunks from `start` on; the last one ends at `end`. Returns nothing: the user's
// address of chunk i is start + sizes before it + 16.
static void make_chunks(MadeProcess *process, uint64_t start, const uint64_t *sizes, size_t count,
                        uint64_t end)
{
    for (size_t i = 0; i < count; i++) {
        made_process_set(process, start + 8, sizes[i] | IN_USE);
        start += sizes[i];
    }
    made_process_set(process, start + 8, (end - start) | IN_USE);
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

Test(capture_malloc, chunks_that_lead_to_the_heap_become_blocks_and_no_others)
{
    const uint64_t sizes[] = {32, 48, 64, 80, 4096};
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    made_process_map(process, BRK, 0x4000, "rw-p", "[heap]");
    make_chunks(process, BRK, sizes, 5, BRK + 0x4000);
    made_process_set(process, BRK + 16, BRK + 32 + 16 + 8);  // 0 points into 1
    made_process_set(process, BRK + 32 + 16 + 32, BRK + 96); // 1, last word: to 2
    made_process_set(process, BRK + 80 + 16 + 8, OBJECT);    // 2 holds an object
    made_process_set(process, BRK + 144 + 16, BRK + 240);    // 3 points to 4
    made_process_set(process, BRK + 224 + 16, 0x1234);       // 4 to nothing
    made_process_set(process, STACK + 0x1900, BRK + 16);
    made_process_set(process, STACK + 0x1908, BRK + 144 + 16);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 3u);
    cr_expect_not_null(find_block(analysis, BRK + 16));
    cr_assert_not_null(find_block(analysis, BRK + 48));
    cr_expect_eq(find_block(analysis, BRK + 48)->bytes, 40u);
    cr_expect_not_null(find_block(analysis, BRK + 96));
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 1u);
    cr_expect_eq(summary.foreign_mode, FOREIGN_BLOCKS);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, free_chunks_are_nobodys)
{
    const uint64_t sizes[] = {64, 64, 64};
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    make_chunks(process, BRK, sizes, 3, BRK + 0x2000);
    made_process_set(process, BRK + 64 + 32, OBJECT);
    made_process_set(process, BRK + 128, 64);          // size of the free chunk below
    made_process_set(process, BRK + 128 + 8, 64);      // and its flag
    made_process_set(process, BRK + 192 + 64, OBJECT); // in the top chunk
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 0u);
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 0u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

// Chunks of 48 bytes in a thread cache of `shape`; a mangled list unless told otherwise.
static void make_cache(MadeProcess *process, bool is_mangled, uint64_t counter)
{
    const uint64_t sizes[] = {0x290, 48, 48, 48};
    uint64_t cache = BRK + 16, first = BRK + 0x290 + 16, second = first + 48;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    make_chunks(process, BRK, sizes, 4, BRK + 0x2000);
    made_process_set(process, cache, counter << 16); // bin 1: 48 bytes
    made_process_set(process, cache + 128 + 8, first);
    made_process_set(process, first, is_mangled ? second ^ first >> 12 : second);
    made_process_set(process, second, is_mangled ? second >> 12 : 0);
    for (uint64_t i = 0; i < 3; i++)
        made_process_set(process, first + 48 * i + 24, OBJECT);
}

Test(capture_malloc, chunks_in_a_thread_cache_are_free)
{
    for (int is_mangled = 0; is_mangled < 2; is_mangled++) {
        MadeProcess *process = process_with_page();
        CaptureAnalysis *analysis;
        make_cache(process, is_mangled != 0, 2);
        analysis = analyse(process, FOREIGN_BLOCKS);
        cr_assert_eq(capture_analysis_contents(analysis)->block_count, 1u);
        cr_expect_not_null(find_block(analysis, BRK + 0x290 + 16 + 96));
        capture_analysis_free(analysis);
        made_process_free(process);
    }
}

Test(capture_malloc, what_does_not_quite_look_like_a_cache_frees_nothing)
{
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    make_cache(process, true, 5);
    analysis = analyse(process, FOREIGN_BLOCKS);
    // All three chunks, and the one that points to them.
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 4u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, fast_bins_and_top_are_read_from_the_state_and_it_holds_no_roots)
{
    const uint64_t sizes[] = {64, 32, 64, 4096};
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;
    uint64_t top = BRK + 64 + 32 + 64, fast = BRK + 64;
    uint64_t place;

    made_process_map(process, BRK, 0x4000, "rw-p", "[heap]");
    make_chunks(process, BRK, sizes, 4, BRK + 0x4000);
    // Memory behind the top chunk belongs to somebody else.
    made_process_set(process, top + 4096 + 256, OBJECT);
    place = make_state(process, DATA + 0x1100, top);
    made_process_set(process, place - 80, fast);
    made_process_set(process, fast + 16, (fast + 16) >> 12);
    made_process_set(process, fast + 24, OBJECT);
    made_process_set(process, BRK + 96 + 16, OBJECT); // in use: the last before top
    made_process_set(process, top + 64, OBJECT);      // in top
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_assert_eq(capture_analysis_contents(analysis)->block_count, 1u);
    cr_expect_not_null(find_block(analysis, BRK + 96 + 16));
    // `top` in the state points at the last word of that block.
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 1u);
    cr_expect(has_foreign_root(analysis, top + 4096 + 256));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, a_broken_chain_is_taken_up_again_and_the_gap_becomes_roots)
{
    const uint64_t sizes[] = {64, 64, 64, 128, 64, 64};
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    make_chunks(process, BRK, sizes, 6, BRK + 0x2000);
    for (uint64_t i = 0; i < 6; i++)
        made_process_set(process, BRK + i * 64 + 32, OBJECT);
    made_process_set(process, BRK + 192 + 8, 0xbad0bad0bad0bad0);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect(has_foreign_root(analysis, BRK + 192 + 32));
    // The chunk behind the gap; those before it are not blocks any more, but not lost.
    cr_expect_not_null(find_block(analysis, BRK + 320 + 16));
    for (uint64_t i = 0; i < 3; i++)
        cr_expect(find_block(analysis, BRK + i * 64 + 16) != NULL ||
                  has_foreign_root(analysis, BRK + i * 64 + 32));
    cr_expect_neq(summary.foreign_note[0], '\0');
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, memory_from_sbrk_between_fence_posts_is_roots)
{
    const uint64_t sizes[] = {64, 64};
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    made_process_map(process, BRK, 0x4000, "rw-p", "[heap]");
    make_chunks(process, BRK, sizes, 2, BRK + 0x2000);
    made_process_set(process, BRK + 16, OBJECT);
    made_process_set(process, BRK + 128 + 8, 16 | IN_USE);
    made_process_set(process, BRK + 144 + 8, 16 | IN_USE);
    made_process_set(process, BRK + 0x800, OBJECT);
    make_chunks(process, BRK + 0x1230, sizes, 2, BRK + 0x4000);
    made_process_set(process, BRK + 0x1230 + 64 + 24, OBJECT);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_not_null(find_block(analysis, BRK + 16));
    cr_expect(has_foreign_root(analysis, BRK + 0x800));
    cr_expect_not_null(find_block(analysis, BRK + 0x1230 + 64 + 16));
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 2u);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, chunks_with_mappings_of_their_own_aligned_ones_too)
{
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

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
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_assert_eq(capture_analysis_contents(analysis)->block_count, 2u);
    cr_assert_not_null(find_block(analysis, MAPPED + 0x10010));
    cr_expect_eq(find_block(analysis, MAPPED + 0x10010)->bytes, 0x20ff0u);
    cr_assert_not_null(find_block(analysis, MAPPED + 0x50000));
    cr_expect_eq(find_block(analysis, MAPPED + 0x50000)->bytes, 0x34000u);
    cr_expect(has_foreign_root(analysis, MAPPED + 0x1000));
    cr_expect(has_foreign_root(analysis, MAPPED + 0x100010));
    cr_expect(has_foreign_root(analysis, MAPPED + 0x101010));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, a_chunk_that_holds_gc_pages_is_no_block)
{
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    made_process_map(process, MAPPED, 0x10000, "rw-p", "");
    made_process_set(process, MAPPED + 8, 0x10000 | IS_MMAPPED);
    made_process_page(process, MAPPED + 0x4000, 64, 7);
    made_process_set(process, made_process_slot(MAPPED + 0x4000, 64, 0) + 48, OBJECT);
    made_process_set(process, MAPPED + 0x8000, OBJECT);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(summary.page_count, 2u);
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 0u);
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 1u);
    cr_expect(has_foreign_root(analysis, MAPPED + 0x8000));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, an_arena_with_two_heaps)
{
    const uint64_t sizes[] = {64, 96};
    MadeProcess *process = process_with_page();
    const uint64_t second = ARENA + (UINT64_C(64) << 20), state = ARENA + 0x30;
    CaptureAnalysis *analysis;
    uint64_t chunks = ARENA + 0x8d0, top = second + 0x30 + 64 + 96;

    made_process_map(process, ARENA, UINT64_C(65) << 20, "rw-p", "");
    made_process_set(process, ARENA, state);
    made_process_set(process, ARENA + 16, 0x4000);
    (void)make_state(process, state, top);
    // The first heap ends in fence posts: 16, then 0.
    make_chunks(process, chunks, sizes, 2, ARENA + 0x4000);
    made_process_set(process, chunks + 160 + 8, (0x4000 - 0x8d0 - 160 - 32) | IN_USE);
    made_process_set(process, ARENA + 0x4000 - 32, 0x4000 - 0x8d0 - 160 - 32);
    made_process_set(process, ARENA + 0x4000 - 24, 16);
    made_process_set(process, ARENA + 0x4000 - 8, IN_USE);
    made_process_set(process, second, state);
    made_process_set(process, second + 8, ARENA);
    made_process_set(process, second + 16, 0x2000);
    make_chunks(process, second + 0x30, sizes, 2, second + 0x2000);
    made_process_set(process, chunks + 64 + 16, OBJECT);
    made_process_set(process, second + 0x30 + 64 + 16, OBJECT);
    made_process_set(process, chunks + 200, OBJECT); // free
    made_process_set(process, second + 0x5000, OBJECT);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 2u);
    cr_expect_not_null(find_block(analysis, chunks + 64 + 16));
    cr_expect_not_null(find_block(analysis, second + 0x30 + 64 + 16));
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 1u);
    cr_expect(has_foreign_root(analysis, second + 0x5000));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, memory_of_another_allocator_is_roots_and_that_is_said)
{
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_map(process, MAPPED, 0x4000, "rw-p", "");
    made_process_set(process, BRK + 0x100, OBJECT);
    made_process_set(process, MAPPED + 0x100, OBJECT);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(summary.foreign_mode, FOREIGN_ROOTS);
    cr_expect_neq(summary.foreign_note[0], '\0');
    cr_expect(has_foreign_root(analysis, BRK + 0x100));
    cr_expect(has_foreign_root(analysis, MAPPED + 0x100));
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, roots_and_none_do_what_they_say)
{
    const uint64_t sizes[] = {64, 64};
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    make_chunks(process, BRK, sizes, 2, BRK + 0x2000);
    made_process_set(process, BRK + 16, OBJECT);
    made_process_set(process, STACK + 0x1900, BRK + 16);
    analysis = analyse(process, FOREIGN_ROOTS);
    cr_expect(has_foreign_root(analysis, BRK + 16));
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 0u);
    capture_analysis_free(analysis);
    analysis = analyse(process, FOREIGN_NONE);
    cr_expect_eq(capture_analysis_contents(analysis)->root_count, 0u);
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, 0u);
    cr_expect_eq(summary.foreign_mode, FOREIGN_NONE);
    capture_analysis_free(analysis);
    made_process_free(process);
}

Test(capture_malloc, a_long_chain_of_chunks_is_followed_to_its_end)
{
    const uint64_t count = 200000;
    MadeProcess *process = process_with_page();
    CaptureAnalysis *analysis;
    uint64_t bytes = (count * 32 + 0x1fff) & ~UINT64_C(0xfff);

    made_process_map(process, BRK, bytes, "rw-p", "[heap]");
    for (uint64_t i = 0; i < count; i++) {
        made_process_set(process, BRK + i * 32 + 8, 32 | IN_USE);
        made_process_set(process, BRK + i * 32 + 16,
                         i + 1 == count ? OBJECT : BRK + (i + 1) * 32 + 16);
    }
    made_process_set(process, BRK + count * 32 + 8, (bytes - count * 32) | IN_USE);
    analysis = analyse(process, FOREIGN_BLOCKS);
    cr_expect_eq(capture_analysis_contents(analysis)->block_count, count);
    capture_analysis_free(analysis);
    made_process_free(process);
}
