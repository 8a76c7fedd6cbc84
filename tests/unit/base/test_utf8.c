// UTF-8 and clean text: each character is decoded, and nothing else is taken for one.

#include "base/utf8.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"

static size_t encode(uint32_t code, char *text)
{
    if (code < 0x80) {
        text[0] = (char)code;
        return 1;
    }
    size_t count = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = count; i-- > 1; code >>= 6)
        text[i] = (char)(0x80 | (code & 0x3f));
    text[0] = (char)((0xf00u >> count & 0xf0u) | code);
    return count;
}

Test(utf8, each_code_point_is_decoded_and_surrogates_are_refused)
{
    for (uint32_t code = 0; code <= 0x110010; code++) {
        char text[5] = {0};
        size_t count = encode(code, text);
        bool is_valid = code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        uint32_t decoded;

        cr_assert_eq(utf8_decode(text, 4, &decoded), is_valid ? count : 0, "U+%04X", code);
        cr_assert_eq(utf8_length(text), is_valid ? count : 0);
        cr_assert(!is_valid || decoded == code);
    }
}

Test(utf8, sequences_that_are_cut_or_too_long_are_refused)
{
    static const char *const wrong[] = {
        "\x80",             // continues nothing
        "\xc3",             // ends early
        "\xe2\x82",         //
        "\xf0\x9f\x98",     //
        "\xc3(",            // does not go on
        "\xe2\x82(",        //
        "\xc0\x80",         // overlong
        "\xc1\xbf",         //
        "\xe0\x9f\xbf",     //
        "\xf0\x8f\xbf\xbf", //
        "\xf8\x88\x80\x80", // five bytes
        "\xff",
    };
    uint32_t code;

    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_eq(utf8_length(wrong[i]), 0, "case %zu", i);
        cr_expect_eq(utf8_decode(wrong[i], strlen(wrong[i]), &code), 0, "case %zu", i);
    }
}

Test(utf8, no_byte_behind_the_text_is_read)
{
    const char euro[] = "\xe2\x82\xac";

    for (size_t length = 0; length < 3; length++) {
        char *cut = malloc(length + (length == 0)); // for the address sanitizer
        uint32_t code;

        memcpy(cut, euro, length);
        cr_expect_eq(utf8_decode(cut, length, &code), 0);
        free(cut);
    }
}

static void expect_clean(const char *text, TextLines lines, const char *cleaned)
{
    char copy[64];

    strcpy(copy, text);
    text_clean(copy, strlen(copy), lines);
    cr_expect_str_eq(copy, cleaned);
    cr_expect_eq(text_is_clean(text, strlen(text), lines), strcmp(text, cleaned) == 0);
    cr_expect(text_is_clean(copy, strlen(copy), lines));
}

Test(clean_text, bytes_that_could_steer_a_terminal_become_question_marks)
{
    expect_clean("plain, \xc3\xa4\xe2\x82\xac", TEXT_ONE_LINE, "plain, \xc3\xa4\xe2\x82\xac");
    expect_clean("\x1b[31mred", TEXT_ONE_LINE, "?[31mred");
    expect_clean("a\nb", TEXT_ONE_LINE, "a?b");
    expect_clean("a\nb", TEXT_MANY_LINES, "a\nb");
    expect_clean("a\rb\x7f", TEXT_MANY_LINES, "a?b?");
    expect_clean("\xc2\x9b", TEXT_ONE_LINE, "??");      // a control character of two bytes
    expect_clean("\xe2\x80\xae", TEXT_ONE_LINE, "???"); // turns the direction of writing
    expect_clean("\xc3 and \xff", TEXT_ONE_LINE, "? and ?");
}

Test(clean_text, characters_are_not_cut)
{
    const char *text = "a\xe2\x82\xac"
                       "b";

    cr_expect_eq(text_cut(text, 5, 9), 5);
    cr_expect_eq(text_cut(text, 5, 4), 4);
    cr_expect_eq(text_cut(text, 5, 3), 1);
    cr_expect_eq(text_cut(text, 5, 2), 1);
    cr_expect_eq(text_cut(text, 5, 1), 1);
    cr_expect_eq(text_cut(text, 5, 0), 0);
}

Test(utf8, hidden_characters_are_known)
{
    static const uint32_t hidden[] = {0,      '\n',    0x1b,    0x7f,   0x85,   0xad,
                                      0x61c,  0x200b,  0x200f,  0x2028, 0x202e, 0x2066,
                                      0xfeff, 0xe0041, 0xe0fff, 0xfdd0, 0xfffe, 0xffff};
    static const uint32_t shown[] = {' ', 'a', 0xe9, 0x3b1, 0x4e2d, 0x2192, 0x1f600, 0x10ffff};

    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        cr_expect(utf8_is_hidden(hidden[i]), "U+%04X", hidden[i]);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        cr_expect_not(utf8_is_hidden(shown[i]), "U+%04X", shown[i]);
}

Test(utf8, text_is_shown_without_them)
{
    char out[32];

    cr_expect_eq(text_show("a\u202e\xff\xc3(\u00e9", 9, out), 7);
    cr_expect_str_eq(out, "a?"
                          "?"
                          "?"
                          "(\u00e9");
}
