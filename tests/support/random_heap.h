// RandomHeap: seeded random heaps for property tests, stress programs and fuzz corpora.
//
// A random heap holds what real heaps hold and what they should not: page runs with holes, a
// first page far from the rest, every size class, large objects whose tails imitate page
// headers, several owners and generations, dirty bits, DEAD and UNDER_CONSTRUCTION objects,
// stale mark bits, linked free lists, references to starts, insides, headers, free slots,
// dead objects, foreign blocks, null and garbage, and roots of every kind.
//
//     RandomHeapOptions options = random_heap_options(seed, 1000);
//     RandomHeap *heap = random_heap_new(&options);
//     HeapImage *image = random_heap_image(heap, false);
//     ...
//     heap_image_free(image);
//     random_heap_free(heap);
//
// The same options give the same heap on every machine. Running out of memory aborts: this is
// test code.

#ifndef TESTS_SUPPORT_RANDOM_HEAP_H
#define TESTS_SUPPORT_RANDOM_HEAP_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/file/snapshot_file.h"

// Bit i: size class min_block_size << i. This one: large objects.
#define RANDOM_HEAP_LARGE (1u << 31)

typedef struct RandomHeapOptions {
    uint64_t seed;
    const HeapLayout *layout; // NULL: rudo-gc-0.8; borrowed until the heap is freed
    bool has_any_layout;      // one of random_heap_layout() instead
    uint32_t objects;         // allocated slots, about; 0: no pages at all
    uint32_t blocks;          // foreign blocks
    uint32_t roots;           // root words
    uint32_t classes;         // bit set of size classes, see RANDOM_HEAP_LARGE; 0: all
    uint32_t owners;          // owner threads 1..owners; at least 1
    bool has_far_page;        // the first run lies terabytes below the others
    bool roots_are_exact;     // else exact and conservative ones are mixed
    // Per cent, 0..100 each.
    uint32_t occupancy;          // of slots that are allocated
    uint32_t dead;               // of allocated objects
    uint32_t under_construction; // of live objects
    uint32_t old;                // of pages: generation 1
    uint32_t dirty;              // of slots
    uint32_t holes;              // of pages: followed by a gap in the address space
    uint32_t reference;          // of payload words that refer to anything
    uint32_t broken;             // of references: not the start of a live object or a block
    uint32_t chain;              // of objects: the first payload word refers to the next object
    uint32_t local;              // of references to objects: to a near one
} RandomHeapOptions;

// All knobs drawn from the seed: from empty to crowded, from trees of nothing to one knot.
// About `objects` objects at most.
RandomHeapOptions random_heap_options(uint64_t seed, uint32_t objects);
// The same; every other heap has a random layout.
RandomHeapOptions random_heap_options_any(uint64_t seed, uint32_t objects);

// A layout of any page size, classes and headers that one may have; every third is rudo-gc's. Every
// other of the rest has slots of any size, and every other slot 0 anywhere.
struct Xorshift;
HeapLayout random_heap_layout(struct Xorshift *random);

typedef struct RandomHeap RandomHeap;

// The caller owns the heap and frees it with random_heap_free().
RandomHeap *random_heap_new(const RandomHeapOptions *options);
void random_heap_free(RandomHeap *heap);

// The raw contents, as capture would hand them to snapshot_write(); borrowed from `heap`.
const SnapshotContents *random_heap_contents(const RandomHeap *heap);

// An image of the heap through HeapImageBuilder. The caller owns it; it does not borrow from
// `heap`.
HeapImage *random_heap_image(const RandomHeap *heap, bool force_relocation);

// The same from any contents. False when the builder refuses them.
NODISCARD bool heap_image_from_contents(const SnapshotContents *contents, bool force_relocation,
                                        HeapImage **out, Error *error);

// A word as conservative scanning meets them: some reference, whole or broken, or garbage.
uint64_t random_heap_word(const RandomHeap *heap, struct Xorshift *random);

#endif
