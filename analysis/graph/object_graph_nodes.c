// ObjectGraph: numbering its nodes, and its roots. See analysis/graph/object_graph.h.

#include <stdlib.h>

#include "analysis/graph/object_graph_internal.h"

static uint32_t marked_in_page(const ObjectGraph *graph, uint32_t page)
{
    const uint64_t *words = graph->mark->marked + heap_image_first_word(graph->image, page);
    uint32_t count = 0;

    for (uint32_t word = 0; word < heap_image_page_words(graph->image, page); word++)
        count += (uint32_t)__builtin_popcountll(words[word]);
    return count;
}

bool graph_number_nodes(ObjectGraph *graph, Error *error)
{
    const MarkResult *mark = graph->mark;
    uint32_t page_count = graph->image->page_count, node = 0;

    uint64_t most = mark->totals.marked_objects + mark->totals.marked_blocks +
                    graph->image->details->sized_block_count;

    // All blocks without content are numbered while the graph is built.
    if (most >= GRAPH_MAX_NODES)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu objects and blocks are more than a graph can have",
                         (unsigned long long)most);
    graph->page_nodes = calloc((size_t)page_count + 1, sizeof *graph->page_nodes);
    graph->block_nodes = calloc(mark->block_word_count + 1, sizeof *graph->block_nodes);
    if (graph->page_nodes == NULL || graph->block_nodes == NULL)
        return error_set_memory(error, ((uint64_t)page_count + mark->block_word_count) * 4,
                                "the numbers of objects");
    for (uint32_t page = 0; page < page_count; page++) {
        graph->page_nodes[page] = node;
        node += marked_in_page(graph, page);
    }
    graph->page_nodes[page_count] = graph->object_count = node;
    for (uint64_t word = 0; word < mark->block_word_count; word++) {
        graph->block_nodes[word] = node;
        node += (uint32_t)__builtin_popcountll(mark->marked_blocks[word]);
    }
    graph->node_count = graph->foreign_end = node;
    return true;
}

bool graph_take_roots(ObjectGraph *graph, Error *error)
{
    const HeapImage *image = graph->image;
    uint64_t count = 0;
    RootRanks ranks;

    for (int kind = 0; kind < ROOT_KIND_COUNT; kind++)
        count += graph->mark->totals.roots[kind];
    graph->roots = calloc(count + 1, sizeof *graph->roots);
    if (graph->roots == NULL)
        return error_set_memory(error, count * sizeof *graph->roots, "roots");
    root_ranks_init(&ranks, image);
    for (uint64_t i = 0; i < image->root_count; i++) {
        const Root *root = &image->roots[i];
        Reference reference = heap_image_resolve(image, root->value, root_allows_interior(root));
        GraphRoot *out = &graph->roots[graph->root_count];

        if (reference.kind == REFERENCE_OBJECT)
            *out = (GraphRoot){
                .root = i,
                .node = object_graph_object_node(graph, reference.page, reference.slot),
                .is_interior =
                    heap_image_object_address(image, reference.page, reference.slot) != root->value,
            };
        else if (reference.kind == REFERENCE_BLOCK)
            *out = (GraphRoot){.root = i, .node = object_graph_block_node(graph, reference.block)};
        else
            continue;
        out->rank = (uint8_t)root_ranks_of(&ranks, root, out->is_interior);
        graph->root_count++;
    }
    root_ranks_release(&ranks);
    return true;
}
