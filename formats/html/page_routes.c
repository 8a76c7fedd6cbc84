// The routes of a page, memory by labelled path: see formats/html/page_parts_internal.h.
//
// Each byte that the program keeps is counted on one route: that of its object or block. So the
// bytes of routes add up, unlike retained sizes.

#include "formats/html/page_parts_internal.h"

#include <stdlib.h>

#include "analysis/routes/route_label.h"

void page_routes_release(PageRoutes *routes)
{
    free(routes->own_bytes);
    free(routes->all_bytes);
    free(routes->shown);
    free(routes->rows_of);
    *routes = (PageRoutes){.count = 0};
}

static bool count_bytes(PageRoutes *routes, Error *error)
{
    const TypeRoutes *all = routes->report->routes;
    const ObjectGraph *graph = routes->report->tree->graph;
    uint64_t *bytes = calloc((size_t)graph->node_count + 1, sizeof *bytes);

    if (bytes == NULL)
        return error_set_memory(error, graph->node_count * sizeof *bytes, "memory by path");
    object_graph_add_owned_bytes(graph, bytes);
    for (uint32_t node = 0; node < graph->node_count; node++)
        if (all->by_node[node] != NO_INDEX)
            routes->own_bytes[all->by_node[node]] +=
                bytes[node] + object_graph_bytes_of(graph, node);
    free(bytes);
    for (uint32_t i = all->count; i-- > 0;) {
        routes->all_bytes[i] += routes->own_bytes[i];
        if (all->routes[i].parent != NO_INDEX)
            routes->all_bytes[all->routes[i].parent] += routes->all_bytes[i];
    }
    return true;
}

static int compare_routes(const void *left, const void *right, void *context)
{
    const PageRoutes *routes = context;
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    if (routes->all_bytes[a] != routes->all_bytes[b])
        return routes->all_bytes[a] > routes->all_bytes[b] ? -1 : 1;
    return a < b ? -1 : a > b;
}

bool page_routes_find(const HeapReport *report, PageRoutes *out, Error *error)
{
    const TypeRoutes *all = report->routes;

    *out = (PageRoutes){.report = report};
    out->own_bytes = calloc((size_t)all->count + 1, sizeof *out->own_bytes);
    out->all_bytes = calloc((size_t)all->count + 1, sizeof *out->all_bytes);
    out->shown = calloc((size_t)all->count + 1, sizeof *out->shown);
    out->rows_of = calloc((size_t)all->count + 1, sizeof *out->rows_of);
    if (out->own_bytes == NULL || out->all_bytes == NULL || out->shown == NULL ||
        out->rows_of == NULL)
        return error_set_memory(error, all->count * UINT64_C(24), "memory by path");
    if (!count_bytes(out, error))
        return false;
    for (uint32_t i = 0; i < all->count; i++)
        out->shown[i] = i;
    // Parents have at least the bytes of their children, and smaller numbers.
    qsort_r(out->shown, all->count, sizeof *out->shown, compare_routes, out);
    out->count = all->count < PAGE_ROUTES ? all->count : PAGE_ROUTES;
    for (uint32_t row = 0; row < out->count; row++)
        out->rows_of[out->shown[row]] = row + 1;
    return true;
}

// ---- writing ----

static void write_column(JsonWriter *writer, const PageRoutes *routes, const char *name,
                         uint64_t (*value)(const PageRoutes *routes, uint32_t route))
{
    json_key(writer, name);
    json_begin_array(writer);
    for (uint32_t row = 0; row < routes->count; row++) {
        uint64_t number = value(routes, routes->shown[row]);

        if (number == UINT64_MAX)
            json_null(writer);
        else
            json_unsigned(writer, number);
    }
    json_end_array(writer);
}

static const TypeRoute *route_at(const PageRoutes *routes, uint32_t route)
{
    return &routes->report->routes->routes[route];
}

static uint64_t parent_of(const PageRoutes *routes, uint32_t route)
{
    uint32_t parent = route_at(routes, route)->parent;

    return parent == NO_INDEX ? UINT64_MAX : routes->rows_of[parent] - UINT64_C(1);
}

static uint64_t objects_of(const PageRoutes *routes, uint32_t route)
{
    return route_at(routes, route)->objects;
}

static uint64_t places_of(const PageRoutes *routes, uint32_t route)
{
    return route_at(routes, route)->places;
}

static uint64_t own_of(const PageRoutes *routes, uint32_t route)
{
    return routes->own_bytes[route];
}

static uint64_t all_of(const PageRoutes *routes, uint32_t route)
{
    return routes->all_bytes[route];
}

static uint64_t retained_of(const PageRoutes *routes, uint32_t route)
{
    return route_at(routes, route)->retained_bytes;
}

static bool write_types(JsonWriter *writer, const PageRoutes *routes, PageStrings *strings,
                        Error *error)
{
    json_key(writer, "type");
    json_begin_array(writer);
    for (uint32_t row = 0; row < routes->count; row++) {
        uint32_t type = route_at(routes, routes->shown[row])->type, number;

        if (!page_strings_add(strings, node_types_label(routes->report->types, type), &number,
                              error))
            return false;
        json_unsigned(writer, number);
    }
    json_end_array(writer);
    return true;
}

// The field that refers to the nodes of a route. The path to the example of one right below roots
// tells its root.
static bool write_fields(JsonWriter *writer, const PageRoutes *routes, PageStrings *strings,
                         Error *error)
{
    const TypeRoutes *all = routes->report->routes;

    json_key(writer, "field");
    json_begin_array(writer);
    for (uint32_t row = 0; row < routes->count; row++) {
        uint32_t route = routes->shown[row], number = NO_INDEX;
        EdgeLabel label;

        if (route_field_label(all, route, &label) &&
            !page_strings_add_label(strings, label.text, &number, error))
            return false;
        if (number == NO_INDEX)
            json_null(writer);
        else
            json_unsigned(writer, number);
    }
    json_end_array(writer);
    return true;
}

static void write_growth(JsonWriter *writer, const PageRoutes *routes)
{
    const HeapHistory *older = routes->report->older;

    json_key(writer, "growth");
    if (older == NULL || older->count == 0) {
        json_null(writer);
        return;
    }
    json_begin_array(writer);
    for (uint32_t row = 0; row < routes->count; row++) {
        Growth growth =
            route_history_growth(older->routes, older->count, route_at(routes, routes->shown[row]));

        if (growth.knowledge != GROWTH_KNOWN) {
            json_null(writer);
            continue;
        }
        json_begin_array(writer);
        json_signed(writer, growth.objects);
        json_signed(writer, growth.bytes);
        json_end_array(writer);
    }
    json_end_array(writer);
}

bool page_routes_write(JsonWriter *writer, const PageRoutes *routes, const PageNodes *nodes,
                       PageStrings *strings, Error *error)
{
    json_key(writer, "routes");
    json_begin_object(writer);
    json_unsigned_member(writer, "of", routes->report->routes->count);
    write_column(writer, routes, "parent", parent_of);
    if (!write_types(writer, routes, strings, error) ||
        !write_fields(writer, routes, strings, error))
        return false;
    write_column(writer, routes, "objects", objects_of);
    write_column(writer, routes, "places", places_of);
    write_column(writer, routes, "own", own_of);
    write_column(writer, routes, "all", all_of);
    write_column(writer, routes, "retained", retained_of);
    json_key(writer, "example");
    json_begin_array(writer);
    for (uint32_t row = 0; row < routes->count; row++) {
        uint32_t example = page_nodes_row(nodes, route_at(routes, routes->shown[row])->example);

        if (example == PAGE_NO_ROW)
            json_null(writer);
        else
            json_unsigned(writer, example);
    }
    json_end_array(writer);
    write_growth(writer, routes);
    json_end_object(writer);
    return true;
}
