// HeapImage: looking things up in a frozen image. Building one is in heap_image_builder.c.

#include "snapshot/heap/heap_image.h"

#include <stdlib.h>

#include "snapshot/heap/heap_image_internal.h"
#include "base/search.h"
#include "base/side_table.h"

// A frozen image shows its arrays as const; it still owns them.
static void free_const(const void *memory)
{
    free((void *)(uintptr_t)memory);
}

void heap_image_free(HeapImage *image)
{
    if (image == NULL)
        return;
    heap_image_unmap(image);
    free_const(image->runs);
    free_const(image->pages);
    free_const(image->generations);
    free_const(image->page_window.entries);
    side_table_free(image->live, (image->word_count + 1) * sizeof *image->live);
    side_table_free(image->dead, (image->word_count + 1) * sizeof *image->dead);
    free_const(image->arena_pages);
    side_table_free(image->page_tags, image->tag_count + 1);
    free_const(image->odd_classes);
    free_const(image->odd_pages);
    free_const(image->roots);
    free_const(image->blocks);
    free_const(image->block_window.entries);
    free_const(image->sized_window.entries);
    free_const(image->foreign_bytes);
    snapshot_details_free((SnapshotDetails *)(uintptr_t)image->details);
    free(image);
}

// The image is its owner's to change, though its own pointers are const.
static bool is_paged(const HeapImage *image, const uint8_t *at)
{
    return image->pager != NULL && (uint64_t)(at - image->arena) < image->arena_bytes;
}

bool heap_image_clear(HeapImage *image, const uint8_t *at, uint64_t bytes, Error *error)
{
    if (is_paged(image, at))
        return heap_pager_clear(image->pager, (uint8_t *)(uintptr_t)at, bytes, error);
    memset((uint8_t *)(uintptr_t)at, 0, bytes);
    return true;
}

void heap_image_restore(HeapImage *image, const uint8_t *at, uint64_t value)
{
    if (is_paged(image, at))
        heap_pager_restore(image->pager, (uint8_t *)(uintptr_t)at, value);
    else
        memcpy((uint8_t *)(uintptr_t)at, &value, sizeof value);
}

bool heap_image_check(const HeapImage *image, Error *error)
{
    return heap_pager_check(image->pager, error);
}

uint64_t heap_image_run_pages(const HeapImage *image, uint32_t page)
{
    const HeapPage *record = &image->pages[page];
    uint64_t bytes = (uint64_t)record->header_size + record->block_size;

    if (!heap_image_is_large(image, page))
        return 1;
    return (bytes + image->layout.page_size - 1) >> image->page_shift;
}

uint32_t heap_image_find_page_slow(const HeapImage *image, uint64_t address)
{
    uint32_t first = 0, end = image->window_low, page;

    // Pages in the window have their own table; few or none are left on its two sides.
    if (address >> image->page_shift >= image->page_window.first) {
        first = image->window_high;
        end = image->page_count;
    }
    page = first + (uint32_t)search_above(image->pages + first, end - first, address, address);
    if (page == 0)
        return NO_INDEX;
    page--;
    return address - image->pages[page].address < heap_image_run_pages(image, page)
                                                      << image->page_shift
               ? page
               : NO_INDEX;
}

uint64_t heap_image_allocated_word(const HeapImage *image, uint32_t page, uint32_t word)
{
    uint64_t at = heap_image_first_word(image, page) + word;

    if (word >= heap_image_page_words(image, page))
        return 0;
    return image->live[at] | (image->dead != NULL ? image->dead[at] : 0);
}

uint64_t heap_image_dirty_word(const HeapImage *image, uint32_t page, uint32_t word)
{
    if (word >= heap_image_page_words(image, page) || !heap_layout_has_page_headers(&image->layout))
        return 0;
    return heap_layout_bitmap_word(heap_image_page_bytes(image, page), image->layout.dirty_bitmap,
                                   word) &
           heap_layout_slot_bits(image->pages[page].slot_count, word * 64);
}

bool heap_image_is_allocated(const HeapImage *image, uint32_t page, uint32_t slot)
{
    return heap_image_allocated_word(image, page, slot / 64) >> (slot % 64) & 1;
}

bool heap_image_is_under_construction(const HeapImage *image, uint32_t page, uint32_t slot)
{
    if (!image->has_under_construction ||
        !heap_layout_has_object_header(&image->layout, image->pages[page].block_size))
        return false;
    return (heap_layout_read(heap_image_object_bytes(image, page, slot), image->layout.weak_count) &
            image->layout.under_construction_bit) != 0;
}

uint64_t heap_image_type_word(const HeapImage *image, uint32_t page, uint32_t slot)
{
    if (!heap_layout_has_page_headers(&image->layout)) {
        const SnapshotObjectType *type =
            snapshot_details_find_object_type(image->details, page, slot);
        return type == NULL ? 0 : image->details->types[type->type].type_word;
    }
    if (!heap_layout_has_object_header(&image->layout, image->pages[page].block_size))
        return 0;
    return heap_layout_read(heap_image_object_bytes(image, page, slot), image->layout.type_word);
}

uint32_t heap_image_find_block(const HeapImage *image, uint64_t address)
{
    const ForeignBlock *blocks = image->blocks;
    uint64_t bucket = (address >> image->block_window.shift) - image->block_window.first;
    uint32_t block;

    if (bucket < image->block_window.count) {
        block = image->block_window.entries[bucket];
    } else {
        block = (uint32_t)search_above(blocks, image->block_count, address, address);
        block -= block > 0;
    }
    for (; block < image->block_count && blocks[block].address <= address; block++)
        if (address - blocks[block].address < blocks[block].bytes)
            return block;
    return NO_INDEX;
}

uint32_t heap_image_find_sized_block(const HeapImage *image, uint64_t address)
{
    const SizedBlock *blocks = image->details->sized_blocks;
    uint32_t count = image->details->sized_block_count, block;
    uint64_t bucket = (address >> image->sized_window.shift) - image->sized_window.first;

    if (bucket < image->sized_window.count) {
        block = image->sized_window.entries[bucket];
    } else {
        block = (uint32_t)search_above(blocks, count, address, address);
        block -= block > 0;
    }
    for (; block < count && blocks[block].address <= address; block++)
        if (address - blocks[block].address < sized_block_bytes(&blocks[block]))
            return block;
    return NO_INDEX;
}

Reference heap_image_resolve(const HeapImage *image, uint64_t word, bool allow_interior)
{
    Reference reference = {REFERENCE_NONE, NO_INDEX, NO_INDEX, NO_INDEX};
    uint32_t page = heap_image_find_page(image, word);

    if (page == NO_INDEX) {
        reference.block = heap_image_find_block(image, word);
        if (reference.block != NO_INDEX)
            reference.kind = REFERENCE_BLOCK;
        return reference;
    }
    uint32_t slot = heap_image_slot_at(image, page, word);
    if (slot == NO_INDEX || !heap_image_is_allocated(image, page, slot) ||
        (!allow_interior && heap_image_object_address(image, page, slot) != word)) {
        reference.kind = REFERENCE_INVALID;
        return reference;
    }
    reference.page = page;
    reference.slot = slot;
    reference.kind = heap_image_is_live(image, page, slot) ? REFERENCE_OBJECT : REFERENCE_DEAD;
    return reference;
}
