// The benched graphs as heap images: see bench_graphs.h.

#include "tests/bench/bench_graphs.h"

#include <stdlib.h>

// Aligned for huge pages, and where nothing of a Linux process usually lies.
#define BASE_ADDRESS UINT64_C(0x100000000000)
#define NODE_BYTES 64u
#define WIDE_NODE_BYTES 256u
// The functions that every object header names: any constants do, outside of the heap.
#define DROP_FUNCTION UINT64_C(0x401000)
#define TRACE_FUNCTION UINT64_C(0x402000)

// Where things are in the image.
typedef struct Shape {
    const HeapLayout *layout;
    uint64_t nodes;
    uint32_t block_size;
    uint32_t header_size;  // offset of a page's slot 0
    uint32_t slots;        // of a page
    uint32_t array_offset; // of the array's object in its first page
    uint64_t array_bytes;  // its object, header included; 0: no array
    uint64_t array_pages;
    uint64_t node_pages;
    uint64_t first_node_page;          // address
    uint8_t *bytes;                    // of the whole run
    uint8_t object_header[NODE_BYTES]; // what every object begins with
} Shape;

// Every lost or added mark changes them; so does a change to the graphs or to the digest, and
// then `make bench`, which asks the serial marker, says what they are now.
static const char *const full_digests[BENCH_GRAPH_COUNT] = {
    [BENCH_G1] = "xxh3-128:44f3b547fc852dce1a7cac4cc0da55bd",
    [BENCH_G2] = "xxh3-128:abba8ca47613c3c45c479637e3dc4066",
    [BENCH_G3_ORDERED] = "xxh3-128:b993af308d49c76bfd292c3351d1d7f1",
    [BENCH_G3_SHUFFLED] = "xxh3-128:b993af308d49c76bfd292c3351d1d7f1",
    [BENCH_G4_ORDERED] = "xxh3-128:f9cf7c577126ad06e35dd7c2ef425557",
    [BENCH_G4_SHUFFLED] = "xxh3-128:f9cf7c577126ad06e35dd7c2ef425557",
    [BENCH_G5] = "xxh3-128:d45ff8cb2f4d5e335c8841413a6d2a92",
    [BENCH_G6] = "xxh3-128:50d3865a932e00cac25ebb703bd419cd",
};

const char *bench_graph_full_digest(BenchGraph graph)
{
    return full_digests[graph];
}

static void write_u64(uint8_t *bytes, uint64_t value)
{
    memcpy(bytes, &value, sizeof value);
}

static Shape shape_of(BenchGraph graph, uint64_t nodes)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    Shape shape = {.layout = layout, .nodes = nodes};

    shape.block_size = graph == BENCH_G6 ? WIDE_NODE_BYTES : NODE_BYTES;
    shape.header_size = heap_layout_small_header_size(layout, shape.block_size);
    shape.slots = (layout->page_size - shape.header_size) / shape.block_size;
    shape.node_pages = (nodes + shape.slots - 1) / shape.slots;
    if (bench_graph_has_array(graph)) {
        uint32_t alignment = layout->large_header_alignment;
        shape.array_offset = (layout->page_header_bytes + alignment - 1) / alignment * alignment;
        shape.array_bytes = layout->object_header_bytes + 8 * nodes;
        // Never so short that it would have been a small object.
        if (shape.array_bytes <= layout->max_block_size)
            shape.array_bytes = layout->max_block_size + 8;
        shape.array_pages =
            (shape.array_offset + shape.array_bytes + layout->page_size - 1) / layout->page_size;
    }
    shape.first_node_page = BASE_ADDRESS + shape.array_pages * layout->page_size;
    heap_layout_write(shape.object_header, layout->reference_count, 1);
    heap_layout_write(shape.object_header, layout->drop_function, DROP_FUNCTION);
    heap_layout_write(shape.object_header, layout->type_word, TRACE_FUNCTION);
    heap_layout_write(shape.object_header, layout->object_generation, 1);
    return shape;
}

uint64_t bench_graph_image_bytes(BenchGraph graph, uint64_t nodes)
{
    Shape shape = shape_of(graph, nodes);

    return (shape.array_pages + shape.node_pages) * shape.layout->page_size;
}

static uint64_t node_address(const Shape *shape, uint64_t node)
{
    if (node == BENCH_NO_NODE)
        return 0;
    return shape->first_node_page + node / shape->slots * shape->layout->page_size +
           shape->header_size + node % shape->slots * shape->block_size;
}

static void write_page_header(const HeapLayout *layout, uint8_t *page, uint64_t block_size,
                              uint32_t header_size, uint32_t slots, uint64_t owner)
{
    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->object_count, slots);
    heap_layout_write(page, layout->header_size, header_size);
    heap_layout_write(page, layout->owner_thread, owner);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
}

static void write_array(const Shape *shape, const BenchEdges *edges)
{
    const HeapLayout *layout = shape->layout;
    uint8_t *object = shape->bytes + shape->array_offset;
    uint8_t *elements = object + layout->object_header_bytes;

    write_page_header(layout, shape->bytes, shape->array_bytes, shape->array_offset, 1, 1);
    heap_layout_write(shape->bytes, layout->flags, layout->flag_large);
    write_u64(shape->bytes + layout->allocated_bitmap, 1);
    memcpy(object, shape->object_header, layout->object_header_bytes);
    for (uint64_t i = 0; i < shape->nodes; i++)
        write_u64(elements + 8 * i, node_address(shape, bench_edges_element(edges, i)));
}

static void write_node(const Shape *shape, BenchEdges *edges, uint8_t *object)
{
    uint8_t *payload = object + shape->layout->object_header_bytes;
    uint64_t references[2];

    memcpy(object, shape->object_header, shape->layout->object_header_bytes);
    bench_edges_next(edges, references);
    write_u64(payload, node_address(shape, references[0]));
    write_u64(payload + 8, node_address(shape, references[1]));
    if (edges->graph != BENCH_G6)
        return;
    for (uint32_t word = 0; word < BENCH_FILLER_WORDS; word++)
        write_u64(payload + 16 + 8 * word, bench_edges_filler(edges));
}

static void write_node_page(const Shape *shape, BenchEdges *edges, uint64_t index)
{
    const HeapLayout *layout = shape->layout;
    uint8_t *page = shape->bytes + (shape->array_pages + index) * layout->page_size;
    uint64_t before = index * shape->slots;
    uint32_t used = shape->slots;

    if (shape->nodes - before < used)
        used = (uint32_t)(shape->nodes - before);
    write_page_header(layout, page, shape->block_size, shape->header_size, shape->slots,
                      1 + index * BENCH_OWNERS / shape->node_pages);
    // Classes of 64 bytes and more have at most 39 slots: one word.
    write_u64(page + layout->allocated_bitmap, (UINT64_C(1) << used) - 1);
    for (uint32_t slot = 0; slot < used; slot++)
        write_node(shape, edges, page + shape->header_size + (size_t)slot * shape->block_size);
}

static bool take_root(const Shape *shape, HeapImageBuilder *builder, Error *error)
{
    Root *root = calloc(1, sizeof *root);

    if (root == NULL)
        return error_set_memory(error, sizeof *root, "a root");
    root->value =
        shape->array_pages > 0 ? BASE_ADDRESS + shape->array_offset : node_address(shape, 0);
    root->thread = NO_INDEX;
    root->kind = ROOT_EXPLICIT;
    root->is_exact = 1;
    heap_image_builder_take_roots(builder, root, 1);
    return true;
}

bool bench_graph_build(BenchGraph graph, uint64_t nodes, const HeapImageOptions *options,
                       HeapImage **out, Error *error)
{
    Shape shape = shape_of(graph, nodes);
    PageRun run = {BASE_ADDRESS, shape.array_pages + shape.node_pages};
    uint64_t run_bytes = run.page_count * shape.layout->page_size;
    HeapImageBuilder *builder = NULL;
    BenchEdges edges = {0};
    bool ok = false;

    *out = NULL;
    if (nodes >= UINT32_MAX || shape.array_bytes > UINT32_MAX)
        return error_set(error, ERROR_USAGE, "a graph of %llu nodes is too large",
                         (unsigned long long)nodes);
    if (!bench_edges_init(&edges, graph, nodes)) {
        (void)error_set_memory(error, nodes * 8, "a graph");
        goto done;
    }
    if (!heap_image_builder_new(shape.layout, options, &builder, error) ||
        !heap_image_builder_reserve(builder, &run, 1, error) || !take_root(&shape, builder, error))
        goto done;
    shape.bytes = heap_image_builder_bytes(builder, BASE_ADDRESS, run_bytes);
    if (shape.array_pages > 0)
        write_array(&shape, &edges);
    for (uint64_t page = 0; page < shape.node_pages; page++)
        write_node_page(&shape, &edges, page);
    ok = heap_image_builder_finish(&builder, out, error);

done:
    bench_edges_release(&edges);
    heap_image_builder_free(builder);
    return ok;
}
