// Which malloc chunks become foreign blocks: those in use that lead to the heap.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define BRK UINT64_C(0x555555600000)
#define PAGES UINT64_C(0x600000000000)
#define OBJECT (PAGES + 1600)
#define IN_USE 1u // of the chunk below

// A process with one GC page and a stack.
static MadeProcess *process_with_page(void)
{
    MadeProcess *process = made_process_with_stack();

    made_process_map(process, PAGES, 0x1000, "rw-p", "");
    made_process_page(process, PAGES, 64, 7);
    return process;
}

Test(foreign_blocks, chunks_that_lead_to_the_heap_become_blocks_and_no_others)
{
    const uint64_t sizes[] = {32, 48, 64, 80, 4096};
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, BRK, 0x4000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 5, BRK + 0x4000);
    made_process_set(process, BRK + 16, BRK + 32 + 16 + 8);  // 0 points into 1
    made_process_set(process, BRK + 32 + 16 + 32, BRK + 96); // 1, last word: to 2
    made_process_set(process, BRK + 80 + 16 + 8, OBJECT);    // 2 holds an object
    made_process_set(process, BRK + 144 + 16, BRK + 240);    // 3 points to 4
    made_process_set(process, BRK + 224 + 16, 0x1234);       // 4 to nothing
    made_process_set(process, MADE_SEARCH_STACK + 0x3900, BRK + 16);
    made_process_set(process, MADE_SEARCH_STACK + 0x3908, BRK + 144 + 16);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(heap_search_contents(search)->block_count, 3u);
    cr_expect_not_null(made_search_block(search, BRK + 16));
    cr_assert_not_null(made_search_block(search, BRK + 48));
    cr_expect_eq(made_search_block(search, BRK + 48)->bytes, 40u);
    cr_expect_not_null(made_search_block(search, BRK + 96));
    cr_expect_eq(heap_search_contents(search)->root_count, 1u);
    cr_expect_eq(heap_search_contents(search)->details->metadata.foreign_mode, FOREIGN_BLOCKS);
    heap_search_free(search);
    made_process_free(process);
}

Test(foreign_blocks, roots_and_none_do_what_they_say)
{
    const uint64_t sizes[] = {64, 64};
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 2, BRK + 0x2000);
    made_process_set(process, BRK + 16, OBJECT);
    made_process_set(process, MADE_SEARCH_STACK + 0x3900, BRK + 16);
    search = made_search(process, FOREIGN_ROOTS, NULL);
    cr_expect(made_search_has_root(search, ROOT_FOREIGN, BRK + 16));
    cr_expect_eq(heap_search_contents(search)->block_count, 0u);
    heap_search_free(search);
    search = made_search(process, FOREIGN_NONE, NULL);
    cr_expect_eq(heap_search_contents(search)->root_count, 0u);
    cr_expect_eq(heap_search_contents(search)->block_count, 0u);
    cr_expect_eq(heap_search_contents(search)->details->metadata.foreign_mode, FOREIGN_NONE);
    heap_search_free(search);
    made_process_free(process);
}

Test(foreign_blocks, a_long_chain_of_chunks_is_followed_to_its_end)
{
    const uint64_t count = 200000;
    MadeProcess *process = process_with_page();
    HeapSearch *search;
    uint64_t bytes = (count * 32 + 0x1fff) & ~UINT64_C(0xfff);

    made_process_map(process, BRK, bytes, "rw-p", "[heap]");
    for (uint64_t i = 0; i < count; i++) {
        made_process_set(process, BRK + i * 32 + 8, 32 | IN_USE);
        made_process_set(process, BRK + i * 32 + 16,
                         i + 1 == count ? OBJECT : BRK + (i + 1) * 32 + 16);
    }
    made_process_set(process, BRK + count * 32 + 8, (bytes - count * 32) | IN_USE);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(heap_search_contents(search)->block_count, count);
    heap_search_free(search);
    made_process_free(process);
}

// Two rings of two chunks each: 0 and 1, of which 1 holds an object, and 2 and 3.
Test(foreign_blocks, a_ring_of_chunks_is_kept_only_if_it_leads_to_the_heap)
{
    const uint64_t sizes[] = {64, 64, 64, 64};
    MadeProcess *process = process_with_page();
    HeapSearch *search;

    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 4, BRK + 0x2000);
    for (uint64_t i = 0; i < 4; i++)
        made_process_set(process, BRK + 64 * i + 16, BRK + 64 * (i ^ 1) + 16);
    made_process_set(process, BRK + 64 + 32, OBJECT);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    cr_expect_eq(heap_search_contents(search)->block_count, 2u);
    cr_expect_not_null(made_search_block(search, BRK + 16));
    cr_expect_not_null(made_search_block(search, BRK + 64 + 16));
    heap_search_free(search);
    made_process_free(process);
}
