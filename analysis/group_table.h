// GroupTable: counts per key, for histograms with an unknown number of keys.
//
// A hash table from a 64-bit key to ReachabilityCounts. Heaps have few keys (types,
// owners), but a hostile snapshot may have as many as objects; memory then grows with
// the objects, not with a number in the file.

#ifndef ANALYSIS_GROUP_TABLE_H
#define ANALYSIS_GROUP_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/hash_index.h"

// Counts of the whole heap or of a part of it.
typedef struct ReachabilityCounts {
    uint64_t pages;        // page headers: a large object counts as one page
    uint64_t slots;        // of those pages
    uint64_t objects;      // allocated and not DEAD
    uint64_t object_bytes; // their slots; of a large object its exact size
    uint64_t zombies;      // allocated, but DEAD: dropped and not yet swept, never traced
    uint64_t zombie_bytes;
    // Of the objects that the mark covers: all, or in a minor mark those of generation-0 pages.
    uint64_t reachable_objects;
    uint64_t reachable_bytes;
    uint64_t unreachable_objects;
    uint64_t unreachable_bytes;
} ReachabilityCounts;

void reachability_counts_add(ReachabilityCounts *counts, const ReachabilityCounts *more);

typedef struct Group {
    uint64_t key;
    ReachabilityCounts counts;
} Group;

// A zeroed struct is valid and empty.
typedef struct GroupTable {
    uint32_t group_count;
    uint64_t group_capacity;
    Group *groups; // owned; in order of first appearance until sorted
    HashIndex index;
} GroupTable;

void group_table_release(GroupTable *table);

// The counts of `key`, zero when it is new; valid until the next call. NULL when memory is
// short (then `error` is set).
ReachabilityCounts *group_table_at(GroupTable *table, uint64_t key, Error *error);

// Sorts the groups by key. After that the table must not be searched any more.
void group_table_sort(GroupTable *table);

#endif
