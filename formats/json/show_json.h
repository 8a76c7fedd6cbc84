// What `show` found, as a JSON document: schema formats/schemas/show-1.schema.json. The same bytes
// for every run and machine.

#ifndef FORMATS_JSON_SHOW_JSON_H
#define FORMATS_JSON_SHOW_JSON_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/heap_view.h"
#include "analysis/reachability_report.h"
#include "analysis/retained_report.h"
#include "formats/json/json_writer.h"

#define SHOW_SCHEMA "rudo-snap/show/1"

// Everything is borrowed. Either `view` or `type` is not NULL.
typedef struct ShowJson {
    const ReachabilityReport *reachability;
    const NodeTypes *types;
    const DominatorTree *tree;
    const char *asked; // as the user named it
    const HeapView *view;
    uint32_t node; // of the view's place; NO_NODE: no object or block, or not reachable
    // Of a type:
    const RetainedType *type;
    const SnapshotDataType *data_type; // of its largest object; NULL: not known
    const char *type_label;
    uint64_t objects; // garbage included
    uint64_t bytes;
    uint32_t largest_count;
    const uint32_t *largest; // its reachable objects that retain most, largest first
} ShowJson;

// Errors: those of the sink.
NODISCARD bool show_json_write(JsonSink sink, const ShowJson *document, Error *error);

#endif
