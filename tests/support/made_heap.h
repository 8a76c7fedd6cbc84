// MadeHeap: small heaps made by hand, word by word, for tests of single rules.
//
//     MadeHeap *heap = made_heap_new(NULL);
//     uint64_t page = made_heap_page(heap, 0x10000000, 64, 1);
//     uint64_t a = made_heap_object(heap, page, 0), b = made_heap_object(heap, page, 1);
//     made_heap_refer(heap, a, 0, b);
//     made_heap_root(heap, ROOT_GLOBAL, a);
//     HeapImage *image = made_heap_image(heap, false);
//     ...
//     heap_image_free(image);
//     made_heap_free(heap);
//
// All addresses are captured ones. Whatever a test asks for that is not possible aborts: this is
// test code.

#ifndef TESTS_SUPPORT_MADE_HEAP_H
#define TESTS_SUPPORT_MADE_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/file/snapshot_file.h"

typedef struct MadeHeap MadeHeap;

// layout: NULL: rudo-gc-0.8; borrowed. The caller owns the heap and frees it with
// made_heap_free().
MadeHeap *made_heap_new(const HeapLayout *layout);
void made_heap_free(MadeHeap *heap);

// A page, or all pages of a large object when `block_size` is above the largest class, with no
// object in it. Pages may be added in any order. Returns `address`.
uint64_t made_heap_page(MadeHeap *heap, uint64_t address, uint32_t block_size,
                        uint32_t owner_thread);

// The header of such a page alone, into zeroed `bytes`.
void made_heap_write_header(const HeapLayout *layout, uint8_t *bytes, uint32_t block_size,
                            uint32_t owner_thread);

uint32_t made_heap_slots(const MadeHeap *heap, uint64_t page);

// Where slot 0, 1, ... is. Nothing is changed.
uint64_t made_heap_slot(const MadeHeap *heap, uint64_t page, uint32_t slot);

// Makes the slot allocated and returns its address.
uint64_t made_heap_object(MadeHeap *heap, uint64_t page, uint32_t slot);

// Writes payload word `word` of the object at `object`.
void made_heap_refer(MadeHeap *heap, uint64_t object, uint64_t word, uint64_t value);

// Sets bits in the object's weak count: dead_bit, under_construction_bit.
void made_heap_set_weak(MadeHeap *heap, uint64_t object, uint64_t bits);

// Writes the object header's type word, and its count of uses.
void made_heap_set_type(MadeHeap *heap, uint64_t object, uint64_t type_word);
void made_heap_set_uses(MadeHeap *heap, uint64_t object, uint32_t uses);
// Writes its reference count.
void made_heap_set_references(MadeHeap *heap, uint64_t object, uint64_t references);

void made_heap_set_generation(MadeHeap *heap, uint64_t page, uint32_t generation);
void made_heap_set_dirty(MadeHeap *heap, uint64_t object);
// Sets all of the heap's own mark bits of the page.
void made_heap_set_stale_marks(MadeHeap *heap, uint64_t page);

void made_heap_root(MadeHeap *heap, RootKind kind, uint64_t value);
void made_heap_exact_root(MadeHeap *heap, RootKind kind, uint64_t value);

// A foreign block of zeroes. Returns `address`.
uint64_t made_heap_block(MadeHeap *heap, uint64_t address, uint64_t bytes);
// Writes the 8 bytes `offset` behind the block's start.
void made_heap_block_word(MadeHeap *heap, uint64_t block, uint64_t offset, uint64_t value);

// May be asked several times. The caller owns the image; it borrows nothing.
HeapImage *made_heap_image(const MadeHeap *heap, bool force_relocation);

// Writes a snapshot of the heap to `path`, or of any contents, whose details are left out.
void snapshot_write_made(const SnapshotContents *made, const char *path);
void made_heap_write(const MadeHeap *heap, const char *path);

#endif
