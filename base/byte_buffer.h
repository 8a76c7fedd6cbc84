// ByteBuffer: appends little-endian values to a growing array of bytes. ByteCursor: reads them from
// bytes of a file, and never past their end.
//
// Neither reports errors at each step: a buffer that ran out of memory, or a cursor that ran
// out of bytes, stays so (`is_short`), and the caller checks once at the end.

#ifndef BASE_BYTE_BUFFER_H
#define BASE_BYTE_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct ByteBuffer {
    uint8_t *bytes; // owned
    size_t length;
    size_t capacity;
    bool is_short; // memory was short: `bytes` lacks a part
} ByteBuffer;

void byte_buffer_release(ByteBuffer *buffer);
void byte_buffer_add(ByteBuffer *buffer, const void *bytes, size_t length);
void byte_buffer_add_zeros(ByteBuffer *buffer, size_t length);
void byte_buffer_add_u16(ByteBuffer *buffer, uint16_t value);
void byte_buffer_add_u32(ByteBuffer *buffer, uint32_t value);
void byte_buffer_add_u64(ByteBuffer *buffer, uint64_t value);
// 7 bits a byte, the lowest first; all bytes but the last have bit 7 set. Small values are short.
void byte_buffer_add_varint(ByteBuffer *buffer, uint64_t value);

typedef struct ByteCursor {
    const uint8_t *bytes; // borrowed
    size_t length;
    size_t position; // <= length
    bool is_short;   // a read went beyond the end
    // NULL, or: bytes pass by, and are not there as a whole. Gives `length` of them, which are
    // valid until the next call; NULL: they cannot be read.
    const uint8_t *(*fetch)(void *context, size_t position, size_t length);
    void *context;
} ByteCursor;

// Bytes that pass by are looked at, and nothing that was made of them is kept.
static inline bool byte_cursor_is_passing(const ByteCursor *cursor)
{
    return cursor->fetch != NULL;
}

// The next `length` bytes, or NULL when there are fewer.
const uint8_t *byte_cursor_take(ByteCursor *cursor, size_t length);
// 0 when there are not enough bytes.
uint16_t byte_cursor_u16(ByteCursor *cursor);
uint32_t byte_cursor_u32(ByteCursor *cursor);
uint64_t byte_cursor_u64(ByteCursor *cursor);
// Also 0, and the cursor is short, when the value has more than 64 bits.
uint64_t byte_cursor_varint(ByteCursor *cursor);

static inline size_t byte_cursor_left(const ByteCursor *cursor)
{
    return cursor->length - cursor->position;
}

// Single values in raw bytes that need no alignment.
uint16_t bytes_get_u16(const uint8_t *bytes);
uint32_t bytes_get_u32(const uint8_t *bytes);
uint64_t bytes_get_u64(const uint8_t *bytes);
void bytes_put_u16(uint8_t *bytes, uint16_t value);
void bytes_put_u32(uint8_t *bytes, uint32_t value);
void bytes_put_u64(uint8_t *bytes, uint64_t value);

#endif
