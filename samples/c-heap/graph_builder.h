// GraphBuilder: fills one thread's heap with live objects, cyclic garbage, dead
// objects and free slots, and counts each kind.

#ifndef SAMPLES_C_HEAP_GRAPH_BUILDER_H
#define SAMPLES_C_HEAP_GRAPH_BUILDER_H

#include <stdint.h>

#include "c_heap.h"

// How many objects of each kind to make.
typedef struct GraphSizes {
    uint64_t live;
    uint64_t garbage;
    uint64_t zombies;
    uint64_t seed;
} GraphSizes;

// The planned kinds of the allocated slots.
typedef struct GraphTally {
    uint64_t live;
    uint64_t garbage;
    uint64_t zombies;
    uint64_t held_by_old_garbage; // of the garbage: young, known to a dirty old object
} GraphTally;

// A tree node; the trees carry everything else. Size class 128.
typedef struct Node {
    CHeapObject object;
    struct Node *left;
    struct Node *right;
    void *extra; // any kind of object
    struct Node *peer;
    uint64_t id;
} Node;

// The references by which a thread holds its graph, one each.
typedef struct Graph {
    Node *root;
    void *cursor_target; // a large object; to be held by an interior pointer only
    Node *parcel;        // to be held by another thread's graph only
} Graph;

// A type of the objects of graphs, with where they hold references.
typedef struct GraphType {
    const char *name;
    CHeapTrace *trace;
    uint32_t offsets[4]; // bytes from the object's start
    size_t offset_count;
} GraphType;

const GraphType *graph_types(size_t *count);

// The malloc'd block in which an object with a header holds more references, or NULL.
void *graph_block_of(const CHeapObject *object, size_t *bytes);

// Builds a graph and adds what it made to `tally`.
//
// The first half of it becomes old before the second is added, so that old
// objects refer to young ones and are dirty.
Graph graph_build(CHeap *heap, const GraphSizes *sizes, GraphTally *tally);

#endif
