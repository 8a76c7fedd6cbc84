// HeapLayout: where a BiBOP heap keeps things, as data.
//
// A layout describes how to recognise a page (BiBOP: Big Bag Of Pages, one size
// class per page), where its header keeps the bitmaps, and the fields of an
// object's own header. It is written into every snapshot, so an old snapshot
// stays readable when a collector changes its layout.
//
// Built in: `rudo-gc-0.8` (crate rudo-gc 0.8.x, heap.rs `PageHeader`, ptr.rs
// `GcBox`; the numbers were checked on live processes). The C sample heap uses
// the same layout.
//
// All fields are little-endian. A layout is a plain value that owns nothing.

#ifndef SNAPSHOT_HEAP_HEAP_LAYOUT_H
#define SNAPSHOT_HEAP_HEAP_LAYOUT_H

#include <endian.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

// Addresses end here: 56 bits are user space on 5-level x86-64 and on aarch64.
#define HEAP_ADDRESS_LIMIT (UINT64_C(1) << 56)

// Page sizes a layout may have. Snapshot readers rely on these bounds.
#define LAYOUT_MIN_PAGE_SIZE 4096u
#define LAYOUT_MAX_PAGE_SIZE 65536u

// A little-endian unsigned field: `width` is 1, 2, 4 or 8 bytes, or 0: absent (reads as 0).
typedef struct LayoutField {
    uint16_t offset;
    uint16_t width;
} LayoutField;

typedef struct HeapLayout {
    char name[32]; // NUL-terminated
    uint32_t page_size;

    // The page header, at the start of a page. 0 bytes: pages have no headers; then all fields of
    // page headers are absent, bitmap_words is 0, and a snapshot describes its pages itself
    // (SnapshotPage).
    uint32_t page_header_bytes;
    uint64_t magic_value;
    LayoutField magic;
    LayoutField block_size;   // slot size in bytes; of a large object: its exact size
    LayoutField object_count; // slots in the page; 1 for a large object
    LayoutField header_size;  // offset of slot 0 in the page
    LayoutField generation;
    LayoutField flags;
    LayoutField owner_thread;
    LayoutField dead_count;
    LayoutField free_list_head; // slot index, or free_list_none
    uint32_t mark_bitmap;       // offsets of three bitmaps: bit i of the u64 words is slot i
    uint32_t dirty_bitmap;
    uint32_t allocated_bitmap;
    uint32_t bitmap_words; // u64 words in each bitmap

    // Values that a valid header may hold.
    uint32_t min_block_size; // small size classes lie between the two
    uint32_t max_block_size;
    uint32_t block_size_step; // they are the multiples of this (a multiple of 8); 0: powers of two
    uint32_t first_slot_step; // slot 0 of a small page is at a multiple of this (a multiple of 8),
                              // anywhere behind the header; 0: at page_header_bytes rounded up to
                              // the slot size
    uint32_t large_header_alignment; // a large page's header_size is at least
                                     // page_header_bytes rounded up to this
    uint32_t max_generation;
    uint64_t min_owner_thread;
    uint64_t max_owner_thread;
    uint64_t free_list_none;

    // Bits of `flags`. Any other bit makes a header invalid.
    uint32_t flag_large;
    uint32_t flag_orphan;
    uint32_t flag_needs_sweep;
    uint32_t flag_all_dead;
    uint32_t flag_dirty_listed;

    // The object header, at the start of a slot. Slots smaller than it have none:
    // all their words are payload.
    uint32_t object_header_bytes;
    LayoutField reference_count;
    LayoutField weak_count; // holds the next three as single bits
    uint64_t dead_bit;
    uint64_t under_construction_bit;
    uint64_t old_bit;
    LayoutField drop_function;
    LayoutField type_word; // groups objects by type: the trace function's address
    LayoutField dropping;
    LayoutField object_generation;
    // The first bytes of a free slot that hold its free-list link.
    uint32_t free_link_bytes;
} HeapLayout;

// The layout of the Boehm collector's heaps, whose blocks of 4 KiB have no headers. Static,
// immutable.
const HeapLayout *heap_layout_boehm(void);

// The layout of rudo-gc 0.8.18 and 0.8.19 (snapshot/heap/rudo_gc_layouts.h has the others).
// Static, immutable.
const HeapLayout *heap_layout_rudo_gc_0_8(void);

// Is the layout itself possible: every field inside the header, page size a power of
// two within the bounds above, classes that fit a page, bitmaps long enough for
// the smallest class? A layout that came from a file must pass this before any
// other function sees it. Errors: corrupt.
NODISCARD bool heap_layout_check(const HeapLayout *layout, Error *error);

// Reads a field of the header or object at `base`, which needs no alignment.
static inline uint64_t heap_layout_read(const uint8_t *base, LayoutField field)
{
    const uint8_t *at = base + field.offset;
    uint64_t word = 0;
    uint32_t half = 0;

    switch (field.width) {
    case 8:
        memcpy(&word, at, sizeof word);
        return le64toh(word);
    case 4:
        memcpy(&half, at, sizeof half);
        return le32toh(half);
    case 2:
        return (uint64_t)at[1] << 8 | at[0];
    case 1:
        return at[0];
    default:
        return 0;
    }
}
// Writes it (samples and tests build pages with this). An absent field is left alone.
void heap_layout_write(uint8_t *base, LayoutField field, uint64_t value);

// A page header, read out and found valid.
typedef struct PageHeader {
    uint32_t block_size; // bytes
    uint32_t header_size;
    uint32_t slot_count;
    uint32_t page_count;   // pages the run of this header spans: 1, more for a large object
    uint64_t owner_thread; // small counter from 1, not a tid
    uint8_t generation;
    uint8_t flags;
    bool is_large;
} PageHeader;

// Why page_header_read() refuses a page.
typedef enum PageHeaderFault {
    PAGE_HEADER_VALID = 0,
    PAGE_HEADER_NO_MAGIC,
    PAGE_HEADER_BAD_FLAGS,
    PAGE_HEADER_BAD_GENERATION,
    PAGE_HEADER_BAD_OWNER,
    PAGE_HEADER_BAD_BLOCK_SIZE,
    PAGE_HEADER_BAD_HEADER_SIZE,
    PAGE_HEADER_BAD_OBJECT_COUNT,
    PAGE_HEADER_RUN_TOO_SHORT, // a large object that does not end inside the memory it is in
} PageHeaderFault;

// Reads and validates the header of the page at `page`.
//
// available_bytes: how much readable memory starts at `page`, at least one page;
// the whole run of a large object must fit. Nothing but a fully valid header is
// accepted, because user data can hold the magic by chance.
PageHeaderFault page_header_read(const HeapLayout *layout, const uint8_t *page,
                                 uint64_t available_bytes, PageHeader *out);

// Is this the slot size of a small size class?
bool heap_layout_is_class(const HeapLayout *layout, uint64_t block_size);

// How many pages a page without a header, or a large object, takes that has `slot_count` slots of
// `block_size` bytes. 0: the layout has no such pages.
uint64_t heap_layout_described_pages(const HeapLayout *layout, uint64_t block_size,
                                     uint32_t slot_count);

// Lowest offset of slot 0 for a small size class; without first_slot_step the only one.
uint32_t heap_layout_small_header_size(const HeapLayout *layout, uint32_t block_size);

// May slot 0 of this small size class be at this offset?
bool heap_layout_is_first_slot(const HeapLayout *layout, uint32_t block_size, uint64_t offset);

// The bits of the flags that the layout knows.
uint32_t heap_layout_known_flags(const HeapLayout *layout);

// Do pages have headers that say what is in them?
static inline bool heap_layout_has_page_headers(const HeapLayout *layout)
{
    return layout->page_header_bytes > 0;
}

// Does an object of this size carry an object header (and so a type and a DEAD bit)?
static inline bool heap_layout_has_object_header(const HeapLayout *layout, uint32_t block_size)
{
    return layout->object_header_bytes > 0 && block_size >= layout->object_header_bytes;
}

// Word `index` of the bitmap at `bitmap_offset` in the page at `page`.
static inline uint64_t heap_layout_bitmap_word(const uint8_t *page, uint32_t bitmap_offset,
                                               uint32_t index)
{
    const LayoutField word = {.offset = 0, .width = 8};

    return heap_layout_read(page + bitmap_offset + 8 * (size_t)index, word);
}

// The bits of a bitmap's word that stand for slots, of a page with `slot_count`, when its first bit
// stands for slot `first`.
static inline uint64_t heap_layout_slot_bits(uint32_t slot_count, uint32_t first)
{
    uint32_t left = slot_count - first;

    return left < 64 ? (UINT64_C(1) << left) - 1 : UINT64_MAX;
}

// Fetches the header a few pages behind `page`, from which on there are `page_count` pages: a loop
// over page headers alone waits for memory most of the time.
static inline void page_header_fetch_ahead(const HeapLayout *layout, const uint8_t *page,
                                           uint64_t page_count)
{
    const uint64_t ahead = 8;

    if (page_count > ahead)
        __builtin_prefetch(page + ahead * layout->page_size);
}

#endif
