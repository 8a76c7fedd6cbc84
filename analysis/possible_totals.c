// PossibleTotals: see analysis/possible_totals.h.

#include "analysis/possible_totals.h"

// Adds without overflow: the sizes of missing parts come from a file.
static void add(uint64_t *to, uint64_t more)
{
    if (__builtin_add_overflow(*to, more, to))
        *to = UINT64_MAX;
}

static uint64_t multiply(uint64_t a, uint64_t b)
{
    uint64_t product;

    return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

// Counts the pages that the lost memory may have held. False: its size is not known.
static bool count_lost_pages(const HeapImage *image, uint64_t *pages)
{
    const SnapshotDetails *details = image->details;

    *pages = 0;
    for (uint32_t i = 0; i < details->loss_count; i++) {
        const SnapshotLoss *loss = &details->losses[i];

        if (loss->kind != LOSS_PAGES && loss->kind != LOSS_MEMORY)
            continue;
        if (loss->bytes == 0)
            return false;
        add(pages, (loss->bytes + image->layout.page_size - 1) / image->layout.page_size);
    }
    return true;
}

// True when missing parts may have held references.
static bool has_lost_references(const HeapImage *image)
{
    for (uint32_t i = 0; i < image->details->loss_count; i++)
        if (image->details->losses[i].kind != LOSS_NAMES)
            return true;
    return false;
}

static void add_lost_pages(PossibleTotals *possible, const HeapLayout *layout, uint64_t pages)
{
    ReachabilityCounts *counts = &possible->counts;
    uint64_t slots =
        multiply(pages, (layout->page_size - layout->page_header_bytes) / layout->min_block_size);
    // A large object's later pages have no header.
    uint64_t bytes = multiply(pages, layout->page_size);

    add(&counts->pages, pages);
    add(&possible->heap_bytes, bytes);
    add(&counts->slots, slots);
    add(&counts->objects, slots);
    add(&counts->object_bytes, bytes);
    add(&counts->zombies, slots);
    add(&counts->zombie_bytes, bytes);
    add(&counts->reachable_objects, slots);
    add(&counts->reachable_bytes, bytes);
    add(&counts->unreachable_objects, slots);
    add(&counts->unreachable_bytes, bytes);
}

PossibleTotals possible_totals(const HeapImage *image, const ReachabilityCounts *totals,
                               uint64_t heap_bytes)
{
    PossibleTotals possible = {.is_known = true, .counts = *totals, .heap_bytes = heap_bytes};
    uint64_t pages;

    if (image->details->metadata.is_complete)
        return possible;
    // Incomplete without a list of losses: a file from before that list existed.
    if (image->details->loss_count == 0 || !count_lost_pages(image, &pages)) {
        possible.is_known = false;
        return possible;
    }
    if (has_lost_references(image)) {
        add(&possible.counts.reachable_objects, totals->unreachable_objects);
        add(&possible.counts.reachable_bytes, totals->unreachable_bytes);
    }
    add_lost_pages(&possible, &image->layout, pages);
    return possible;
}
