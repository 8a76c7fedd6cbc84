// ByteBuffer and ByteCursor: see base/byte_buffer.h.

#include "base/byte_buffer.h"

#include <stdlib.h>
#include <string.h>

void byte_buffer_release(ByteBuffer *buffer)
{
    free(buffer->bytes);
    *buffer = (ByteBuffer){0};
}

// Makes room for `length` more bytes and returns where they go, or NULL.
static uint8_t *extend(ByteBuffer *buffer, size_t length)
{
    if (buffer->is_short)
        return NULL;
    if (length > buffer->capacity - buffer->length) {
        size_t capacity = buffer->capacity < 256 ? 256 : buffer->capacity;
        uint8_t *bytes = NULL;
        while (capacity - buffer->length < length && capacity <= SIZE_MAX / 4)
            capacity *= 2;
        if (capacity - buffer->length >= length)
            bytes = realloc(buffer->bytes, capacity);
        if (bytes == NULL) {
            buffer->is_short = true;
            return NULL;
        }
        buffer->bytes = bytes;
        buffer->capacity = capacity;
    }
    buffer->length += length;
    return buffer->bytes + buffer->length - length;
}

void byte_buffer_add(ByteBuffer *buffer, const void *bytes, size_t length)
{
    uint8_t *room = length > 0 ? extend(buffer, length) : NULL;

    if (room != NULL)
        memcpy(room, bytes, length);
}

void byte_buffer_add_zeros(ByteBuffer *buffer, size_t length)
{
    uint8_t *room = length > 0 ? extend(buffer, length) : NULL;

    if (room != NULL)
        memset(room, 0, length);
}

void byte_buffer_add_u16(ByteBuffer *buffer, uint16_t value)
{
    uint8_t *room = extend(buffer, sizeof value);

    if (room != NULL)
        bytes_put_u16(room, value);
}

void byte_buffer_add_u32(ByteBuffer *buffer, uint32_t value)
{
    uint8_t *room = extend(buffer, sizeof value);

    if (room != NULL)
        bytes_put_u32(room, value);
}

void byte_buffer_add_u64(ByteBuffer *buffer, uint64_t value)
{
    uint8_t *room = extend(buffer, sizeof value);

    if (room != NULL)
        bytes_put_u64(room, value);
}

#define VARINT_MAX_BYTES 10u

void byte_buffer_add_varint(ByteBuffer *buffer, uint64_t value)
{
    uint8_t bytes[VARINT_MAX_BYTES];
    size_t length = 0;

    for (; value >= 0x80; value >>= 7)
        bytes[length++] = (uint8_t)(value | 0x80);
    bytes[length++] = (uint8_t)value;
    byte_buffer_add(buffer, bytes, length);
}

const uint8_t *byte_cursor_take(ByteCursor *cursor, size_t length)
{
    const uint8_t *bytes = NULL;

    if (!cursor->is_short && length <= byte_cursor_left(cursor))
        bytes = cursor->fetch == NULL ? cursor->bytes + cursor->position
                                      : cursor->fetch(cursor->context, cursor->position, length);
    if (bytes == NULL) {
        cursor->is_short = true;
        return NULL;
    }
    cursor->position += length;
    return bytes;
}

uint16_t byte_cursor_u16(ByteCursor *cursor)
{
    const uint8_t *bytes = byte_cursor_take(cursor, sizeof(uint16_t));

    return bytes == NULL ? 0 : bytes_get_u16(bytes);
}

uint32_t byte_cursor_u32(ByteCursor *cursor)
{
    const uint8_t *bytes = byte_cursor_take(cursor, sizeof(uint32_t));

    return bytes == NULL ? 0 : bytes_get_u32(bytes);
}

uint64_t byte_cursor_u64(ByteCursor *cursor)
{
    const uint8_t *bytes = byte_cursor_take(cursor, sizeof(uint64_t));

    return bytes == NULL ? 0 : bytes_get_u64(bytes);
}

uint64_t byte_cursor_varint(ByteCursor *cursor)
{
    uint64_t value = 0;

    for (uint32_t shift = 0; shift < 64; shift += 7) {
        const uint8_t *byte = byte_cursor_take(cursor, 1);

        if (byte == NULL)
            return 0;
        // The tenth byte has one bit.
        if (shift == 63 && *byte > 1)
            break;
        value |= (uint64_t)(*byte & 0x7f) << shift;
        if (*byte < 0x80)
            return value;
    }
    cursor->is_short = true;
    return 0;
}

// Only little-endian machines are supported (snapshot/heap/heap_layout.h), so these are plain
// moves.

uint16_t bytes_get_u16(const uint8_t *bytes)
{
    uint16_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

uint32_t bytes_get_u32(const uint8_t *bytes)
{
    uint32_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

uint64_t bytes_get_u64(const uint8_t *bytes)
{
    uint64_t value;

    memcpy(&value, bytes, sizeof value);
    return value;
}

void bytes_put_u16(uint8_t *bytes, uint16_t value)
{
    memcpy(bytes, &value, sizeof value);
}

void bytes_put_u32(uint8_t *bytes, uint32_t value)
{
    memcpy(bytes, &value, sizeof value);
}

void bytes_put_u64(uint8_t *bytes, uint64_t value)
{
    memcpy(bytes, &value, sizeof value);
}
