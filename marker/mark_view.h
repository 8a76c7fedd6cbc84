// MarkView: the parts of an image and a mark that the innermost loop needs, in one small struct of
// which each worker has a copy.

#ifndef MARKER_MARK_VIEW_H
#define MARKER_MARK_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark_words.h"
#include "marker/word_filter.h"
#include "shared_memory.h"
#include "snapshot/heap/heap_image.h"

// How the objects of a tagged size class are scanned. All zero for classes without a tag: there the
// item itself has the length.
typedef struct ScanClass {
    uint32_t words; // of payload
    uint32_t lines; // prefetched
} ScanClass;

typedef struct MarkView {
    WordRange range;
    uint64_t window_start; // captured address of its first byte
    uint64_t window_bytes; // 0: no window
    uint64_t page_mask;    // page size - 1
    // The bytes of the whole window lie at their captured addresses plus one number.
    bool has_delta;
    uint64_t delta; // modulo 2^64
    // By the low PAGE_TAG_BITS of a white word: the granules at which live objects start in every
    // page with this tag.
    uint64_t sure_starts[1u << PAGE_TAG_BITS];
    uint64_t item_bases[PAGE_TAG_CLASS + 1]; // item of the window's first byte, if has_delta
    uint32_t granule_shift;                  // log2 of a granule's bytes
    const uint64_t *live;                    // HeapImage.live
    SharedU64 *white;                        // see marker/mark_words.h; written by all workers
    const uint32_t *pages; // the window's entries; NULL when words are found by bucket
    SlotClass classes[PAGE_TAG_CLASS + 1];
    ScanClass scan_classes[PAGE_TAG_CLASS + 1];
    uint64_t
        long_tags; // bit per tag, modulo 64: more than one line is prefetched of some such item
    const OddClass *odd_classes; // HeapImage.odd_classes
    const uint8_t *wide_classes; // MarkTarget.wide_classes; NULL: no wide pages
    uint64_t wide_base;          // item of the window's first byte, but for its class, if has_delta
    uint32_t odd_class_count;
    uint32_t pair_tag;        // of the class whose objects have two words; UINT32_MAX: none
    bool checks_construction; // some object is under construction
    WordFilter *filter;
} MarkView;

// Fetches an object of an odd class, but for its first word.
void mark_view_prefetch_odd(const MarkView *view, const uint8_t *bytes, uint32_t tag);

// The lines of an item that are prefetched.
uint32_t mark_view_item_lines(const MarkView *view, uint32_t tag);

// Everything here is borrowed from `image` and `target`.
void mark_view_init(MarkView *view, const HeapImage *image, const MarkTarget *target);

// The bytes of a span (see marker/mark_item.h) from a captured address to the end of the
// object or block, which must exist.
typedef struct Span {
    const uint8_t *bytes;
    uint64_t length; // bytes
} Span;

Span span_at(const HeapImage *image, uint64_t address);

#endif
