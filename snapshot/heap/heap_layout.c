// HeapLayout: see snapshot/heap/heap_layout.h.

#include "snapshot/heap/heap_layout.h"

#include <string.h>

static bool is_power_of_two(uint64_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static uint32_t round_up(uint32_t value, uint32_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

static bool field_fits(LayoutField field, uint32_t bytes)
{
    bool known_width = field.width == 0 || field.width == 1 || field.width == 2 ||
                       field.width == 4 || field.width == 8;
    return known_width && (uint32_t)field.offset + field.width <= bytes;
}

uint32_t heap_layout_known_flags(const HeapLayout *layout)
{
    return layout->flag_large | layout->flag_orphan | layout->flag_needs_sweep |
           layout->flag_all_dead | layout->flag_dirty_listed;
}

static bool page_fields_fit(const HeapLayout *layout)
{
    const LayoutField fields[] = {layout->magic,        layout->block_size, layout->object_count,
                                  layout->header_size,  layout->generation, layout->flags,
                                  layout->owner_thread, layout->dead_count, layout->free_list_head};
    const uint32_t bitmaps[] = {layout->mark_bitmap, layout->dirty_bitmap,
                                layout->allocated_bitmap};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!field_fits(fields[i], layout->page_header_bytes))
            return false;
    for (size_t i = 0; i < sizeof bitmaps / sizeof bitmaps[0]; i++)
        if (bitmaps[i] % 8 != 0 ||
            (uint64_t)bitmaps[i] + 8 * (uint64_t)layout->bitmap_words > layout->page_header_bytes)
            return false;
    if (!heap_layout_has_page_headers(layout))
        return true;
    return layout->magic.width != 0 && layout->block_size.width != 0 &&
           layout->object_count.width != 0 && layout->header_size.width != 0;
}

// As many bits as the smallest class needs; none in pages without headers.
static bool bitmaps_fit(const HeapLayout *layout)
{
    if (!heap_layout_has_page_headers(layout))
        return layout->bitmap_words == 0;
    return layout->bitmap_words > 0 && layout->bitmap_words <= LAYOUT_MAX_PAGE_SIZE / 64;
}

static bool object_fields_fit(const HeapLayout *layout)
{
    const LayoutField fields[] = {layout->reference_count, layout->weak_count,
                                  layout->drop_function,   layout->type_word,
                                  layout->dropping,        layout->object_generation};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (!field_fits(fields[i], layout->object_header_bytes))
            return false;
    return layout->object_header_bytes % 8 == 0 &&
           layout->object_header_bytes <= layout->max_block_size &&
           layout->free_link_bytes <= layout->min_block_size;
}

// Can there be size classes between the smallest and the largest, and does the largest fit a page?
static bool classes_fit(const HeapLayout *layout)
{
    uint32_t min = layout->min_block_size, max = layout->max_block_size;
    uint32_t step = layout->block_size_step;

    if (step % 8 != 0 || layout->first_slot_step % 8 != 0 || step > layout->page_size ||
        layout->first_slot_step > layout->page_size)
        return false;
    if (step == 0 ? !is_power_of_two(min) || !is_power_of_two(max)
                  : min % step != 0 || max % step != 0)
        return false;
    return min >= 8 && min <= max && max < layout->page_size &&
           heap_layout_small_header_size(layout, max) + max <= layout->page_size;
}

bool heap_layout_check(const HeapLayout *layout, Error *error)
{
    if (memchr(layout->name, '\0', sizeof layout->name) == NULL || layout->name[0] == '\0')
        return error_set(error, ERROR_CORRUPT, "the heap layout has no proper name");
    if (!is_power_of_two(layout->page_size) || layout->page_size < LAYOUT_MIN_PAGE_SIZE ||
        layout->page_size > LAYOUT_MAX_PAGE_SIZE)
        return error_set(error, ERROR_CORRUPT, "heap layout '%s': page size %u is not possible",
                         layout->name, layout->page_size);
    if (layout->page_header_bytes >= layout->page_size || !bitmaps_fit(layout) ||
        !page_fields_fit(layout))
        return error_set(error, ERROR_CORRUPT,
                         "heap layout '%s': a field lies outside the page header", layout->name);
    if (!classes_fit(layout))
        return error_set(error, ERROR_CORRUPT, "heap layout '%s': size classes %u to %u do not fit",
                         layout->name, layout->min_block_size, layout->max_block_size);
    if (heap_layout_has_page_headers(layout) &&
        (layout->page_size - layout->page_header_bytes) / layout->min_block_size >
            64 * layout->bitmap_words)
        return error_set(error, ERROR_CORRUPT, "heap layout '%s': bitmaps are too short",
                         layout->name);
    if (!is_power_of_two(layout->large_header_alignment) || layout->large_header_alignment < 8 ||
        layout->large_header_alignment > layout->page_size)
        return error_set(error, ERROR_CORRUPT,
                         "heap layout '%s': large object alignment %u is not possible",
                         layout->name, layout->large_header_alignment);
    if (layout->max_owner_thread > UINT32_MAX)
        return error_set(error, ERROR_CORRUPT, "heap layout '%s': owner threads go too high",
                         layout->name);
    if (layout->max_generation > UINT8_MAX || heap_layout_known_flags(layout) > UINT8_MAX)
        return error_set(error, ERROR_CORRUPT,
                         "heap layout '%s': generations or flags need more than a byte",
                         layout->name);
    if (!object_fields_fit(layout))
        return error_set(error, ERROR_CORRUPT,
                         "heap layout '%s': a field lies outside the object header", layout->name);
    return true;
}

const HeapLayout *heap_layout_boehm(void)
{
    static const HeapLayout layout = {
        .name = "bdwgc",
        .page_size = 4096,
        .min_block_size = 16,
        .max_block_size = 2048,
        .block_size_step = 16,
        .first_slot_step = 8,
        .large_header_alignment = 8,
        .free_list_none = UINT64_MAX,
    };

    return &layout;
}

void heap_layout_write(uint8_t *base, LayoutField field, uint64_t value)
{
    for (unsigned i = 0; i < field.width; i++)
        base[field.offset + i] = (uint8_t)(value >> (8 * i));
}

bool heap_layout_is_class(const HeapLayout *layout, uint64_t block_size)
{
    if (block_size < layout->min_block_size || block_size > layout->max_block_size)
        return false;
    if (layout->block_size_step == 0)
        return is_power_of_two(block_size);
    // Of powers of two all fit a page where the largest does; of others not.
    return block_size % layout->block_size_step == 0 &&
           heap_layout_small_header_size(layout, (uint32_t)block_size) + block_size <=
               layout->page_size;
}

uint64_t heap_layout_described_pages(const HeapLayout *layout, uint64_t block_size,
                                     uint32_t slot_count)
{
    if (block_size > layout->max_block_size)
        return slot_count != 1 ? 0 : (block_size + layout->page_size - 1) / layout->page_size;
    return heap_layout_is_class(layout, block_size) && slot_count == layout->page_size / block_size;
}

uint32_t heap_layout_small_header_size(const HeapLayout *layout, uint32_t block_size)
{
    return round_up(layout->page_header_bytes,
                    layout->first_slot_step == 0 ? block_size : layout->first_slot_step);
}

bool heap_layout_is_first_slot(const HeapLayout *layout, uint32_t block_size, uint64_t offset)
{
    uint32_t lowest = heap_layout_small_header_size(layout, block_size);

    if (layout->first_slot_step == 0)
        return offset == lowest;
    return offset >= lowest && offset % layout->first_slot_step == 0 &&
           offset + block_size <= layout->page_size;
}

static PageHeaderFault check_small(const HeapLayout *layout, PageHeader *header)
{
    uint32_t block_size = header->block_size;

    if (!heap_layout_is_class(layout, block_size))
        return PAGE_HEADER_BAD_BLOCK_SIZE;
    if (!heap_layout_is_first_slot(layout, block_size, header->header_size))
        return PAGE_HEADER_BAD_HEADER_SIZE;
    if (header->slot_count != (layout->page_size - header->header_size) / block_size)
        return PAGE_HEADER_BAD_OBJECT_COUNT;
    header->page_count = 1;
    return PAGE_HEADER_VALID;
}

static PageHeaderFault check_large(const HeapLayout *layout, uint64_t available_bytes,
                                   PageHeader *header)
{
    uint64_t run_bytes = (uint64_t)header->header_size + header->block_size;

    if (header->block_size <= layout->max_block_size)
        return PAGE_HEADER_BAD_BLOCK_SIZE;
    // At least, not exactly: a type with a large alignment pushes its object back.
    if (header->header_size < round_up(layout->page_header_bytes, layout->large_header_alignment) ||
        header->header_size % 8 != 0)
        return PAGE_HEADER_BAD_HEADER_SIZE;
    if (header->slot_count != 1)
        return PAGE_HEADER_BAD_OBJECT_COUNT;
    header->page_count = (uint32_t)((run_bytes + layout->page_size - 1) / layout->page_size);
    if ((uint64_t)header->page_count * layout->page_size > available_bytes)
        return PAGE_HEADER_RUN_TOO_SHORT;
    return PAGE_HEADER_VALID;
}

PageHeaderFault page_header_read(const HeapLayout *layout, const uint8_t *page,
                                 uint64_t available_bytes, PageHeader *out)
{
    uint64_t flags, generation, block_size, slot_count;

    memset(out, 0, sizeof *out);
    if (heap_layout_read(page, layout->magic) != layout->magic_value)
        return PAGE_HEADER_NO_MAGIC;
    flags = heap_layout_read(page, layout->flags);
    if ((flags & ~(uint64_t)heap_layout_known_flags(layout)) != 0)
        return PAGE_HEADER_BAD_FLAGS;
    generation = heap_layout_read(page, layout->generation);
    if (generation > layout->max_generation)
        return PAGE_HEADER_BAD_GENERATION;
    out->owner_thread = heap_layout_read(page, layout->owner_thread);
    if (out->owner_thread < layout->min_owner_thread ||
        out->owner_thread > layout->max_owner_thread)
        return PAGE_HEADER_BAD_OWNER;
    block_size = heap_layout_read(page, layout->block_size);
    if (block_size == 0 || block_size > UINT32_MAX)
        return PAGE_HEADER_BAD_BLOCK_SIZE;
    slot_count = heap_layout_read(page, layout->object_count);
    if (slot_count > UINT16_MAX)
        return PAGE_HEADER_BAD_OBJECT_COUNT;
    if (heap_layout_read(page, layout->header_size) > UINT16_MAX)
        return PAGE_HEADER_BAD_HEADER_SIZE;

    out->flags = (uint8_t)flags;
    out->generation = (uint8_t)generation;
    out->block_size = (uint32_t)block_size;
    out->slot_count = (uint32_t)slot_count;
    out->header_size = (uint32_t)heap_layout_read(page, layout->header_size);
    out->is_large = (flags & layout->flag_large) != 0;
    return out->is_large ? check_large(layout, available_bytes, out) : check_small(layout, out);
}
