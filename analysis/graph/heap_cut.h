// HeapCut: the same heap with some objects, foreign blocks or root words taken away, to be marked
// again: what is not reached any more is what they kept alive.
//
// Nothing is computed here: the marker does the work on an image that says of an object that it is
// not live, of a block that it is empty, of a root that it is none.

#ifndef ANALYSIS_GRAPH_HEAP_CUT_H
#define ANALYSIS_GRAPH_HEAP_CUT_H

#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

typedef struct HeapCut HeapCut;

// Borrows `image`, which must outlive the cut. Errors: memory. The caller owns `*out` and frees it
// with heap_cut_free().
NODISCARD bool heap_cut_new(const HeapImage *image, HeapCut **out, Error *error);
void heap_cut_free(HeapCut *cut);

void heap_cut_object(HeapCut *cut, uint32_t page, uint32_t slot);
void heap_cut_block(HeapCut *cut, uint32_t block);
void heap_cut_root(HeapCut *cut, uint64_t root); // index into HeapImage.roots

// Puts everything back.
void heap_cut_reset(HeapCut *cut);

// What becomes garbage.
typedef struct FreedCounts {
    uint64_t objects;
    uint64_t object_bytes;
    uint64_t blocks;
    uint64_t block_bytes;
} FreedCounts;

// Marks what is left. `out` may be NULL; else the caller owns the result: what `before`, a major
// mark of the whole image, has more is freed. Errors: as mark_reachable().
NODISCARD bool heap_cut_mark(const HeapCut *cut, const MarkResult *before, FreedCounts *freed,
                             MarkResult **out, Error *error);

#endif
