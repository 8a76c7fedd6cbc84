// What writers of exports share: text into a sink, and memory by labelled path.

#ifndef FORMATS_VIEWERS_EXPORT_PARTS_INTERNAL_H
#define FORMATS_VIEWERS_EXPORT_PARTS_INTERNAL_H

#include "analysis/routes/type_routes.h"
#include "formats/viewers/heap_export.h"

// Gathers small pieces for a sink. The first error stays.
typedef struct ExportText {
    JsonSink sink;
    bool has_failed;
    Error error;
    size_t used;
    char buffer[16384];
} ExportText;

void export_text_add(ExportText *text, const char *bytes, size_t length);
void export_text_print(ExportText *text, const char *format, ...) PRINTF_LIKE(2, 3);
// A JSON string with its quotes; bytes that are not UTF-8 become U+FFFD, longer texts are cut.
void export_text_json(ExportText *text, const char *string);
// Hands the rest to the sink. Errors: the sink's.
NODISCARD bool export_text_finish(ExportText *text, Error *error);

// Memory by labelled path: frames are routes, and above them roots.
typedef struct ExportPaths {
    TypeRoutes *routes;
    uint64_t *bytes;   // by route: of its nodes
    uint64_t *objects; // likewise
    char **labels;     // by route: "service::Order (.orders)"
    char **roots;      // by route right below roots: the root; NULL: not one
} ExportPaths;

// Errors: memory. Released by export_paths_release() in any case.
NODISCARD bool export_paths_find(const HeapExport *heap, ExportPaths *out, Error *error);
void export_paths_release(ExportPaths *paths);

#endif
