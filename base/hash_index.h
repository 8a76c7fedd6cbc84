// HashIndex: finds the items of a growing array by their keys.
//
// The index holds positions in the array, in a hash table with open addressing that is at most half
// full; the items stay with their owner.
//
// Keys come from files, so hashes have a random seed: the maker of a file cannot choose keys that
// share a hash, by which looking one up would take as long as looking at all. Positions and the
// order of items do not depend on the seed.
//
//     if (!array_reserve(&list->items, &list->capacity, list->count + UINT64_C(1),
//                        sizeof *list->items, "items", error) ||
//         !hash_index_reserve(&list->index, list->items, list->count + UINT64_C(1), hash_of_item,
//                             "items", error))
//         return NULL;
//     uint32_t *slot = hash_index_find(&list->index, list->items,
//                                      hash_index_hash(&list->index, key, 0), is_item, &key);
//     if (*slot == 0) {
//         list->items[list->count] = ...;
//         *slot = ++list->count;
//     }
//     return &list->items[*slot - 1];

#ifndef BASE_HASH_INDEX_H
#define BASE_HASH_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/error.h"

// A zeroed struct is valid and empty.
typedef struct HashIndex {
    uint32_t *slots;     // owned; the position of an item plus 1, or 0
    uint32_t slot_count; // a power of two, or 0
    uint64_t seeds[2];   // random; set with the first slots
} HashIndex;

void hash_index_release(HashIndex *index);

// The hash of item `position`, by hash_index_hash() with `index`.
typedef uint64_t HashIndexHash(const HashIndex *index, const void *items, uint32_t position);
// Returns whether item `position` has this key.
typedef bool HashIndexMatch(const void *items, uint32_t position, const void *key);

// Makes room for `count` items in all. Growing hashes the items in the index again. `what` names
// the items in error messages. Errors: memory.
NODISCARD bool hash_index_reserve(HashIndex *index, const void *items, uint64_t count,
                                  HashIndexHash *hash_of, const char *what, Error *error);

// The slot of the item with this key and hash, or the free slot where it belongs. The index must
// have room. Inline, so that the comparison is compiled into the loop.
static inline uint32_t *hash_index_find(const HashIndex *index, const void *items, uint64_t hash,
                                        HashIndexMatch *is_match, const void *key)
{
    uint32_t slot = (uint32_t)(hash >> 32) & (index->slot_count - 1);

    while (index->slots[slot] != 0 && !is_match(items, index->slots[slot] - 1, key))
        slot = (slot + 1) & (index->slot_count - 1);
    return &index->slots[slot];
}

// The hash of a key of two words, for an index that has room. Of longer keys, the hash of the first
// two words and the third is taken.
//
// The product of two seeded words, folded: W. Yi's wyhash.
static inline uint64_t hash_index_hash(const HashIndex *index, uint64_t first, uint64_t second)
{
    __extension__ typedef unsigned __int128 Wide;
    Wide product = (Wide)(first ^ index->seeds[0]) * (second ^ index->seeds[1]);

    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// The hash of a text, likewise.
static inline uint64_t hash_index_text(const HashIndex *index, const char *text, size_t length)
{
    uint64_t hash = length;

    while (length > 0) {
        uint64_t words[2] = {0, 0};
        size_t part = length < sizeof words ? length : sizeof words;

        memcpy(words, text, part);
        hash = hash_index_hash(index, hash ^ words[0], words[1]);
        text += part;
        length -= part;
    }
    return hash;
}

// Numbers without a seed, which name a key in the same way in every run. The maker of a file can
// choose keys that share one.
static inline uint64_t hash_mix(uint64_t key)
{
    return (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);
}

#endif
