// RouteGrowth: see analysis/routes/route_growth.h.

#include "analysis/routes/route_growth.h"

#include <stdlib.h>

#include "analysis/routes/route_label.h"

typedef struct GrowthSearch {
    const TypeRoutes *routes;
    const RouteHistory *older;
    uint32_t older_count;
    uint8_t *is_inside; // by route: it grew, or lies in one that did
    Growth *growths;    // by route; of merged ones that of all
    uint32_t *leads;    // by route: the largest of those it is merged with; itself, if it is not
    uint64_t *objects;  // by route that leads
    uint64_t *bytes;
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

// ---- merging ----

static int compare_loose(const void *left, const void *right, void *context)
{
    const TypeRoute *routes = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    if (routes[a].loose_key != routes[b].loose_key)
        return routes[a].loose_key < routes[b].loose_key ? -1 : 1;
    // The largest leads.
    if (routes[a].retained_bytes != routes[b].retained_bytes)
        return routes[a].retained_bytes > routes[b].retained_bytes ? -1 : 1;
    return a < b ? -1 : a > b;
}

// Routes [first, end) of `order` have one loose key: they are merged if the growth of one is not
// known.
static void merge(GrowthSearch *search, const uint32_t *order, uint32_t first, uint32_t end)
{
    uint32_t lead = order[first];
    bool is_unknown = false;
    Growth growth;

    for (uint32_t i = first; i < end; i++)
        is_unknown = is_unknown || search->growths[order[i]].knowledge != GROWTH_KNOWN;
    if (!is_unknown)
        return;
    search->objects[lead] = search->bytes[lead] = 0;
    for (uint32_t i = first; i < end; i++) {
        const TypeRoute *route = &search->routes->routes[order[i]];

        search->leads[order[i]] = lead;
        search->objects[lead] += route_history_objects_of(route);
        search->bytes[lead] += route->retained_bytes;
    }
    growth = route_history_loose_growth(search->older, search->older_count,
                                        search->routes->routes[lead].loose_key,
                                        search->objects[lead], search->bytes[lead]);
    for (uint32_t i = first; i < end; i++)
        search->growths[order[i]] = growth;
}

static bool find_growths(GrowthSearch *search)
{
    const TypeRoutes *routes = search->routes;
    uint32_t *order = calloc((size_t)routes->count + 1, sizeof *order), first = 0;

    if (order == NULL)
        return false;
    for (uint32_t i = 0; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];

        order[i] = search->leads[i] = i;
        search->objects[i] = route_history_objects_of(route);
        search->bytes[i] = route->retained_bytes;
        search->growths[i] = route_history_growth(search->older, search->older_count, route);
    }
    qsort_r(order, routes->count, sizeof *order, compare_loose, routes->routes);
    for (uint32_t i = 1; i <= routes->count; i++)
        if (i == routes->count ||
            routes->routes[order[i]].loose_key != routes->routes[order[first]].loose_key) {
            merge(search, order, first, i);
            first = i;
        }
    free(order);
    return true;
}

// ---- all ----

static bool open_search(GrowthSearch *search)
{
    size_t count = (size_t)search->routes->count + 1;

    search->is_inside = calloc(count, sizeof *search->is_inside);
    search->growths = calloc(count, sizeof *search->growths);
    search->leads = calloc(count, sizeof *search->leads);
    search->objects = calloc(count, sizeof *search->objects);
    search->bytes = calloc(count, sizeof *search->bytes);
    return search->is_inside != NULL && search->growths != NULL && search->leads != NULL &&
           search->objects != NULL && search->bytes != NULL && find_growths(search);
}

static void close_search(GrowthSearch *search)
{
    free(search->is_inside);
    free(search->growths);
    free(search->leads);
    free(search->objects);
    free(search->bytes);
}

// Of routes that are merged, the first that is not inside of others tells.
static void find_places(const GrowthSearch *search, GrownPlaces *out)
{
    const TypeRoutes *routes = search->routes;

    for (uint32_t i = 0; i < routes->count; i++) {
        uint32_t parent = routes->routes[i].parent, lead = search->leads[i];
        bool is_told = (search->is_inside[lead] & 2) != 0;

        if (parent != NO_INDEX && search->is_inside[parent] != 0) {
            search->is_inside[i] |= 1;
            continue;
        }
        if (!has_grown(&search->growths[i]))
            continue;
        search->is_inside[i] |= 1;
        if (is_told)
            continue;
        search->is_inside[lead] |= 2;
        keep_place(out,
                   &(GrownPlace){.route = lead,
                                 .type = routes->routes[lead].type,
                                 .objects = search->objects[lead],
                                 .retained_bytes = search->bytes[lead],
                                 .growth = search->growths[i],
                                 .is_merged = search->objects[lead] !=
                                              route_history_objects_of(&routes->routes[lead])});
    }
}

bool grown_places_find(const TypeRoutes *routes, const RouteHistory *older, uint32_t older_count,
                       GrownPlaces *out, Error *error)
{
    GrowthSearch search = {.routes = routes, .older = older, .older_count = older_count};
    bool ok;

    *out = (GrownPlaces){.items = calloc(MOST_GROWN_PLACES, sizeof *out->items)};
    ok = out->items != NULL && open_search(&search);
    if (ok)
        find_places(&search, out);
    close_search(&search);
    if (!ok)
        return error_set_memory(error, routes->count * UINT64_C(64), "what grew");
    qsort(out->items, out->kept, sizeof *out->items, compare_places);
    for (uint32_t i = 0; i < out->kept; i++) {
        GrownPlace *place = &out->items[i];

        if (!place->is_merged)
            name_objects(&search, place);
        place->label = route_place_text(routes, place->route);
        if (place->label == NULL)
            return error_set_memory(error, 64, "what grew");
    }
    return true;
}
