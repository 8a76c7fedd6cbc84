// UTF-8 (RFC 3629) in text that was not checked.

#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Decodes the UTF-8 sequence at `text`, which lies within `length` bytes, to *code. Returns its
// length, or 0 when it is not well-formed (overlong forms, surrogates and values above U+10FFFF
// included).
size_t utf8_decode(const char *text, size_t length, uint32_t *code);

// The same for the length alone, of the sequence at the start of a NUL-terminated text.
static inline size_t utf8_length(const char *text)
{
    uint32_t code;

    // NUL does not continue a sequence, so no byte behind it is read.
    return utf8_decode(text, SIZE_MAX, &code);
}

// Does a character steer a terminal, turn the direction of writing, or stay invisible (controls,
// bidi, zero-width characters, line separators, tags)? Shown as it is, it makes one name look like
// another (Unicode Technical Report 36).
bool utf8_is_hidden(uint32_t code);

#endif
