// Which malloc chunks are recorded by size: those that objects lead to, and not to objects.

#include <criterion/criterion.h>

#include "tests/support/made_search.h"

#define BRK UINT64_C(0x555555600000)
#define PAGES UINT64_C(0x600000000000)
#define OBJECT (PAGES + 1664)
#define VALUE (OBJECT + 48)
// User addresses of chunks of 64 bytes.
#define CHUNK(i) (BRK + 64 * (uint64_t)(i) + 16)

static const uint64_t sizes[] = {64, 64, 64, 64, 64, 64};

// A process with a page of 128-byte slots, of which one object lives, a stack, and six chunks.
static MadeProcess *process_with_chunks(void)
{
    MadeProcess *process = made_process_with_stack();

    made_process_map(process, PAGES, 0x1000, "rw-p", "");
    made_process_page(process, PAGES, 128, 7);
    made_process_map(process, BRK, 0x2000, "rw-p", "[heap]");
    made_process_chunks(process, BRK, sizes, 6, BRK + 0x2000);
    return process;
}

static const SizedBlock *block_at(const HeapSearch *search, uint64_t address)
{
    const SnapshotDetails *details = heap_search_contents(search)->details;

    for (uint32_t i = 0; i < details->sized_block_count; i++)
        if (details->sized_blocks[i].address == address)
            return &details->sized_blocks[i];
    return NULL;
}

Test(sized_blocks, chunks_that_objects_lead_to_are_recorded_with_their_references)
{
    MadeProcess *process = process_with_chunks();
    const SnapshotDetails *details;
    HeapSearch *search;

    made_process_set(process, VALUE, CHUNK(0));
    made_process_set(process, CHUNK(0), CHUNK(1) + 8); // an interior pointer is enough
    made_process_set(process, CHUNK(0) + 8, CHUNK(1));
    made_process_set(process, CHUNK(2), OBJECT); // a foreign block, which refers to chunk 3
    made_process_set(process, CHUNK(2) + 8, CHUNK(3));
    made_process_set(process, MADE_SEARCH_STACK + 0x3900, CHUNK(4)); // a stack alone
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    details = heap_search_contents(search)->details;
    cr_expect(details->metadata.sized_blocks_recorded);
    cr_assert_eq(details->sized_block_count, 3u);
    cr_assert_not_null(block_at(search, CHUNK(0)));
    cr_expect_eq(sized_block_bytes(block_at(search, CHUNK(0))), 56u);
    cr_expect_not_null(block_at(search, CHUNK(1)));
    cr_expect_not_null(block_at(search, CHUNK(3)));
    cr_assert_eq(details->sized_link_count, 1u);
    cr_expect_eq(details->sized_links[0].from, 0u);
    cr_expect_eq(details->sized_links[0].to, 1u);
    cr_expect_eq(heap_search_contents(search)->block_count, 1u);
    heap_search_free(search);
    made_process_free(process);
}

Test(sized_blocks, counts_of_owners_and_a_reference_from_elsewhere_make_a_block_shared)
{
    for (uint64_t owners = 1; owners <= 2; owners++) {
        MadeProcess *process = process_with_chunks();
        HeapSearch *search;

        made_process_set(process, VALUE, CHUNK(0));
        made_process_set(process, CHUNK(0), owners);
        made_process_set(process, CHUNK(0) + 8, 1);
        made_process_set(process, CHUNK(0) + 16, CHUNK(1));
        made_process_set(process, CHUNK(5), CHUNK(0)); // a table of the program
        made_process_set(process, MADE_SEARCH_STACK + 0x3900, CHUNK(0));
        search = made_search(process, FOREIGN_BLOCKS, NULL);
        cr_assert_not_null(block_at(search, CHUNK(0)));
        cr_assert_not_null(block_at(search, CHUNK(1)));
        cr_expect_eq(sized_block_is_shared(block_at(search, CHUNK(0))), owners == 2);
        cr_expect_eq(sized_block_is_shared(block_at(search, CHUNK(1))), owners == 2);
        cr_expect_eq(heap_search_contents(search)->details->sized_link_count,
                     owners == 2 ? 0u : 1u);
        heap_search_free(search);
        made_process_free(process);
    }
}

Test(sized_blocks, are_not_recorded_where_chunks_are_not_looked_for)
{
    MadeProcess *process = process_with_chunks();
    HeapSearch *search;

    made_process_set(process, VALUE, CHUNK(0));
    search = made_search(process, FOREIGN_NONE, NULL);
    cr_expect_not(heap_search_contents(search)->details->metadata.sized_blocks_recorded);
    cr_expect_eq(heap_search_contents(search)->details->sized_block_count, 0u);
    heap_search_free(search);
    made_process_free(process);
}
