// HeapImageBuilder: takes the parts of a heap and makes the side tables of its HeapImage.
// heap_image_placement.c decides where the pages lie in memory, heap_image_records.c reads them.

#include <assert.h>
#include <stdlib.h>

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"
#include "snapshot/heap/snapshot_lookup.h"

// Windows never take more than this share of what they index, or this many buckets.
#define PAGE_WINDOW_BUCKETS 64u  // 256 bytes for a page of 4096 or more
#define BLOCK_WINDOW_BUCKETS 16u // 64 bytes for a block, which may be tiny
#define SIZED_WINDOW_BUCKETS 4u // a block without content takes 16 bytes, and as few as 2 in a file
#define WINDOW_MIN_LIMIT (UINT64_C(1) << 20)

// Buckets of a window over blocks are as small as the first shift says where that takes at most
// 1/4 of its share: a lookup then passes one or two blocks, not all of 4096 bytes.
#define BLOCK_SHIFT_MIN 7u
#define BLOCK_SHIFT_MAX 12u

static uint32_t log2_exact(uint64_t power_of_two)
{
    return (uint32_t)__builtin_ctzll(power_of_two);
}

bool heap_image_builder_new(const HeapLayout *layout, const HeapImageOptions *options,
                            HeapImageBuilder **out, Error *error)
{
    HeapImageBuilder *builder = calloc(1, sizeof *builder);
    HeapImage *image = calloc(1, sizeof *image);
    SnapshotDetails *details = snapshot_details_new();

    *out = NULL;
    if (builder == NULL || image == NULL || details == NULL) {
        free(builder);
        free(image);
        snapshot_details_free(details);
        return error_set_memory(error, sizeof *builder + sizeof *image, "a heap image");
    }
    image->layout = *layout;
    image->page_shift = log2_exact(layout->page_size);
    image->details = details;
    builder->image = image;
    builder->force_relocation = options != NULL && options->force_relocation;
    if (options != NULL && options->paging != NULL) {
        builder->is_paged = true;
        builder->paging = *options->paging;
        builder->source = *options->source;
    }
    *out = builder;
    return true;
}

void heap_image_builder_free(HeapImageBuilder *builder)
{
    if (builder == NULL)
        return;
    heap_image_free(builder->image);
    free(builder->run_places);
    if (builder->source.release != NULL)
        builder->source.release(builder->source.context);
    page_records_release(&builder->records);
    free(builder);
}

void heap_image_builder_take_roots(HeapImageBuilder *builder, Root *roots, uint64_t root_count)
{
    free((void *)(uintptr_t)builder->image->roots);
    builder->image->roots = roots;
    builder->image->root_count = root_count;
}

void heap_image_builder_take_blocks(HeapImageBuilder *builder, ForeignBlock *blocks,
                                    uint32_t block_count, uint8_t *foreign_bytes,
                                    uint64_t foreign_byte_count)
{
    HeapImage *image = builder->image;

    free((void *)(uintptr_t)image->blocks);
    free((void *)(uintptr_t)image->foreign_bytes);
    image->blocks = blocks;
    image->block_count = block_count;
    image->foreign_bytes = foreign_bytes;
    image->foreign_byte_count = foreign_byte_count;
}

void heap_image_builder_take_details(HeapImageBuilder *builder, SnapshotDetails *details)
{
    snapshot_details_free((SnapshotDetails *)(uintptr_t)builder->image->details);
    builder->image->details = details;
}

// Makes the compact table of pages from the records.
static bool build_pages(HeapImageBuilder *builder, Error *error)
{
    HeapImage *image = builder->image;
    const PageRecords *records = &builder->records;
    uint64_t count = records->count;
    HeapPage *pages = malloc((count + 1) * sizeof *pages); // an empty heap has arrays too
    uint8_t *generations = calloc(count + 1, sizeof *generations);
    uint32_t *arena_pages = image->is_relocated ? malloc((count + 1) * sizeof *arena_pages) : NULL;
    uint64_t run = 0;

    image->page_count = (uint32_t)count;
    image->pages = pages;
    image->generations = generations;
    image->arena_pages = arena_pages;
    if (pages == NULL || generations == NULL || (image->is_relocated && arena_pages == NULL))
        return error_set_memory(error, count * sizeof *pages, "the page table");
    for (uint64_t i = 0; i < count; i++) {
        const PageRecord *record = &records->items[i];

        pages[i] = (HeapPage){
            .address = record->address,
            .block_size = record->block_size,
            .header_size = (uint16_t)record->header_size,
            .slot_count = (uint16_t)record->slot_count,
            .owner_thread = record->owner_thread,
        };
        generations[i] = record->generation;
        builder->has_dead = builder->has_dead || record->has_dead;
        if (arena_pages == NULL)
            continue;
        while (run + 1 < image->run_count && image->runs[run + 1].address <= record->address)
            run++;
        arena_pages[i] =
            (uint32_t)(builder->run_places[run].start +
                       ((record->address - image->runs[run].address) >> image->page_shift));
    }
    return true;
}

// ---- windows ----

// Items that begin with an address, by which they ascend.
typedef struct AddressedItems {
    const void *items;
    size_t item_bytes;
    uint64_t count;
    uint64_t size_mask; // of blocks: the bits of the word behind the address that are their size
} AddressedItems;

static uint64_t address_of(const AddressedItems *items, uint64_t index)
{
    return load_u64((const uint8_t *)items->items + index * items->item_bytes);
}

// Chooses the stretch of the address space, between gaps, that holds most items, and
// returns its first and last item.
static void choose_stretch(const AddressedItems *items, uint64_t *first, uint64_t *last)
{
    uint64_t start = 0, before = address_of(items, 0);

    *first = 0;
    *last = 0;
    for (uint64_t i = 1; i <= items->count; i++) {
        uint64_t address = i < items->count ? address_of(items, i) : UINT64_MAX;
        bool is_end = i == items->count || address - before >= WINDOW_GAP_BYTES;

        before = address;
        if (!is_end)
            continue;
        if (i - start > *last - *first + 1 || start == 0) {
            *first = start;
            *last = i - 1;
        }
        start = i;
    }
}

// Sizes a window over addresses[first..last], entries set to NO_INDEX. A window that would be
// large for what it indexes is not made: lookups then take the slow path, same results.
static bool window_new(AddressWindow *window, uint64_t low, uint64_t high, uint32_t shift,
                       uint64_t item_count, uint32_t buckets_per_item, uint32_t **entries,
                       Error *error)
{
    uint64_t first = low >> shift;
    uint64_t count = (high >> shift) - first + 1;
    uint64_t limit = item_count * buckets_per_item;

    if (limit < WINDOW_MIN_LIMIT)
        limit = WINDOW_MIN_LIMIT;

    *entries = NULL;
    if (count > limit)
        return true;
    *entries = malloc(count * sizeof **entries);
    if (*entries == NULL)
        return error_set_memory(error, count * sizeof **entries, "an address window");
    for (uint64_t i = 0; i < count; i++)
        (*entries)[i] = NO_INDEX;
    *window = (AddressWindow){first, count, shift, *entries};
    return true;
}

// Do all pages of the window lie at one distance from their captured addresses?
static bool has_one_delta(HeapImage *image)
{
    for (uint32_t page = image->window_low; page < image->window_high; page++) {
        uint64_t delta =
            (uint64_t)(uintptr_t)heap_image_page_bytes(image, page) - image->pages[page].address;
        if (page == image->window_low)
            image->window_delta = delta;
        else if (image->window_delta != delta)
            return false;
    }
    return true;
}

static bool build_page_window(HeapImage *image, Error *error)
{
    const AddressedItems items = {image->pages, sizeof *image->pages, image->page_count, 0};
    uint64_t first, last;
    uint32_t *entries;
    uint64_t end;

    image->page_window.shift = image->page_shift;
    if (image->page_count == 0)
        return true;
    choose_stretch(&items, &first, &last);
    end = image->pages[last].address +
          (heap_image_run_pages(image, (uint32_t)last) << image->page_shift);
    if (!window_new(&image->page_window, image->pages[first].address, end - 1, image->page_shift,
                    last - first + 1, PAGE_WINDOW_BUCKETS, &entries, error))
        return false;
    if (entries == NULL)
        return true;
    image->window_low = (uint32_t)first;
    image->window_high = (uint32_t)last + 1;
    uint64_t occupied = 0;
    for (uint64_t i = first; i <= last; i++) {
        uint64_t pages = heap_image_run_pages(image, (uint32_t)i);
        for (uint64_t p = 0; p < pages; p++)
            entries[heap_image_bucket(image, (uint32_t)i) + p] = (uint32_t)i;
        occupied += pages;
    }
    image->is_direct = image->page_window.count <= occupied + occupied / 2;
    image->is_flat = image->is_direct && has_one_delta(image);
    return true;
}

_Static_assert(offsetof(ForeignBlock, bytes) == 8 && offsetof(SizedBlock, bytes_and_flags) == 8,
               "the size of a block follows its address");

static uint64_t block_end(const AddressedItems *blocks, uint64_t index)
{
    const uint8_t *block = (const uint8_t *)blocks->items + index * blocks->item_bytes;

    return load_u64(block) + (load_u64(block + 8) & blocks->size_mask);
}

static uint32_t block_shift(uint64_t low, uint64_t high, uint64_t limit)
{
    uint32_t shift = BLOCK_SHIFT_MIN;

    while (shift < BLOCK_SHIFT_MAX && (high >> shift) - (low >> shift) >= limit)
        shift++;
    return shift;
}

// items: ForeignBlock or SizedBlock.
static bool build_block_window(AddressWindow *window, const AddressedItems *items,
                               uint32_t buckets_per_item, Error *error)
{
    uint64_t first, last, low, high, bucket = 0;
    uint32_t *entries, shift;

    window->shift = BLOCK_SHIFT_MAX;
    if (items->count == 0)
        return true;
    choose_stretch(items, &first, &last);
    low = address_of(items, first);
    high = block_end(items, last) - 1;
    shift = block_shift(low, high, (last - first + 1) * buckets_per_item / 4);
    if (!window_new(window, low, high, shift, last - first + 1, buckets_per_item, &entries, error))
        return false;
    if (entries == NULL)
        return true;
    // From the block before: it may end inside the first bucket.
    for (uint64_t i = first > 0 ? first - 1 : first; i <= last; i++) {
        uint64_t end = block_end(items, i);
        // Buckets that start below this block's end and have no earlier block.
        while (bucket < window->count && (window->first + bucket) << shift < end)
            entries[bucket++] = (uint32_t)i;
    }
    return true;
}

// ---- roots and blocks ----

// Our writer sorts too, so only the roots of older files take more than a look.
static void sort_roots(HeapImage *image)
{
    const Root *roots = image->roots;
    uint64_t ordered = 1;

    while (ordered < image->root_count && root_compare(&roots[ordered - 1], &roots[ordered]) <= 0)
        ordered++;
    if (ordered < image->root_count)
        qsort((Root *)(uintptr_t)roots, image->root_count, sizeof *roots, root_compare);
}

static bool are_possible_roots(const HeapImage *image)
{
    for (uint64_t i = 0; i < image->root_count; i++)
        if (image->roots[i].kind >= ROOT_KIND_COUNT)
            return false;
    return true;
}

static bool are_possible_blocks(const HeapImage *image)
{
    uint64_t previous_end = 0;

    for (uint32_t i = 0; i < image->block_count; i++) {
        const ForeignBlock *block = &image->blocks[i];
        if (block->address < previous_end || block->address >= HEAP_ADDRESS_LIMIT ||
            block->bytes == 0 || block->bytes > HEAP_ADDRESS_LIMIT - block->address ||
            block->offset % 8 != 0 || block->offset > image->foreign_byte_count ||
            block->bytes > image->foreign_byte_count - block->offset)
            return false;
        previous_end = block->address + block->bytes;
    }
    return true;
}

static bool build_block_windows(HeapImage *image, Error *error)
{
    const SnapshotDetails *details = image->details;
    const AddressedItems blocks = {image->blocks, sizeof *image->blocks, image->block_count,
                                   UINT64_MAX};
    const AddressedItems sized = {details->sized_blocks, sizeof *details->sized_blocks,
                                  details->sized_block_count, ~(uint64_t)(SIZED_BLOCK_GRANULE - 1)};

    return build_block_window(&image->block_window, &blocks, BLOCK_WINDOW_BUCKETS, error) &&
           build_block_window(&image->sized_window, &sized, SIZED_WINDOW_BUCKETS, error);
}

static bool build(HeapImageBuilder *builder, Error *error)
{
    HeapImage *image = builder->image;

    if (!heap_image_builder_order_records(builder, error) || !build_pages(builder, error))
        return false;
    assert(are_possible_roots(image) && are_possible_blocks(image));
    sort_roots(image);
    if (!build_page_window(image, error) || !build_block_windows(image, error) ||
        !heap_image_build_words(image, &builder->records, builder->has_dead, error))
        return false;
    // The image is not frozen yet.
    return heap_image_mask_types(image, error) && heap_image_check(image, error) &&
           snapshot_details_index((SnapshotDetails *)(uintptr_t)image->details, error);
}

uint64_t heap_image_builder_fault_address(const HeapImageBuilder *builder)
{
    return builder->fault_address;
}

bool heap_image_builder_finish(HeapImageBuilder **builder, HeapImage **out, Error *error)
{
    *out = NULL;
    if (!build(*builder, error))
        return false;
    *out = (*builder)->image;
    (*builder)->image = NULL;
    heap_image_builder_free(*builder);
    *builder = NULL;
    return true;
}
