// Lengths, capacities and text: see analysis/buffer_text.h.

#include "analysis/buffer_text.h"

#include <string.h>

#include "base/utf8.h"

// malloc rounds up to 16 bytes, and gives at least 24.
#define ROUNDING 32u

static uint64_t word_at(const PlaceWords *words, uint64_t index)
{
    return load_u64(words->bytes + 8 * index);
}

// May a block of this size hold `capacity` elements of some size, and no more?
static bool fills(uint64_t capacity, uint64_t block_bytes)
{
    uint64_t element;

    if (capacity == 0 || capacity > block_bytes)
        return false;
    element = block_bytes / capacity;
    // The largest size whose elements fit; large ones leave more room than malloc's rounding.
    return block_bytes - element * capacity < ROUNDING;
}

BufferShape buffer_shape_beside(const PlaceWords *words, uint64_t index, uint64_t block_bytes)
{
    // Where the capacity and the length are, from the pointer.
    static const struct {
        int capacity;
        int length;
    } orders[] = {{-1, 1}, {1, 2}, {-1, -2}};
    BufferShape none = {0};

    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++) {
        uint64_t capacity_at = index + (uint64_t)(int64_t)orders[i].capacity;
        uint64_t length_at = index + (uint64_t)(int64_t)orders[i].length;
        uint64_t capacity, length;

        // Positions before the first word wrap to ones that do not exist.
        if (capacity_at >= words->count || length_at >= words->count)
            continue;
        capacity = word_at(words, capacity_at);
        length = word_at(words, length_at);
        if (fills(capacity, block_bytes) && length <= capacity)
            return (BufferShape){true, true, length, capacity};
    }
    // Without a capacity only bytes can be told: their number is nearly the block's.
    if (index + 1 < words->count && word_at(words, index + 1) <= block_bytes &&
        block_bytes - word_at(words, index + 1) < ROUNDING)
        return (BufferShape){true, false, word_at(words, index + 1), 0};
    return none;
}

bool buffer_text(const uint8_t *bytes, uint64_t length, char text[BUFFER_TEXT_BYTES + 1])
{
    uint64_t used = 0;

    text[0] = '\0';
    while (used < length) {
        const char *at = (const char *)bytes + used;
        uint32_t code;
        size_t count = utf8_decode(at, (size_t)(length - used), &code);

        if (count == 0 || code == 0x7f || (code >= 0x80 && code < 0xa0) ||
            (code < 0x20 && code != '\n' && code != '\t' && code != '\r'))
            return false;
        if (used + count > BUFFER_TEXT_BYTES)
            break;
        used += count;
    }
    memcpy(text, bytes, used);
    text[used] = '\0';
    return used > 0;
}
