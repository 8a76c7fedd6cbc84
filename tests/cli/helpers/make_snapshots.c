// Makes snapshots and streams of them for tests:
//
//     make_snapshots example FILE             the example of docs/format.md
//     make_snapshots random SEED OBJECTS FILE a random heap
//     make_snapshots corpus FOLDER            the corpus of the fuzz target snapshot_stream:
//                                             decompressed streams, whole and hostile
//
// tests/fuzz/corpus/snapshot_stream/ is made by the last one; a test compares.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "tests/support/example_heap.h"
#include "tests/support/random_heap.h"
#include "tests/support/snapshot_streams.h"

static void save(const char *folder, const char *name, Bytes stream)
{
    char path[4096];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    write_bytes(path, stream.bytes, stream.length);
    free(stream.bytes);
}

static Bytes example_stream(void)
{
    SnapshotContents contents;

    example_heap(&contents);
    return snapshot_stream(&contents, NULL);
}

// The stream with 8 bytes of a section (at `offset` from its body) replaced.
static Bytes changed(Bytes stream, const char *type, uint64_t offset, uint64_t value)
{
    SectionMap map = sections_of(stream.bytes, stream.length);
    const Section *section =
        section_map_find(&map, SECTION_TYPE(type[0], type[1], type[2], type[3]));

    // The sum first: the header of the section is in front of its body.
    bytes_put_u64(stream.bytes + (section->offset + offset), value);
    section_map_release(&map);
    return stream;
}

static Bytes example_with(const char *type, uint64_t offset, uint64_t value)
{
    return changed(example_stream(), type, offset, value);
}

static void save_hostile_tables(const char *folder)
{
    // Offset 8 of a table's body: its first entry. Before the body: the section's length.
    save(folder, "runs-count-huge", example_with("RUNS", 0, UINT64_MAX));
    save(folder, "runs-address-noncanonical",
         example_with("RUNS", 8, UINT64_C(0x8000000000000000)));
    save(folder, "runs-address-last", example_with("RUNS", 8, UINT64_MAX - 4095));
    save(folder, "runs-address-unaligned", example_with("RUNS", 8, EXAMPLE_PAGE_ADDRESS + 1));
    save(folder, "runs-address-zero", example_with("RUNS", 8, 0));
    save(folder, "runs-pages-none", example_with("RUNS", 16, 0));
    save(folder, "runs-pages-huge", example_with("RUNS", 16, UINT64_C(1) << 52));
    save(folder, "roots-count-huge", example_with("ROOT", 0, UINT64_MAX / 24));
    save(folder, "roots-kind-unknown", example_with("ROOT", 24, UINT64_C(0xff00000000)));
    save(folder, "blocks-count-huge", example_with("BLCK", 0, UINT64_C(1) << 60));
    save(folder, "blocks-bytes-huge", example_with("BLCK", 16, UINT64_MAX));
    save(folder, "blocks-bytes-none", example_with("BLCK", 16, 0));
    save(folder, "blocks-address-last", example_with("BLCK", 8, UINT64_MAX));
    save(folder, "threads-count-huge", example_with("THRD", 0, UINT64_MAX));
    save(folder, "modules-string-huge", example_with("MODU", 24, UINT64_MAX));
    save(folder, "types-count-huge", example_with("TYPE", 0, UINT64_C(1) << 32));
    save(folder, "drops-count-huge", example_with("DROP", 0, UINT64_C(1) << 32));
    save(folder, "frames-stacks-huge", example_with("FRAM", 0, UINT64_C(1) << 60));
    save(folder, "frames-count-huge", example_with("FRAM", 16, UINT32_MAX));
    save(folder, "frames-thread-unknown", example_with("FRAM", 8, 5));
    save(folder, "frames-end-unknown", example_with("FRAM", 8, UINT64_C(9) << 32));
    save(folder, "frames-end-before-start", example_with("FRAM", 40, 1));
    save(folder, "variables-count-huge", example_with("VARS", 0, UINT64_C(1) << 59));
    save(folder, "variables-bytes-none", example_with("VARS", 16, 0));
    save(folder, "variables-kind-unknown", example_with("VARS", 24, UINT64_C(7) << 32));
    save(folder, "drops-module-unknown", example_with("DROP", 24, UINT64_C(0x100000007)));
    save(folder, "layout-page-size-none", example_with("LAYO", 32, 0));
    save(folder, "layout-fields-outside", example_with("LAYO", 48, UINT64_MAX));
    save(folder, "metadata-not-json", example_with("META", 0, 0));
    // Lengths of sections: behind the end, and around it.
    save(folder, "section-length-huge", example_with("RUNS", (uint64_t)-8, UINT64_MAX - 7));
    save(folder, "section-length-none", example_with("RUNS", (uint64_t)-8, 0));
    save(folder, "section-length-over-next", example_with("RUNS", (uint64_t)-8, 40));
}

// The same for the sections that few snapshots have.
static Bytes told_with(const char *type, uint64_t offset, uint64_t value)
{
    SnapshotContents contents;

    example_told_heap(&contents);
    return changed(snapshot_stream(&contents, NULL), type, offset, value);
}

static void save_told(const char *folder)
{
    SnapshotContents contents;

    example_told_heap(&contents);
    save(folder, "told", snapshot_stream(&contents, NULL));
    save(folder, "told-root-names-huge", told_with("XROT", 0, UINT64_MAX / 20));
    save(folder, "told-root-name-huge", told_with("XROT", 24, UINT32_MAX));
    save(folder, "told-layouts-huge", told_with("TLAY", 0, UINT64_C(1) << 60));
    save(folder, "told-offsets-huge", told_with("TLAY", 16, UINT64_MAX));
    save(folder, "told-offset-unaligned", told_with("TLAY", 20, UINT64_C(49) << 32 | 1));
    save(folder, "told-rest-before-offset", told_with("TLAY", 16, UINT64_C(1) << 32 | 40));
    save(folder, "told-losses-huge", told_with("LOST", 0, UINT64_C(1) << 61));
    save(folder, "told-loss-kind-unknown", told_with("LOST", 24, 99));
    save(folder, "told-loss-bytes-huge", told_with("LOST", 16, UINT64_MAX));
}

static void save_hostile_pages(const char *folder)
{
    // In the page: behind count and the one run.
    uint64_t page = 24;
    Bytes stream = example_stream();
    SectionMap map = sections_of(stream.bytes, stream.length);
    const struct {
        const char *name;
        uint32_t offset, value, width;
    } changes[] = {
        {"page-block-size-zero", 4, 0, 4},
        {"page-block-size-odd", 4, 65, 4},
        {"page-block-size-huge", 4, UINT32_MAX, 4},
        {"page-object-count-beyond", 8, 4096, 2},
        {"page-header-size-wrong", 10, 8, 2},
        {"page-large-too-long", 13, 1, 1},
        {"page-flags-unknown", 13, 0xe0, 1},
        {"page-magic-wrong", 0, 0, 4},
        {"page-bits-beyond", 1056 + 8, UINT32_MAX, 4},
    };

    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        Bytes copy = {malloc(stream.length), stream.length};
        LayoutField field = {0, (uint16_t)changes[i].width};
        if (copy.bytes == NULL)
            abort();
        memcpy(copy.bytes, stream.bytes, stream.length);
        heap_layout_write(copy.bytes + map.pages[0].offset + page + changes[i].offset, field,
                          changes[i].value);
        save(folder, changes[i].name, copy);
    }
    section_map_release(&map);
    free(stream.bytes);
}

static void save_sections(const char *folder)
{
    Bytes stream = example_stream();
    SectionMap map = sections_of(stream.bytes, stream.length);
    static const char deep[] = "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]"
                               "]]]]]]]]]]]]}";
    uint64_t metadata = section_map_find(&map, SECTION_METADATA)->offset;

    // The page once more: an override.
    ByteBuffer body = {0};
    byte_buffer_add(&body, stream.bytes + map.pages[0].offset, map.pages[0].length);
    save(folder, "override",
         insert_section(example_stream(), metadata, SECTION_PAGES, 0, body.bytes, body.length));
    byte_buffer_release(&body);
    save(folder, "unknown-section",
         insert_section(example_stream(), metadata, SECTION_TYPE('N', 'E', 'W', '1'), 0, "new", 3));
    save(folder, "unknown-section-needed",
         insert_section(example_stream(), metadata, SECTION_TYPE('N', 'E', 'W', '1'),
                        SECTION_FLAG_NEEDED, "new", 3));
    save(folder, "second-roots",
         insert_section(example_stream(), metadata, SECTION_ROOTS, 0, "\0\0\0\0\0\0\0\0", 8));
    // Ends the stream early for the walk: bytes follow.
    save(folder, "metadata-deep",
         insert_section(example_stream(), metadata, SECTION_METADATA, 0, deep, sizeof deep - 1));
    save(folder, "cut-in-page", (Bytes){stream.bytes, map.pages[0].offset + 2000});
    section_map_release(&map);
}

static void save_whole(const char *folder)
{
    SnapshotContents contents;

    save(folder, "example", example_stream());
    example_heap(&contents);
    contents.run_count = contents.root_count = contents.block_count = 0;
    save(folder, "empty-heap", snapshot_stream(&contents, NULL));
    for (uint64_t seed = 1; seed <= 8; seed++) {
        RandomHeapOptions options = random_heap_options(seed, 60);

        // The last two have slots of any size, from anywhere.
        HeapLayout layout = *heap_layout_rudo_gc_0_8();
        layout.min_block_size = 48;
        layout.max_block_size = 2000;
        layout.block_size_step = layout.first_slot_step = 8;
        if (seed > 6)
            options.layout = &layout;
        RandomHeap *heap = random_heap_new(&options);
        char name[40];
        Bytes stream = snapshot_stream(random_heap_contents(heap), NULL);
        snprintf(name, sizeof name, "random-%" PRIu64, seed);
        if (stream.length < 64 * 1024)
            save(folder, name, stream);
        else
            free(stream.bytes);
        random_heap_free(heap);
    }
}

// A heap whose pages have no headers, with the types of its objects.
static Bytes described_stream(void)
{
    static uint64_t words[512];
    PageBits bits = {.allocated = 0xffff, .dead = 0x8000};
    SnapshotPage page = {.address = EXAMPLE_PAGE_ADDRESS,
                         .block_size = 64,
                         .read_bytes = 56,
                         .slot_count = 64,
                         .kind = 1,
                         .bits = bits};
    SnapshotObjectType object_types[] = {{.slot = 0, .count = 10, .requested = 20},
                                         {.slot = 10, .count = 6}};
    PageRecord record = {.address = EXAMPLE_PAGE_ADDRESS,
                         .bits = bits,
                         .block_size = 64,
                         .slot_count = 64,
                         .page_count = 1,
                         .has_dead = true};
    SnapshotPages run = {EXAMPLE_PAGE_ADDRESS, 1, (uint8_t *)words};
    PageRecords records = {0};
    SnapshotContents contents;
    SnapshotDetails details;
    Error error;
    Bytes stream;

    words[8] = EXAMPLE_PAGE_ADDRESS + 128;
    example_heap(&contents);
    details = *contents.details;
    details.drop_count = 0;
    details.pages = &page;
    details.page_count = 1;
    details.object_types = object_types;
    details.object_type_count = 2;
    contents.layout = *heap_layout_boehm();
    contents.runs = &run;
    contents.details = &details;
    contents.pages = &records;
    if (!page_records_add_described(&records, &record, &bits, &error))
        abort();
    stream = snapshot_stream(&contents, NULL);
    page_records_release(&records);
    return stream;
}

static Bytes described_with(const char *type, uint64_t offset, uint64_t value)
{
    return changed(described_stream(), type, offset, value);
}

// In PREC 8 is the address, 16 the bytes of a slot, 24 those with references, 32 the slots and
// kind.
static void save_described(const char *folder)
{
    save(folder, "described", described_stream());
    save(folder, "described-pages-huge", described_with("PREC", 0, UINT64_C(1) << 60));
    save(folder, "described-address-other", described_with("PREC", 8, 4096));
    save(folder, "described-slot-bytes-none", described_with("PREC", 16, 0));
    save(folder, "described-slot-bytes-huge", described_with("PREC", 16, UINT64_C(1) << 40));
    save(folder, "described-read-bytes-huge", described_with("PREC", 24, UINT64_MAX));
    save(folder, "described-slots-huge", described_with("PREC", 32, UINT32_MAX));
    save(folder, "described-flags-unknown",
         described_with("PREC", 32, UINT64_C(0xffff000100000040)));
    save(folder, "described-types-huge", described_with("OTYP", 0, UINT64_C(1) << 60));
    save(folder, "described-type-page-unknown", described_with("OTYP", 8, 7));
    save(folder, "described-type-unknown", described_with("OTYP", 16, 1000));
}

static bool write_file(const char *path, const SnapshotContents *contents)
{
    SnapshotWriteOptions options = {.replaces = true};
    Error error;

    if (snapshot_write(path, contents, &options, NULL, &error))
        return true;
    fprintf(stderr, "make_snapshots: %s\n", error.message);
    return false;
}

int main(int argc, char **argv)
{
    SnapshotContents contents;

    if (argc == 3 && strcmp(argv[1], "example") == 0) {
        example_heap(&contents);
        return write_file(argv[2], &contents) ? 0 : 1;
    }
    // "layout": in a random layout.
    if (argc == 5 && (strcmp(argv[1], "random") == 0 || strcmp(argv[1], "layout") == 0)) {
        RandomHeapOptions options =
            random_heap_options(strtoull(argv[2], NULL, 10), (uint32_t)strtoul(argv[3], NULL, 10));
        options.has_any_layout = strcmp(argv[1], "layout") == 0;
        RandomHeap *heap = random_heap_new(&options);
        bool ok = write_file(argv[4], random_heap_contents(heap));
        random_heap_free(heap);
        return ok ? 0 : 1;
    }
    if (argc == 3 && strcmp(argv[1], "corpus") == 0) {
        save_whole(argv[2]);
        save_sections(argv[2]);
        save_hostile_tables(argv[2]);
        save_hostile_pages(argv[2]);
        save_told(argv[2]);
        save_described(argv[2]);
        return 0;
    }
    fprintf(stderr, "usage: make_snapshots example FILE | random|layout SEED OBJECTS FILE | "
                    "corpus FOLDER\n");
    return 2;
}
