// Small heaps to explore: generated, or cut out of a recorded heap; made smaller; written to a
// file.
//
// A heap is kept as a graph, so that it can lose a node, an edge or a root. Image and snapshot are
// built from it (marker/explore/explore_heap_image.c), always in the same way: objects of up to 2
// references in class 64, others in class 128, a few to a page, pages in turn for three owner
// threads. Some heaps have an unusual shape, so that the marker takes all of its paths: a long
// chain, small slots, thousands of roots, large objects and blocks, pages far from the others, or
// slots of other sizes than powers of two.

#ifndef MARKER_EXPLORE_EXPLORE_HEAP_H
#define MARKER_EXPLORE_EXPLORE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/schedule/schedule_policy.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

#define EXPLORE_MAX_NODES 200u
#define EXPLORE_MAX_EDGES 10u  // of a node
#define EXPLORE_SMALL_EDGES 2u // most, of an object in a small class
#define EXPLORE_MAX_ROOTS 2200u
#define EXPLORE_LEAST_WORDS 300u // of an array: more than are scanned at once
#define EXPLORE_MAX_WORDS 1500u

typedef struct ExploreNode {
    bool is_block;  // a foreign block rather than an object
    bool is_old;    // in a page of generation 1, and dirty
    bool is_tiny;   // in the smallest class, which has no object header; up to two edges
    bool is_free;   // a free slot: references to it are dead
    bool is_open;   // under construction: it is marked, but not scanned
    bool is_far;    // in a page far from those of the others
    uint32_t words; // of an array, a large object or a long block; 0: no more than the edges need
    uint8_t edge_count;
    uint8_t edges[EXPLORE_MAX_EDGES]; // nodes
} ExploreNode;

typedef struct ExploreHeap {
    uint32_t node_count;
    ExploreNode nodes[EXPLORE_MAX_NODES];
    uint32_t root_count;
    uint8_t roots[EXPLORE_MAX_ROOTS]; // nodes
    bool has_odd_slots;               // slots of 80 and 144 bytes
    bool is_sparse;                   // pages that are far are not outside the window of the image
    bool has_stray;                   // the first reference of each third object is to no object
    bool is_unusual;
} ExploreHeap;

// low..high objects; up to EXPLORE_MAX_NODES. Most heaps have at most 50.
void explore_heap_generate(ExploreHeap *heap, ScheduleRandom *random, uint32_t low, uint32_t high);

// Cuts up to `limit` objects and blocks out of a recorded heap: the first that a breadth-first
// search from its roots reaches, with the references among them.
void explore_heap_cut(ExploreHeap *heap, const HeapImage *image, uint32_t limit);

// Nodes above the removed one move down; edges and roots to it are removed.
void explore_heap_remove_node(ExploreHeap *heap, uint32_t node);
void explore_heap_remove_edge(ExploreHeap *heap, uint32_t node, uint32_t edge);
void explore_heap_remove_root(ExploreHeap *heap, uint32_t root);

// The node at a captured address; EXPLORE_MAX_NODES: none, or memory is short.
uint32_t explore_heap_node_at(const ExploreHeap *heap, uint64_t address);

// Errors: memory. The caller owns the image.
NODISCARD bool explore_heap_image(const ExploreHeap *heap, HeapImage **out, Error *error);

// Writes a snapshot of the heap. Errors: usage (the file exists, unless `replaces`), those of
// files, memory.
NODISCARD bool explore_heap_write(const ExploreHeap *heap, const char *path, bool replaces,
                                  Error *error);

#endif
