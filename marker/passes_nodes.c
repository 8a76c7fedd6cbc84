// PassesGraph: its nodes. See marker/passes_graph_internal.h.

#include "marker/passes_graph_internal.h"

#include <stdlib.h>

static void find_span(PassesGraph *graph)
{
    const HeapImage *image = graph->image;
    uint64_t low = UINT64_MAX, high = 0;

    if (image->run_count > 0) {
        const PageRun *last = &image->runs[image->run_count - 1];

        low = image->runs[0].address;
        high = last->address + (last->page_count << image->page_shift);
    }
    if (image->block_count > 0) {
        const ForeignBlock *last = &image->blocks[image->block_count - 1];

        low = image->blocks[0].address < low ? image->blocks[0].address : low;
        high = last->address + last->bytes > high ? last->address + last->bytes : high;
    }
    graph->low = low;
    graph->span = low < high ? high - low : 0;
}

static uint32_t count_live(const HeapImage *image, uint32_t page)
{
    const uint64_t *live = image->live + heap_image_first_word(image, page);
    uint32_t count = 0;

    for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
        count += (uint32_t)__builtin_popcountll(live[word]);
    return count;
}

bool passes_graph_number(PassesGraph *graph, Error *error)
{
    const HeapImage *image = graph->image;
    uint64_t node = 0;

    find_span(graph);
    graph->page_nodes = malloc((image->page_count + UINT64_C(1)) * sizeof *graph->page_nodes);
    if (graph->page_nodes == NULL)
        return error_set_memory(error, image->page_count * UINT64_C(4), "the numbers of objects");
    for (uint32_t page = 0; page < image->page_count; page++) {
        graph->page_nodes[page] = (uint32_t)node;
        node += count_live(image, page);
        if (node + image->block_count >= INVALID_NODE)
            return error_set(error, ERROR_UNSUPPORTED,
                             "the heap has more objects than can be marked in parts");
    }
    graph->page_nodes[image->page_count] = graph->object_count = (uint32_t)node;
    graph->node_count = (uint32_t)node + image->block_count;
    return true;
}

static uint32_t node_of(const PassesGraph *graph, uint32_t page, uint32_t slot)
{
    const uint64_t *live = graph->image->live + heap_image_first_word(graph->image, page);
    uint32_t node = graph->page_nodes[page];

    for (uint32_t word = 0; word < slot / 64; word++)
        node += (uint32_t)__builtin_popcountll(live[word]);
    return node +
           (uint32_t)__builtin_popcountll(live[slot / 64] & ((UINT64_C(1) << slot % 64) - 1));
}

bool passes_graph_target(const PassesGraph *graph, const Reference *reference, uint32_t *target)
{
    switch (reference->kind) {
    case REFERENCE_NONE:
    case REFERENCE_DEAD:
        return false;
    case REFERENCE_INVALID:
        *target = INVALID_NODE;
        return true;
    case REFERENCE_BLOCK:
        *target = graph->object_count + reference->block;
        return true;
    case REFERENCE_OBJECT:
        *target = node_of(graph, reference->page, reference->slot);
        return !passes_graph_is_old(graph, reference->page);
    }
    return false;
}
