// Regions: see region_map_internal.h.

#include "snapshot/capture/find/region_map_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/search.h"

bool region_list_add(RegionList *list, uint64_t start, uint64_t end, RegionKind kind,
                     uint32_t thread, Error *error)
{
    if (start >= end)
        return true;
    if (!array_reserve(&list->items, &list->capacity, list->count + 1, sizeof *list->items,
                       "memory regions", error))
        return false;
    list->items[list->count++] = (Region){start, end, thread, kind};
    return true;
}

void region_list_release(RegionList *list)
{
    free(list->items);
    *list = (RegionList){0};
}

static int compare_regions(const void *left, const void *right)
{
    const Region *a = left, *b = right;

    if (a->start != b->start)
        return a->start < b->start ? -1 : 1;
    return a->end < b->end ? -1 : a->end > b->end;
}

static bool is_sorted(const RegionList *list)
{
    for (uint64_t i = 1; i < list->count; i++)
        if (list->items[i].start < list->items[i - 1].start)
            return false;
    return true;
}

// Appends; a region that touches the last one and is of its kind makes that longer.
static bool append(RegionList *list, const Region *region, Error *error)
{
    Region *last = list->count > 0 ? &list->items[list->count - 1] : NULL;

    if (last != NULL && last->end == region->start && last->kind == region->kind &&
        last->thread == region->thread) {
        last->end = region->end;
        return true;
    }
    return region_list_add(list, region->start, region->end, region->kind, region->thread, error);
}

// One pass over both: the regions of the map stay, and the claims fill the gaps between them.
static bool merge(const RegionList *map, const RegionList *claims, RegionList *out, Error *error)
{
    uint64_t next = 0;     // in `map`
    uint64_t position = 0; // everything below is decided

    for (uint64_t c = 0; c < claims->count; c++) {
        Region claim = claims->items[c];
        uint64_t start = claim.start > position ? claim.start : position;
        while (start < claim.end) {
            // Regions of the map that begin at or before `start`.
            if (next < map->count && map->items[next].start <= start) {
                if (map->items[next].end > start)
                    start = map->items[next].end;
                if (!append(out, &map->items[next++], error))
                    return false;
                continue;
            }
            claim.start = start;
            uint64_t end = claim.end;
            if (next < map->count && map->items[next].start < end)
                end = map->items[next].start;
            if (!append(out, &(Region){start, end, claim.thread, claim.kind}, error))
                return false;
            start = end;
        }
        if (start > position)
            position = start;
    }
    for (; next < map->count; next++)
        if (!append(out, &map->items[next], error))
            return false;
    return true;
}

bool region_map_claim(RegionList *map, RegionList *claims, Error *error)
{
    RegionList merged = {0};

    if (!is_sorted(claims))
        qsort(claims->items, claims->count, sizeof *claims->items, compare_regions);
    if (!merge(map, claims, &merged, error)) {
        region_list_release(&merged);
        return false;
    }
    region_list_release(map);
    *map = merged;
    return true;
}

static bool ends_at_or_below(const void *regions, uint64_t index, const void *address)
{
    return ((const Region *)regions)[index].end <= *(const uint64_t *)address;
}

const Region *region_map_find(const RegionList *map, uint64_t address)
{
    uint64_t i = search_first(map->items, map->count, ends_at_or_below, &address);

    return i < map->count && map->items[i].start <= address ? &map->items[i] : NULL;
}

bool region_map_overlaps(const RegionList *map, uint64_t *position, uint64_t start, uint64_t end)
{
    while (*position < map->count && map->items[*position].end <= start)
        (*position)++;
    return *position < map->count && map->items[*position].start < end;
}
