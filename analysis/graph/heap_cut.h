// HeapCut: a heap without some objects, foreign blocks or root words, to be marked again: the
// objects that are not reached any more were kept alive by them.
//
// The marker does the work, on an image in which removed objects are not live, removed blocks are
// empty, and removed roots are missing.

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
// A foreign block, or one without content (numbered behind these).
void heap_cut_block(HeapCut *cut, uint32_t block);
void heap_cut_root(HeapCut *cut, uint64_t root); // index into HeapImage.roots

// The blocks without content that are reached before; empty before the first heap_cut_mark().
const struct SizedReach *heap_cut_before(const HeapCut *cut);

// Puts everything back.
void heap_cut_reset(HeapCut *cut);

// The objects and blocks that become garbage.
typedef struct FreedCounts {
    uint64_t objects;
    uint64_t object_bytes;
    uint64_t blocks;
    uint64_t block_bytes;
    uint64_t sized_blocks; // blocks without content, of which shared ones are never freed
    uint64_t sized_bytes;
} FreedCounts;

static inline uint64_t freed_bytes(const FreedCounts *freed)
{
    return freed->object_bytes + freed->block_bytes + freed->sized_bytes;
}

// Marks the rest and counts the objects and blocks that `before`, a major mark of the whole image,
// has in addition. Each call for one cut has the same `before`. `out` may be NULL; else the caller
// owns the result. Errors: as mark_reachable().
NODISCARD bool heap_cut_mark(HeapCut *cut, const MarkResult *before, FreedCounts *freed,
                             MarkResult **out, Error *error);

#endif
