// MarkedHeap: a random heap with the serial marker's result and its golden.

#ifndef TESTS_SUPPORT_MARKED_HEAP_H
#define TESTS_SUPPORT_MARKED_HEAP_H

#include "analysis/replay/mark_golden.h"
#include "tests/support/random_heap.h"

typedef struct MarkedHeap {
    RandomHeap *heap;
    HeapImage *image;
    MarkResult *result;
    MarkGolden golden;
} MarkedHeap;

MarkedHeap marked_heap_random(uint64_t seed, uint32_t objects);
// One with marked objects in at least three pages.
MarkedHeap marked_heap_with_pages(void);
void marked_heap_release(MarkedHeap *marked);

// Compares the heap's mark with another golden, as mark_golden_compare().
bool marked_heap_compare(const MarkedHeap *marked, const MarkGolden *expected,
                         GoldenComparison *out);

#endif
