// What writers of exports share: see formats/viewers/export_parts_internal.h.

#include "formats/viewers/export_parts_internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/routes/route_label.h"
#include "base/clean_text.h"
#include "base/utf8.h"

// Longer names are cut.
#define MOST_TEXT_BYTES 4096u

void export_loss_add(ExportLoss *loss, const char *format, ...)
{
    va_list arguments;

    if (loss->count == EXPORT_MAX_LOSSES)
        return;
    va_start(arguments, format);
    (void)vsnprintf(loss->lines[loss->count++], sizeof loss->lines[0], format, arguments);
    va_end(arguments);
}

// ---- text ----

static void flush(ExportText *text)
{
    if (!text->has_failed && text->used > 0)
        text->has_failed =
            !text->sink.write(text->sink.context, text->buffer, text->used, &text->error);
    text->used = 0;
}

void export_text_add(ExportText *text, const char *bytes, size_t length)
{
    while (length > 0 && !text->has_failed) {
        size_t room = sizeof text->buffer - text->used, part = length < room ? length : room;

        memcpy(text->buffer + text->used, bytes, part);
        text->used += part;
        bytes += part;
        length -= part;
        if (text->used == sizeof text->buffer)
            flush(text);
    }
}

void export_text_print(ExportText *text, const char *format, ...)
{
    char piece[512];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(piece, sizeof piece, format, arguments);
    va_end(arguments);
    if (length > 0)
        export_text_add(text, piece,
                        (size_t)length < sizeof piece ? (size_t)length : sizeof piece - 1);
}

void export_text_json(ExportText *text, const char *string)
{
    size_t length = strlen(string), cut = length > MOST_TEXT_BYTES ? MOST_TEXT_BYTES : length;
    char *clean = strndup(string, cut);

    if (clean == NULL) {
        text->has_failed = true;
        (void)error_set_memory(&text->error, cut, "a name");
        return;
    }
    // Controls and bytes that are not UTF-8 become '?', so that little is left to escape.
    text_clean(clean, strlen(clean), TEXT_ONE_LINE);
    export_text_add(text, "\"", 1);
    for (const char *at = clean; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            export_text_add(text, "\\", 1);
        // No reader shall take it for markup, wherever it puts the text.
        if (*at == '<')
            export_text_add(text, "\\u003c", 6);
        else
            export_text_add(text, at, 1);
    }
    export_text_add(text, "\"", 1);
    free(clean);
}

bool export_text_finish(ExportText *text, Error *error)
{
    flush(text);
    if (text->has_failed)
        *error = text->error;
    return !text->has_failed;
}

// ---- paths ----

static bool find_routes(const HeapExport *heap, TypeRoutes **out, Error *error)
{
    static const PathQuery all = {.context = NULL};
    PathTree paths;
    bool ok = path_tree_init(&paths, heap->graph, &all, error) &&
              (heap->tree->children != NULL || dominator_tree_add_children(heap->tree, error)) &&
              type_routes_new(heap->tree, heap->types, &paths, NULL, out, error);

    path_tree_release(&paths);
    return ok;
}

static bool count_bytes(const HeapExport *heap, ExportPaths *paths, Error *error)
{
    uint64_t *owned = calloc((size_t)heap->graph->node_count + 1, sizeof *owned);

    if (owned == NULL)
        return error_set_memory(error, heap->graph->node_count * sizeof *owned, "memory by path");
    object_graph_add_owned_bytes(heap->graph, owned);
    for (uint32_t node = 0; node < heap->graph->node_count; node++) {
        uint32_t route = paths->routes->by_node[node];

        if (route == NO_INDEX)
            continue;
        paths->bytes[route] += owned[node] + object_graph_bytes_of(heap->graph, node);
        paths->objects[route] += !object_graph_is_block(heap->graph, node);
    }
    free(owned);
    return true;
}

static bool label_route(const HeapExport *heap, ExportPaths *paths, uint32_t route, Error *error)
{
    const TypeRoute *record = &paths->routes->routes[route];
    const char *type = node_types_label(heap->types, record->type);
    EdgeLabel field;

    if ((route_field_label(paths->routes, route, &field)
             ? asprintf(&paths->labels[route], "%s (%s)", type, field.text)
             : asprintf(&paths->labels[route], "%s", type)) < 0) {
        paths->labels[route] = NULL;
        return error_set_memory(error, strlen(type), "a label");
    }
    if (record->parent != NO_INDEX)
        return true;
    paths->roots[route] = route_root_text(heap->graph, record->example);
    if (paths->roots[route] == NULL)
        paths->roots[route] = strdup("roots");
    return paths->roots[route] != NULL || error_set_memory(error, 8, "a label");
}

bool export_paths_find(const HeapExport *heap, ExportPaths *out, Error *error)
{
    bool ok;

    *out = (ExportPaths){.routes = NULL};
    if (!find_routes(heap, &out->routes, error))
        return false;
    out->bytes = calloc((size_t)out->routes->count + 1, sizeof *out->bytes);
    out->objects = calloc((size_t)out->routes->count + 1, sizeof *out->objects);
    out->labels = calloc((size_t)out->routes->count + 1, sizeof *out->labels);
    out->roots = calloc((size_t)out->routes->count + 1, sizeof *out->roots);
    ok = out->bytes != NULL && out->objects != NULL && out->labels != NULL && out->roots != NULL;
    if (!ok)
        return error_set_memory(error, out->routes->count * UINT64_C(32), "memory by path");
    ok = count_bytes(heap, out, error);
    for (uint32_t i = 0; ok && i < out->routes->count; i++)
        ok = label_route(heap, out, i, error);
    return ok;
}

void export_paths_release(ExportPaths *paths)
{
    for (uint32_t i = 0; paths->routes != NULL && i < paths->routes->count; i++) {
        free(paths->labels == NULL ? NULL : paths->labels[i]);
        free(paths->roots == NULL ? NULL : paths->roots[i]);
    }
    free(paths->labels);
    free(paths->roots);
    free(paths->bytes);
    free(paths->objects);
    type_routes_free(paths->routes);
}
