// PageHeaderCheck: all checks of a page header, with what each found and expected, for messages and
// for people who describe a heap of their own. page_header_read() is the same in one go.
//
//     PageHeaderCheck checks[PAGE_HEADER_CHECKS];
//     uint32_t count = page_header_check_all(layout, page, available_bytes, checks);
//     for (uint32_t i = 0; i < count; i++)
//         if (!checks[i].is_right)
//             page_header_check_text(&checks[i], text, sizeof text);

#ifndef SNAPSHOT_HEAP_PAGE_HEADER_CHECK_H
#define SNAPSHOT_HEAP_PAGE_HEADER_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/heap/heap_layout.h"

typedef struct PageHeaderCheck {
    PageHeaderFault fault; // that page_header_read() returns where this check is the first to fail
    const char *member;    // of a layout: "block_size"; static
    uint32_t offset;       // in the page
    uint64_t value;
    bool is_right;
    char expected[80]; // "a power of two from 16 to 2048"
} PageHeaderCheck;

#define PAGE_HEADER_CHECKS 8u

// Makes all checks that can be made of the page at `page`, of which layout->page_header_bytes are
// there, in the order of page_header_read(). Those that depend on a block size that is wrong are
// left out. Returns their number; all are right where page_header_read() finds the header valid.
uint32_t page_header_check_all(const HeapLayout *layout, const uint8_t *page,
                               uint64_t available_bytes,
                               PageHeaderCheck checks[PAGE_HEADER_CHECKS]);

// Room for the text of a check.
#define PAGE_HEADER_CHECK_CHARS 160u

// "block_size (offset 4) is 48, expected a power of two from 16 to 2048". Truncated where there is
// no room. Returns its length.
size_t page_header_check_text(const PageHeaderCheck *check, char *text, size_t text_bytes);

// The text of the first check that fails; "" where none does.
void page_header_explain(const HeapLayout *layout, const uint8_t *page, uint64_t available_bytes,
                         char *text, size_t text_bytes);

#endif
