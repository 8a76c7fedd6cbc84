// huge_heap: writes a snapshot of a heap of any size as a stream, of which no more than a part is
// in memory, for tests and measurements of heaps larger than memory.
//
//     huge_heap FILE MIB [OBJECTS_A_PAGE]
//
// Pages of MIB MiB in all, each with OBJECTS_A_PAGE (22) objects of a size class of 64 bytes and
// type 0 to 6. Nine of ten objects are the nodes of one binary tree, numbered by level, so that
// children are far from their parents; leaves refer to two random nodes. The rest is garbage.
// Prints how many objects there are, and how many of them are reachable.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "base/output_file.h"
#include "snapshot/file/frames/seekable_writer.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/heap/heap_image.h"
#include "tests/support/xorshift.h"

#define BASE_ADDRESS UINT64_C(0x200000000000)
#define SLOT_BYTES 64u
#define TYPES 7u
#define BATCH_PAGES 4096u

typedef struct Shape {
    const HeapLayout *layout;
    uint64_t pages;
    uint32_t objects; // of a page
    uint32_t header_size;
    uint64_t nodes; // reachable objects
    Xorshift random;
} Shape;

static void require(bool ok, const Error *error)
{
    if (ok)
        return;
    fprintf(stderr, "huge_heap: %s\n", error->message);
    exit(1);
}

static uint64_t address_of(const Shape *shape, uint64_t object)
{
    return object >= shape->nodes
               ? 0
               : BASE_ADDRESS + object / shape->objects * shape->layout->page_size +
                     shape->header_size + object % shape->objects * SLOT_BYTES;
}

static void fill_page(Shape *shape, uint64_t number, uint8_t *page)
{
    const HeapLayout *layout = shape->layout;

    memset(page, 0, layout->page_size);
    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, SLOT_BYTES);
    heap_layout_write(page, layout->object_count,
                      (layout->page_size - shape->header_size) / SLOT_BYTES);
    heap_layout_write(page, layout->header_size, shape->header_size);
    heap_layout_write(page, layout->owner_thread, 1 + number % 4);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    heap_layout_write(page + layout->allocated_bitmap, (LayoutField){.width = 8},
                      (UINT64_C(1) << shape->objects) - 1);
    for (uint32_t slot = 0; slot < shape->objects; slot++) {
        uint8_t *object = page + shape->header_size + (size_t)slot * SLOT_BYTES;
        uint64_t node = number * shape->objects + slot;
        uint64_t words[2] = {0};

        heap_layout_write(object, layout->reference_count, node < shape->nodes);
        heap_layout_write(object, layout->drop_function, 0x401000);
        heap_layout_write(object, layout->type_word, 0x402000 + 16 * (node % TYPES));
        heap_layout_write(object, layout->object_generation, 1);
        if (node < shape->nodes) {
            bool is_leaf = 2 * node + 1 >= shape->nodes;

            for (uint64_t i = 0; i < 2; i++)
                words[i] = address_of(shape, is_leaf ? xorshift_below(&shape->random, shape->nodes)
                                                     : 2 * node + 1 + i);
        }
        memcpy(object + layout->object_header_bytes, words, sizeof words);
    }
}

static void append(SeekableWriter *writer, const void *bytes, uint64_t length)
{
    StreamPiece piece = {.bytes = bytes, .length = length};
    Error error;

    require(seekable_writer_append(writer, &piece, 1, NULL, &error), &error);
}

static void begin_section(ByteBuffer *buffer, uint32_t type, uint64_t length)
{
    byte_buffer_add_u32(buffer, type);
    byte_buffer_add_u32(buffer, SECTION_FLAG_NEEDED);
    byte_buffer_add_u64(buffer, length);
}

// A section made by an encoder, with its padding.
static void add_section(ByteBuffer *buffer, uint32_t type, const ByteBuffer *body)
{
    begin_section(buffer, type, body->length);
    byte_buffer_add(buffer, body->bytes, body->length);
    byte_buffer_add_zeros(buffer, -body->length % SECTION_ALIGNMENT);
}

static void add_head(const Shape *shape, ByteBuffer *buffer)
{
    ByteBuffer layout = {0};

    byte_buffer_add(buffer, STREAM_MAGIC, strlen(STREAM_MAGIC));
    byte_buffer_add_u16(buffer, SNAPSHOT_FORMAT_MAJOR);
    byte_buffer_add_u16(buffer, SNAPSHOT_FORMAT_MINOR);
    byte_buffer_add_u32(buffer, 0);
    section_encode_layout(&layout, shape->layout, 0);
    add_section(buffer, SECTION_LAYOUT, &layout);
    byte_buffer_release(&layout);
    for (int i = 0; i < 2; i++) {
        uint64_t bytes = i == 0 ? 0 : shape->pages * shape->layout->page_size;

        begin_section(buffer, i == 0 ? SECTION_RUNS : SECTION_PAGES,
                      TABLE_HEAD_BYTES + RUN_BYTES + bytes);
        byte_buffer_add_u64(buffer, 1);
        byte_buffer_add_u64(buffer, BASE_ADDRESS);
        byte_buffer_add_u64(buffer, shape->pages);
    }
}

static void add_tail(const Shape *shape, ByteBuffer *buffer)
{
    SnapshotMetadata metadata = {
        .executable = "huge", .is_complete = true, .references_counted = true};
    Root root = {.value = address_of(shape, 0), .thread = NO_INDEX, .kind = ROOT_GLOBAL};
    ByteBuffer body = {0};

    begin_section(buffer, SECTION_ROOTS, TABLE_HEAD_BYTES + sizeof root);
    byte_buffer_add_u64(buffer, 1);
    byte_buffer_add(buffer, &root, sizeof root);
    section_encode_metadata(&body, &metadata);
    add_section(buffer, SECTION_METADATA, &body);
    byte_buffer_release(&body);
}

static void write_all(Shape *shape, SeekableWriter *writer)
{
    uint32_t page_size = shape->layout->page_size;
    uint8_t *batch = malloc((size_t)BATCH_PAGES * page_size);
    ByteBuffer buffer = {0};

    if (batch == NULL)
        exit(1);
    add_head(shape, &buffer);
    append(writer, buffer.bytes, buffer.length);
    byte_buffer_release(&buffer);
    seekable_writer_expect(writer, STREAM_WORDS);
    for (uint64_t first = 0; first < shape->pages; first += BATCH_PAGES) {
        uint64_t count = shape->pages - first < BATCH_PAGES ? shape->pages - first : BATCH_PAGES;

        for (uint64_t i = 0; i < count; i++)
            fill_page(shape, first + i, batch + i * page_size);
        append(writer, batch, count * page_size);
    }
    seekable_writer_expect(writer, STREAM_MIXED);
    add_tail(shape, &buffer);
    append(writer, buffer.bytes, buffer.length);
    byte_buffer_release(&buffer);
    free(batch);
}

int main(int argc, char **argv)
{
    SeekableWriterOptions options = {.format_major = SNAPSHOT_FORMAT_MAJOR,
                                     .format_minor = SNAPSHOT_FORMAT_MINOR};
    Shape shape = {.layout = heap_layout_rudo_gc_0_8(), .random = xorshift_seeded(1)};
    SeekableWriter *writer;
    OutputFile *file;
    Error error;

    if (argc < 3) {
        fprintf(stderr, "usage: %s FILE MIB [OBJECTS_A_PAGE]\n", argv[0]);
        return 2;
    }
    shape.pages = strtoull(argv[2], NULL, 10) * (1024 * 1024 / shape.layout->page_size);
    shape.header_size = heap_layout_small_header_size(shape.layout, SLOT_BYTES);
    shape.objects = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : 22;
    if (shape.pages == 0 || shape.objects == 0 ||
        shape.objects > (shape.layout->page_size - shape.header_size) / SLOT_BYTES)
        return 2;
    shape.nodes = shape.pages * shape.objects / 10 * 9;
    require(output_file_open(argv[1], &(OutputOptions){.replaces = true}, &file, &error), &error);
    require(seekable_writer_new(file, &options, &writer, &error), &error);
    write_all(&shape, writer);
    require(seekable_writer_finish(writer, &error) && output_file_commit(file, &error), &error);
    seekable_writer_free(writer);
    output_file_free(file);
    printf("%llu objects, %llu reachable\n", (unsigned long long)(shape.pages * shape.objects),
           (unsigned long long)shape.nodes);
    return 0;
}
