// Paths from the roots as JSON, schema "rudo-snap/path/1" (formats/schemas/path-1.schema.json).
// The same bytes for every run and machine.

#ifndef FORMATS_PATH_JSON_H
#define FORMATS_PATH_JSON_H

#include "analysis/graph/merged_paths.h"
#include "analysis/reachability_report.h"
#include "formats/json_writer.h"

#define PATH_SCHEMA "rudo-snap/path/1"

typedef struct PathJson {
    const NodeTypes *types;
    const ReachabilityReport *reachability;
    const char *asked; // what the paths lead to, as it was asked for
    uint32_t avoided_count;
    const char *const *avoided;
    const uint8_t *avoided_roots; // as in PathQuery
    uint64_t objects;             // that were asked for: of a type, or 1
    uint64_t reachable_objects;   // of them
    const RootPaths *paths;       // may be empty
    const MergedPaths *merged;    // NULL: not asked for
} PathJson;

// Errors: those of the sink.
NODISCARD bool path_json_write(JsonSink sink, const PathJson *document, Error *error);

#endif
