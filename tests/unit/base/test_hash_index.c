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
    uint64_t (*hash_of)(uint64_t key);
} ItemList;

static uint64_t alike(uint64_t key)
{
    (void)key;
    return UINT64_MAX;
}

static uint64_t alike_at(const void *items, uint32_t position)
{
    return alike(((const Item *)items)[position].key);
}

static uint64_t mixed_at(const void *items, uint32_t position)
{
    return hash_mix(((const Item *)items)[position].key);
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
    slot = hash_index_find(&list->index, list->items, list->hash_of(key), is_item_at, &key);
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
    check((ItemList){.hash_at = mixed_at, .hash_of = hash_mix}, 100000);
}

Test(hash_index, equal_hashes_are_told_apart_by_their_keys)
{
    check((ItemList){.hash_at = alike_at, .hash_of = alike}, 300);
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
