// PageRecords: the pages of a heap, read out once.
//
// Where a layout has page headers, this module alone turns their bytes into records: once when a
// heap is captured, once when a snapshot is loaded. All other code reads the records, so a heap
// whose pages have no headers needs nothing but another module that fills them.
//
//     if (page_header_read(layout, bytes, available_bytes, &header) == PAGE_HEADER_VALID &&
//         !page_records_add(&records, layout, address, &header, bytes, error))
//         return false;

#ifndef SNAPSHOT_HEAP_PAGE_RECORD_H
#define SNAPSHOT_HEAP_PAGE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/heap_layout.h"

// 64 slots of a page: bit i of the n-th PageBits of a page stands for slot 64 * n + i. Bits behind
// the last slot are 0.
typedef struct PageBits {
    uint64_t allocated;
    uint64_t dead; // allocated, and its object is DEAD
} PageBits;

// A page of slots, or a large object with all of its pages.
typedef struct PageRecord {
    uint64_t address; // captured
    union {
        PageBits bits;       // of up to 64 slots
        uint64_t first_bits; // of more: they begin here in PageRecords.bits
    };
    uint32_t block_size;  // bytes of a slot
    uint32_t header_size; // offset of slot 0 in the page
    uint32_t slot_count;
    uint32_t page_count; // 1; more for a large object; 0: this place is empty
    uint32_t owner_thread;
    uint8_t generation;
    bool is_large;
    bool has_dead;               // some object of it is DEAD
    bool has_under_construction; // some live object of it is UNDER_CONSTRUCTION
} PageRecord;

typedef struct PageRecords {
    PageRecord *items; // ascending by address, disjoint; owned
    uint64_t count;
    uint64_t capacity;
    PageBits *bits; // of pages with more than 64 slots; owned
    uint64_t bits_count;
    uint64_t bits_capacity;
    uint32_t bits_each; // the first PageBits belong to places: N to each
} PageRecords;

void page_records_release(PageRecords *records);

// Adds the page at `address`. `bytes` are all of its bytes, of which `header` was read.
// Errors: memory.
NODISCARD bool page_records_add(PageRecords *records, const HeapLayout *layout, uint64_t address,
                                const PageHeader *header, const uint8_t *bytes, Error *error);

// Adds a page without a header: `record` is filled but for its bits, `bits` are one for each 64
// slots. Errors: memory.
NODISCARD bool page_records_add_described(PageRecords *records, const PageRecord *record,
                                          const PageBits *bits, Error *error);

// Adds all pages of a run of `page_count` pages (the tails of large objects counted) whose bytes
// are `bytes`. Errors: corrupt (a page has no valid header), memory.
NODISCARD bool page_records_add_run(PageRecords *records, const HeapLayout *layout,
                                    uint64_t address, uint64_t page_count, const uint8_t *bytes,
                                    Error *error);

// ---- filling by place ----
//
// The pages of a snapshot arrive in any order, on several threads. Each has a place, known before
// it arrives, at which its record is filled. Once all are there, their owner moves the records
// together, in order, and sets `count`; the bits stay where they are.

// Makes room for `places` records, all of them empty (page_count 0). Errors: memory.
NODISCARD bool page_records_reserve(PageRecords *records, const HeapLayout *layout, uint64_t places,
                                    Error *error);

// Fills the record at `place`, all but its address. Several threads may fill places at once. The
// place stays empty where that would save no time: in pages of more than 64 slots without object
// headers.
void page_records_fill(PageRecords *records, uint64_t place, const HeapLayout *layout,
                       const PageHeader *header, const uint8_t *bytes);

// The same for any page, on one thread alone. Errors: memory.
NODISCARD bool page_records_complete(PageRecords *records, uint64_t place, const HeapLayout *layout,
                                     const PageHeader *header, const uint8_t *bytes, Error *error);

// ---- reading ----

// One for each 64 slots of the page.
static inline const PageBits *page_record_bits(const PageRecords *records, const PageRecord *record)
{
    return record->slot_count <= 64 ? &record->bits : &records->bits[record->first_bits];
}

// How many live objects (allocated and not DEAD) all pages hold.
uint64_t page_records_count_live(const PageRecords *records);

#endif
