// SizedReach: the blocks without content that a mark reaches: those that its objects and foreign
// blocks refer to, directly or through other such blocks. Shared blocks are not among them.
//
// For marks without an ObjectGraph, which knows these blocks itself.

#ifndef ANALYSIS_GRAPH_SIZED_REACH_H
#define ANALYSIS_GRAPH_SIZED_REACH_H

#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

typedef struct SizedReach {
    uint64_t *reached; // bit per details->sized_blocks; NULL: there are none
    uint64_t blocks;
    uint64_t bytes;
} SizedReach;

// `image` and `mark` are borrowed for the time of the call. left_out: bit per block: not reached,
// whatever refers to it; NULL: none. Errors: memory. Released by sized_reach_release() in any case.
NODISCARD bool sized_reach_make(const HeapImage *image, const MarkResult *mark,
                                const uint64_t *left_out, SizedReach *out, Error *error);
void sized_reach_release(SizedReach *reach);

static inline bool sized_reach_has(const SizedReach *reach, uint32_t block)
{
    return reach->reached != NULL && (reach->reached[block / 64] >> block % 64 & 1) != 0;
}

#endif
