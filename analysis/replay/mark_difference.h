// MarkDifference: the first page in which two marks of one heap differ, with the objects there.

#ifndef ANALYSIS_REPLAY_MARK_DIFFERENCE_H
#define ANALYSIS_REPLAY_MARK_DIFFERENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

// Maximum number of slots of a page that are listed.
#define DIFFERENCE_MAX_SLOTS 8u

// Objects that one mark has and the other has not.
typedef struct DifferingSlots {
    uint64_t objects; // in the whole heap
    uint32_t in_page; // in the first page that differs
    uint32_t shown;   // number of those in `slots`
    uint16_t slots[DIFFERENCE_MAX_SLOTS];
} DifferingSlots;

typedef struct MarkDifference {
    uint64_t pages; // that differ; 0: none
    // The first of them.
    uint32_t page;
    uint64_t page_address;
    uint32_t block_size;
    uint32_t owner_thread;
    bool is_large;
    DifferingSlots added;   // marked, and not expected to be
    DifferingSlots missing; // expected, and not marked
    uint64_t blocks;        // foreign blocks that only one of the two has
} MarkDifference;

// Compares mark words of the shape of MarkResult.marked. True: they are the same, and `out->pages`
// is 0.
bool mark_difference_find(const HeapImage *image, const uint64_t *expected, const uint64_t *marked,
                          MarkDifference *out);

// The same for the objects and foreign blocks of two results.
bool mark_difference_of_results(const HeapImage *image, const MarkResult *expected,
                                const MarkResult *marked, MarkDifference *out);

#endif
