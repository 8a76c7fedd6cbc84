// Items are found again by their keys, however many there are and however alike their hashes.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/hash_index.h"

typedef struct Item {
    uint64_t key;
} Item;

typedef struct ItemList {
    uint32_t count;
    uint64_t capacity;
    Item *items;
    HashIndex index;
    HashIndexHash *hash_at;
} ItemList;

static uint64_t alike_at(const HashIndex *index, const void *items, uint32_t position)
{
    (void)index, (void)items, (void)position;
    return UINT64_MAX;
}

static uint64_t mixed_at(const HashIndex *index, const void *items, uint32_t position)
{
    return hash_index_hash(index, ((const Item *)items)[position].key, 0);
}

static bool is_item_at(const void *items, uint32_t position, const void *key)
{
    return ((const Item *)items)[position].key == *(const uint64_t *)key;
}

static uint32_t position_of(ItemList *list, uint64_t key)
{
    uint32_t *slot;
    Error error;

    cr_assert(array_reserve(&list->items, &list->capacity, list->count + UINT64_C(1), sizeof(Item),
                            "items", &error));
    cr_assert(hash_index_reserve(&list->index, list->items, list->count + UINT64_C(1),
                                 list->hash_at, "items", &error));
    slot = hash_index_find(&list->index, list->items, list->hash_at(&list->index, &key, 0),
                           is_item_at, &key);
    if (*slot == 0) {
        list->items[list->count].key = key;
        *slot = ++list->count;
    }
    return *slot - 1;
}

static void check(ItemList list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        cr_assert_eq(position_of(&list, i * UINT64_C(4096)), i);
    for (uint32_t i = count; i-- > 0;)
        cr_assert_eq(position_of(&list, i * UINT64_C(4096)), i);
    cr_expect_eq(list.count, count);
    cr_expect_leq(2 * list.count, list.index.slot_count);
    hash_index_release(&list.index);
    cr_expect_eq(list.index.slot_count, 0);
    hash_index_release(&list.index);
    free(list.items);
}

Test(hash_index, every_item_is_found_at_its_position)
{
    check((ItemList){.hash_at = mixed_at}, 100000);
}

Test(hash_index, equal_hashes_are_told_apart_by_their_keys)
{
    check((ItemList){.hash_at = alike_at}, 300);
}

Test(hash_index, more_items_than_a_table_can_have_are_an_error)
{
    HashIndex index = {.slots = NULL};
    Error error;

    cr_expect_not(hash_index_reserve(&index, NULL, UINT64_C(1) << 31, mixed_at, "items", &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    cr_expect_str_eq(error.message, "too many items for one table");
    cr_expect_eq(index.slot_count, 0);
}

// The maker of a file knows the code, but not the seed.
Test(hash_index, each_index_has_hashes_of_its_own)
{
    HashIndex indices[2] = {{.slots = NULL}, {.slots = NULL}};
    uint32_t alike_hashes = 0;
    Error error;

    for (int i = 0; i < 2; i++)
        cr_assert(hash_index_reserve(&indices[i], NULL, 10, mixed_at, "items", &error));
    for (uint64_t key = 0; key < 1000; key++)
        alike_hashes += hash_index_hash(&indices[0], key << 12, 0) ==
                        hash_index_hash(&indices[1], key << 12, 0);
    cr_expect_leq(alike_hashes, 1);
    for (int i = 0; i < 2; i++)
        hash_index_release(&indices[i]);
}

// These share the upper half of hash_mix().
Test(hash_index, keys_that_were_made_to_share_a_hash_are_spread)
{
    HashIndex index = {.slots = NULL};
    uint32_t used[1024] = {0}, most = 0;
    Error error;

    cr_assert(hash_index_reserve(&index, NULL, 512, mixed_at, "items", &error));
    for (uint64_t j = 1; j <= 512; j++) {
        uint64_t trace = j << 44 | j << 12;
        uint64_t drop = ((j * UINT64_C(0x9e3779b97f4a7c15)) & 0xfffff) << 44;
        uint64_t hash = hash_index_hash(&index, trace, drop);
        uint32_t *count = &used[(hash >> 32) % 1024];

        ++*count;
        most = *count > most ? *count : most;
    }
    cr_expect_leq(most, 32);
    hash_index_release(&index);
}
