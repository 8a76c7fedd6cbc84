// Binary search in ascending items.
//
//     // The last range that begins at or below `address`, if there is one:
//     uint64_t next = search_above(ranges, count, start, address);
//     if (next > 0 && address < ranges[next - 1].end)
//         return &ranges[next - 1];

#ifndef BASE_SEARCH_H
#define BASE_SEARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

// Does item `index` of `items` lie before `key`? Must be true for the first items, of which there
// may be none, and false for all others.
typedef bool SearchIsBefore(const void *items, uint64_t index, const void *key);

// The index of the first of `count` items that is not before `key`; `count` when all are.
// Inline, so that the comparison is compiled into the loop.
static inline uint64_t search_first(const void *items, uint64_t count, SearchIsBefore *is_before,
                                    const void *key)
{
    uint64_t low = 0, high = count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (is_before(items, middle, key))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Items with a key of 32 or 64 bits: where it is in an item.
typedef struct SearchKey {
    uint64_t value;
    size_t item_bytes;
    size_t offset;
    size_t key_bytes; // 4 or 8
} SearchKey;

static inline uint64_t search_key_of(const void *items, uint64_t index, const SearchKey *key)
{
    const char *at = (const char *)items + index * key->item_bytes + key->offset;
    uint64_t wide;
    uint32_t narrow;

    if (key->key_bytes == sizeof wide) {
        memcpy(&wide, at, sizeof wide);
        return wide;
    }
    memcpy(&narrow, at, sizeof narrow);
    return narrow;
}

static inline bool search_key_is_below(const void *items, uint64_t index, const void *key)
{
    return search_key_of(items, index, key) < ((const SearchKey *)key)->value;
}

static inline bool search_key_is_at_most(const void *items, uint64_t index, const void *key)
{
    return search_key_of(items, index, key) <= ((const SearchKey *)key)->value;
}

#define SEARCH_KEY(items, field, value)                                                            \
    (&(const SearchKey){(value), sizeof *(items), offsetof(__typeof__(*(items)), field),           \
                        sizeof(items)->field})

// The index of the first item whose `field` (an unsigned integer of 32 or 64 bits) is `value` or
// more; `count` when there is none.
#define search_from(items, count, field, value)                                                    \
    search_first((items), (count), search_key_is_below, SEARCH_KEY(items, field, value))

// The same for the first item whose `field` is more than `value`.
#define search_above(items, count, field, value)                                                   \
    search_first((items), (count), search_key_is_at_most, SEARCH_KEY(items, field, value))

// The same in arrays of plain integers.
static inline uint64_t search_from_u64(const uint64_t *items, uint64_t count, uint64_t value)
{
    return search_first(items, count, search_key_is_below,
                        &(const SearchKey){value, sizeof *items, 0, sizeof *items});
}

static inline uint64_t search_above_u32(const uint32_t *items, uint64_t count, uint32_t value)
{
    return search_first(items, count, search_key_is_at_most,
                        &(const SearchKey){value, sizeof *items, 0, sizeof *items});
}

static inline uint64_t search_above_u64(const uint64_t *items, uint64_t count, uint64_t value)
{
    return search_first(items, count, search_key_is_at_most,
                        &(const SearchKey){value, sizeof *items, 0, sizeof *items});
}

#endif
