// RouteHistory: see analysis/routes/route_history.h.

#include "analysis/routes/route_history.h"

#include <stdlib.h>

#include "base/search.h"

static int compare_sizes(const void *left, const void *right)
{
    const RouteSize *a = left, *b = right;

    return a->key < b->key ? -1 : a->key > b->key;
}

static int compare_keys(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

uint64_t route_history_objects_of(const TypeRoute *route)
{
    return route->entries >= ROUTE_CROWD * route->places ? route->entries : route->objects;
}

bool route_history_make(const TypeRoutes *routes, uint64_t program_bytes, RouteHistory *out,
                        Error *error)
{
    *out = (RouteHistory){.program_bytes = program_bytes};
    out->sizes = calloc((size_t)routes->count + 1, sizeof *out->sizes);
    out->loose_keys = calloc((size_t)routes->count + 1, sizeof *out->loose_keys);
    if (out->sizes == NULL || out->loose_keys == NULL)
        return error_set_memory(error, routes->count * sizeof *out->sizes, "the older heap");
    for (uint32_t i = 0; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];

        out->sizes[i] =
            (RouteSize){route->key, route_history_objects_of(route), route->retained_bytes};
        out->loose_keys[out->loose_count++] = route->loose_key;
    }
    qsort(out->sizes, routes->count, sizeof *out->sizes, compare_sizes);
    qsort(out->loose_keys, out->loose_count, sizeof *out->loose_keys, compare_keys);
    for (uint32_t i = 0; i < routes->count; i++)
        if (out->count > 0 && out->sizes[out->count - 1].key == out->sizes[i].key) {
            out->sizes[out->count - 1].objects += out->sizes[i].objects;
            out->sizes[out->count - 1].bytes += out->sizes[i].bytes;
        } else {
            out->sizes[out->count++] = out->sizes[i];
        }
    return true;
}

void route_history_release(RouteHistory *history)
{
    free(history->sizes);
    free(history->loose_keys);
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
    at = search_from_u64(older->loose_keys, older->loose_count, route->loose_key);
    return at == older->loose_count || older->loose_keys[at] != route->loose_key;
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
