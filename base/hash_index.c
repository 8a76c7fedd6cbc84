// HashIndex: see base/hash_index.h.

#include "base/hash_index.h"

#include <stdlib.h>
#include <sys/random.h>

#include "base/clock.h"

#define LEAST_SLOTS 64u
#define MOST_ITEMS (UINT32_MAX / 4)

void hash_index_release(HashIndex *index)
{
    free(index->slots);
    *index = (HashIndex){.slots = NULL};
}

static void draw_seeds(HashIndex *index)
{
    if (getrandom(index->seeds, sizeof index->seeds, GRND_NONBLOCK) == (ssize_t)sizeof index->seeds)
        return;
    // Early at boot. Addresses are random, too.
    index->seeds[0] = hash_mix((uint64_t)(uintptr_t)index->slots ^ clock_monotonic_ns());
    index->seeds[1] = hash_mix((uint64_t)(uintptr_t)&index + index->seeds[0]);
}

static bool is_never(const void *items, uint32_t position, const void *key)
{
    (void)items;
    (void)position;
    (void)key;
    return false;
}

bool hash_index_reserve(HashIndex *index, const void *items, uint64_t count, HashIndexHash *hash_of,
                        const char *what, Error *error)
{
    HashIndex larger = {.slot_count =
                            index->slot_count < LEAST_SLOTS ? LEAST_SLOTS : index->slot_count};

    if (2 * count <= index->slot_count)
        return true;
    if (count > MOST_ITEMS)
        return error_set(error, ERROR_MEMORY, "too many %s for one table", what);
    while (larger.slot_count < 2 * count)
        larger.slot_count *= 2;
    larger.slots = calloc(larger.slot_count, sizeof *larger.slots);
    if (larger.slots == NULL)
        return error_set_memory(error, larger.slot_count * sizeof *larger.slots, what);
    if (index->slots == NULL) {
        draw_seeds(&larger);
    } else {
        larger.seeds[0] = index->seeds[0];
        larger.seeds[1] = index->seeds[1];
    }
    // All items that the old table holds, in any order.
    for (uint32_t slot = 0; slot < index->slot_count; slot++)
        if (index->slots[slot] != 0) {
            uint32_t position = index->slots[slot] - 1;

            *hash_index_find(&larger, items, hash_of(&larger, items, position), is_never, NULL) =
                position + 1;
        }
    free(index->slots);
    *index = larger;
    return true;
}
