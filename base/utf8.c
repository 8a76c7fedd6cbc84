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

bool utf8_is_hidden(uint32_t code)
{
    // Ascending: Unicode 15, general categories Cc, Cf, Zl, Zp, the blank letters, and those
    // that are not characters.
    static const struct {
        uint32_t first, last;
    } hidden[] = {{0x0000, 0x001F}, {0x007F, 0x009F},   {0x00AD, 0x00AD},   {0x061C, 0x061C},
                  {0x115F, 0x1160}, {0x17B4, 0x17B5},   {0x180B, 0x180F},   {0x200B, 0x200F},
                  {0x2028, 0x202E}, {0x2060, 0x206F},   {0x3164, 0x3164},   {0xFDD0, 0xFDEF},
                  {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},   {0xFFF0, 0xFFFB},
                  {0xFFFE, 0xFFFF}, {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};

    for (size_t i = 0; i < sizeof hidden / sizeof hidden[0]; i++)
        if (code <= hidden[i].last)
            return code >= hidden[i].first;
    return false;
}
