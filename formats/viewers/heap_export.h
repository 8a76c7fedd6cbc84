// Exports of a marked heap for viewers that people have: Chrome's DevTools and memlab
// (heapsnapshot), pprof, Speedscope, Graphviz (dot).
//
// Each writer streams: beside graph, tree and routes it needs a few bytes a node. The same heap
// gives the same bytes. ExportLoss says what the format could not hold.

#ifndef FORMATS_VIEWERS_HEAP_EXPORT_H
#define FORMATS_VIEWERS_HEAP_EXPORT_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"
#include "formats/json/json_writer.h"

// All are borrowed. The tree may get children.
typedef struct HeapExport {
    const HeapImage *image;
    const MarkResult *mark;
    const ObjectGraph *graph;
    const NodeTypes *types;
    DominatorTree *tree;
    JsonSink sink;
} HeapExport;

#define EXPORT_MAX_LOSSES 8u

// What a format could not hold, a line each.
typedef struct ExportLoss {
    uint32_t count;
    char lines[EXPORT_MAX_LOSSES][160];
} ExportLoss;

void export_loss_add(ExportLoss *loss, const char *format, ...) PRINTF_LIKE(2, 3);

// Errors of all: memory, the sink's.

// V8's heap snapshot: docs in the sources of Chrome's DevTools (HeapSnapshot.ts).
NODISCARD bool heapsnapshot_write(const HeapExport *heap, ExportLoss *loss, Error *error);
// The profile of github.com/google/pprof (profile.proto), compressed with gzip: bytes and objects
// by labelled path.
NODISCARD bool pprof_write(const HeapExport *heap, ExportLoss *loss, Error *error);
// Speedscope's file format: bytes by labelled path.
NODISCARD bool speedscope_write(const HeapExport *heap, ExportLoss *loss, Error *error);

// What a drawing shows: from these nodes, `depth` references far, at most `most_nodes` nodes.
typedef struct DotScope {
    const uint32_t *nodes; // ascending; borrowed
    uint32_t node_count;
    uint32_t depth;
    uint32_t most_nodes;
} DotScope;

NODISCARD bool dot_write(const HeapExport *heap, const DotScope *scope, ExportLoss *loss,
                         Error *error);

#endif
