// What building and asking a graph share.

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

// From where to where objects and blocks lie: most words that are no references are not in there.
typedef struct AddressHull {
    uint64_t start;
    uint64_t bytes;
} AddressHull;

// Length of edge_bases: one more than there are groups, where the last group's edges end.
uint64_t graph_edge_base_count(const ObjectGraph *graph);

AddressHull graph_hull(const HeapImage *image);

// The node that a word of a marked object refers to, or NO_NODE: what heap_image_resolve() says
// without interior pointers, since all live objects that a marked one refers to are marked.
uint32_t graph_resolve(const ObjectGraph *graph, uint64_t word);

#endif
