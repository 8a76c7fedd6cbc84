// Naming routes: see analysis/routes/route_label.h.

#include "analysis/routes/route_label.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/names/root_label.h"
#include "base/checksum.h"

bool route_field_label(const TypeRoutes *routes, uint32_t index, EdgeLabel *label)
{
    const TypeRoute *route = &routes->routes[index];
    const ObjectGraph *graph = routes->tree->graph;
    uint64_t offset;

    if (dominator_tree_is_holder(routes->tree, route->place) ||
        object_graph_is_block(graph, route->place))
        return false;
    if (route->field != NO_FIELD) {
        NodePlace place = object_graph_place(graph, route->place);

        edge_label_make(&routes->types->labels, place.page, place.slot, place.block, route->field,
                        label);
        return true;
    }
    if (!edge_label_between(&routes->types->labels, graph, route->place, route->example, label,
                            &offset) ||
        !label->is_named)
        return false;
    // The number is that of one item of many.
    edge_label_drop_numbers(label);
    return true;
}

char *route_label(const TypeRoutes *routes, uint32_t route)
{
    uint32_t block = node_types_foreign(routes->types), chain[64], count = 0;
    bool is_named = false;
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    // No route is deeper than the array is long.
    for (uint32_t at = route; at != NO_INDEX && count < 64; at = routes->routes[at].parent)
        chain[count++] = at;
    for (uint32_t i = count; i-- > 1;) {
        const TypeRoute *step = &routes->routes[chain[i]];
        EdgeLabel label;

        if (step->type == block)
            continue;
        if (!is_named)
            (void)fprintf(stream, "%s%s", ftell(stream) > 0 ? " -> " : "",
                          node_types_label(routes->types, step->type));
        is_named = false;
        if (route_field_label(routes, chain[i - 1], &label)) {
            (void)fputs(label.text, stream);
            is_named = label.is_named;
        }
    }
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

char *route_root_text(const ObjectGraph *graph, uint32_t node)
{
    uint64_t words, index = path_best_root(graph, NULL, node, &words);
    char *label, *text = NULL, *address;

    if (index == NO_ROOT)
        return NULL;
    label = root_label(graph->image->details, &graph->image->roots[graph->roots[index].root]);
    address = label != NULL ? strstr(label, ", stack 0x") : NULL;
    if (address != NULL)
        *address = '\0';
    // "memory 0x7f0012345678": all that is known of it is its address.
    if (label != NULL &&
        asprintf(&text, strncmp(label, "memory ", 7) == 0 ? "%s" : "memory of %s", label) < 0)
        text = NULL;
    free(label);
    return text;
}

char *route_place_text(const TypeRoutes *routes, uint32_t route)
{
    char *text = route_label(routes, route);
    uint32_t top = route;

    if (text == NULL || text[0] != '\0')
        return text;
    free(text);
    while (routes->routes[top].parent != NO_INDEX)
        top = routes->routes[top].parent;
    text = route_root_text(routes->tree->graph, routes->routes[top].example);
    return text != NULL ? text : strdup("memory of roots");
}

// ---- fingerprints ----

// Writes a label without the numbers of types that have no names ("type #7 (trace ...)"), which
// depend on the other types of the heap.
static void write_stable(FILE *stream, const char *label)
{
    static const char number[] = "type #";

    while (*label != '\0') {
        size_t kept = 1, skipped = 0;

        if (strncmp(label, number, sizeof number - 1) == 0) {
            kept = sizeof number - 1;
            skipped = strspn(label + kept, "0123456789");
        }
        (void)fwrite(label, 1, kept, stream);
        label += kept + skipped;
    }
}

bool route_fingerprint(const char *label, const char *type, uint64_t variable,
                       char out[ROUTE_FINGERPRINT_CHARS], Error *error)
{
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    uint64_t hash;

    out[0] = '\0';
    if (stream == NULL)
        return error_set_memory(error, 64, "a fingerprint");
    write_stable(stream, label);
    (void)fputc('\n', stream);
    write_stable(stream, type);
    // Below an object, the label tells crowds apart.
    if (label[0] == '\0' && variable != NO_FIELD)
        (void)fprintf(stream, "\n%016" PRIx64, variable);
    if (fclose(stream) != 0) {
        free(text);
        return error_set_memory(error, 64, "a fingerprint");
    }
    hash = checksum_xxh64(text, size);
    free(text);
    (void)snprintf(out, ROUTE_FINGERPRINT_CHARS, "%08" PRIx32, (uint32_t)(hash ^ hash >> 32));
    return true;
}

bool route_fingerprint_is_valid(const char *text)
{
    return strlen(text) == ROUTE_FINGERPRINT_CHARS - 1 &&
           strspn(text, "0123456789abcdefABCDEF") == ROUTE_FINGERPRINT_CHARS - 1;
}
