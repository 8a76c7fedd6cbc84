// CHeap: a small BiBOP heap for C programs (BiBOP: Big Bag Of Pages, one size
// class per page).
//
// Pages and objects are laid out as rudo-gc 0.8 lays them out, written down
// here once more from its description: this heap stands for any runtime that
// keeps the layout, so it shares no code with the tool that captures it.
//
// Each thread allocates from a heap of its own, in O(1): from a free list of
// slots, or from the untouched end of a page. Objects count their references,
// as a `Gc<T>` does: the last release runs the drop function and leaves a dead
// object behind, whose slot is allocated until a sweep.
//
// Running out of memory ends the program with a message.

#ifndef SAMPLES_C_HEAP_C_HEAP_H
#define SAMPLES_C_HEAP_C_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define C_HEAP_PAGE_BYTES 4096u
#define C_HEAP_MAGIC 0x52554447u // "GDUR" in memory
#define C_HEAP_SMALLEST_CLASS 16u
#define C_HEAP_LARGEST_CLASS 2048u
#define C_HEAP_CLASSES 8u // 16, 32, ... 2048
#define C_HEAP_BITMAP_WORDS 64u
#define C_HEAP_NO_SLOT 0xffffu

#define C_HEAP_FLAG_LARGE 0x01u
#define C_HEAP_FLAG_DIRTY_LISTED 0x10u

// Bits of an object's weak word; the rest counts weak references.
#define C_HEAP_DEAD (UINT64_C(1) << 63)
#define C_HEAP_OLD (UINT64_C(1) << 61)

// The head of a page. Slot i is bit i of the bitmaps.
typedef struct CHeapPage {
    uint32_t magic;
    uint32_t block_size; // slot size; of a large object: its exact size
    uint16_t object_count;
    uint16_t header_size; // offset of slot 0
    uint8_t generation;   // 0 young, 1 old
    uint8_t flags;
    uint8_t padding[2];
    uint64_t owner_thread;
    uint16_t dead_count;
    uint8_t padding_2[6];
    uint64_t marked[C_HEAP_BITMAP_WORDS];
    uint64_t dirty[C_HEAP_BITMAP_WORDS];
    uint64_t allocated[C_HEAP_BITMAP_WORDS];
    uint16_t free_list_head; // or C_HEAP_NO_SLOT
    uint8_t padding_3[6];
} CHeapPage;
_Static_assert(sizeof(CHeapPage) == 1576, "the page header of rudo-gc");

typedef struct CHeapObject CHeapObject;
typedef struct CHeapVisitor CHeapVisitor;

// Calls c_heap_visit() for each reference in the object.
typedef void CHeapTrace(CHeapObject *object, CHeapVisitor *visitor);
// Releases the objects that the object refers to. Runs once, before the object is dead.
typedef void CHeapDrop(CHeapObject *object);

// The head of an object of 48 bytes or more. Smaller slots (classes 16 and 32)
// have none: each of their words is a reference, NULL, or an odd number.
struct CHeapObject {
    uint64_t reference_count;
    uint64_t weak_word;
    CHeapDrop *drop;
    CHeapTrace *trace; // tells the type
    uint64_t dropping; // 0, or 2 after the drop function ran
    uint32_t generation;
    uint32_t padding;
};
_Static_assert(sizeof(CHeapObject) == 48, "the object header of rudo-gc");

typedef struct CHeapType {
    CHeapDrop *drop; // may be NULL
    CHeapTrace *trace;
} CHeapType;

typedef struct CHeap CHeap;

// The heap of the calling thread, which the caller keeps for the life of the program.
CHeap *c_heap_new(void);

// A zeroed object of `bytes` bytes, its header included. The caller has one
// reference to it, to be given up with c_heap_release().
void *c_heap_alloc(CHeap *heap, size_t bytes, const CHeapType *type);

// A zeroed slot without a header; `bytes` at most 32. Not counted.
void *c_heap_alloc_bare(CHeap *heap, size_t bytes);
// Frees such a slot at once.
void c_heap_free_bare(CHeap *heap, void *slot);

// Takes one more reference to `object`, or does nothing for NULL and bare slots.
void c_heap_retain(void *object);
// Gives one up; at the last one the object dies. The same exceptions.
void c_heap_release(void *object);

// Writes a reference into a slot of `holder` and takes it, releasing the old
// one. `field` is where it goes: in the holder, or in a block of its own that
// malloc owns. This is the write barrier: an old holder becomes dirty.
void c_heap_set(void *holder, void *field, void *value);

// Frees the slots of dead objects.
void c_heap_sweep(CHeap *heap);

// Makes all objects that exist old, as the end of a collection would. Objects
// that are allocated later are young.
void c_heap_promote(CHeap *heap);

typedef struct CHeapCounts {
    uint64_t allocated; // slots
    uint64_t dead;      // of those
    uint64_t young;     // of the others: on pages of generation 0
    uint64_t large;     // of the allocated
    uint64_t bytes;     // of all that are not dead
} CHeapCounts;

// Adds the counts of the pages of `heap`.
void c_heap_count(const CHeap *heap, CHeapCounts *counts);

// Marks, precisely, the objects that `roots` (object starts or NULL) reach
// through the trace functions, and returns their number. The mark bits of all
// pages are set accordingly. With `minor`, dirty old objects are roots too, and
// only young objects are marked. All other threads must be at rest.
uint64_t c_heap_mark(CHeap *const *heaps, size_t heap_count, void *const *roots, size_t root_count,
                     bool minor);

// The `index`-th page of the heap, in the order in which they were made, and the bytes of all pages
// that its objects lie on; NULL when there are no more.
CHeapPage *c_heap_page(const CHeap *heap, size_t index, size_t *bytes);

// The object in slot `slot` of a page, or NULL when there is none that lives.
void *c_heap_object(CHeapPage *page, uint32_t slot);

// For trace functions.
void c_heap_visit(CHeapVisitor *visitor, void *reference);

#endif
