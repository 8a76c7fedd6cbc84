// Types that declare where their objects hold references: rule exact/1.
//
// Note [Exact types]
//
// In an object of such a type only the declared words can be references; no other word of it may be
// taken for one. So these other words are zeroed when the image is made. All code that follows
// references (markers, paths, retained sizes) then finds the exact ones, without a case of its own
// and at no cost to other images. Object headers, free slots and objects of other types stay as
// they were captured.

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"

// Zeroes the words of [from, to) in the object; both are multiples of 8.
static bool clear(HeapImage *image, const uint8_t *object, uint32_t from, uint32_t to, Error *error)
{
    return from >= to || heap_image_clear(image, object + from, to - from, error);
}

static bool mask_object(HeapImage *image, const uint8_t *object, uint32_t payload, uint32_t bytes,
                        const SnapshotTypeLayout *layout, Error *error)
{
    uint32_t at = payload;

    for (uint32_t i = 0; i < layout->offset_count && layout->offsets[i] < bytes; i++) {
        if (!clear(image, object, at, layout->offsets[i], error))
            return false;
        if (layout->offsets[i] + 8 > at)
            at = layout->offsets[i] + 8;
    }
    return clear(image, object, at, layout->rest_offset < bytes ? layout->rest_offset : bytes,
                 error);
}

static bool mask_page(HeapImage *image, uint32_t page, Error *error)
{
    const HeapPage *record = &image->pages[page];
    uint32_t payload = heap_image_payload_offset(image, record->block_size);
    const SnapshotTypeLayout *layout = NULL;

    for (uint32_t slot = 0; slot < record->slot_count; slot++) {
        uint64_t word;

        if (!heap_image_is_allocated(image, page, slot))
            continue;
        word = heap_image_type_word(image, page, slot);
        // Neighbours often have the same type.
        if (layout == NULL || layout->type_word != word)
            layout = snapshot_details_find_type_layout(image->details, word);
        if (layout != NULL && !mask_object(image, heap_image_object_bytes(image, page, slot),
                                           payload, record->block_size, layout, error))
            return false;
    }
    return true;
}

bool heap_image_mask_types(HeapImage *image, Error *error)
{
    image->has_exact_types = image->details->type_layout_count > 0;
    if (!image->has_exact_types || image->layout.type_word.width == 0)
        return true;
    for (uint32_t page = 0; page < image->page_count; page++)
        if (heap_layout_has_object_header(&image->layout, image->pages[page].block_size) &&
            !mask_page(image, page, error))
            return false;
    return true;
}
