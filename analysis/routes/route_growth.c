// RouteGrowth: see analysis/routes/route_growth.h.

#include "analysis/routes/route_growth.h"

#include <stdlib.h>

#include "analysis/routes/route_label.h"

typedef struct GrowthSearch {
    const TypeRoutes *routes;
    const RouteHistory *older;
    uint32_t older_count;
    uint8_t *is_inside; // by route: it grew, or lies in one that did
} GrowthSearch;

void grown_places_release(GrownPlaces *places)
{
    for (uint32_t i = 0; i < places->kept; i++)
        free(places->items[i].label);
    free(places->items);
    *places = (GrownPlaces){.count = 0};
}

static bool has_grown(const Growth *growth)
{
    return growth->knowledge == GROWTH_KNOWN && growth->objects > 0 && growth->bytes > 0;
}

static bool is_before(const GrownPlace *a, const GrownPlace *b)
{
    if (a->growth.bytes != b->growth.bytes)
        return a->growth.bytes > b->growth.bytes;
    return a->route < b->route;
}

// Sifts a place down in a heap whose first item comes last.
static void sift_down(GrownPlace *items, uint32_t count, uint32_t at)
{
    for (;;) {
        uint32_t last = at;
        GrownPlace item;

        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (is_before(&items[last], &items[child]))
                last = child;
        if (last == at)
            return;
        item = items[at];
        items[at] = items[last];
        items[last] = item;
        at = last;
    }
}

static void keep_place(GrownPlaces *out, const GrownPlace *place)
{
    out->count++;
    if (out->kept < MOST_GROWN_PLACES) {
        out->items[out->kept++] = *place;
        if (out->kept == MOST_GROWN_PLACES)
            for (uint32_t at = MOST_GROWN_PLACES / 2; at-- > 0;)
                sift_down(out->items, out->kept, at);
    } else if (is_before(place, &out->items[0])) {
        out->items[0] = *place;
        sift_down(out->items, out->kept, 0);
    }
}

static int compare_places(const void *left, const void *right)
{
    const GrownPlace *a = left, *b = right;

    return is_before(a, b) ? -1 : is_before(b, a);
}

// Blocks that became more hold objects that became more: the objects are named, and take the bytes
// with them.
static void name_objects(const GrowthSearch *search, GrownPlace *place)
{
    const TypeRoutes *routes = search->routes;
    int64_t most = 0;
    GrownPlace best = *place;

    if (place->type != node_types_foreign(routes->types))
        return;
    for (uint32_t i = place->route + 1; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];
        Growth growth;

        if (route->parent != place->route || route->type == place->type)
            continue;
        growth = route_history_growth(search->older, search->older_count, route);
        if (!has_grown(&growth) || growth.bytes <= most ||
            growth.objects < place->growth.objects / 4)
            continue;
        most = growth.bytes;
        best = (GrownPlace){.route = i,
                            .type = route->type,
                            .objects = route_history_objects_of(route),
                            .retained_bytes = route->retained_bytes,
                            .growth = growth};
        // Not a few buffers with many objects each, but cells, which are the objects' own.
        if (place->growth.objects >= growth.objects / 4) {
            best.retained_bytes = place->retained_bytes;
            best.growth.bytes = place->growth.bytes;
            best.growth.bytes_before = place->growth.bytes_before;
        }
    }
    *place = best;
}

bool grown_places_find(const TypeRoutes *routes, const RouteHistory *older, uint32_t older_count,
                       GrownPlaces *out, Error *error)
{
    GrowthSearch search = {.routes = routes, .older = older, .older_count = older_count};

    *out = (GrownPlaces){.items = calloc(MOST_GROWN_PLACES, sizeof *out->items)};
    search.is_inside = calloc((size_t)routes->count + 1, 1);
    if (out->items == NULL || search.is_inside == NULL) {
        free(search.is_inside);
        return error_set_memory(error, routes->count, "what grew");
    }
    for (uint32_t i = 0; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];
        GrownPlace place = {.route = i,
                            .type = route->type,
                            .objects = route_history_objects_of(route),
                            .retained_bytes = route->retained_bytes};

        search.is_inside[i] = route->parent != NO_INDEX && search.is_inside[route->parent];
        if (search.is_inside[i])
            continue;
        place.growth = route_history_growth(older, older_count, route);
        search.is_inside[i] = has_grown(&place.growth);
        if (search.is_inside[i])
            keep_place(out, &place);
    }
    free(search.is_inside);
    qsort(out->items, out->kept, sizeof *out->items, compare_places);
    for (uint32_t i = 0; i < out->kept; i++) {
        name_objects(&search, &out->items[i]);
        out->items[i].label = route_place_text(routes, out->items[i].route);
        if (out->items[i].label == NULL)
            return error_set_memory(error, 64, "what grew");
    }
    return true;
}
