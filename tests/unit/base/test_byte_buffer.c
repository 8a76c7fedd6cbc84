// Numbers of variable length: they come back, and no others are read.

#include "base/byte_buffer.h"

#include <criterion/criterion.h>

Test(byte_buffer, numbers_of_variable_length_come_back)
{
    const uint64_t values[] = {0,         1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX >> 1,
                               UINT64_MAX};
    const size_t lengths[] = {1, 1, 1, 2, 2, 3, 5, 9, 10};

    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        ByteBuffer buffer = {0};
        ByteCursor cursor;

        byte_buffer_add_varint(&buffer, values[i]);
        cr_expect_eq(buffer.length, lengths[i]);
        cursor = (ByteCursor){.bytes = buffer.bytes, .length = buffer.length};
        cr_expect_eq(byte_cursor_varint(&cursor), values[i]);
        cr_expect(!cursor.is_short && byte_cursor_left(&cursor) == 0);
        // Cut, it is not there.
        cursor = (ByteCursor){.bytes = buffer.bytes, .length = buffer.length - 1};
        cr_expect_eq(byte_cursor_varint(&cursor), 0u);
        cr_expect(cursor.is_short);
        byte_buffer_release(&buffer);
    }
}

Test(byte_buffer, a_number_of_more_than_64_bits_is_refused)
{
    const uint8_t bytes[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0};
    ByteCursor cursor = {.bytes = bytes, .length = sizeof bytes};

    cr_expect_eq(byte_cursor_varint(&cursor), 0u);
    cr_expect(cursor.is_short);
}
