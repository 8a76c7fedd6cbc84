// RouteHistory: see analysis/routes/route_history.h.

#include "analysis/routes/route_history.h"

#include <stdlib.h>

#include "base/search.h"

static int compare_sizes(const void *left, const void *right)
{
    const RouteSize *a = left, *b = right;

    return a->key < b->key ? -1 : a->key > b->key;
}

uint64_t route_history_objects_of(const TypeRoute *route)
{
    return route->entries >= ROUTE_CROWD * route->places ? route->entries : route->objects;
}

// Sorts sizes, and adds up those with one key. Returns how many keys there are.
static uint64_t add_up(RouteSize *sizes, uint64_t count)
{
    uint64_t kept = 0;

    qsort(sizes, count, sizeof *sizes, compare_sizes);
    for (uint64_t i = 0; i < count; i++)
        if (kept > 0 && sizes[kept - 1].key == sizes[i].key) {
            sizes[kept - 1].objects += sizes[i].objects;
            sizes[kept - 1].bytes += sizes[i].bytes;
        } else {
            sizes[kept++] = sizes[i];
        }
    return kept;
}

bool route_history_make(const TypeRoutes *routes, uint64_t program_bytes, RouteHistory *out,
                        Error *error)
{
    *out = (RouteHistory){.program_bytes = program_bytes};
    out->sizes = calloc((size_t)routes->count + 1, sizeof *out->sizes);
    out->loose = calloc((size_t)routes->count + 1, sizeof *out->loose);
    if (out->sizes == NULL || out->loose == NULL)
        return error_set_memory(error, 2 * routes->count * sizeof *out->sizes, "the older heap");
    for (uint32_t i = 0; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];

        out->sizes[i] =
            (RouteSize){route->key, route_history_objects_of(route), route->retained_bytes};
        out->loose[i] = out->sizes[i];
        out->loose[i].key = route->loose_key;
    }
    out->count = add_up(out->sizes, routes->count);
    out->loose_count = add_up(out->loose, routes->count);
    return true;
}

void route_history_release(RouteHistory *history)
{
    free(history->sizes);
    free(history->loose);
    *history = (RouteHistory){.count = 0};
}

// The sizes of a route in an older heap: zero where it is not there. False: not known.
static bool find_size(const RouteHistory *older, const TypeRoute *route, RouteSize *size)
{
    uint64_t at = search_from(older->sizes, older->count, key, route->key);

    *size = (RouteSize){.key = route->key};
    if (at < older->count && older->sizes[at].key == route->key) {
        *size = older->sizes[at];
        return true;
    }
    at = search_from(older->loose, older->loose_count, key, route->loose_key);
    return at == older->loose_count || older->loose[at].key != route->loose_key;
}

void growth_add(Growth *growth, uint64_t *last, uint64_t objects, uint64_t bytes)
{
    if (growth->knowledge != GROWTH_KNOWN)
        *growth = (Growth){.knowledge = GROWTH_KNOWN,
                           .objects_before = objects,
                           .bytes_before = bytes,
                           .is_steady = true};
    else
        growth->is_steady = growth->is_steady && objects > *last;
    growth->objects = (int64_t)(objects - growth->objects_before);
    growth->bytes = (int64_t)(bytes - growth->bytes_before);
    *last = objects;
}

Growth route_history_growth(const RouteHistory *older, uint32_t count, const TypeRoute *route)
{
    Growth growth = {.knowledge = GROWTH_NOT_COMPARED};
    uint64_t last = 0;

    for (uint32_t i = 0; i < count; i++) {
        RouteSize size;

        if (!find_size(&older[i], route, &size))
            return (Growth){.knowledge = GROWTH_NOT_KNOWN};
        growth_add(&growth, &last, size.objects, size.bytes);
    }
    if (count > 0)
        growth_add(&growth, &last, route_history_objects_of(route), route->retained_bytes);
    return growth;
}

Growth route_history_loose_growth(const RouteHistory *older, uint32_t count, uint64_t loose_key,
                                  uint64_t objects, uint64_t bytes)
{
    Growth growth = {.knowledge = GROWTH_NOT_COMPARED};
    uint64_t last = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t at = search_from(older[i].loose, older[i].loose_count, key, loose_key);
        bool is_there = at < older[i].loose_count && older[i].loose[at].key == loose_key;

        growth_add(&growth, &last, is_there ? older[i].loose[at].objects : 0,
                   is_there ? older[i].loose[at].bytes : 0);
    }
    if (count > 0)
        growth_add(&growth, &last, objects, bytes);
    return growth;
}
