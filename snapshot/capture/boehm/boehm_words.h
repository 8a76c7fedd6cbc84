// What the collector looks at in an object, and what it takes a word for.
//
// A capture writes the heap so that the plain rule (a word refers to an object if it is its start)
// finds what the collector finds: words that the collector does not look at become zero, a word
// that counts becomes the start of the object to which it refers. The name of this rule in reports
// is bdwgc/1.
//
// Source: the collector's descriptors (include/gc/gc_mark.h, GC_DS_*).

#ifndef SNAPSHOT_CAPTURE_BOEHM_BOEHM_WORDS_H
#define SNAPSHOT_CAPTURE_BOEHM_BOEHM_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/boehm/boehm_heap.h"
#include "snapshot/capture/copy/memory_reader.h"

typedef struct BoehmWords {
    const BoehmHeap *heap;
    MemoryReader reader;
    // Objects with a mark procedure of the program, of which nothing is known: all of their words
    // are kept.
    uint64_t unknown_objects;
} BoehmWords;

// The word that is written for `word`, which lies in an object: the start of an allocated object
// that is not dead, or 0.
uint64_t boehm_word_normal(const BoehmHeap *heap, uint64_t word, bool is_on_stack);

// Fills `out` with the normal words of the object in `slot` of `block`. `bytes` are those of the
// object as captured; both have block->bytes bytes.
void boehm_object_normal(BoehmWords *words, const BoehmBlock *block, uint64_t slot,
                         const uint8_t *bytes, uint8_t *out);

// How many bytes of each object of the block, from its start, the collector looks at; all where
// that differs from object to object.
uint64_t boehm_block_read_bytes(const BoehmBlock *block);

// Does a procedure of the program mark the objects of this kind?
bool boehm_kind_is_foreign(const BoehmHeap *heap, const BoehmKind *kind);

#endif
