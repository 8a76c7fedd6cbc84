// Lengths and capacities beside a pointer, and text, from words and bytes alone.

#include <criterion/criterion.h>
#include <string.h>

#include "analysis/buffer_text.h"

#define POINTER UINT64_C(0x50000000)

static BufferShape shape_of(const uint64_t *values, uint64_t count, uint64_t index,
                            uint64_t block_bytes)
{
    PlaceWords words = {(const uint8_t *)values, 48, count};

    return buffer_shape_beside(&words, index, block_bytes);
}

Test(buffer_text, a_vec_has_its_capacity_before_the_pointer_and_its_length_behind)
{
    const uint64_t vec[] = {10, POINTER, 7};
    BufferShape shape = shape_of(vec, 3, 1, 10 * 24 + 8);

    cr_expect(shape.has_length && shape.has_capacity);
    cr_expect_eq(shape.length, 7);
    cr_expect_eq(shape.capacity, 10);
}

Test(buffer_text, other_orders_are_known)
{
    const uint64_t older[] = {POINTER, 100, 99}, last[] = {99, 100, POINTER};

    cr_expect_eq(shape_of(older, 3, 0, 104).length, 99);
    cr_expect_eq(shape_of(last, 3, 2, 104).length, 99);
}

Test(buffer_text, a_slice_of_bytes_has_a_length_only)
{
    const uint64_t slice[] = {POINTER, 50};
    BufferShape shape = shape_of(slice, 2, 0, 56);

    cr_expect(shape.has_length && !shape.has_capacity);
    cr_expect_eq(shape.length, 50);
}

Test(buffer_text, what_does_not_fit_the_block_is_not_known)
{
    const uint64_t longer[] = {10, POINTER, 11}, larger[] = {300, POINTER, 7};
    const uint64_t other[] = {0, POINTER, 3}, alone[] = {POINTER};

    cr_expect_not(shape_of(longer, 3, 1, 248).has_length);
    cr_expect_not(shape_of(larger, 3, 1, 248).has_length);
    cr_expect_not(shape_of(other, 3, 1, 248).has_length);
    cr_expect_not(shape_of(alone, 1, 0, 248).has_length);
}

static bool is_text(const char *bytes, uint64_t length, char text[BUFFER_TEXT_BYTES + 1])
{
    return buffer_text((const uint8_t *)bytes, length, text);
}

Test(buffer_text, text_is_clean_utf8)
{
    char text[BUFFER_TEXT_BYTES + 1];

    cr_expect(is_text("one\ntw\xc3\xb6", 8, text));
    cr_expect_str_eq(text, "one\ntw\xc3\xb6");
    cr_expect_not(is_text("", 0, text));
    cr_expect_not(is_text("a\0b", 3, text));
    cr_expect_not(is_text("a\x1b[0m", 5, text));
    cr_expect_not(is_text("a\xc2\x80", 3, text));
    cr_expect_not(is_text("a\xff", 2, text));
}

Test(buffer_text, long_text_is_cut_between_characters)
{
    char text[BUFFER_TEXT_BYTES + 1], bytes[BUFFER_TEXT_BYTES + 2];

    memset(bytes, 'x', sizeof bytes);
    memcpy(bytes + BUFFER_TEXT_BYTES - 1, "\xc3\xb6", 2);
    cr_expect(is_text(bytes, sizeof bytes, text));
    cr_expect_eq(strlen(text), BUFFER_TEXT_BYTES - 1);
}
