// HeapPlace: what lies at an address of a heap: an object, a free slot, a page header, a foreign
// block, or nothing that belongs to the heap.
//
//     HeapPlace place = heap_place_at(image, address);
//     if (place.kind == HEAP_PLACE_OBJECT)
//         facts = slot_facts_of(image, place.page, place.slot);
//
// Every address has exactly one place. A place knows nothing of marks: an object is one that the
// collector has not dropped, reachable or not.

#ifndef ANALYSIS_HEAP_PLACE_H
#define ANALYSIS_HEAP_PLACE_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/heap/heap_image.h"

typedef enum HeapPlaceKind {
    HEAP_PLACE_OBJECT,      // a live object: page, slot
    HEAP_PLACE_ZOMBIE,      // a DEAD one, not swept yet: page, slot
    HEAP_PLACE_FREE_SLOT,   // page, slot
    HEAP_PLACE_PAGE_HEADER, // page
    HEAP_PLACE_PAGE_END,    // behind the last slot of a page: page
    HEAP_PLACE_BLOCK,       // a malloc'd block, with content or without: block
    HEAP_PLACE_OUTSIDE,     // nothing of the heap
} HeapPlaceKind;

// "object", "zombie", "free slot", "page header", "unused end of a page", "foreign block",
// "outside".
const char *heap_place_kind_name(HeapPlaceKind kind);

typedef struct HeapPlace {
    HeapPlaceKind kind;
    uint64_t address; // where it begins; outside: the asked one
    uint64_t bytes;   // outside: 0
    uint64_t offset;  // of the asked address, from there
    uint32_t page;    // NO_INDEX: none
    uint32_t slot;
    uint32_t block; // foreign blocks, then those without content, numbered together
} HeapPlace;

HeapPlace heap_place_at(const HeapImage *image, uint64_t address);
// The block with this number, as the place of an address in it.
HeapPlace heap_place_of_block(const HeapImage *image, uint32_t block, uint64_t address);

// Are the bytes of the place in the snapshot?
static inline bool heap_place_has_content(const HeapImage *image, const HeapPlace *place)
{
    return place->kind != HEAP_PLACE_BLOCK || !heap_image_block_is_sized(image, place->block);
}

// Does it have a page: is it not a block, and not outside?
static inline bool heap_place_is_in_page(const HeapPlace *place)
{
    return place->page != NO_INDEX;
}

// The 8-aligned words of a place that may hold references: the payload of an object, alive or not,
// or a block with its content. Others have none.
typedef struct PlaceWords {
    const uint8_t *bytes; // of the first word
    uint64_t offset;      // of that word in the object or block
    uint64_t count;
} PlaceWords;

PlaceWords heap_place_words(const HeapImage *image, const HeapPlace *place);

// A page as its header describes it.
typedef struct PageFacts {
    uint64_t address;
    uint32_t block_size;
    uint32_t slot_count;
    uint32_t live_count;
    uint32_t dead_count;
    uint32_t owner_thread;
    uint32_t generation;
    bool is_large;
    bool is_orphan;
    bool needs_sweep;
    bool is_all_dead;
    bool is_dirty_listed;
} PageFacts;

PageFacts page_facts_of(const HeapImage *image, uint32_t page);

// A slot as its page's bitmaps and the object's header describe it.
typedef struct SlotFacts {
    bool is_allocated;
    bool is_marked; // the collector's own bit, from its last collection
    bool is_dirty;
    bool is_dead;
    bool is_under_construction;
    bool has_header;     // else the members below are 0
    bool counts_uses;    // the layout has a reference count
    uint64_t references; // the object's own counts
    uint64_t weak_references;
    uint64_t type_word;
    uint64_t drop_function;
} SlotFacts;

SlotFacts slot_facts_of(const HeapImage *image, uint32_t page, uint32_t slot);

#endif
