// Words of nodes and their resolution, for building and reading a graph.

#ifndef ANALYSIS_GRAPH_OBJECT_GRAPH_INTERNAL_H
#define ANALYSIS_GRAPH_OBJECT_GRAPH_INTERNAL_H

#include "analysis/graph/object_graph.h"

// Memory that may hold references: the payload of an object, or a foreign block.
typedef struct NodeWords {
    const uint8_t *bytes; // of the first 8-aligned word
    uint64_t offset;      // of that word in the object or block
    uint64_t count;
} NodeWords;

// None for an object under construction.
NodeWords graph_object_words(const HeapImage *image, uint32_t page, uint32_t slot);
NodeWords graph_block_words(const HeapImage *image, uint32_t block);

// The address range of all objects and blocks: most words that are not references lie outside.
typedef struct AddressHull {
    uint64_t start;
    uint64_t bytes;
} AddressHull;

// Fills page_nodes, block_nodes and the counts of nodes from the mark. Errors: memory, unsupported.
NODISCARD bool graph_number_nodes(ObjectGraph *graph, Error *error);

// Fills the roots of a graph whose nodes are numbered. Errors: memory.
NODISCARD bool graph_take_roots(ObjectGraph *graph, Error *error);

// Length of edge_bases: one more than there are groups, for the end of the last group's edges.
uint64_t graph_edge_base_count(const ObjectGraph *graph);

AddressHull graph_hull(const HeapImage *image);

// The node that a word of a marked object refers to, or NO_NODE: as heap_image_resolve() without
// interior pointers, since all live objects that a marked object refers to are marked.
uint32_t graph_resolve(const ObjectGraph *graph, uint64_t word);

#endif
