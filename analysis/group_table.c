// GroupTable: see analysis/group_table.h.

#include "analysis/group_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

void reachability_counts_add(ReachabilityCounts *counts, const ReachabilityCounts *more)
{
    counts->pages += more->pages;
    counts->slots += more->slots;
    counts->objects += more->objects;
    counts->object_bytes += more->object_bytes;
    counts->zombies += more->zombies;
    counts->zombie_bytes += more->zombie_bytes;
    counts->reachable_objects += more->reachable_objects;
    counts->reachable_bytes += more->reachable_bytes;
    counts->unreachable_objects += more->unreachable_objects;
    counts->unreachable_bytes += more->unreachable_bytes;
}

void group_table_release(GroupTable *table)
{
    free(table->groups);
    hash_index_release(&table->index);
    memset(table, 0, sizeof *table);
}

static uint64_t hash_at(const HashIndex *index, const void *groups, uint32_t position)
{
    return hash_index_hash(index, ((const Group *)groups)[position].key, 0);
}

static bool is_group_at(const void *groups, uint32_t position, const void *key)
{
    return ((const Group *)groups)[position].key == *(const uint64_t *)key;
}

ReachabilityCounts *group_table_at(GroupTable *table, uint64_t key, Error *error)
{
    uint64_t wanted = table->group_count + UINT64_C(1);
    uint32_t *slot;

    if (!array_reserve(&table->groups, &table->group_capacity, wanted, sizeof *table->groups,
                       "groups of a histogram", error) ||
        !hash_index_reserve(&table->index, table->groups, wanted, hash_at, "groups of a histogram",
                            error))
        return NULL;
    slot = hash_index_find(&table->index, table->groups, hash_index_hash(&table->index, key, 0),
                           is_group_at, &key);
    if (*slot == 0) {
        table->groups[table->group_count] = (Group){.key = key};
        *slot = ++table->group_count;
    }
    return &table->groups[*slot - 1].counts;
}

static int compare_keys(const void *left, const void *right)
{
    uint64_t a = ((const Group *)left)->key, b = ((const Group *)right)->key;

    return (a > b) - (a < b);
}

void group_table_sort(GroupTable *table)
{
    if (table->group_count > 1)
        qsort(table->groups, table->group_count, sizeof table->groups[0], compare_keys);
}
