// MadeBoehm: a process with a heap of the Boehm collector (8.2.2, with threads), made of words.
//
//     MadeBoehm *made = made_boehm_new();
//     uint64_t block = made_boehm_block(made, 32, MADE_NORMAL, 3); // 3 objects, all marked
//     made_boehm_root(made, 0, block);
//     ... boehm_heap_find(made_boehm_copy(made), ...)
//     made_boehm_free(made);
//
// Objects of a block are allocated from its start on; the other slots are on the free list of their
// kind and size. All blocks were swept after the last collection, number MADE_COLLECTIONS.

#ifndef TESTS_SUPPORT_MADE_BOEHM_H
#define TESTS_SUPPORT_MADE_BOEHM_H

#include "snapshot/capture/boehm/boehm_heap.h"
#include "tests/support/made_process.h"

#define MADE_POINTER_FREE 0u
#define MADE_NORMAL 1u
#define MADE_UNCOLLECTABLE 2u
#define MADE_COLLECTIONS 7u
#define MADE_BLOCK_BYTES UINT64_C(4096)

#define MADE_MODULE UINT64_C(0x560000000000) // code; its data follow
#define MADE_DATA (MADE_MODULE + 0x1000)
#define MADE_DATA_BYTES UINT64_C(0x40000)
#define MADE_ARRAYS (MADE_DATA + 0x100)
#define MADE_KINDS (MADE_DATA + 0x38000)
#define MADE_THREAD (MADE_DATA + 0x39000)
#define MADE_ROOTS (MADE_DATA + 0x3a000)   // 64 words, a static root set
#define MADE_META UINT64_C(0x7f0000000000) // the collector's own memory: nodes, headers
#define MADE_META_BYTES UINT64_C(0x200000)
#define MADE_HEAP UINT64_C(0x7f1000000000)
#define MADE_HEAP_BYTES UINT64_C(0x400000)
#define MADE_STACK UINT64_C(0x7ffe00000000)
#define MADE_CONTROL_BLOCK UINT64_C(0x7f0000400000)

typedef struct MadeBoehm MadeBoehm;

MadeBoehm *made_boehm_new(void);
void made_boehm_free(MadeBoehm *made);

// A block of small objects, the first `count` of which are allocated and marked. Returns its
// address.
uint64_t made_boehm_block(MadeBoehm *made, uint64_t object_bytes, uint8_t kind, uint32_t count);
// A large object, marked.
uint64_t made_boehm_large(MadeBoehm *made, uint64_t bytes, uint8_t kind);
void made_boehm_free_memory(MadeBoehm *made, uint64_t bytes);

// The address of the block's header, of the mark of an object in it, and of GC_arrays' member at
// `offset`.
uint64_t made_boehm_header(const MadeBoehm *made, uint64_t block);
void made_boehm_unmark(MadeBoehm *made, uint64_t block, uint32_t object);
const BoehmLayout *made_boehm_layout(void);

// Root number `index` of the static set.
void made_boehm_root(MadeBoehm *made, uint32_t index, uint64_t value);

// The process, whose words may be changed, and its copy.
MadeProcess *made_boehm_process(MadeBoehm *made);
const ProcessCopy *made_boehm_copy(MadeBoehm *made);

// Finds the heap in the module's data, without symbols. Result as boehm_heap_find().
bool made_boehm_find(MadeBoehm *made, BoehmHeap **out, Error *error);
// The same if this layout were the only one that is known.
bool made_boehm_find_as(MadeBoehm *made, const BoehmLayout *layout, BoehmHeap **out, Error *error);

#endif
