// Reading snapshots: overriding page sections, sections of the future, tables that few snapshots
// have, and files that are not snapshots.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/example_heap.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"

static RandomHeap *small_heap(uint64_t seed)
{
    RandomHeapOptions options = random_heap_options(seed, 300);

    options.objects = 300;
    options.occupancy = 50;
    options.roots = 20;
    options.blocks = 5;
    return random_heap_new(&options);
}

static HeapImage *must_read_stream(Bytes stream)
{
    HeapImage *image = NULL;
    Error error = {0};

    cr_assert(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error), "%s",
              error.message);
    return image;
}

static Error must_refuse_stream(Bytes stream)
{
    HeapImage *image = NULL;
    Error error = {0};

    cr_assert_not(snapshot_read_stream(stream.bytes, stream.length, NULL, &image, &error));
    cr_expect_null(image);
    return error;
}

// ---- the stream ----

// A PAGE section with one page: the first of `contents`, changed by one byte in a bitmap.
static Bytes override_of(const SnapshotContents *contents, uint64_t address, uint8_t mark)
{
    uint32_t page_size = contents->layout.page_size;
    ByteBuffer body = {0};

    byte_buffer_add_u64(&body, 1);
    byte_buffer_add_u64(&body, address);
    byte_buffer_add_u64(&body, 1);
    byte_buffer_add(&body, contents->runs[0].bytes, page_size);
    cr_assert_not(body.is_short);
    body.bytes[24 + contents->layout.mark_bitmap] = mark;
    return (Bytes){body.bytes, body.length};
}

Test(snapshot_read, a_later_page_section_overrides_an_earlier_one)
{
    RandomHeap *heap = small_heap(1);
    const SnapshotContents *contents = random_heap_contents(heap);
    uint64_t address = contents->runs[0].address;
    Bytes stream = snapshot_stream(contents, NULL);
    HeapImage *image;

    // Two overrides, the later of which counts, before the last section.
    for (uint8_t mark = 0x11; mark <= 0x22; mark = (uint8_t)(mark + 0x11)) {
        SectionMap map = sections_of(stream.bytes, stream.length);
        Bytes body = override_of(contents, address, mark);
        stream = insert_section(stream, section_map_find(&map, SECTION_METADATA)->offset,
                                SECTION_PAGES, 0, body.bytes, body.length);
        section_map_release(&map);
        free(body.bytes);
    }
    image = must_read_stream(stream);
    uint32_t page = heap_image_find_page(image, address);
    cr_expect_eq(heap_image_page_bytes(image, page)[contents->layout.mark_bitmap], 0x22);
    heap_image_free(image);

    // The same through a file, whose frames end elsewhere.
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    Error error = {0};
    write_snapshot_file(path, stream.bytes, stream.length);
    cr_assert(snapshot_read(path, NULL, &image, &error), "%s", error.message);
    page = heap_image_find_page(image, address);
    cr_expect_eq(heap_image_page_bytes(image, page)[contents->layout.mark_bitmap], 0x22);
    heap_image_free(image);
    free(path);
    test_folder_free(&folder);
    free(stream.bytes);
    random_heap_free(heap);
}

Test(snapshot_read, pages_outside_the_page_runs_are_refused)
{
    RandomHeap *heap = small_heap(2);
    const SnapshotContents *contents = random_heap_contents(heap);
    Bytes stream = snapshot_stream(contents, NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);
    Bytes body = override_of(contents, UINT64_C(0x700000000000), 1);

    stream = insert_section(stream, section_map_find(&map, SECTION_METADATA)->offset, SECTION_PAGES,
                            0, body.bytes, body.length);
    Error error = must_refuse_stream(stream);
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "belong to no page run") != NULL, "%s", error.message);
    section_map_release(&map);
    free(body.bytes);
    free(stream.bytes);
    random_heap_free(heap);
}

Test(snapshot_read, unknown_sections_are_skipped)
{
    RandomHeap *heap = small_heap(3);
    Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);
    SectionMap map = sections_of(stream.bytes, stream.length);
    HeapImage *image;
    const char *found;

    stream = insert_section(stream, section_map_find(&map, SECTION_ROOTS)->offset,
                            SECTION_TYPE('N', 'E', 'W', '1'), 0, "from the future", 15);
    image = must_read_stream(stream);
    found = image_differs(image, random_heap_contents(heap), false);
    cr_expect_null(found, "%s", found);
    heap_image_free(image);
    section_map_release(&map);
    free(stream.bytes);
    random_heap_free(heap);
}

// ---- files ----

Test(snapshot_read, other_files_are_named_as_such)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    HeapImage *image = NULL;
    Error error;

    cr_expect_not(snapshot_read(path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM, "%s", error.message);
    write_bytes(path, "", 0);
    cr_expect_not(snapshot_read(path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "empty") != NULL, "%s", error.message);
    write_bytes(path,
                "\x7f"
                "ELF, or whatever",
                17);
    cr_expect_not(snapshot_read(path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect(strstr(error.message, "is not a snapshot") != NULL, "%s", error.message);
    cr_expect_not(snapshot_read(folder.path, NULL, &image, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s", error.message);
    cr_expect(strstr(error.message, "folder") != NULL, "%s", error.message);
    free(path);
    test_folder_free(&folder);
}

Test(snapshot_read, a_snapshot_that_is_too_large_for_this_machine_says_so)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    SnapshotReadOptions options = {.max_stream_bytes = 1000};
    SnapshotContents contents;
    HeapImage *image = NULL;
    Error error;

    example_heap(&contents);
    cr_assert(snapshot_write(path, &contents, NULL, NULL, &error), "%s", error.message);
    cr_expect_not(snapshot_read(path, &options, &image, &error));
    cr_expect_eq(error.code, ERROR_MEMORY, "%s", error.message);
    cr_expect_neq(error.hint[0], '\0');
    free(path);
    test_folder_free(&folder);
}

// ---- tables that few snapshots have ----

Test(snapshot_read, told_roots_and_types_and_losses_are_read_as_they_were_written)
{
    SnapshotReadOptions options = {.force_relocation = true};
    SnapshotContents contents;
    HeapImage *image;
    Error error;
    Bytes stream;

    example_told_heap(&contents);
    stream = snapshot_stream(&contents, NULL);
    cr_assert(snapshot_read_stream(stream.bytes, stream.length, &options, &image, &error), "%s",
              error.message);
    const SnapshotDetails *read = image->details, *written = contents.details;
    cr_assert_eq(read->root_name_count, 1u);
    cr_expect_eq(read->root_names[0].address, written->root_names[0].address);
    cr_expect_eq(read->root_names[0].value, written->root_names[0].value);
    cr_expect_str_eq(read->root_names[0].name, "list of all");
    cr_assert_eq(read->type_layout_count, 1u);
    cr_expect_eq(read->type_layouts[0].type_word, written->type_layouts[0].type_word);
    cr_expect_eq(read->type_layouts[0].rest_offset, UINT32_MAX);
    cr_assert_eq(read->type_layouts[0].offset_count, 1u);
    cr_expect_eq(read->type_layouts[0].offsets[0], 48u);
    cr_assert_eq(read->loss_count, 2u);
    cr_expect_eq(read->losses[0].kind, LOSS_PAGES);
    cr_expect_eq(read->losses[0].bytes, 8192u);
    cr_expect_str_eq(read->losses[0].why, "damaged");
    cr_expect_eq(read->losses[1].kind, LOSS_NAMES);
    cr_expect_not(read->metadata.is_complete);
    cr_expect(image->has_exact_types);
    heap_image_free(image);
    free(stream.bytes);
}

Test(snapshot_read, told_things_that_cannot_be_are_refused)
{
    static const char *const names[] = {
        "told-root-names-huge", "told-root-name-huge",    "told-layouts-huge",
        "told-offsets-huge",    "told-offset-unaligned",  "told-rest-before-offset",
        "told-losses-huge",     "told-loss-kind-unknown", "told-loss-bytes-huge",
    };

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[128];
        Bytes stream;

        (void)snprintf(path, sizeof path, "tests/fuzz/corpus/snapshot_stream/%s", names[i]);
        stream = file_bytes(path);
        cr_expect_eq(must_refuse_stream(stream).code, ERROR_CORRUPT, "%s", names[i]);
        free(stream.bytes);
    }
}
