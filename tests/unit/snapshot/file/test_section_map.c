// SectionMap: sections lie one behind the other, each as often as it may; those of the future are
// skipped unless they are needed.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/section_map.h"
#include "tests/support/example_heap.h"
#include "tests/support/snapshot_streams.h"

#define NEW_SECTION SECTION_TYPE('N', 'E', 'W', '1')

static Bytes example_stream(void)
{
    SnapshotContents contents;

    example_heap(&contents);
    return snapshot_stream(&contents, NULL);
}

// The example with a section put in before another one.
static Bytes example_with(uint32_t before, uint32_t type, uint32_t flags, const void *body,
                          uint64_t length)
{
    Bytes stream = example_stream();
    SectionMap map = sections_of(stream.bytes, stream.length);

    stream =
        insert_section(stream, section_map_find(&map, before)->offset, type, flags, body, length);
    section_map_release(&map);
    return stream;
}

// Frees the stream.
static void expect_refusal(Bytes stream, ErrorCode code, const char *message)
{
    ByteSource source = {.length = stream.length, .memory = stream.bytes};
    SectionMap map;
    Error error = {0};

    cr_expect_not(section_map_init(&map, &source, &error));
    cr_expect_eq(error.code, code, "%s", error.message);
    cr_expect(strstr(error.message, message) != NULL, "%s", error.message);
    free(stream.bytes);
}

Test(section_map, each_section_is_found_by_its_type)
{
    Bytes stream = example_stream();
    SectionMap map = sections_of(stream.bytes, stream.length);
    const Section *layout = section_map_find(&map, SECTION_LAYOUT);
    const Section *metadata = section_map_find(&map, SECTION_METADATA);

    cr_expect_eq(map.format_major, SNAPSHOT_FORMAT_MAJOR);
    cr_expect_eq(map.format_minor, SNAPSHOT_FORMAT_MINOR);
    cr_expect_eq(layout->offset, STREAM_HEADER_BYTES + SECTION_HEADER_BYTES);
    cr_expect_eq(stream.bytes[metadata->offset], '{');
    cr_expect_leq(metadata->offset + metadata->length, stream.length);
    cr_expect_eq(map.pages_count, 1u);
    cr_expect_eq(section_map_find(&map, SECTION_LOSSES)->offset, 0u, "the example lacks nothing");
    section_map_release(&map);
    free(stream.bytes);
}

Test(section_map, unknown_sections_are_skipped)
{
    Bytes stream = example_with(SECTION_ROOTS, NEW_SECTION, 0, "from the future", 15);
    SectionMap map = sections_of(stream.bytes, stream.length);

    cr_expect_neq(section_map_find(&map, SECTION_ROOTS)->offset, 0u);
    section_map_release(&map);
    free(stream.bytes);
}

Test(section_map, unknown_sections_that_are_needed_are_unsupported)
{
    expect_refusal(example_with(SECTION_ROOTS, NEW_SECTION, SECTION_FLAG_NEEDED, "x", 1),
                   ERROR_UNSUPPORTED, "section 'NEW?' is needed");
}

Test(section_map, pages_may_come_in_many_sections_and_all_else_in_one)
{
    static const uint8_t no_entries[8] = {0};
    Bytes stream = example_with(SECTION_METADATA, SECTION_PAGES, 0, no_entries, 8);
    SectionMap map = sections_of(stream.bytes, stream.length);
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    cr_expect_eq(map.pages_count, 2u);
    cr_expect_lt(map.pages[0].offset, map.pages[1].offset);
    section_map_release(&map);
    free(stream.bytes);
    for (size_t i = 0; i + 1 < count; i++)
        if (kinds[i].occurrence != SECTION_ANY_NUMBER &&
            kinds[i].occurrence != SECTION_UNLESS_EMPTY)
            expect_refusal(example_with(SECTION_METADATA, kinds[i].type, 0, no_entries, 8),
                           ERROR_CORRUPT, "second section");
}

Test(section_map, a_stream_needs_its_first_and_its_page_runs)
{
    Bytes stream = example_stream();
    SectionMap map = sections_of(stream.bytes, stream.length);

    // Another name hides a section: unknown ones are skipped.
    memcpy(stream.bytes + section_map_find(&map, SECTION_RUNS)->offset - SECTION_HEADER_BYTES,
           "NEW1", 4);
    section_map_release(&map);
    expect_refusal(stream, ERROR_CORRUPT, "no section 'RUNS'");
    stream = example_stream();
    memcpy(stream.bytes + STREAM_HEADER_BYTES, "NEW1", 4);
    expect_refusal(stream, ERROR_CORRUPT, "the first section is 'NEW?', not 'LAYO'");
}

Test(section_map, nothing_follows_the_metadata)
{
    Bytes stream = example_with(SECTION_METADATA, SECTION_METADATA, 0, "{}", 2);

    expect_refusal(stream, ERROR_CORRUPT, "bytes follow the last section");
}

Test(section_map, the_bytes_behind_a_section_are_zeros)
{
    Bytes stream = example_with(SECTION_ROOTS, NEW_SECTION, 0, "x", 1);
    SectionMap map = sections_of(stream.bytes, stream.length);

    stream.bytes[section_map_find(&map, SECTION_ROOTS)->offset - SECTION_HEADER_BYTES - 1] = 1;
    section_map_release(&map);
    expect_refusal(stream, ERROR_CORRUPT, "the bytes behind a section are not zero");
}

Test(section_map, newer_major_versions_are_unsupported_and_newer_minor_ones_are_not)
{
    Bytes stream = example_stream();
    SectionMap map;

    stream.bytes[10] = 7;
    map = sections_of(stream.bytes, stream.length);
    cr_expect_eq(map.format_minor, 7u);
    section_map_release(&map);
    stream.bytes[8] = 2;
    expect_refusal(stream, ERROR_UNSUPPORTED, "newer than ours");
    stream = example_stream();
    stream.bytes[8] = 0;
    expect_refusal(stream, ERROR_CORRUPT, "format 0");
}
