// PageOwnership: see marker/page_ownership.h.

#include "marker/page_ownership.h"

#include <stdlib.h>
#include <string.h>

// 1,024 pages of 4 KiB: 8 KiB of mark words.
#define REGION_SHIFT 22u
// Each worker has about this many regions, so that shares can be even.
#define REGIONS_PER_WORKER 16u

// The weight of one region, and its thread.
typedef struct RegionWeight {
    uint32_t region;
    uint32_t owner_thread; // of its first page
    uint64_t weight;       // live objects, plus one a page: empty pages count too
} RegionWeight;

static int compare_regions(const void *left, const void *right)
{
    const RegionWeight *a = left, *b = right;

    if (a->owner_thread != b->owner_thread)
        return a->owner_thread < b->owner_thread ? -1 : 1;
    return a->region < b->region ? -1 : a->region > b->region;
}

// Returns the weight of all regions.
static uint64_t weigh(RegionWeight *regions, const PageOwnership *ownership, const HeapImage *image)
{
    uint64_t total = 0;

    for (uint32_t i = 0; i < ownership->region_count; i++)
        regions[i] = (RegionWeight){.region = i};
    for (uint32_t page = image->window_low; page < image->window_high; page++) {
        const uint64_t *live = image->live + heap_image_first_word(image, page);
        uint64_t number =
            (image->pages[page].address - ownership->window_start) >> ownership->region_shift;
        if (number >= ownership->region_count)
            break;
        RegionWeight *region = &regions[number];
        uint64_t weight = 1;
        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            weight += (uint64_t)__builtin_popcountll(live[word]);
        if (region->weight == 0)
            region->owner_thread = image->pages[page].owner_thread;
        region->weight += weight;
        total += weight;
    }
    return total;
}

static void divide(PageOwnership *ownership, const HeapImage *image, uint32_t worker_count)
{
    uint64_t bytes = image->page_window.count << image->page_shift;
    uint32_t shift = REGION_SHIFT;

    while (shift > image->page_shift && bytes >> shift < worker_count * REGIONS_PER_WORKER)
        shift--;
    while (bytes >> shift >= MAX_REGIONS)
        shift++;
    ownership->window_start = image->page_window.first << image->page_shift;
    ownership->region_shift = shift;
    ownership->region_count = (uint32_t)(bytes >> shift) + 1;
}

bool page_ownership_init(PageOwnership *ownership, const HeapImage *image, uint32_t worker_count,
                         Error *error)
{
    RegionWeight *regions;
    uint64_t total, before = 0;

    memset(ownership, 0, sizeof *ownership);
    divide(ownership, image, worker_count);
    regions = calloc(ownership->region_count, sizeof *regions);
    if (regions == NULL)
        return error_set_memory(error, ownership->region_count * sizeof *regions,
                                "the page owners");
    total = weigh(regions, ownership, image);
    qsort(regions, ownership->region_count, sizeof *regions, compare_regions);
    for (uint32_t i = 0; i < ownership->region_count && total > 0; i++) {
        // The middle of the region decides. Weights are below 2^45, so nothing overflows.
        uint64_t place = before + regions[i].weight / 2;
        uint64_t worker = place * worker_count / total;
        ownership->workers[regions[i].region] =
            (uint8_t)(worker < worker_count ? worker : worker_count - 1);
        before += regions[i].weight;
    }
    free(regions);
    return true;
}
