// Looking at object headers while a page is in the cache.
//
// Note [Early words]
//
// Which objects are dead is written in their headers, so finish() has to touch every object; by
// then most of the image has left the caches. Whoever brings the bytes of a page can look at once,
// at little cost, and what it finds is one word per page. In a page of at most 64 slots it is the
// word of slots that hold live objects, in a larger one UINT64_MAX: every allocated object is
// live. 0 means that nothing is known: nobody looked, or the headers say too much for one word.
//
// It is a hint that saves time. The image is the same without it.

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_image_internal.h"

// The early word of a page whose headers have `field`. Inlined for each width of the field, which
// is then no question for each slot.
static inline __attribute__((always_inline)) uint64_t word_from_headers(const HeapLayout *layout,
                                                                        const PageHeader *header,
                                                                        const uint8_t *page,
                                                                        LayoutField field)
{
    const uint8_t *object = page + header->header_size;
    uint64_t dead = 0, seen = 0;

    // Free slots are looked at too. That costs less than to leave them out.
    for (uint32_t slot = 0; slot < header->slot_count; slot++, object += header->block_size) {
        __builtin_prefetch(object + layout->page_size); // the next page is likely to be alike
        uint64_t word = heap_layout_read(object, field);
        seen |= word;
        dead |= (uint64_t)((word & layout->dead_bit) != 0) << (slot % 64);
    }
    if ((seen & layout->under_construction_bit) != 0)
        return 0;
    if (header->slot_count > 64)
        return dead == 0 ? UINT64_MAX : 0;
    return heap_layout_bitmap_word(page, layout->allocated_bitmap, 0) &
           heap_layout_slot_bits(header->slot_count, 0) & ~dead;
}

static uint64_t early_word(const HeapLayout *layout, const uint8_t *page)
{
    LayoutField field = layout->weak_count;
    PageHeader header;

    // Of large objects, this takes those that end in their first page.
    if (page_header_read(layout, page, layout->page_size, &header) != PAGE_HEADER_VALID)
        return 0;
    if (!heap_layout_has_object_header(layout, header.block_size))
        field.width = 0;
    if (field.width == 8)
        return word_from_headers(layout, &header, page, (LayoutField){field.offset, 8});
    return word_from_headers(layout, &header, page, field);
}

void heap_image_builder_look(HeapImageBuilder *builder, const uint8_t *bytes, uint64_t length)
{
    const HeapLayout *layout = &builder->image->layout;
    uint64_t offset, page;

    if (builder->early_words == NULL)
        return;
    page = heap_image_builder_arena_page(builder, bytes, &offset);
    if (offset > 0) {
        uint64_t rest = layout->page_size - offset;
        if (length <= rest)
            return;
        bytes += rest;
        length -= rest;
        page++;
    }
    for (; length >= layout->page_size; page++) {
        builder->early_words[page] = early_word(layout, bytes);
        bytes += layout->page_size;
        length -= layout->page_size;
    }
}

void heap_image_builder_forget(HeapImageBuilder *builder, const uint8_t *bytes, uint64_t length)
{
    uint64_t page_size = builder->image->layout.page_size;
    uint64_t offset, page;

    if (builder->early_words == NULL || length == 0)
        return;
    page = heap_image_builder_arena_page(builder, bytes, &offset);
    memset(builder->early_words + page, 0,
           (offset + length + page_size - 1) / page_size * sizeof *builder->early_words);
}
