// ReferenceCheck: does the heap prove its layout?
//
// Where objects carry a reference count, at least as many words must refer to an object as its
// count says. A layout that is wrong about where the values of objects begin, or memory that was
// not searched, makes references disappear, and then objects have fewer incoming words than
// references. On heaps of rudo-gc with the right layout there is no such object; with the layout of
// another version there are as many as objects that are referred to by the first word of a value.
//
// Words count wherever a reference may be kept: in live objects, garbage included, in malloc'd
// blocks, and in roots. Weak references and stale words only add to them, so the check misses some
// errors and accuses no right layout.

#ifndef SNAPSHOT_HEAP_REFERENCE_CHECK_H
#define SNAPSHOT_HEAP_REFERENCE_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/heap/heap_image.h"

typedef struct ReferenceCheck {
    bool is_known;       // the layout has a reference count; else all else is 0
    uint64_t counted;    // live objects with a count above 0
    uint64_t overlooked; // of them: those with fewer incoming words than their count
    uint64_t first;      // the lowest address of an overlooked object, or 0
} ReferenceCheck;

// Words somewhere outside of objects: 8-aligned in the memory that they come from.
typedef struct ReferenceWords {
    const uint8_t *bytes; // any alignment; borrowed
    uint64_t word_count;
} ReferenceWords;

// A page of slots, or a large object with all of its pages.
typedef struct ReferencePage {
    uint64_t address;     // captured; pages ascend
    const uint8_t *bytes; // all its pages, contiguous; borrowed
    const uint64_t *live; // bit i of word i / 64: slot i holds a live object; borrowed
    uint32_t block_size;  // bytes of a slot
    uint32_t header_size; // offset of slot 0
    uint32_t slot_count;
} ReferencePage;

// A heap as the check sees it; everything is borrowed.
typedef struct ReferenceHeap {
    const HeapLayout *layout;
    uint64_t page_count;
    const ReferencePage *pages;
    uint64_t block_count;
    const ReferenceWords *blocks; // malloc'd blocks
    uint64_t root_count;
    const Root *roots;
    // Called for each page right after its words were counted, so that they need not be fetched
    // from memory once more, by workers 0 to REFERENCE_CHECK_THREADS - 1; NULL: nothing is called.
    void (*visit)(void *context, uint32_t worker, const ReferencePage *page);
    void *visit_context;
} ReferenceHeap;

#define REFERENCE_CHECK_THREADS 4u

// Looks at every word of `heap` once, on a few threads, each of which needs a byte for each slot of
// the heap. A heap whose layout has no reference count is not looked at. Errors: memory.
NODISCARD bool reference_check_run(const ReferenceHeap *heap, ReferenceCheck *out, Error *error);

// The same for a loaded heap.
NODISCARD bool reference_check_image(const HeapImage *image, ReferenceCheck *out, Error *error);

#endif
