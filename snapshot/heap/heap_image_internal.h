// Functions and types that the files of the heap image (heap_image*.c) share.

#ifndef SNAPSHOT_HEAP_HEAP_IMAGE_INTERNAL_H
#define SNAPSHOT_HEAP_HEAP_IMAGE_INTERNAL_H

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/page_record.h"

// A gap of this many bytes between pages separates what one window covers from the rest.
#define WINDOW_GAP_BYTES (UINT64_C(1) << 30)

typedef struct RunPlace {
    uint64_t start; // where the run's pages begin in the arena, in pages
    bool was_given; // heap_image_builder_bytes() gave some of its bytes
} RunPlace;

struct HeapImageBuilder {
    HeapImage *image;
    bool force_relocation;
    bool is_paged;
    HeapPagerOptions paging;
    HeapPageSource source; // until the pager owns it
    RunPlace *run_places;  // per run
    PageRecords records;   // one place for each page of the arena: Note [Early records]
    bool has_dead;         // some record has DEAD objects
    uint64_t fault_address;
};

// Where in the arena the page that holds `bytes` of the image lies, in pages, be it relocated
// or not; *offset is that of `bytes` in the page.
uint64_t heap_image_builder_place(const HeapImageBuilder *builder, const uint8_t *bytes,
                                  uint64_t *offset);

// Drops the records of the pages that hold some of `bytes`, which will change.
void heap_image_builder_forget(HeapImageBuilder *builder, const uint8_t *bytes, uint64_t length);

// Fills the records that are not there yet, and puts all of them in order.
// Errors: corrupt (a page has no valid header).
NODISCARD bool heap_image_builder_order_records(HeapImageBuilder *builder, Error *error);

// Zeroes the words that are not references in objects whose type declares its references: see
// Note [Exact types]. Errors: memory.
NODISCARD bool heap_image_mask_types(HeapImage *image, Error *error);

// The bucket of a page inside the page window.
uint64_t heap_image_bucket(const HeapImage *image, uint32_t page);

// Makes `live`, `dead`, `page_tags` and the slot classes; the page window is there already.
// records: those of the image's pages; has_dead: some of them have DEAD objects.
// Errors: memory, unsupported (too many words).
NODISCARD bool heap_image_build_words(HeapImage *image, const PageRecords *records, bool has_dead,
                                      Error *error);

// Finds the odd classes; tags are there already. Errors: memory.
NODISCARD bool heap_image_find_odd_classes(HeapImage *image, Error *error);

// Gives the memory of all runs back.
void heap_image_unmap(HeapImage *image);

#endif
