// Sections of roots and foreign blocks: which entries are refused, with the offset of the entry.

#include "snapshot/file/heap_sections.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"

static RandomHeap *heap;
static Bytes stream;
static uint64_t roots, blocks; // where the tables begin

static void make_stream(void)
{
    RandomHeapOptions options = random_heap_options(5, 100);
    SectionMap map;

    options.roots = 3;
    options.blocks = 2;
    heap = random_heap_new(&options);
    cr_assert_eq(random_heap_contents(heap)->block_count, 2);
    stream = snapshot_stream(random_heap_contents(heap), NULL);
    map = sections_of(stream.bytes, stream.length);
    roots = section_map_find(&map, SECTION_ROOTS)->offset + TABLE_HEAD_BYTES;
    blocks = section_map_find(&map, SECTION_BLOCKS)->offset + TABLE_HEAD_BYTES;
    section_map_release(&map);
}

static void free_stream(void)
{
    free(stream.bytes);
    random_heap_free(heap);
}

TestSuite(heap_sections, .init = make_stream, .fini = free_stream);

static void expect_refused(const char *part_of_message, uint64_t offset)
{
    HeapImage *image = NULL;
    Error error = {0};
    char place[64];

    cr_assert_not(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s", error.message);
    cr_expect_not_null(strstr(error.message, part_of_message), "%s", error.message);
    snprintf(place, sizeof place, "(offset %llu)", (unsigned long long)offset);
    cr_expect_not_null(strstr(error.message, place), "%s", error.message);
}

// ---- roots ----

// The root in the middle, with one byte changed.
static void expect_refused_root(uint64_t byte, uint8_t value)
{
    uint8_t *at = stream.bytes + roots + ROOT_BYTES + byte;
    uint8_t before = *at;

    *at = value;
    expect_refused("root 1 is not possible", roots + ROOT_BYTES);
    *at = before;
}

Test(heap_sections, roots_that_are_not_possible_are_refused)
{
    expect_refused_root(20, ROOT_KIND_COUNT); // an unknown kind
    expect_refused_root(20, 255);
    expect_refused_root(21, 2);   // neither exact nor conservative
    expect_refused_root(22, 1);   // reserved
    expect_refused_root(19, 100); // a thread that is not there
}

Test(heap_sections, a_table_of_roots_that_does_not_fill_its_section_is_refused)
{
    bytes_put_u64(stream.bytes + roots - TABLE_HEAD_BYTES, 2);
    expect_refused("2 roots do not fill their section", roots - TABLE_HEAD_BYTES);
    bytes_put_u64(stream.bytes + roots - TABLE_HEAD_BYTES, UINT64_MAX);
    expect_refused("there is no room for", roots - TABLE_HEAD_BYTES);
}

// ---- blocks ----

static void set_block(uint32_t block, uint64_t address, uint64_t bytes)
{
    bytes_put_u64(stream.bytes + blocks + block * BLOCK_BYTES, address);
    bytes_put_u64(stream.bytes + blocks + block * BLOCK_BYTES + 8, bytes);
}

Test(heap_sections, blocks_that_are_not_possible_are_refused)
{
    const uint64_t base = UINT64_C(0x555555560000), limit = UINT64_C(1) << 56;
    const struct {
        uint64_t address, bytes;
    } hostile[] = {
        {base, 0},              // empty
        {base, stream.length},  // longer than the section
        {base, UINT64_MAX},     // the length overflows
        {base, UINT64_MAX - 7}, // the length overflows when it is rounded up
        {limit, 24},            // above all user space
        {limit - 16, 24},       // reaches above it
        {UINT64_MAX - 7, 24},   // wraps around
    };

    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        set_block(0, hostile[i].address, hostile[i].bytes);
        expect_refused("foreign block 0 (", blocks);
    }
}

Test(heap_sections, blocks_that_overlap_or_descend_are_refused)
{
    uint64_t address = bytes_get_u64(stream.bytes + blocks);
    uint64_t bytes = bytes_get_u64(stream.bytes + blocks + 8);
    uint64_t next_bytes = bytes_get_u64(stream.bytes + blocks + BLOCK_BYTES + 8);

    set_block(1, address + bytes - 1, next_bytes);
    expect_refused("foreign block 1 (", blocks + BLOCK_BYTES);
    set_block(1, address, next_bytes);
    expect_refused("foreign block 1 (", blocks + BLOCK_BYTES);
    set_block(1, address - 8, next_bytes);
    expect_refused("foreign block 1 (", blocks + BLOCK_BYTES);
}

Test(heap_sections, blocks_that_do_not_fill_their_section_are_refused)
{
    uint64_t next_bytes = bytes_get_u64(stream.bytes + blocks + BLOCK_BYTES + 8);

    set_block(1, bytes_get_u64(stream.bytes + blocks + BLOCK_BYTES), (next_bytes + 7) / 8 * 8 + 8);
    expect_refused("do not fill their section", blocks - TABLE_HEAD_BYTES);
}
