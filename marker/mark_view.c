// MarkView: see marker/mark_view.h.

#include "marker/mark_view.h"

#include <string.h>

#include "marker/mark_item.h"
#include "marker/mark_words.h"

// Lines of an object that are prefetched; the hardware prefetches the rest.
#define PREFETCH_LINES 4u
#define LINE_BYTES 64u

static void fill_scan_classes(MarkView *view)
{
    view->pair_tag = UINT32_MAX;
    for (uint32_t tag = PAGE_TAG_COMPLEX + 1; tag <= PAGE_TAG_CLASS; tag++) {
        uint32_t bytes = view->classes[tag].block_size - view->classes[tag].payload_offset;
        uint32_t lines = (bytes + LINE_BYTES - 1) / LINE_BYTES;
        view->scan_classes[tag].words = bytes / 8;
        view->scan_classes[tag].lines = lines < PREFETCH_LINES ? lines : PREFETCH_LINES;
        view->long_tags |= (uint64_t)(lines > 1) << tag;
        if (view->scan_classes[tag].words == 2)
            view->pair_tag = tag;
    }
}

// Of an object of an odd class, which may begin anywhere in a line.
static uint32_t odd_lines(const OddClass *class)
{
    uint32_t lines = (class->payload_words * 8u + 2 * LINE_BYTES - 1) / LINE_BYTES;

    return lines < PREFETCH_LINES ? lines : PREFETCH_LINES;
}

// Is every object of the class in one line?
static bool is_in_one_line(const OddClass *class)
{
    return class->payload_words <= 1 ||
           (class->first_slot == 0 && class->block_size <= LINE_BYTES &&
            LINE_BYTES % class->block_size == 0);
}

static void fill_odd_classes(MarkView *view, const HeapImage *image)
{
    view->odd_classes = image->odd_classes;
    view->odd_class_count = image->odd_class_count;
    for (uint32_t i = 0; i < image->odd_class_count; i++)
        view->long_tags |= (uint64_t)!is_in_one_line(&image->odd_classes[i])
                           << (MARK_ITEM_ODD_TAG + i) % 64;
}

void mark_view_prefetch_odd(const MarkView *view, const uint8_t *bytes, uint32_t tag)
{
    uint32_t words = view->odd_classes[tag - MARK_ITEM_ODD_TAG].payload_words;
    uint32_t last = (words - 1) * 8; // the line of the last word may be another one

    if (last > (PREFETCH_LINES - 1) * LINE_BYTES)
        last = (PREFETCH_LINES - 1) * LINE_BYTES;
    for (uint32_t at = LINE_BYTES; at < last; at += LINE_BYTES)
        __builtin_prefetch(bytes + at);
    __builtin_prefetch(bytes + last);
}

uint32_t mark_view_item_lines(const MarkView *view, uint32_t tag)
{
    if (tag < MARK_ITEM_SPAN_TAG)
        return view->scan_classes[tag].lines;
    return tag < MARK_ITEM_ODD_TAG ? 1 : odd_lines(&view->odd_classes[tag - MARK_ITEM_ODD_TAG]);
}

// The smallest range around all pages outside the window and all foreign blocks. It may cover
// the window too, which is tested first.
static void find_far_range(const HeapImage *image, WordRange *range)
{
    uint64_t low = UINT64_MAX, high = 0;

    for (int side = 0; side < 2; side++) {
        uint32_t first = side == 0 ? 0 : image->window_high;
        uint32_t end = side == 0 ? image->window_low : image->page_count;
        if (first == end)
            continue;
        // The end of a run is the end of the last object in it, large or not.
        const HeapPage *last = &image->pages[end - 1];
        uint64_t last_end =
            last->address + last->header_size + (uint64_t)last->slot_count * last->block_size;
        if (last_end < last->address + image->layout.page_size)
            last_end = last->address + image->layout.page_size;
        last_end = (last_end + image->layout.page_size - 1) & -(uint64_t)image->layout.page_size;
        low = image->pages[first].address < low ? image->pages[first].address : low;
        high = last_end > high ? last_end : high;
    }
    if (image->block_count > 0) {
        const ForeignBlock *first = &image->blocks[0];
        const ForeignBlock *last = &image->blocks[image->block_count - 1];
        low = first->address < low ? first->address : low;
        high = last->address + last->bytes > high ? last->address + last->bytes : high;
    }
    range->far_low = low < high ? low : 0;
    range->far_span = low < high ? high - low : 0;
}

static void fill_tag_tables(MarkView *view, const HeapImage *image)
{
    for (uint32_t tag = PAGE_TAG_COMPLEX + 1; tag <= PAGE_TAG_CLASS; tag++) {
        const SlotClass *class = &view->classes[tag];
        view->sure_starts[tag | PAGE_TAG_WHOLE] = mark_words_starts(image, class);
        view->item_bases[tag] =
            mark_item_object(0, tag) + view->window_start + view->delta + class->payload_offset;
    }
}

void mark_view_init(MarkView *view, const HeapImage *image, const MarkTarget *target)
{
    memset(view, 0, sizeof *view);
    view->range = (WordRange){
        .window_first = image->page_window.first,
        .window_count = image->page_window.count,
        .page_shift = image->page_shift,
    };
    find_far_range(image, &view->range);
    view->window_start = view->range.window_first << image->page_shift;
    view->window_bytes = view->range.window_count << image->page_shift;
    view->page_mask = image->layout.page_size - 1;
    view->has_delta = image->is_flat || !image->is_relocated;
    view->delta = image->is_flat ? image->window_delta : 0;
    view->granule_shift = image->page_shift - 6;
    view->live = image->live;
    view->white = target->white;
    view->wide_classes = target->wide_classes;
    view->wide_base = mark_item_object(view->window_start + view->delta, 0) +
                      ((UINT64_C(1) * MARK_ITEM_ODD_TAG - 1) << MARK_ITEM_TAG_SHIFT);
    view->pages = image->is_direct ? NULL : image->page_window.entries;
    memcpy(view->classes, image->slot_classes, sizeof view->classes);
    fill_scan_classes(view);
    fill_odd_classes(view, image);
    fill_tag_tables(view, image);
    view->checks_construction = image->has_under_construction;
    view->filter = word_filter_best();
}

Span span_at(const HeapImage *image, uint64_t address)
{
    uint32_t page = heap_image_find_page(image, address);

    if (page == NO_INDEX) {
        const ForeignBlock *block = &image->blocks[heap_image_find_block(image, address)];
        uint64_t offset = address - block->address;
        return (Span){image->foreign_bytes + block->offset + offset, block->bytes - offset};
    }
    uint32_t slot = heap_image_slot_at(image, page, address);
    uint64_t offset = address - heap_image_object_address(image, page, slot);
    return (Span){heap_image_object_bytes(image, page, slot) + offset,
                  image->pages[page].block_size - offset};
}
