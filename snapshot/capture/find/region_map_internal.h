// Regions: which part of private writable memory belongs to what, as sorted lists of intervals.
//
// A list of claims is in any order, and its regions may overlap. A map is ascending and disjoint:
// it is made by claiming one list after the other, and the first claim to a byte keeps it.

#ifndef SNAPSHOT_CAPTURE_FIND_REGION_MAP_INTERNAL_H
#define SNAPSHOT_CAPTURE_FIND_REGION_MAP_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef enum RegionKind {
    REGION_GC,      // GC pages: read through the heap, never roots
    REGION_IGNORED, // dead stack, the allocator's bookkeeping: not read at all
    REGION_MALLOC,  // walked malloc chunks: read as foreign blocks, or left out
    REGION_STACK,
    REGION_TLS,
    REGION_GLOBAL,
    REGION_FOREIGN,
    REGION_SHARED, // shared memory: roots of kind foreign
} RegionKind;

typedef struct Region {
    uint64_t start;
    uint64_t end;
    uint32_t thread; // index, or NO_INDEX
    RegionKind kind;
} Region;

typedef struct RegionList {
    Region *items; // owned
    uint64_t count;
    uint64_t capacity;
} RegionList;

// Adds [start, end) unless it is empty. Errors: memory.
NODISCARD bool region_list_add(RegionList *list, uint64_t start, uint64_t end, RegionKind kind,
                               uint32_t thread, Error *error);
void region_list_release(RegionList *list);

// Adds to `map` those bytes of `claims` that no region of the map has yet. Sorts `claims`; where
// they overlap each other, the lower start wins. Errors: memory.
NODISCARD bool region_map_claim(RegionList *map, RegionList *claims, Error *error);

// The region of a map that holds `address`, or NULL.
const Region *region_map_find(const RegionList *map, uint64_t address);

// Does a region of the map overlap [start, end)? *position is a cursor for ascending starts.
bool region_map_overlaps(const RegionList *map, uint64_t *position, uint64_t start, uint64_t end);

#endif
