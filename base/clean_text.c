// Text that is safe to show: see base/clean_text.h.

#include "base/clean_text.h"

#include <string.h>

#include "base/utf8.h"

// Bytes of the clean character at `text`, or 0 when there is none.
static size_t clean_character(const char *text, size_t length, TextLines lines)
{
    uint32_t code;
    size_t count = utf8_decode(text, length, &code);

    if (code == '\n')
        return lines == TEXT_MANY_LINES ? count : 0;
    // Both sets of control characters, and those that turn the direction of writing.
    if (code < 0x20 || (code >= 0x7F && code < 0xA0) || (code >= 0x202A && code <= 0x202E) ||
        (code >= 0x2066 && code <= 0x2069))
        return 0;
    return count;
}

bool text_is_clean(const char *text, size_t length, TextLines lines)
{
    for (size_t at = 0; at < length;) {
        size_t count = clean_character(text + at, length - at, lines);
        if (count == 0)
            return false;
        at += count;
    }
    return true;
}

void text_clean(char *text, size_t length, TextLines lines)
{
    for (size_t at = 0; at < length;) {
        size_t count = clean_character(text + at, length - at, lines);
        if (count == 0)
            text[at] = '?';
        at += count > 0 ? count : 1;
    }
}

size_t text_show(const char *text, size_t length, char *out)
{
    size_t used = 0;

    for (size_t at = 0; at < length;) {
        uint32_t code;
        size_t count;

        if (text[at] >= 0x20 && text[at] < 0x7F) {
            out[used++] = text[at++];
            continue;
        }
        count = utf8_decode(text + at, length - at, &code);
        if (count == 0 || utf8_is_hidden(code)) {
            out[used++] = '?';
        } else {
            memcpy(out + used, text + at, count);
            used += count;
        }
        at += count > 0 ? count : 1;
    }
    out[used] = '\0';
    return used;
}

size_t text_cut(const char *text, size_t length, size_t limit)
{
    if (length <= limit)
        return length;
    // Back over the rest of a character.
    while (limit > 0 && ((unsigned char)text[limit] & 0xC0) == 0x80)
        limit--;
    return limit;
}
