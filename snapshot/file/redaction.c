// Redaction: see snapshot/file/redaction.h.

#include "snapshot/file/redaction.h"

#include <stdlib.h>
#include <string.h>

#define WORD_BYTES 8u

// ---- where kept words may point ----

static int compare_ranges(const void *left, const void *right)
{
    const AddressRange *a = left, *b = right;

    return a->start < b->start ? -1 : a->start > b->start;
}

// Sorts the ranges and joins those that touch or overlap.
static void join_ranges(Redaction *redaction)
{
    AddressRange *ranges = redaction->ranges;
    uint64_t count = redaction->range_count, joined = 0;

    if (count > 0)
        qsort(ranges, count, sizeof *ranges, compare_ranges);
    for (uint64_t i = 0; i < count; i++) {
        if (joined > 0 && ranges[i].start <= ranges[joined - 1].end) {
            if (ranges[i].end > ranges[joined - 1].end)
                ranges[joined - 1].end = ranges[i].end;
        } else {
            ranges[joined++] = ranges[i];
        }
    }
    redaction->range_count = joined;
}

static void add_range(Redaction *redaction, uint64_t start, uint64_t bytes)
{
    if (bytes > 0 && bytes <= UINT64_MAX - start)
        redaction->ranges[redaction->range_count++] = (AddressRange){start, start + bytes};
}

static bool find_ranges(Redaction *redaction, const SnapshotContents *contents, Error *error)
{
    const SnapshotDetails *details = contents->details;
    uint64_t room = contents->run_count + contents->block_count + details->mapping_count;

    redaction->ranges = malloc((room + 1) * sizeof *redaction->ranges);
    if (redaction->ranges == NULL)
        return error_set_memory(error, room * sizeof *redaction->ranges, "redacting");
    for (uint32_t i = 0; i < details->mapping_count; i++) {
        const SnapshotMapping *mapping = &details->mappings[i];
        if (mapping->permissions[1] == 'w' && mapping->permissions[3] == 'p' &&
            mapping->end > mapping->start)
            add_range(redaction, mapping->start, mapping->end - mapping->start);
    }
    // These lie in such mappings, but not every way of capturing knows the mappings.
    for (uint64_t i = 0; i < contents->run_count; i++)
        add_range(redaction, contents->runs[i].address,
                  contents->runs[i].page_count * contents->layout.page_size);
    for (uint64_t i = 0; i < contents->block_count; i++)
        add_range(redaction, contents->blocks[i].address, contents->blocks[i].bytes);
    join_ranges(redaction);
    return true;
}

bool redaction_keeps(const Redaction *redaction, uint64_t value)
{
    const AddressRange *ranges = redaction->ranges;
    uint64_t low = 0, high = redaction->range_count;

    // Most words are far from any address.
    if (high == 0 || value < ranges[0].start || value >= ranges[high - 1].end)
        return false;
    // Not base/search.h: this runs for every word, in no order, and without branches that depend on
    // the word it takes less than half the time (200 ranges).
    while (high - low > 1) {
        uint64_t middle = low + (high - low) / 2;
        if (ranges[middle].start <= value)
            low = middle;
        else
            high = middle;
    }
    return value < ranges[low].end;
}

// ---- headers ----

static void keep_field(uint8_t *mask, LayoutField field)
{
    memset(mask + field.offset, 0xff, field.width);
}

static void fill_masks(Redaction *redaction)
{
    const HeapLayout *layout = redaction->layout;
    const LayoutField page_fields[] = {
        layout->magic,        layout->block_size, layout->object_count,
        layout->header_size,  layout->generation, layout->flags,
        layout->owner_thread, layout->dead_count, layout->free_list_head};
    const LayoutField object_fields[] = {layout->reference_count, layout->weak_count,
                                         layout->drop_function,   layout->type_word,
                                         layout->dropping,        layout->object_generation};
    const uint32_t bitmaps[] = {layout->mark_bitmap, layout->dirty_bitmap,
                                layout->allocated_bitmap};

    for (size_t i = 0; i < sizeof page_fields / sizeof page_fields[0]; i++)
        keep_field(redaction->page_mask, page_fields[i]);
    for (size_t i = 0; i < sizeof object_fields / sizeof object_fields[0]; i++)
        keep_field(redaction->object_mask, object_fields[i]);
    for (size_t i = 0; i < sizeof bitmaps / sizeof bitmaps[0]; i++)
        memset(redaction->page_mask + bitmaps[i], 0xff, (size_t)WORD_BYTES * layout->bitmap_words);
}

bool redaction_init(Redaction *redaction, const SnapshotContents *contents, Error *error)
{
    const HeapLayout *layout = &contents->layout;

    *redaction = (Redaction){.layout = layout};
    redaction->page_mask = calloc(1, (size_t)layout->page_header_bytes + 1);
    redaction->object_mask = calloc(1, (size_t)layout->object_header_bytes + 1);
    if (redaction->page_mask == NULL || redaction->object_mask == NULL) {
        redaction_release(redaction);
        return error_set_memory(error, layout->page_header_bytes, "redacting");
    }
    fill_masks(redaction);
    if (find_ranges(redaction, contents, error))
        return true;
    redaction_release(redaction);
    return false;
}

void redaction_release(Redaction *redaction)
{
    free(redaction->ranges);
    free(redaction->page_mask);
    free(redaction->object_mask);
    *redaction = (Redaction){0};
}

static void apply_mask(uint8_t *bytes, const uint8_t *mask, uint64_t length)
{
    for (uint64_t i = 0; i < length; i++)
        bytes[i] &= mask[i];
}

// Bits behind the last slot have no meaning, and are long enough to hold text. An audit wants to
// know whether any is set: one bit, the first behind the last slot, stands for all.
static void fold_bits(const HeapLayout *layout, uint8_t *page, uint32_t bitmap, uint32_t slot_count)
{
    static const LayoutField word = {0, WORD_BYTES};
    uint64_t beyond = 0;

    for (uint32_t i = slot_count / 64; i < layout->bitmap_words; i++) {
        uint8_t *at = page + bitmap + (size_t)WORD_BYTES * i;
        uint64_t bits = heap_layout_read(at, word);
        uint64_t of_slots =
            i == slot_count / 64 ? (UINT64_C(1) << slot_count % 64) - 1 : UINT64_C(0);
        beyond |= bits & ~of_slots;
        heap_layout_write(at, word, bits & of_slots);
    }
    if (beyond != 0) {
        uint8_t *at = page + bitmap + (size_t)WORD_BYTES * (slot_count / 64);
        heap_layout_write(at, word, heap_layout_read(at, word) | UINT64_C(1) << slot_count % 64);
    }
}

static void redact_page_header(const Redaction *redaction, uint8_t *page, uint32_t slot_count)
{
    const HeapLayout *layout = redaction->layout;

    apply_mask(page, redaction->page_mask, layout->page_header_bytes);
    fold_bits(layout, page, layout->mark_bitmap, slot_count);
    fold_bits(layout, page, layout->dirty_bitmap, slot_count);
    fold_bits(layout, page, layout->allocated_bitmap, slot_count);
}

// ---- words ----

// Zeroes each word that may not stay. `bytes` lies at a multiple of 8 in the process; a last word
// that is cut off is zeroed.
static void redact_words(const Redaction *redaction, uint8_t *bytes, uint64_t length)
{
    uint64_t at = 0;

    for (; at + WORD_BYTES <= length; at += WORD_BYTES) {
        uint64_t value;
        memcpy(&value, bytes + at, sizeof value);
        if (value != 0 && !redaction_keeps(redaction, value))
            memset(bytes + at, 0, sizeof value);
    }
    memset(bytes + at, 0, length - at);
}

bool redaction_keeps_link(const Redaction *redaction, const uint8_t *link, uint32_t slot_count)
{
    uint32_t bytes = redaction->layout->free_link_bytes;

    if (bytes == WORD_BYTES) {
        uint64_t address = heap_layout_read(link, (LayoutField){0, WORD_BYTES});
        if (redaction_keeps(redaction, address))
            return true;
    }
    for (uint32_t at = 0; at < bytes; at += 2) {
        uint64_t number =
            heap_layout_read(link, (LayoutField){(uint16_t)at, bytes - at > 1 ? 2 : 1});
        if (number >= slot_count && number != UINT16_MAX)
            return false;
    }
    return true;
}

static void redact_slot(const Redaction *redaction, const PageRecord *record, bool is_allocated,
                        uint8_t *slot)
{
    const HeapLayout *layout = redaction->layout;
    uint32_t head =
        heap_layout_has_object_header(layout, record->block_size) ? layout->object_header_bytes : 0;
    uint32_t link = layout->free_link_bytes;

    if (is_allocated) {
        apply_mask(slot, redaction->object_mask, head);
        redact_words(redaction, slot + head, record->block_size - head);
        return;
    }
    if (!redaction_keeps_link(redaction, slot, record->slot_count))
        link = 0;
    memset(slot + link, 0, record->block_size - link);
}

void redaction_small_page(const Redaction *redaction, const PageRecord *record,
                          const PageBits *bits, uint8_t *page)
{
    const HeapLayout *layout = redaction->layout;
    uint32_t slots_end = record->header_size + record->slot_count * record->block_size;

    redact_page_header(redaction, page, record->slot_count);
    memset(page + layout->page_header_bytes, 0, record->header_size - layout->page_header_bytes);
    for (uint32_t slot = 0; slot < record->slot_count; slot++)
        redact_slot(redaction, record, (bits[slot / 64].allocated >> slot % 64 & 1) != 0,
                    page + record->header_size + (size_t)slot * record->block_size);
    memset(page + slots_end, 0, layout->page_size - slots_end);
}

// The part of [begin, end) that lies in the `length` bytes from `offset` on, counted from `offset`;
// false when it is empty.
static bool clip(uint64_t begin, uint64_t end, uint64_t offset, uint64_t length, uint64_t *from,
                 uint64_t *to)
{
    *from = begin > offset ? begin - offset : 0;
    *to = end > offset ? end - offset : 0;
    if (*to > length)
        *to = length;
    return *from < *to;
}

void redaction_large_part(const Redaction *redaction, const PageRecord *record, uint64_t offset,
                          uint8_t *bytes, uint64_t length)
{
    const HeapLayout *layout = redaction->layout;
    uint64_t object = record->header_size;
    uint64_t value = object + layout->object_header_bytes;
    // Nothing of a free one stays: it is on no list of its page's slots.
    bool is_free = (record->bits.allocated & 1) == 0;
    uint64_t end = is_free ? object : object + record->block_size;
    uint64_t from, to;

    if (offset == 0 && length >= layout->page_header_bytes)
        redact_page_header(redaction, bytes, record->slot_count);
    else if (clip(0, layout->page_header_bytes, offset, length, &from, &to))
        memset(bytes + from, 0, to - from);
    if (clip(layout->page_header_bytes, object, offset, length, &from, &to))
        memset(bytes + from, 0, to - from);
    if (!is_free && clip(object, value, offset, length, &from, &to))
        apply_mask(bytes + from, redaction->object_mask + (offset + from - object), to - from);
    if (clip(value, end, offset, length, &from, &to))
        redact_words(redaction, bytes + from, to - from);
    if (clip(end, UINT64_MAX, offset, length, &from, &to))
        memset(bytes + from, 0, to - from);
}

void redaction_block_part(const Redaction *redaction, const SnapshotBlock *block, uint64_t offset,
                          uint8_t *bytes, uint64_t length)
{
    uint64_t first = (WORD_BYTES - block->address % WORD_BYTES) % WORD_BYTES;
    uint64_t words_end =
        block->bytes < first ? first : first + (block->bytes - first) / WORD_BYTES * WORD_BYTES;
    uint64_t from, to;

    if (first == 0 && offset % WORD_BYTES == 0) {
        // The end of a part is the end of a word or of the block.
        redact_words(redaction, bytes, length);
        return;
    }
    if (clip(0, first, offset, length, &from, &to))
        memset(bytes + from, 0, to - from);
    if (clip(words_end, UINT64_MAX, offset, length, &from, &to))
        memset(bytes + from, 0, to - from);
    // A word may lie across the part's ends, so values come from the block itself.
    uint64_t at = offset < first ? first : offset - (offset - first) % WORD_BYTES;
    for (; at < words_end && clip(at, at + WORD_BYTES, offset, length, &from, &to);
         at += WORD_BYTES) {
        uint64_t value;
        memcpy(&value, block->data + at, sizeof value);
        if (!redaction_keeps(redaction, value))
            memset(bytes + from, 0, to - from);
    }
}

bool redaction_roots(const Redaction *redaction, const Root *roots, uint64_t count, Root **out,
                     Error *error)
{
    *out = malloc((count + 1) * sizeof **out);
    if (*out == NULL)
        return error_set_memory(error, count * sizeof **out, "redacting");
    if (count > 0)
        memcpy(*out, roots, count * sizeof **out);
    for (uint64_t i = 0; i < count; i++)
        if (!redaction_keeps(redaction, roots[i].value))
            (*out)[i].value = 0;
    return true;
}
