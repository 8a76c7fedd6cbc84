// Granules: how the loops of a batch (marker/mark_batch.c) represent references, and the state that
// they keep in local variables.
//
// A reference into the window is represented by the number of its granule (see Note [Granules] in
// marker/mark_words.h), counted from the start of the window: the upper bits give the place of its
// mark word, the lower six the bit in it. Where some page has an odd class, whose slots begin
// anywhere, it is the number of its 8 bytes instead; in a heap with wide pages that of its 16
// bytes.

#ifndef MARKER_MARK_GRANULES_INLINE_H
#define MARKER_MARK_GRANULES_INLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark_worker.h"
#include "shared_memory.h"

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
// Every shape below needs its own copy; and gcc 12 considers a function that only prefetches to be
// without effect, and drops it.
#define INLINE static inline __attribute__((always_inline))

// The page size of nearly every heap: 4 KiB.
#define USUAL_PAGE_SHIFT 12u
#define USUAL_GRANULE_SHIFT (USUAL_PAGE_SHIFT - 6)
#define GRANULES_OF_PAGE_SHIFT 6u
#define ODD_GRANULE_SHIFT 3u
#define WIDE_GRANULE_SHIFT 4u
#define WORD_BITS_SHIFT 6u

// The case that one copy of the loops is compiled for.
typedef struct BatchShape {
    MarkMode mode;
    bool is_usual; // pages of 4 KiB, words found by bucket, bytes at one distance, nothing under
                   // construction
    bool has_far;  // something outside the window can be referred to
    bool has_odd;  // some page has an odd class
    bool is_wide;  // pages are wide; the words are found by bucket
} BatchShape;

// The part of the worker that the loops need, in local variables: otherwise the compiler has to
// assume that stores of granules and items change the worker, and reads everything again. For the
// same reason its address must never be given to a function that is not inlined.
typedef struct BatchState {
    MarkWorker *worker;
    SharedU64 *white;
    const uint32_t *pages;
    uint64_t window_start;
    uint64_t window_bytes;
    uint64_t far_low;
    uint64_t far_span;
    uint32_t granule_shift;
    uint32_t page_shift;
    uint64_t *granules; // found and not visited yet
    uint32_t count;
    uint64_t scanned_words;
    const uint8_t *wide_classes; // if is_wide
    uint64_t wide_base;
} BatchState;

INLINE uint32_t granule_shift_of(const BatchState *state, BatchShape shape)
{
    if (shape.is_wide)
        return WIDE_GRANULE_SHIFT;
    if (shape.has_odd)
        return ODD_GRANULE_SHIFT;
    return shape.is_usual ? USUAL_GRANULE_SHIFT : state->granule_shift;
}

// log2 of the granules in a page.
INLINE uint32_t page_granules_shift(const BatchState *state, BatchShape shape)
{
    if (shape.is_wide)
        return WIDE_PAGE_SHIFT - WIDE_GRANULE_SHIFT;
    if (!shape.has_odd)
        return GRANULES_OF_PAGE_SHIFT;
    return (shape.is_usual ? USUAL_PAGE_SHIFT : state->page_shift) - ODD_GRANULE_SHIFT;
}

INLINE uint64_t granule_count(const BatchState *state, BatchShape shape)
{
    return state->window_bytes >> granule_shift_of(state, shape);
}

// Turns words into granules, counted from the start of the window, and back. Rotated, so that one
// comparison finds both words beyond the window and those that are not at the start of a granule:
// the low bits, if there are any, come out on top.
INLINE uint64_t granule_of(const BatchState *state, BatchShape shape, uint64_t word)
{
    uint32_t shift = granule_shift_of(state, shape);
    uint64_t offset = word - state->window_start;

    return offset >> shift | offset << (64 - shift);
}

INLINE uint64_t word_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    uint32_t shift = granule_shift_of(state, shape);

    return (granule << shift | granule >> (64 - shift)) + state->window_start;
}

// The index of the mark word of a granule in the window. NO_INDEX: no page is there.
INLINE uint32_t index_of(const BatchState *state, BatchShape shape, uint64_t granule)
{
    uint64_t bucket = granule >> page_granules_shift(state, shape);

    if (shape.is_wide)
        return (uint32_t)(bucket * WIDE_WORDS + (granule >> WORD_BITS_SHIFT) % WIDE_BIT_WORDS);
    return shape.is_usual || state->pages == NULL ? (uint32_t)bucket : state->pages[bucket];
}

// Checks the number first: a prefetch outside the table would cost a walk through the page tables.
INLINE void prefetch_white(const BatchState *state, BatchShape shape, uint64_t granule)
{
    uint32_t index = index_of(state, shape, granule < granule_count(state, shape) ? granule : 0);

    if (!shape.is_usual && index == NO_INDEX)
        index = 0;
    if (shape.mode != MARK_ALONE)
        shared_u64_prefetch_exclusive(&state->white[index]);
    else
        shared_u64_prefetch(&state->white[index]);
}

// 1 when the word may refer to an object or a foreign block, else 0.
INLINE uint32_t is_candidate(const BatchState *state, BatchShape shape, uint64_t word)
{
    return (uint32_t)(word - state->window_start < state->window_bytes) |
           (uint32_t)(shape.has_far && word - state->far_low < state->far_span);
}

#endif
