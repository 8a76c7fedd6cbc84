// Speedscope: see formats/viewers/heap_export.h. Source: github.com/jlfwong/speedscope,
// src/lib/file-format-spec.ts.

#include <inttypes.h>
#include <stdlib.h>

#include "formats/viewers/export_parts_internal.h"

// Frames: one for each route, and one for each route right below roots, which stands for its roots.
static uint32_t root_frame(const ExportPaths *paths, uint32_t route)
{
    return paths->routes->count + route;
}

static void write_stack(ExportText *text, const ExportPaths *paths, uint32_t route)
{
    const TypeRoute *routes = paths->routes->routes;
    uint32_t chain[UINT16_MAX + 1u], length = 0;

    for (; route != NO_INDEX && length < UINT16_MAX; route = routes[route].parent)
        chain[length++] = route;
    export_text_print(text, "[%" PRIu32, root_frame(paths, chain[length - 1]));
    while (length > 0)
        export_text_print(text, ",%" PRIu32, chain[--length]);
    export_text_print(text, "]");
}

// Frames that are not used are there as well, so that a route's number is its frame's.
static void write_frames(ExportText *text, const ExportPaths *paths)
{
    for (uint32_t i = 0; i < 2 * paths->routes->count; i++) {
        bool is_root = i >= paths->routes->count;
        const char *name = is_root ? paths->roots[i - paths->routes->count] : paths->labels[i];

        export_text_print(text, i == 0 ? "{\"name\":" : ",\n{\"name\":");
        export_text_json(text, name == NULL ? "" : name);
        export_text_print(text, "}");
    }
}

static void write_samples(ExportText *text, const ExportPaths *paths)
{
    const char *separator = "";
    uint64_t all = 0;

    export_text_print(text, "\"samples\":[");
    for (uint32_t i = 0; i < paths->routes->count; i++) {
        if (paths->bytes[i] == 0)
            continue;
        export_text_print(text, "%s", separator);
        write_stack(text, paths, i);
        separator = ",\n";
        all += paths->bytes[i];
    }
    separator = "";
    export_text_print(text, "],\n\"weights\":[");
    for (uint32_t i = 0; i < paths->routes->count; i++) {
        if (paths->bytes[i] == 0)
            continue;
        export_text_print(text, "%s%" PRIu64, separator, paths->bytes[i]);
        separator = ",";
    }
    export_text_print(text, "],\n\"startValue\":0,\"endValue\":%" PRIu64 "}]}\n", all);
}

bool speedscope_write(const HeapExport *heap, ExportLoss *loss, Error *error)
{
    ExportText *text = calloc(1, sizeof *text);
    ExportPaths paths = {.routes = NULL};
    bool ok = text != NULL || error_set_memory(error, sizeof *text, "an export");

    ok = ok && export_paths_find(heap, &paths, error);
    if (ok) {
        text->sink = heap->sink;
        export_text_print(text,
                          "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\n"
                          "\"exporter\":\"rudo-snap\",\"activeProfileIndex\":0,\n"
                          "\"shared\":{\"frames\":[");
        write_frames(text, &paths);
        export_text_print(text, "]},\n\"profiles\":[{\"type\":\"sampled\",\"name\":\"memory by "
                                "labelled path\",\"unit\":\"bytes\",\n");
        write_samples(text, &paths);
        ok = export_text_finish(text, error);
        export_loss_add(loss, "garbage is left out: the profile is of reachable memory");
        export_loss_add(loss, "objects are summed by path: single ones are left out");
    }
    export_paths_release(&paths);
    free(text);
    return ok;
}
