// PageHeaderCheck: see snapshot/heap/page_header_check.h.

#include "snapshot/heap/page_header_check.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

// The checks as they are made.
typedef struct Checks {
    const HeapLayout *layout;
    const uint8_t *page;
    PageHeaderCheck *items;
    uint32_t count;
} Checks;

static __attribute__((format(printf, 6, 7))) void add(Checks *checks, PageHeaderFault fault,
                                                      const char *member, LayoutField field,
                                                      bool is_right, const char *expected, ...)
{
    PageHeaderCheck *check = &checks->items[checks->count++];
    va_list arguments;

    *check = (PageHeaderCheck){
        .fault = fault,
        .member = member,
        .offset = field.offset,
        .value = heap_layout_read(checks->page, field),
        .is_right = is_right,
    };
    va_start(arguments, expected);
    (void)vsnprintf(check->expected, sizeof check->expected, expected, arguments);
    va_end(arguments);
}

static void check_block_size(Checks *checks, bool is_large, bool is_right)
{
    const HeapLayout *layout = checks->layout;

    if (is_large)
        add(checks, PAGE_HEADER_BAD_BLOCK_SIZE, "block_size", layout->block_size, is_right,
            "more than %" PRIu32 ", as a large object has", layout->max_block_size);
    else if (layout->block_size_step == 0)
        add(checks, PAGE_HEADER_BAD_BLOCK_SIZE, "block_size", layout->block_size, is_right,
            "a power of two from %" PRIu32 " to %" PRIu32, layout->min_block_size,
            layout->max_block_size);
    else
        add(checks, PAGE_HEADER_BAD_BLOCK_SIZE, "block_size", layout->block_size, is_right,
            "a multiple of %" PRIu32 " from %" PRIu32 " to %" PRIu32 " that fits the page",
            layout->block_size_step, layout->min_block_size, layout->max_block_size);
}

// Of a small page whose block size is right.
static void check_small(Checks *checks, uint32_t block_size, uint64_t header_size,
                        uint64_t slot_count)
{
    const HeapLayout *layout = checks->layout;
    bool is_first_slot = heap_layout_is_first_slot(layout, block_size, header_size);
    uint32_t lowest = heap_layout_small_header_size(layout, block_size);
    uint32_t slots =
        (layout->page_size - (is_first_slot ? (uint32_t)header_size : lowest)) / block_size;

    if (layout->first_slot_step == 0)
        add(checks, PAGE_HEADER_BAD_HEADER_SIZE, "header_size", layout->header_size, is_first_slot,
            "%" PRIu32 ", for slots of %" PRIu32 " bytes", lowest, block_size);
    else
        add(checks, PAGE_HEADER_BAD_HEADER_SIZE, "header_size", layout->header_size, is_first_slot,
            "a multiple of %" PRIu32 " from %" PRIu32 " to %" PRIu32, layout->first_slot_step,
            lowest, layout->page_size - block_size);
    if (is_first_slot || layout->first_slot_step == 0)
        add(checks, PAGE_HEADER_BAD_OBJECT_COUNT, "object_count", layout->object_count,
            slot_count == slots, "%" PRIu32 ", for slots of %" PRIu32 " bytes", slots, block_size);
}

// Of a large object whose block size is right.
static void check_large(Checks *checks, uint64_t block_size, uint64_t header_size,
                        uint64_t slot_count, uint64_t available_bytes)
{
    const HeapLayout *layout = checks->layout;
    uint32_t alignment = layout->large_header_alignment;
    uint32_t lowest = (layout->page_header_bytes + alignment - 1) / alignment * alignment;
    uint64_t bytes = header_size + block_size;
    uint64_t pages = (bytes + layout->page_size - 1) / layout->page_size;
    bool is_header = header_size >= lowest && header_size % 8 == 0 && header_size <= UINT16_MAX;

    add(checks, PAGE_HEADER_BAD_HEADER_SIZE, "header_size", layout->header_size, is_header,
        "a multiple of 8 from %" PRIu32 " on", lowest);
    add(checks, PAGE_HEADER_BAD_OBJECT_COUNT, "object_count", layout->object_count, slot_count == 1,
        "1, for a large object");
    if (is_header)
        add(checks, PAGE_HEADER_RUN_TOO_SHORT, "block_size", layout->block_size,
            pages * layout->page_size <= available_bytes,
            "at most %" PRIu64 ", the memory from here on",
            available_bytes - (available_bytes < header_size ? available_bytes : header_size));
}

uint32_t page_header_check_all(const HeapLayout *layout, const uint8_t *page,
                               uint64_t available_bytes, PageHeaderCheck checks[PAGE_HEADER_CHECKS])
{
    Checks all = {layout, page, checks, 0};
    uint64_t magic = heap_layout_read(page, layout->magic);
    uint64_t flags = heap_layout_read(page, layout->flags);
    uint64_t generation = heap_layout_read(page, layout->generation);
    uint64_t owner = heap_layout_read(page, layout->owner_thread);
    uint64_t block_size = heap_layout_read(page, layout->block_size);
    uint64_t header_size = heap_layout_read(page, layout->header_size);
    uint64_t slot_count = heap_layout_read(page, layout->object_count);
    uint32_t known = heap_layout_known_flags(layout);
    bool is_large = (flags & layout->flag_large) != 0;
    bool is_class = is_large ? block_size > layout->max_block_size && block_size <= UINT32_MAX
                             : heap_layout_is_class(layout, block_size);

    add(&all, PAGE_HEADER_NO_MAGIC, "magic", layout->magic, magic == layout->magic_value,
        "0x%" PRIx64, layout->magic_value);
    if (layout->flags.width != 0)
        add(&all, PAGE_HEADER_BAD_FLAGS, "flags", layout->flags, (flags & ~(uint64_t)known) == 0,
            "no bits but those of %" PRIu32, known);
    if (layout->generation.width != 0)
        add(&all, PAGE_HEADER_BAD_GENERATION, "generation", layout->generation,
            generation <= layout->max_generation, "at most %" PRIu32, layout->max_generation);
    // An absent field reads as 0, which must be possible, too.
    if (layout->owner_thread.width != 0 || layout->min_owner_thread > 0)
        add(&all, PAGE_HEADER_BAD_OWNER, "owner_thread", layout->owner_thread,
            owner >= layout->min_owner_thread && owner <= layout->max_owner_thread,
            "%" PRIu64 " to %" PRIu64, layout->min_owner_thread, layout->max_owner_thread);
    check_block_size(&all, is_large, is_class);
    if (is_class && is_large)
        check_large(&all, block_size, header_size, slot_count, available_bytes);
    else if (is_class)
        check_small(&all, (uint32_t)block_size, header_size, slot_count);
    return all.count;
}

size_t page_header_check_text(const PageHeaderCheck *check, char *text, size_t text_bytes)
{
    bool is_hex = check->fault == PAGE_HEADER_NO_MAGIC;
    int length = snprintf(text, text_bytes,
                          is_hex ? "%s (offset %" PRIu32 ") is 0x%" PRIx64 ", expected %s"
                                 : "%s (offset %" PRIu32 ") is %" PRIu64 ", expected %s",
                          check->member, check->offset, check->value, check->expected);

    return length < 0 || (size_t)length >= text_bytes ? text_bytes - 1 : (size_t)length;
}

void page_header_explain(const HeapLayout *layout, const uint8_t *page, uint64_t available_bytes,
                         char *text, size_t text_bytes)
{
    PageHeaderCheck checks[PAGE_HEADER_CHECKS];
    uint32_t count = page_header_check_all(layout, page, available_bytes, checks);

    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++)
        if (!checks[i].is_right) {
            (void)page_header_check_text(&checks[i], text, text_bytes);
            return;
        }
}
