// CollectorMemory: the memory that the collector keeps for itself.
//
// A collector in a library has variables, a control block for each thread, queues of objects to
// mark and buffers of writes. Marking follows them like all other memory, but they are neither a
// leak of the program nor a part of its heap. Told by name: blocks to which variables of the
// collector's crate refer. Told by structure, in stripped programs, too: blocks with the bounds of
// an allocation buffer in a page, lists of page addresses, and buffers that name objects more often
// than these count references, which no program has. All blocks belong to them that only they keep,
// unless an object of the heap refers to them.
//
// The rule of marking stays. Where an object is kept by nothing else than the collector's words,
// that is a finding.

#ifndef ANALYSIS_COLLECTOR_MEMORY_H
#define ANALYSIS_COLLECTOR_MEMORY_H

#include "analysis/graph/object_graph.h"

// A zeroed struct is valid: nothing is the collector's.
typedef struct CollectorMemory {
    // Bit per block: the collector's own. Blocks without content are numbered behind the foreign
    // blocks, as in heap_image_block_address(). Owned.
    uint64_t *blocks;
    uint64_t *variables;  // bit per root of the image: in a variable of the collector; owned
    uint64_t block_count; // of both
    uint64_t block_bytes;
    // Objects that only the collector's words keep, and the slots that they occupy.
    uint64_t kept_objects;
    uint64_t kept_bytes;
    MarkResult *program; // the mark without the collector's words; NULL: there are none; owned
} CollectorMemory;

// Marks the heap once more, unless nothing is the collector's. Errors: as mark_reachable().
// Released by collector_memory_release() in any case.
NODISCARD bool collector_memory_find(const ObjectGraph *graph, CollectorMemory *out, Error *error);
void collector_memory_release(CollectorMemory *memory);

// Note [Set aside]
//
// What only the collector keeps, and what the collector's words refer to of the rest, is set aside
// for all answers about the program: the references from what only the collector keeps to what the
// program reaches are left out of the graph, and of the image, where later marks would find them.
// So dominators, retained sizes and paths are those of the program, and marking again proves them.
// Everything stays reachable: what only the collector keeps is still below its words. Sizes still
// add up to all that is reachable.
//
// In the graph references become references of a node to itself; in the image words become zero.
// image: that of the graph, or NULL: its words stay. Errors: memory.
NODISCARD bool collector_memory_set_aside(const CollectorMemory *memory, ObjectGraph *graph,
                                          HeapImage *image, Error *error);

static inline bool collector_memory_has_block(const CollectorMemory *memory, uint32_t block)
{
    return memory->blocks != NULL && (memory->blocks[block / 64] >> block % 64 & 1) != 0;
}

static inline bool collector_memory_has_root(const CollectorMemory *memory, uint64_t root)
{
    return memory->variables != NULL && (memory->variables[root / 64] >> root % 64 & 1) != 0;
}

// Is the node a block of the collector?
bool collector_memory_has_node(const CollectorMemory *memory, const ObjectGraph *graph,
                               uint32_t node);

#endif
