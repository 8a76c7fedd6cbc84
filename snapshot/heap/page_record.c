// PageRecords: see snapshot/heap/page_record.h.

#include "snapshot/heap/page_record.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/heap/page_header_check.h"

void page_records_release(PageRecords *records)
{
    free(records->items);
    free(records->bits);
    *records = (PageRecords){0};
}

// Fills the bits of a page, and returns all weak counts of its slots, ored. Inlined for each width
// of `weak_count`, so that the loop need not choose by it.
static inline __attribute__((always_inline)) uint64_t
fill_bits_by(const HeapLayout *layout, const PageHeader *header, const uint8_t *page,
             LayoutField weak_count, PageBits *bits, bool *has_dead)
{
    const uint8_t *object = page + header->header_size;
    uint64_t seen = 0, all_dead = 0;

    for (uint32_t first = 0; first < header->slot_count; first += 64, bits++) {
        uint32_t left = header->slot_count - first;
        uint32_t count = left < 64 ? left : 64;
        uint64_t dead = 0;

        // Free slots are looked at too. That costs less than to leave them out.
        for (uint32_t slot = 0; slot < count; slot++, object += header->block_size) {
            __builtin_prefetch(object + layout->page_size); // the next page is likely to be alike
            uint64_t word = heap_layout_read(object, weak_count);
            seen |= word;
            dead |= (uint64_t)((word & layout->dead_bit) != 0) << slot;
        }
        bits->allocated = heap_layout_bitmap_word(page, layout->allocated_bitmap, first / 64) &
                          heap_layout_slot_bits(header->slot_count, first);
        bits->dead = dead & bits->allocated;
        all_dead |= bits->dead;
    }
    *has_dead = all_dead != 0;
    return seen;
}

// Is any live object of the page under construction?
static bool has_under_construction(const HeapLayout *layout, const PageHeader *header,
                                   const uint8_t *page, const PageBits *bits)
{
    for (uint32_t slot = 0; slot < header->slot_count; slot++) {
        const uint8_t *object = page + header->header_size + (uint64_t)slot * header->block_size;
        uint64_t live = bits[slot / 64].allocated & ~bits[slot / 64].dead;

        if ((live >> slot % 64 & 1) != 0 &&
            (heap_layout_read(object, layout->weak_count) & layout->under_construction_bit) != 0)
            return true;
    }
    return false;
}

// How many PageBits a page has in PageRecords.bits.
static uint32_t bits_count_of(uint32_t slot_count)
{
    return slot_count <= 64 ? 0 : (slot_count + 63) / 64;
}

// Do the object headers of this size have DEAD bits to be read?
static bool has_dead_bits(const HeapLayout *layout, uint32_t block_size)
{
    return heap_layout_has_object_header(layout, block_size) && layout->weak_count.width != 0;
}

// Fills a record, and its bits at `first_bits` of records->bits where the record cannot hold them.
static void fill(PageRecords *records, PageRecord *record, uint64_t first_bits,
                 const HeapLayout *layout, const PageHeader *header, const uint8_t *page)
{
    LayoutField weak_count = layout->weak_count;
    PageBits *bits = &record->bits;
    uint64_t seen;

    if (header->slot_count > 64) {
        record->first_bits = first_bits;
        bits = &records->bits[first_bits];
    }
    if (!has_dead_bits(layout, header->block_size))
        weak_count.width = 0;
    if (weak_count.width == 8)
        seen = fill_bits_by(layout, header, page, (LayoutField){weak_count.offset, 8}, bits,
                            &record->has_dead);
    else
        seen = fill_bits_by(layout, header, page, weak_count, bits, &record->has_dead);
    record->block_size = header->block_size;
    record->header_size = header->header_size;
    record->slot_count = header->slot_count;
    record->page_count = header->page_count;
    record->owner_thread = (uint32_t)header->owner_thread;
    record->generation = header->generation;
    record->is_large = header->is_large;
    record->has_under_construction = (seen & layout->under_construction_bit) != 0 &&
                                     has_under_construction(layout, header, page, bits);
}

// Makes room for the bits of one more page.
static bool reserve_bits(PageRecords *records, uint32_t slot_count, Error *error)
{
    return array_reserve(&records->bits, &records->bits_capacity,
                         records->bits_count + bits_count_of(slot_count), sizeof *records->bits,
                         "the bits of pages", error);
}

bool page_records_add(PageRecords *records, const HeapLayout *layout, uint64_t address,
                      const PageHeader *header, const uint8_t *bytes, Error *error)
{
    PageRecord *record;

    if (!array_reserve(&records->items, &records->capacity, records->count + 1,
                       sizeof *records->items, "the page records", error) ||
        !reserve_bits(records, header->slot_count, error))
        return false;
    record = &records->items[records->count++];
    record->address = address;
    fill(records, record, records->bits_count, layout, header, bytes);
    records->bits_count += bits_count_of(header->slot_count);
    return true;
}

bool page_records_add_described(PageRecords *records, const PageRecord *record,
                                const PageBits *bits, Error *error)
{
    uint32_t words = (record->slot_count + 63) / 64;
    uint64_t dead = 0;
    PageRecord *added;

    if (!array_reserve(&records->items, &records->capacity, records->count + 1,
                       sizeof *records->items, "the page records", error) ||
        !reserve_bits(records, record->slot_count, error))
        return false;
    added = &records->items[records->count++];
    *added = *record;
    for (uint32_t i = 0; i < words; i++)
        dead |= bits[i].dead;
    added->has_dead = dead != 0;
    if (record->slot_count <= 64) {
        added->bits = bits[0];
        return true;
    }
    added->first_bits = records->bits_count;
    memcpy(&records->bits[records->bits_count], bits, words * sizeof *bits);
    records->bits_count += words;
    return true;
}

bool page_records_add_run(PageRecords *records, const HeapLayout *layout, uint64_t address,
                          uint64_t page_count, const uint8_t *bytes, Error *error)
{
    for (uint64_t at = 0; at < page_count;) {
        const uint8_t *page = bytes + at * layout->page_size;
        uint64_t page_address = address + at * layout->page_size;
        PageHeader header;
        PageHeaderFault fault =
            page_header_read(layout, page, (page_count - at) * layout->page_size, &header);

        if (fault != PAGE_HEADER_VALID) {
            char why[PAGE_HEADER_CHECK_CHARS];

            page_header_explain(layout, page, (page_count - at) * layout->page_size, why,
                                sizeof why);
            return error_set(error, ERROR_CORRUPT,
                             "the page at 0x%llx is not a page of layout '%s': %s",
                             (unsigned long long)page_address, layout->name, why);
        }
        if (!page_records_add(records, layout, page_address, &header, page, error))
            return false;
        at += header.page_count;
    }
    return true;
}

// The most slots that a page with DEAD bits has; 0: none has them.
static uint32_t most_slots(const HeapLayout *layout)
{
    uint32_t block_size = layout->min_block_size;
    uint32_t step = layout->block_size_step;

    while (block_size < layout->max_block_size && !has_dead_bits(layout, block_size))
        block_size += step == 0 ? block_size : step;
    if (!has_dead_bits(layout, block_size))
        return 0;
    // The smallest slots may not be the most where they push slot 0 back.
    return (layout->page_size - (step == 0 ? heap_layout_small_header_size(layout, block_size)
                                           : layout->page_header_bytes)) /
           block_size;
}

bool page_records_reserve(PageRecords *records, const HeapLayout *layout, uint64_t places,
                          Error *error)
{
    uint32_t bits_each = bits_count_of(most_slots(layout));

    *records = (PageRecords){.bits_each = bits_each};
    records->bits_count = records->bits_capacity = places * bits_each;
    // Zeroed by the kernel where it is large, so places that stay empty cost no memory.
    records->items = calloc(places + 1, sizeof *records->items);
    if (bits_each > 0)
        records->bits = calloc(places * bits_each + 1, sizeof *records->bits);
    if (records->items != NULL && (records->bits != NULL || bits_each == 0))
        return true;
    page_records_release(records);
    return error_set_memory(error, places * sizeof *records->items, "the page records");
}

void page_records_fill(PageRecords *records, uint64_t place, const HeapLayout *layout,
                       const PageHeader *header, const uint8_t *bytes)
{
    if (bits_count_of(header->slot_count) <= records->bits_each)
        fill(records, &records->items[place], place * records->bits_each, layout, header, bytes);
}

bool page_records_complete(PageRecords *records, uint64_t place, const HeapLayout *layout,
                           const PageHeader *header, const uint8_t *bytes, Error *error)
{
    page_records_fill(records, place, layout, header, bytes);
    if (records->items[place].page_count != 0)
        return true;
    if (!reserve_bits(records, header->slot_count, error))
        return false;
    fill(records, &records->items[place], records->bits_count, layout, header, bytes);
    records->bits_count += bits_count_of(header->slot_count);
    return true;
}

uint64_t page_records_count_live(const PageRecords *records)
{
    uint64_t count = 0;

    for (uint64_t i = 0; i < records->count; i++) {
        const PageRecord *record = &records->items[i];
        const PageBits *bits = page_record_bits(records, record);

        for (uint32_t first = 0; first < record->slot_count; first += 64, bits++)
            count += (uint64_t)__builtin_popcountll(bits->allocated & ~bits->dead);
    }
    return count;
}
