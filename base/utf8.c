// UTF-8: see base/utf8.h.

#include "base/utf8.h"

size_t utf8_decode(const char *text, size_t length, uint32_t *code)
{
    // The least code that needs as many bytes.
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *bytes = (const unsigned char *)text;
    size_t count;

    *code = 0;
    if (length == 0)
        return 0;
    *code = bytes[0];
    count = *code < 0x80       ? 1
            : *code >> 5 == 6  ? 2
            : *code >> 4 == 14 ? 3
            : *code >> 3 == 30 ? 4
                               : 0;
    if (count == 0 || count > length)
        return 0;
    if (count > 1)
        *code &= 0xFFu >> (count + 1);
    for (size_t i = 1; i < count; i++) {
        if (bytes[i] >> 6 != 2)
            return 0;
        *code = *code << 6 | (bytes[i] & 0x3F);
    }
    if (*code < least[count] || *code > 0x10FFFF || (*code >= 0xD800 && *code < 0xE000))
        return 0;
    return count;
}
