// BoehmHeap: the heap of the Boehm-Demers-Weiser collector in a ProcessCopy.
//
// It is found without symbols, by structure alone: its block index among the data of the modules,
// then everything else from there. Each step is proven by identities that a wrong reading would
// break; where one of them does not hold, the heap is refused, never read wrong.
//
//     if (!boehm_heap_find(copy, data, data_count, &heap, error)) ...
//     if (heap == NULL) ... // no block index: the process has no such heap
//
// Source: the collector's documentation (docs/gcdescr.md) and headers, versions 7.2 to 8.2.12.

#ifndef SNAPSHOT_CAPTURE_BOEHM_BOEHM_HEAP_H
#define SNAPSHOT_CAPTURE_BOEHM_BOEHM_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/boehm/boehm_layouts.h"
#include "snapshot/capture/copy/process_copy.h"

// Symbols of the module that holds the collector, where it still has them: their addresses, or 0.
typedef struct BoehmSymbols {
    uint64_t arrays;       // GC_arrays
    uint64_t collections;  // GC_gc_no
    uint64_t stack_bottom; // GC_stackbottom
    uint64_t push_other;   // GC_push_other_roots, a pointer to a function
    uint64_t push_default; // GC_default_push_other_roots, where it points unless it was changed
} BoehmSymbols;

// Finds the symbols of the module whose data hold `address`. Errors: memory, interrupted.
typedef bool BoehmFindSymbols(void *context, uint64_t address, BoehmSymbols *symbols, Error *error);

typedef struct BoehmRange {
    uint64_t start;
    uint64_t end;
} BoehmRange;

// A block: BLOCK_BYTES with objects of one size, or one large object, or free memory.
typedef struct BoehmBlock {
    uint64_t address;
    uint64_t bytes; // of an object; of free memory all of it
    uint64_t descriptor;
    uint64_t header; // where its header is
    uint64_t next;   // the next block of a list
    uint64_t first_slot;
    uint32_t slot_count; // 1 of a large object, 0 of free memory
    uint16_t last_reclaimed;
    uint8_t kind;
    uint8_t flags; // BOEHM_FLAG_*
    bool is_free;
    bool is_large;
} BoehmBlock;

enum {
    BOEHM_FLAG_IGNORE_OFF_PAGE = 1,
    BOEHM_FLAG_UNMAPPED = 2,
    BOEHM_FLAG_FREE = 4,
    BOEHM_FLAG_DISCLAIM = 8,
    BOEHM_FLAG_MARKS_ALL = 16,
};

// The state of a slot.
enum {
    BOEHM_ALLOCATED = 0,
    BOEHM_FREE,        // on a free list of the collector
    BOEHM_THREAD_FREE, // on one of a thread
    BOEHM_DEAD,        // not marked by the last collection, and not swept yet
    BOEHM_RELEASED,    // of an uncollectable kind: not marked, so not allocated
};

typedef struct BoehmKind {
    uint64_t free_lists;    // address of its array of heads
    uint64_t reclaim_lists; // 0: none
    uint64_t descriptor;
    bool adds_size; // to the descriptor
} BoehmKind;

#define BOEHM_MOST_KINDS 16u

typedef struct BoehmThread {
    uint64_t record;
    uint32_t thread; // index in the copy
    uint8_t flags;   // 1 finished, 4 main
    bool is_blocked;
    uint64_t stack_pointer; // when it blocked
    uint64_t stack_end;
} BoehmThread;

// An object with a finalizer.
typedef struct BoehmFinalizer {
    uint64_t object;
    uint64_t record;
    uint64_t function;
    uint64_t data;
} BoehmFinalizer;

// A word of memory that is cleared when the object goes.
typedef struct BoehmLink {
    uint64_t word;
    uint64_t object;
} BoehmLink;

typedef struct BoehmHeap {
    const BoehmLayout *layout;
    uint64_t arrays;      // address of GC_arrays
    uint64_t block_bytes; // HBLKSIZE
    BoehmBlock *blocks;   // ascending, disjoint; owned
    uint64_t block_count;
    uint64_t heap_bytes;
    uint64_t free_bytes;
    uint64_t slot_count;
    uint8_t *slots;  // BOEHM_ALLOCATED, ...; owned
    uint8_t *marked; // by the collector, one byte for each slot; owned
    BoehmKind kinds[BOEHM_MOST_KINDS];
    uint32_t kind_count;
    uint64_t collections;   // GC_gc_no, as the stamps of blocks tell it
    bool counts_interior;   // pointers into objects count in objects, too
    uint8_t *valid_offsets; // block_bytes of them: offsets that count otherwise; owned
    bool is_collecting;     // stopped inside a collection: dead and live cannot be told
    bool knows_collecting;  // only newer builds tell
    BoehmSymbols symbols;
    bool pushes_own_roots;  // the program pushes roots of its own, which are not known
    BoehmRange *exclusions; // no roots, whatever else holds them; ascending; owned
    uint64_t exclusion_count;
    BoehmRange *roots; // static root sets less exclusions, ascending; owned
    uint64_t root_count;
    BoehmThread *threads; // that the collector knows; owned
    uint32_t thread_count;
    bool has_threads; // built with threads
    BoehmFinalizer *finalizers;
    uint64_t finalizer_count;
    bool knows_finalizers;
    BoehmLink *links;
    uint64_t link_count;
} BoehmHeap;

// Finds the heap. `find_symbols` is called once, when it is known where the collector is. `data`
// are the ranges of the modules' writable data. *out is NULL, and the result true, where there is
// no such heap. The caller frees *out with boehm_heap_free(). Errors: unsupported (an identity does
// not hold; the message says which), memory.
NODISCARD bool boehm_heap_find(const ProcessCopy *copy, const BoehmRange *data, uint32_t data_count,
                               BoehmFindSymbols *find_symbols, void *context, BoehmHeap **out,
                               Error *error);
// The same with other layouts than the known ones: how tests show that a wrong one is refused.
NODISCARD bool boehm_heap_find_as(const BoehmLayout *layouts, uint32_t layout_count,
                                  const ProcessCopy *copy, const BoehmRange *data,
                                  uint32_t data_count, BoehmFindSymbols *find_symbols,
                                  void *context, BoehmHeap **out, Error *error);
void boehm_heap_free(BoehmHeap *heap);

// The block in use that holds `address`, or NULL.
const BoehmBlock *boehm_heap_block_at(const BoehmHeap *heap, uint64_t address);

// Does the collector look at no word of its objects?
static inline bool boehm_block_is_pointer_free(const BoehmBlock *block)
{
    return block->descriptor == 0;
}

// Do its objects live until the program frees them?
bool boehm_block_is_uncollectable(const BoehmHeap *heap, const BoehmBlock *block);

// The object to which a word refers by the collector's rule, as the number of its slot, or
// BOEHM_NO_SLOT. Words on stacks and in registers may point anywhere into an object.
#define BOEHM_NO_SLOT UINT64_MAX
uint64_t boehm_heap_resolve(const BoehmHeap *heap, uint64_t word, bool is_on_stack);

static inline uint64_t boehm_block_slot_address(const BoehmBlock *block, uint64_t slot)
{
    return block->address + (slot - block->first_slot) * block->bytes;
}

#endif
