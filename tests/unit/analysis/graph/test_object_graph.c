// Nodes and references of a small heap: their order, their places, and which words count.

#include <criterion/criterion.h>

#include "analysis/graph/object_graph.h"
#include "marker/mark.h"
#include "tests/support/made_heap.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x50000000)

typedef struct Made {
    HeapImage *image;
    MarkResult *mark;
    ObjectGraph *graph;
} Made;

// Consumes the heap.
static Made made_graph(MadeHeap *heap, uint32_t threads)
{
    ObjectGraphOptions options = {.threads = threads};
    Made made = {.image = made_heap_image(heap, true)};
    Error error;

    cr_assert(mark_reachable_serial(made.image, MARK_MAJOR, &made.mark, &error));
    cr_assert(object_graph_new(made.image, made.mark, &options, &made.graph, &error), "%s",
              error.message);
    made_heap_free(heap);
    return made;
}

static void release(Made *made)
{
    object_graph_free(made->graph);
    mark_result_free(made->mark);
    heap_image_free(made->image);
}

static void expect_edges(const ObjectGraph *graph, uint32_t node, const uint32_t *targets,
                         uint64_t count)
{
    uint64_t first = object_graph_first_edge(graph, node);

    cr_assert_eq(object_graph_first_edge(graph, node + 1) - first, count, "node %u", node);
    for (uint64_t i = 0; i < count; i++)
        cr_expect_eq(graph->targets[first + i], targets[i], "node %u, edge %llu", node,
                     (unsigned long long)i);
}

// Slots 1, 4 and 6 are reachable, and a block; slot 2 is garbage.
Test(object_graph, has_the_words_that_refer_to_live_objects_and_blocks_in_order)
{
    for (uint32_t threads = 1; threads <= 3; threads++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t page = made_heap_page(heap, PAGE, 128, 1);
        uint64_t a = made_heap_object(heap, page, 1), garbage = made_heap_object(heap, page, 2);
        uint64_t b = made_heap_object(heap, page, 4), c = made_heap_object(heap, page, 6);
        uint64_t dead = made_heap_object(heap, page, 8);
        uint64_t block = made_heap_block(heap, BLOCK, 40);

        made_heap_set_weak(heap, dead, heap_layout_rudo_gc_0_8()->dead_bit);
        made_heap_refer(heap, a, 0, c);
        made_heap_refer(heap, a, 1, b + 8); // inside an object
        made_heap_refer(heap, a, 2, dead);
        made_heap_refer(heap, a, 3, b);
        made_heap_refer(heap, a, 4, c);
        made_heap_refer(heap, a, 9, block + 39);
        made_heap_refer(heap, garbage, 0, a);
        made_heap_refer(heap, b, 5, b);
        made_heap_block_word(heap, block, 16, a);
        made_heap_root(heap, ROOT_GLOBAL, a);
        made_heap_root(heap, ROOT_STACK, b + 1);
        Made made = made_graph(heap, threads);
        const ObjectGraph *graph = made.graph;

        cr_assert_eq(graph->object_count, 3);
        cr_assert_eq(graph->node_count, 4);
        cr_expect_eq(graph->edge_count, 6);
        expect_edges(graph, 0, (const uint32_t[]){2, 1, 2, 3}, 4);
        expect_edges(graph, 1, (const uint32_t[]){1}, 1);
        expect_edges(graph, 2, NULL, 0);
        expect_edges(graph, 3, (const uint32_t[]){0}, 1);
        cr_expect_eq(object_graph_address(graph, 1), b);
        cr_expect_eq(object_graph_address(graph, 3), block);
        cr_expect_eq(object_graph_bytes_of(graph, 1), 128);
        cr_expect_eq(object_graph_bytes_of(graph, 3), 40);
        cr_expect_eq(object_graph_reference_offset(graph, 0, 1), 48 + 3 * 8);
        cr_expect_eq(object_graph_reference_offset(graph, 3, 0), 16);
        cr_expect_eq(object_graph_reference_offset(graph, 2, 0), UINT64_MAX);
        cr_assert_eq(graph->root_count, 2);
        for (uint64_t i = 0; i < 2; i++)
            cr_expect_eq(graph->roots[i].is_interior, graph->roots[i].node == 1);
        release(&made);
    }
}

Test(object_graph, the_cursor_and_the_places_agree_on_every_node)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t pages[] = {PAGE, PAGE + 4096, PAGE + 5 * 4096};
    uint32_t node = 0;

    // Pages of one mark word, of three, and a large object; blocks in two words of bits.
    for (uint32_t i = 0; i < 3; i++)
        (void)made_heap_page(heap, pages[i], (const uint32_t[]){64, 16, 9000}[i], 1);
    for (uint32_t slot = 0; slot < 157; slot += 7)
        made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, pages[1], slot));
    for (uint32_t slot = 0; slot < 39; slot += 5)
        made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, pages[0], slot));
    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, pages[2], 0));
    for (uint64_t block = 0; block < 70; block++) {
        (void)made_heap_block(heap, BLOCK + 64 * block, 40);
        if (block % 3 == 0)
            made_heap_root(heap, ROOT_FOREIGN, BLOCK + 64 * block);
    }
    Made made = made_graph(heap, 2);
    NodeCursor cursor = node_cursor(made.graph);

    for (; node_cursor_next(&cursor); node++) {
        NodePlace place = object_graph_place(made.graph, node);

        cr_assert_eq(cursor.node, node);
        cr_expect_eq(cursor.place.page, place.page);
        if (place.page == NO_INDEX) {
            cr_expect_eq(cursor.place.block, place.block);
            cr_expect_eq(object_graph_block_node(made.graph, place.block), node);
        } else {
            cr_expect_eq(cursor.place.slot, place.slot);
            cr_expect_eq(object_graph_object_node(made.graph, place.page, place.slot), node);
        }
    }
    cr_expect_eq(node, made.graph->node_count);
    cr_expect_eq(node, 23 + 8 + 1 + 24);
    release(&made);
}

Test(object_graph, one_that_takes_too_much_memory_is_refused)
{
    MadeHeap *heap = made_heap_new(NULL);
    ObjectGraphOptions options = {.threads = 1};
    ObjectGraph *again = NULL;
    Error error;

    made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, made_heap_page(heap, PAGE, 64, 1), 0));
    Made made = made_graph(heap, 1);

    options.max_bytes = object_graph_bytes(made.graph);
    cr_assert(object_graph_new(made.image, made.mark, &options, &again, &error));
    object_graph_free(again);
    // Roots come after the check.
    options.max_bytes -= sizeof(GraphRoot) + 1;
    cr_expect_not(object_graph_new(made.image, made.mark, &options, &again, &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    cr_expect_null(again);
    release(&made);
}
