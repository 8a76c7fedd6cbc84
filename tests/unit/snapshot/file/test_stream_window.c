// Sections that pass by in a window: values that lie across its end, and positions set back.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/stream_window.h"

#define BEFORE 24u
#define LENGTH (2u * STREAM_WINDOW_BYTES + 20)

// A stream whose section, `length` bytes from BEFORE on, counts its 32-bit words.
static uint8_t *counting_stream(size_t length)
{
    uint8_t *bytes = calloc(1, BEFORE + length);

    cr_assert_not_null(bytes);
    for (uint32_t i = 0; i < length / sizeof i; i++)
        memcpy(bytes + BEFORE + i * sizeof i, &i, sizeof i);
    return bytes;
}

Test(stream_window, a_section_longer_than_the_window_is_read_to_its_end)
{
    uint8_t *bytes = counting_stream(LENGTH);
    ByteSource source = {.memory = bytes, .length = BEFORE + LENGTH};
    Section section = {.offset = BEFORE, .length = LENGTH};
    StreamWindow window;
    ByteCursor cursor = stream_window_open(&window, &source, &section);
    uint64_t wrong = 0;

    // The first value makes all that follow lie across the ends of windows.
    cr_expect_eq(byte_cursor_u16(&cursor), 0);
    cr_expect_eq(byte_cursor_u16(&cursor), 0);
    for (uint32_t i = 1; i < LENGTH / sizeof i; i++)
        wrong += byte_cursor_u32(&cursor) != i;
    cr_expect_eq(wrong, 0);
    cr_expect_not(cursor.is_short);
    cr_expect_eq(byte_cursor_left(&cursor), 0);
    cr_expect_eq(byte_cursor_u16(&cursor), 0);
    cr_expect(cursor.is_short);
    cr_expect_eq(window.error.code, ERROR_NONE, "the end of a section is not a failure to read");
    stream_window_close(&window);
    free(bytes);
}

Test(stream_window, a_value_across_two_windows_is_whole_and_the_cursor_goes_back)
{
    uint8_t *bytes = counting_stream(LENGTH);
    ByteSource source = {.memory = bytes, .length = BEFORE + LENGTH};
    Section section = {.offset = BEFORE, .length = LENGTH};
    StreamWindow window;
    ByteCursor cursor = stream_window_open(&window, &source, &section);
    uint64_t across;

    cr_expect_eq(byte_cursor_u32(&cursor), 0);
    cursor.position = STREAM_WINDOW_BYTES - 4;
    memcpy(&across, bytes + BEFORE + STREAM_WINDOW_BYTES - 4, sizeof across);
    cr_expect_eq(byte_cursor_u64(&cursor), across);
    cursor.position = 8;
    cr_expect_eq(byte_cursor_u32(&cursor), 2);
    stream_window_close(&window);
    free(bytes);
}

Test(stream_window, a_section_beyond_the_stream_is_an_error_that_stays)
{
    uint8_t *bytes = counting_stream(64);
    ByteSource source = {.memory = bytes, .length = BEFORE + 64};
    Section section = {.offset = BEFORE, .length = 128};
    StreamWindow window;
    ByteCursor cursor = stream_window_open(&window, &source, &section);

    (void)byte_cursor_u32(&cursor);
    cr_expect(cursor.is_short);
    cr_expect_neq(window.error.code, ERROR_NONE);
    stream_window_close(&window);
    free(bytes);
}

Test(stream_window, no_single_value_is_longer_than_the_window)
{
    uint8_t *bytes = counting_stream(LENGTH);
    ByteSource source = {.memory = bytes, .length = BEFORE + LENGTH};
    Section section = {.offset = BEFORE, .length = LENGTH};
    StreamWindow window;
    ByteCursor cursor = stream_window_open(&window, &source, &section);

    cr_expect_not_null(byte_cursor_take(&cursor, STREAM_WINDOW_BYTES));
    cr_expect_null(byte_cursor_take(&cursor, STREAM_WINDOW_BYTES + 1));
    cr_expect(cursor.is_short);
    stream_window_close(&window);
    free(bytes);
}
