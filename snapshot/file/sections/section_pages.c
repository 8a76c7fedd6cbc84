// The PREC section: what is in each page, of a heap whose pages have no headers. Without it nothing
// of such a heap is known, so it is *needed*; a redacted snapshot keeps all of it.

#include <string.h>

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

static uint32_t words_of(uint32_t slot_count)
{
    return (slot_count + 63) / 64;
}

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotPage *page = entry;
    const PageBits *bits = snapshot_page_bits(page);

    byte_buffer_add_u64(buffer, page->address);
    byte_buffer_add_u64(buffer, page->block_size);
    byte_buffer_add_u64(buffer, page->read_bytes);
    byte_buffer_add_u32(buffer, page->slot_count);
    byte_buffer_add_u16(buffer, page->kind);
    byte_buffer_add_u16(buffer, page->flags);
    for (uint32_t i = 0; i < words_of(page->slot_count); i++) {
        byte_buffer_add_u64(buffer, bits[i].allocated);
        byte_buffer_add_u64(buffer, bits[i].dead);
    }
}

// Is what the entry says of itself possible? Whether it fits its page, the image finds out.
static bool is_possible(const SnapshotPage *page)
{
    return page->address < HEAP_ADDRESS_LIMIT && page->block_size > 0 &&
           page->block_size <= UINT32_MAX && page->block_size % 8 == 0 &&
           page->read_bytes <= page->block_size && page->read_bytes % 8 == 0 &&
           page->slot_count > 0 && page->slot_count <= LAYOUT_MAX_PAGE_SIZE / 8 &&
           (page->flags & ~(SNAPSHOT_PAGE_POINTER_FREE | SNAPSHOT_PAGE_UNCOLLECTABLE)) == 0;
}

// Bits behind the last slot are 0, and a dead object is an allocated one.
static bool take_bits(ByteCursor *cursor, uint32_t slot_count, PageBits *bits)
{
    for (uint32_t i = 0; i < words_of(slot_count); i++) {
        PageBits word = {byte_cursor_u64(cursor), byte_cursor_u64(cursor)};

        if ((word.allocated & ~heap_layout_slot_bits(slot_count, i * 64)) != 0 ||
            (word.dead & ~word.allocated) != 0)
            return false;
        if (bits != NULL)
            bits[i] = word;
    }
    return true;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotPage *page = entry;
    uint64_t address = byte_cursor_u64(cursor);
    PageBits *bits = &page->bits;
    uint32_t slot_count;
    uint16_t kind, flags;

    page->address = address;
    page->block_size = byte_cursor_u64(cursor);
    page->read_bytes = byte_cursor_u64(cursor);
    slot_count = byte_cursor_u32(cursor);
    kind = byte_cursor_u16(cursor);
    flags = byte_cursor_u16(cursor);
    page->kind = (uint8_t)kind;
    page->flags = (uint8_t)flags;
    page->slot_count = slot_count;
    if (cursor->is_short || kind > UINT8_MAX || flags > UINT8_MAX || !is_possible(page) ||
        words_of(slot_count) > byte_cursor_left(cursor) / sizeof *bits ||
        (position->number > 0 && page[-1].address >= address)) {
        page->slot_count = 0; // nothing is owned yet
        return error_set(error, ERROR_CORRUPT, "the description of page %u is not possible",
                         position->number);
    }
    if (slot_count > 64 && !byte_cursor_is_passing(cursor)) {
        page->more =
            section_allocate(words_of(slot_count), sizeof *bits, "the bits of pages", error);
        if (page->more == NULL)
            return false;
        bits = page->more;
    }
    if (take_bits(cursor, slot_count, byte_cursor_is_passing(cursor) ? NULL : bits))
        return true;
    return error_set(error, ERROR_CORRUPT, "page %u has objects where it has no slots",
                     position->number);
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotPage *page = entry;
    SnapshotPage *copy = out;

    (void)details;
    *copy = *page;
    if (page->slot_count <= 64)
        return true;
    copy->more = section_allocate(words_of(page->slot_count), sizeof *copy->more,
                                  "the bits of pages", error);
    if (copy->more == NULL)
        return false;
    memcpy(copy->more, page->more, words_of(page->slot_count) * sizeof *copy->more);
    return true;
}

const SectionTable section_pages = {
    SECTION_TABLE_OF(pages, page_count),
    .entry_name = "page",
    .name = "descriptions of pages",
    .least_bytes = 48,
    .limit = MAX_DESCRIBED_PAGES,
    .encode = encode,
    .decode = decode,
    .redact = redact,
};
