// The length and the capacity that stand beside a pointer to a block, and the text in a block.
//
// Rust's containers keep them together: {capacity, pointer, length}, in one of a few orders, or
// {pointer, length}. Where no layout of the type says so, they are told by their values: a buffer's
// capacity fits its block, and nearly fills it. What does not fit is not known.

#ifndef ANALYSIS_BUFFER_TEXT_H
#define ANALYSIS_BUFFER_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analysis/heap_place.h"

// Counts of elements.
typedef struct BufferShape {
    bool has_length;
    bool has_capacity;
    uint64_t length;
    uint64_t capacity;
} BufferShape;

// The shape beside word `index`, which points to the start of a block of `block_bytes`.
BufferShape buffer_shape_beside(const PlaceWords *words, uint64_t index, uint64_t block_bytes);

// Bytes of text that are shown at most.
#define BUFFER_TEXT_BYTES 200u

// Is there text in the first `length` bytes: valid UTF-8 without control characters (line breaks
// and tabs may occur), at least one? Copies at most BUFFER_TEXT_BYTES of them, without cutting a
// character, and a NUL.
bool buffer_text(const uint8_t *bytes, uint64_t length, char text[BUFFER_TEXT_BYTES + 1]);

#endif
