// Mark words during a mark: a *white* bit means that a live object is there and not marked yet.
//
// One bit answers both questions, so a reference costs one random access. The words are those of
// the mark result: white during the mark, turned into marks at its end (see mark_words_finish()).
//
// Note [Granules]
//
// The word of a tagged page (see HeapImage.page_tags) has a bit for each granule, 1/64 of the page,
// instead of each slot: the slots of its class begin at granules, so a reference's bit follows
// from its address alone, for every class, and an address that is not a slot never has a bit.
// The lowest bits, where the page's header has its granules, hold the page's tag, so that the
// word holds all that visiting a reference needs: it costs one random access, not two. The words
// that follow the tagged ones have a bit for each slot.
//
// Note [Odd pages]
//
// Where a page has an odd class (OddClass), the word at its place among the tagged ones has the tag
// PAGE_TAG_COMPLEX, the number of the class, the index of the page's first word with bits for
// slots, and whether every slot holds a live object. So a reference into it costs two random
// accesses, of which the first is fetched ahead.
//
// Note [Wide pages]
//
// In a heap without page headers (HeapImage.wide_count) a page has a line of WIDE_WORDS words. The
// first half has a bit for each 16 bytes: a reference's bit follows from its address alone,
// whatever the size of slots is, and an address that is not a slot never has a bit. The second half
// keeps the bits as they were at the start of the mark: a reference that claims nothing is an edge
// if its bit is there. So a reference costs one random access, and one of a byte for each page,
// which fits a near cache: the page's *wide class*, the number of its odd class plus 1, which has
// the size of its slots. References into pages without one go the long way.
//
// Each bit goes from 1 to 0 once, and the worker that clears it has claimed the object: try_mark()
// returns true to exactly one caller. All accesses are relaxed: a claim hands no data over
// (the heap is immutable while it is marked), and the bits are read as a whole only behind the
// end barrier.

#ifndef MARKER_MARK_WORDS_H
#define MARKER_MARK_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "shared_memory.h"

// The part of a tagged page's word that is its tag.
#define MARK_WORD_TAG ((UINT64_C(1) << PAGE_TAG_BITS) - 1)

// See Note [Odd pages]: the number of the class plus 1, or 0, and the index.
#define ODD_WORD_CLASS_SHIFT 4
#define ODD_WORD_INDEX_SHIFT 12
#define ODD_WORD_IS_WHOLE (UINT64_C(1) << 44)

static inline uint32_t odd_word_class(uint64_t word)
{
    return (uint32_t)(word >> ODD_WORD_CLASS_SHIFT) & 0xff;
}

static inline uint32_t odd_word_index(uint64_t word)
{
    return (uint32_t)(word >> ODD_WORD_INDEX_SHIFT);
}

// Claims the object with this bit for the caller. Any number of workers may try at once; most
// references lead to objects that are marked already, so load the word first: that is cheaper than
// a read-modify-write, which takes the cache line from the others.
// bit: one bit, or 0, which is never claimed. *white: what the word held before.
SHARED_INLINE bool try_mark(SharedU64 *word, uint64_t bit, uint64_t *white)
{
    // Partner: the same in other workers.
    *white = shared_u64_fetch_and(word, ~bit, SHARED_RELAXED);
    return (*white & bit) != 0;
}

// The same where only one worker ever writes this word: no read-modify-write is needed. Without
// branches, because the processor cannot predict which reference to an object is the first.
// white: what the word holds now.
SHARED_INLINE bool try_mark_alone(SharedU64 *word, uint64_t white, uint64_t bit)
{
    shared_u64_store(word, white & ~bit, SHARED_RELAXED);
    return (white & bit) != 0;
}

// The granules at which the slots of a tagged class begin.
uint64_t mark_words_starts(const HeapImage *image, const SlotClass *class);

// The number of an object's word, and its bit in it.
uint64_t mark_words_place(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t *bit);

// The words of one mark while it runs.
typedef struct MarkTarget {
    SharedU64 *white;        // as HeapImage.live
    SharedU64 *white_blocks; // bit per foreign block
    uint8_t *wide_classes;   // by page of the window, if pages are wide: Note [Wide pages]
} MarkTarget;

// Makes the words of `result` white: live objects (in a minor mark only those in pages of
// generation 0) and all foreign blocks. See Note [Granules]. They are the mark's until
// mark_words_finish(). Errors: memory.
NODISCARD bool mark_words_start(MarkResult *result, const HeapImage *image, MarkTarget *target,
                                Error *error);

// Turns white bits into marks: an object is marked that was white at the start and is not any more.
void mark_words_finish(MarkResult *result, const HeapImage *image, MarkTarget *target);

#endif
