// Marking a heap of which only a part is resident: see Note [Paged images] in
// snapshot/heap/heap_image_placement.c.
//
// Following references from object to object would read pages in any order, and so most of them
// again and again. So one pass over the pages, in the order of their addresses and on several
// threads, resolves the references of all live objects and foreign blocks into a compact graph, 4
// bytes an object and 4 a reference; then the graph is marked, and no page is touched. The result
// is that of every other way to mark.

#ifndef MARKER_MARK_IN_PASSES_H
#define MARKER_MARK_IN_PASSES_H

#include "marker/mark.h"

// The most nodes that the mark stack holds.
#define MARK_STACK_NODES (UINT64_C(1) << 20)

// `options->workers` threads resolve references (0: one a CPU); the rest of the options but the
// kind is not used. Errors: memory, unsupported (2^32 objects and blocks), those of reading pages.
NODISCARD bool mark_in_passes(const HeapImage *image, const MarkOptions *options, MarkResult **out,
                              Error *error);

// How many live objects and blocks there are, and about how many references they hold (those of
// some pages are counted, from which the rest is inferred): the graph takes 4 bytes for each.
typedef struct PassesNeed {
    uint64_t nodes;
    uint64_t references;
} PassesNeed;

NODISCARD bool mark_in_passes_need(const HeapImage *image, PassesNeed *out, Error *error);

// Bytes that mark_in_passes() takes, the result included.
uint64_t mark_in_passes_bytes(const HeapImage *image, const PassesNeed *need);

#endif
