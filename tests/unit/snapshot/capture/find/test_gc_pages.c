// Finding GC pages in processes that are made to mislead.

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/made_search.h"

#define HEAP UINT64_C(0x7f0000000000)
#define MAGIC UINT64_C(0x52554447)

Test(gc_pages, a_process_without_a_valid_page_is_not_ours)
{
    MadeProcess *process = made_process_with_stack();
    HeapSearchOptions options = {0};
    HeapSearchCounts counts;
    HeapSearch *search = NULL;
    Error error = {0};

    made_process_map(process, HEAP, 0x4000, "rw-p", "");
    made_process_set(process, HEAP, MAGIC);
    made_process_set(process, HEAP + 0x1000, 1);
    cr_expect_not(heap_search_new(made_process_copy(process), &options, &search, &counts, &error));
    cr_expect_eq(error.code, ERROR_NO_HEAP);
    cr_expect_not_null(strstr(error.message, "none of 2 pages"), "%s", error.message);
    cr_expect_null(search);
    cr_expect_eq(counts.rejected_pages, 1u);
    made_process_free(process);
}

Test(gc_pages, headers_count_everywhere_in_private_writable_memory_and_nowhere_else)
{
    MadeProcess *process = made_process_with_stack();
    HeapSearchCounts counts;
    HeapSearch *search;

    made_process_map(process, HEAP, 0x1000, "rw-p", "");
    made_process_map(process, HEAP + 0x10000, 0x1000, "rw-s", "");
    made_process_map(process, HEAP + 0x20000, 0x1000, "r--p", "");
    made_process_map(process, HEAP + 0x30000, 0x1000, "rw-p", "/tmp/file");
    made_process_page(process, HEAP, 64, 1);
    made_process_page(process, HEAP + 0x10000, 64, 1);
    made_process_page(process, HEAP + 0x20000, 64, 1);
    made_process_page(process, HEAP + 0x30000, 64, 1);
    made_process_page(process, MADE_SEARCH_STACK, 64, 1);
    search = made_search(process, FOREIGN_BLOCKS, &counts);
    cr_expect_eq(counts.page_count, 3u);
    cr_expect_eq(counts.object_count, 3u);
    heap_search_free(search);
    made_process_free(process);
}

Test(gc_pages, the_tail_of_a_large_object_is_skipped_whatever_it_holds)
{
    MadeProcess *process = made_process_with_stack();
    const SnapshotContents *contents;
    HeapSearchCounts counts;
    HeapSearch *search;

    made_process_map(process, HEAP, 0x5000, "rw-p", "");
    for (int i = 1; i < 4; i++)
        made_process_page(process, HEAP + (uint64_t)i * 0x1000, 64, 1);
    made_process_large_object(process, HEAP, 4 * 4096 - 1584);
    made_process_page(process, HEAP + 0x4000, 128, 3);
    search = made_search(process, FOREIGN_BLOCKS, &counts);
    contents = heap_search_contents(search);
    cr_expect_eq(counts.page_count, 2u);
    cr_expect_eq(counts.object_count, 3u);
    cr_expect_eq(counts.rejected_pages, 0u);
    cr_expect_eq(contents->run_count, 1u);
    cr_expect_eq(contents->runs[0].page_count, 5u);
    heap_search_free(search);
    made_process_free(process);
}

Test(gc_pages, a_large_object_must_end_inside_its_mapping)
{
    MadeProcess *process = made_process_with_stack();
    HeapSearchCounts counts;
    HeapSearch *search;

    made_process_map(process, HEAP, 0x3000, "rw-p", "");
    made_process_large_object(process, HEAP, 4 * 4096 - 1584);
    made_process_page(process, HEAP + 0x1000, 64, 1);
    search = made_search(process, FOREIGN_BLOCKS, &counts);
    cr_expect_eq(counts.page_count, 1u);
    cr_expect_eq(counts.rejected_pages, 1u);
    heap_search_free(search);
    made_process_free(process);
}

Test(gc_pages, what_was_never_touched_of_a_large_object_is_zero)
{
    MadeProcess *process = made_process_with_stack();
    const SnapshotContents *contents;
    HeapSearch *search;

    made_process_map(process, HEAP, 0x4000, "rw-p", "");
    made_process_large_object(process, HEAP, 4 * 4096 - 1584);
    made_process_set(process, HEAP + 0x3008, 77);
    search = made_search(process, FOREIGN_BLOCKS, NULL);
    contents = heap_search_contents(search);
    cr_assert_eq(contents->run_count, 1u);
    cr_assert_eq(contents->runs[0].page_count, 4u);
    cr_expect_eq(load_u64(contents->runs[0].bytes + 0x3008), 77u);
    for (size_t i = 0x1000; i < 0x3000; i += 8)
        cr_expect_eq(load_u64(contents->runs[0].bytes + i), 0u);
    heap_search_free(search);
    made_process_free(process);
}

Test(gc_pages, endless_large_objects_of_untouched_memory_are_left_out_and_told)
{
    MadeProcess *process = made_process_with_stack();
    const uint64_t each = UINT64_C(3) << 30;
    const SnapshotContents *contents;
    HeapSearchCounts counts;
    HeapSearch *search;

    made_process_map(process, HEAP, 3 * each, "rw-p", "");
    for (uint64_t i = 0; i < 3; i++)
        made_process_large_object(process, HEAP + i * each, (uint32_t)(each - 4096));
    made_process_page(process, HEAP + 0x1000, 64, 1);
    search = made_search(process, FOREIGN_BLOCKS, &counts);
    contents = heap_search_contents(search);
    cr_expect_eq(counts.page_count, 1u);
    cr_expect_not(contents->details->metadata.is_complete);
    cr_expect_not_null(strstr(contents->details->metadata.missing, "left out"));
    heap_search_free(search);
    made_process_free(process);
}
