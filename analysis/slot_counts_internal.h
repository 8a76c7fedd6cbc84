// Counting the slots of a page by whole words of its bitmaps.

#ifndef ANALYSIS_SLOT_COUNTS_INTERNAL_H
#define ANALYSIS_SLOT_COUNTS_INTERNAL_H

#include "analysis/group_table.h"
#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

// 64 slots of one page, as bits.
typedef struct SlotBits {
    uint64_t live;
    uint64_t zombies;
    uint64_t marked;
    bool is_counted; // the mark covers the page; false for old pages in a minor mark
} SlotBits;

static inline SlotBits slot_bits(const HeapImage *image, const MarkResult *mark, uint32_t page,
                                 uint32_t word)
{
    uint64_t index = heap_image_first_word(image, page) + word;
    uint64_t live = image->live[index];

    return (SlotBits){
        .live = live,
        .zombies = heap_image_allocated_word(image, page, word) & ~live,
        .marked = mark->marked[index],
        .is_counted = mark->kind == MARK_MAJOR || heap_image_generation(image, page) == 0,
    };
}

static inline void slot_counts_add(ReachabilityCounts *counts, const SlotBits *bits,
                                   uint64_t slot_bytes)
{
    uint64_t objects = (uint64_t)__builtin_popcountll(bits->live);
    uint64_t zombies = (uint64_t)__builtin_popcountll(bits->zombies);

    counts->objects += objects;
    counts->object_bytes += objects * slot_bytes;
    counts->zombies += zombies;
    counts->zombie_bytes += zombies * slot_bytes;
    if (bits->is_counted) {
        uint64_t reachable = (uint64_t)__builtin_popcountll(bits->live & bits->marked);

        counts->reachable_objects += reachable;
        counts->reachable_bytes += reachable * slot_bytes;
        counts->unreachable_objects += objects - reachable;
        counts->unreachable_bytes += (objects - reachable) * slot_bytes;
    }
}

#endif
