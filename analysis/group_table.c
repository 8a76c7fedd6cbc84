// GroupTable: see analysis/group_table.h.

#include "analysis/group_table.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY 64u

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
    free(table->slots);
    memset(table, 0, sizeof *table);
}

// Addresses share their low bits; the multiplication spreads all of them over the high ones.
static uint32_t first_slot(const GroupTable *table, uint64_t key)
{
    uint64_t mixed = (key ^ key >> 32) * UINT64_C(0x9e3779b97f4a7c15);

    return (uint32_t)(mixed >> 32) & (table->slot_count - 1);
}

static uint32_t find_slot(const GroupTable *table, uint64_t key)
{
    uint32_t slot = first_slot(table, key);

    while (table->slots[slot] != 0 && table->groups[table->slots[slot] - 1].key != key)
        slot = (slot + 1) & (table->slot_count - 1);
    return slot;
}

// Twice the room, with the slots at most half full.
static bool grow(GroupTable *table, Error *error)
{
    uint32_t capacity = table->group_capacity == 0 ? FIRST_CAPACITY : table->group_capacity * 2;
    Group *groups;
    uint32_t *slots;

    if (capacity > UINT32_MAX / 4)
        return error_set(error, ERROR_MEMORY, "too many groups for one histogram");
    groups = reallocarray(table->groups, capacity, sizeof *groups);
    if (groups == NULL)
        return error_set_memory(error, capacity * sizeof *groups, "a histogram");
    table->groups = groups;
    slots = calloc((size_t)capacity * 2, sizeof *slots);
    if (slots == NULL)
        return error_set_memory(error, (size_t)capacity * 2 * sizeof *slots, "a histogram");
    free(table->slots);
    table->slots = slots;
    table->slot_count = capacity * 2;
    table->group_capacity = capacity;
    for (uint32_t i = 0; i < table->group_count; i++)
        slots[find_slot(table, table->groups[i].key)] = i + 1;
    return true;
}

ReachabilityCounts *group_table_at(GroupTable *table, uint64_t key, Error *error)
{
    uint32_t slot;

    if (table->group_count == table->group_capacity && !grow(table, error))
        return NULL;
    slot = find_slot(table, key);
    if (table->slots[slot] == 0) {
        memset(&table->groups[table->group_count], 0, sizeof table->groups[0]);
        table->groups[table->group_count].key = key;
        table->slots[slot] = ++table->group_count;
    }
    return &table->groups[table->slots[slot] - 1].counts;
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
