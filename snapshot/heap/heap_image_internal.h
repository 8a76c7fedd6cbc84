// What the files of the heap image (heap_image*.c) share.

#ifndef SNAPSHOT_HEAP_HEAP_IMAGE_INTERNAL_H
#define SNAPSHOT_HEAP_HEAP_IMAGE_INTERNAL_H

#include "snapshot/heap/heap_image.h"

// A gap of this many bytes between pages separates what one window covers from the rest.
#define WINDOW_GAP_BYTES (UINT64_C(1) << 30)

struct HeapImageBuilder {
    HeapImage *image;
    bool force_relocation;
    uint64_t *arena_starts; // per run: where its pages begin in the arena, in pages
    // Per page of the arena, and in the end per record: what heap_image_builder_look() found, see
    // Note [Early words]. NULL: there was no memory for it, and nothing is known.
    uint64_t *early_words;
    uint64_t fault_address;
};

// Where in the arena the page that holds `bytes` of the image lies, in pages, be it relocated
// or not; *offset is that of `bytes` in the page.
uint64_t heap_image_builder_arena_page(const HeapImageBuilder *builder, const uint8_t *bytes,
                                       uint64_t *offset);

// What was found in pages that hold some of `bytes` is not true any more.
void heap_image_builder_forget(HeapImageBuilder *builder, const uint8_t *bytes, uint64_t length);

// Word `word` of a bitmap in the page header, cut to the page's slots.
uint64_t heap_image_bitmap_word(const HeapImage *image, uint32_t page, uint32_t bitmap,
                                uint32_t word);

// Leaves only references in objects whose layout the program told us: see Note [Exact types].
void heap_image_mask_types(HeapImage *image);

// How many pages the one at `page` covers: more than 1 where it holds a large object.
uint64_t heap_image_run_pages(const HeapImage *image, uint32_t page);

// The bucket of a page inside the page window.
uint64_t heap_image_bucket(const HeapImage *image, uint32_t page);

// Makes `live`, `page_tags` and the slot classes; the page window is there already.
// early_words (a word per record; may be NULL): see Note [Early words].
// Errors: memory, unsupported (too many words).
NODISCARD bool heap_image_build_words(HeapImage *image, const uint64_t *early_words, Error *error);

// Gives the memory of all runs back.
void heap_image_unmap(HeapImage *image);

#endif
