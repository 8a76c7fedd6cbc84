// Page sections: which tables of page runs are refused, with the offset of the entry that is wrong.

#include "snapshot/file/page_sections.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/example_heap.h"
#include "tests/support/snapshot_streams.h"

#define PAGE UINT64_C(4096)
#define BASE EXAMPLE_PAGE_ADDRESS

static Bytes stream;
static SectionMap map;

// The example heap has one page, in one run.
static void make_stream(void)
{
    SnapshotContents contents;

    example_heap(&contents);
    stream = snapshot_stream(&contents, NULL);
    map = sections_of(stream.bytes, stream.length);
}

static void free_stream(void)
{
    section_map_release(&map);
    free(stream.bytes);
}

TestSuite(page_sections, .init = make_stream, .fini = free_stream);

static void expect_refused(ErrorCode code, const char *part_of_message, uint64_t offset)
{
    HeapImage *image = NULL;
    Error error = {0};
    char place[64];

    cr_assert_not(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error));
    cr_expect_eq(error.code, code, "%s", error.message);
    cr_expect_not_null(strstr(error.message, part_of_message), "%s", error.message);
    snprintf(place, sizeof place, "(offset %llu)", (unsigned long long)offset);
    cr_expect(offset == 0 || strstr(error.message, place) != NULL, "%s", error.message);
}

static uint64_t runs_offset(void)
{
    return section_map_find(&map, SECTION_RUNS)->offset;
}

static void set_run(uint64_t address, uint64_t page_count)
{
    bytes_put_u64(stream.bytes + runs_offset() + 8, address);
    bytes_put_u64(stream.bytes + runs_offset() + 16, page_count);
}

Test(page_sections, runs_that_are_not_possible_are_refused)
{
    const PageRun hostile[] = {
        {BASE + 8, 1},                     // not on a page boundary
        {BASE, 0},                         // empty
        {0, 1},                            // no process has page 0
        {UINT64_MAX - PAGE + 1, 1},        // the very end
        {UINT64_C(1) << 56, 1},            // above all user space
        {(UINT64_C(1) << 56) - PAGE, 2},   // reaches above it
        {BASE, UINT64_MAX},                // the count overflows
        {BASE, UINT64_MAX / PAGE + 1},     // the byte count overflows
        {UINT64_C(0xffff800000000000), 1}, // kernel addresses
    };

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        set_run(hostile[i].address, hostile[i].page_count);
        expect_refused(ERROR_CORRUPT, "page run 0 (", runs_offset() + 8);
    }
}

Test(page_sections, more_pages_than_an_image_holds_are_unsupported)
{
    set_run(BASE, UINT32_MAX);
    expect_refused(ERROR_UNSUPPORTED, "4294967295 pages are more than a heap image holds", 0);
}

Test(page_sections, pages_without_bytes_are_refused)
{
    set_run(BASE, 2);
    expect_refused(ERROR_CORRUPT, "no section has the bytes of page 0x600000001000", runs_offset());
}

Test(page_sections, a_table_that_does_not_fill_its_section_is_refused)
{
    bytes_put_u64(stream.bytes + runs_offset(), 0);
    expect_refused(ERROR_CORRUPT, "0 page runs do not fill their section", runs_offset());
    bytes_put_u64(stream.bytes + runs_offset(), 2);
    expect_refused(ERROR_CORRUPT, "there is no room for 2 page runs", runs_offset());
}

// Puts in a PAGE section with these two runs and the bytes of `page_count` pages.
static void add_pages(PageRun first, PageRun second, uint64_t page_count)
{
    ByteBuffer body = {0};

    byte_buffer_add_u64(&body, 2);
    byte_buffer_add(&body, &first, sizeof first);
    byte_buffer_add(&body, &second, sizeof second);
    byte_buffer_add_zeros(&body, page_count * PAGE);
    cr_assert_not(body.is_short);
    stream = insert_section(stream, section_map_find(&map, SECTION_METADATA)->offset, SECTION_PAGES,
                            0, body.bytes, body.length);
    byte_buffer_release(&body);
    section_map_release(&map);
    map = sections_of(stream.bytes, stream.length);
}

static void expect_refused_pages(PageRun first, PageRun second, uint64_t page_count)
{
    add_pages(first, second, page_count);
    expect_refused(ERROR_CORRUPT, "page run 1 (", map.pages[1].offset + 24);
}

Test(page_sections, runs_that_overlap_are_refused)
{
    expect_refused_pages((PageRun){BASE, 2}, (PageRun){BASE + PAGE, 1}, 3);
}

Test(page_sections, runs_that_come_twice_are_refused)
{
    expect_refused_pages((PageRun){BASE, 1}, (PageRun){BASE, 1}, 2);
}

Test(page_sections, runs_that_descend_are_refused)
{
    expect_refused_pages((PageRun){BASE + PAGE, 1}, (PageRun){BASE, 1}, 2);
}

Test(page_sections, pages_that_do_not_fill_their_section_are_refused)
{
    add_pages((PageRun){BASE, 1}, (PageRun){BASE + PAGE, 2}, 2);
    expect_refused(ERROR_CORRUPT, "3 pages do not fill the section that holds them",
                   map.pages[1].offset);
}

Test(page_sections, a_page_with_a_bad_header_is_found_in_the_section_that_counts)
{
    uint64_t page = map.pages[0].offset + 8 + 16;

    stream.bytes[page] ^= 1;
    expect_refused(ERROR_CORRUPT,
                   "page 0x600000000000: magic (offset 0) is 0x52554446, expected 0x52554447",
                   page);
}
