// HeapImage: looking things up in a frozen image. Building one is in heap_image_builder.c.

#include "snapshot/heap/heap_image.h"

#include <stdlib.h>

#include "snapshot/heap/heap_image_internal.h"
#include "base/side_table.h"

const char *root_kind_name(RootKind kind)
{
    static const char *const names[ROOT_KIND_COUNT] = {
        [ROOT_STACK] = "stack",       [ROOT_REGISTER] = "register", [ROOT_GLOBAL] = "global",
        [ROOT_TLS] = "tls",           [ROOT_HANDLE] = "handle",     [ROOT_FOREIGN] = "foreign",
        [ROOT_EXPLICIT] = "explicit",
    };

    return (unsigned)kind < ROOT_KIND_COUNT ? names[kind] : "unknown";
}

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
    free_const(image->page_window.entries);
    side_table_free(image->live, (image->word_count + 1) * sizeof *image->live);
    free_const(image->arena_pages);
    side_table_free(image->page_tags, image->tag_count + 1);
    free_const(image->roots);
    free_const(image->blocks);
    free_const(image->block_window.entries);
    free_const(image->foreign_bytes);
    snapshot_details_free((SnapshotDetails *)(uintptr_t)image->details);
    free(image);
}

uint32_t heap_image_find_page_slow(const HeapImage *image, uint64_t address)
{
    uint32_t low = 0, high = image->window_low;
    PageHeader header;

    // Pages in the window have their own table; few or none are left on its two sides.
    if (address >> image->page_shift >= image->page_window.first) {
        low = image->window_high;
        high = image->page_count;
    }
    // The last page that starts at or below `address`.
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (image->pages[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return NO_INDEX;
    uint32_t page = low - 1;
    uint64_t distance = address - image->pages[page].address;
    if (distance < image->layout.page_size)
        return page;
    if (!heap_image_is_large(image, page))
        return NO_INDEX;
    // Valid since finish() looked at it; read again only for its length.
    if (page_header_read(&image->layout, heap_image_page_bytes(image, page), UINT64_MAX, &header) !=
        PAGE_HEADER_VALID)
        return NO_INDEX;
    return distance < (uint64_t)header.page_count << image->page_shift ? page : NO_INDEX;
}

uint64_t heap_image_allocated_word(const HeapImage *image, uint32_t page, uint32_t word)
{
    return heap_image_bitmap_word(image, page, image->layout.allocated_bitmap, word);
}

uint64_t heap_image_dirty_word(const HeapImage *image, uint32_t page, uint32_t word)
{
    return heap_image_bitmap_word(image, page, image->layout.dirty_bitmap, word);
}

uint64_t heap_image_bitmap_word(const HeapImage *image, uint32_t page, uint32_t bitmap,
                                uint32_t word)
{
    uint32_t slots = image->pages[page].slot_count;
    uint64_t bits;

    if (word >= heap_image_page_words(image, page))
        return 0;
    bits = heap_layout_bitmap_word(heap_image_page_bytes(image, page), bitmap, word);
    if (slots - word * 64 < 64)
        bits &= (UINT64_C(1) << (slots - word * 64)) - 1;
    return bits;
}

bool heap_image_is_allocated(const HeapImage *image, uint32_t page, uint32_t slot)
{
    return heap_image_allocated_word(image, page, slot / 64) >> (slot % 64) & 1;
}

uint32_t heap_image_generation(const HeapImage *image, uint32_t page)
{
    return (uint32_t)heap_layout_read(heap_image_page_bytes(image, page), image->layout.generation);
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
        // The first block that ends behind `address`.
        uint32_t low = 0, high = image->block_count;
        while (low < high) {
            uint32_t middle = low + (high - low) / 2;
            if (blocks[middle].address + blocks[middle].bytes <= address)
                low = middle + 1;
            else
                high = middle;
        }
        block = low;
    }
    for (; block < image->block_count && blocks[block].address <= address; block++)
        if (address - blocks[block].address < blocks[block].bytes)
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
