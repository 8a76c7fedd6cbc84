// MergedFields: the names of the fields by which nodes are reached, while paths are merged.
//
// Numbers of items are left out, so that all items of an array or a Vec have one name:
// ".audit", ".slots[]", "[].session".

#ifndef ANALYSIS_GRAPH_MERGED_FIELDS_INTERNAL_H
#define ANALYSIS_GRAPH_MERGED_FIELDS_INTERNAL_H

#include "analysis/graph/object_graph_internal.h"
#include "analysis/graph/edge_label.h"
#include "analysis/graph/label_set_internal.h"

typedef struct MergedFields {
    const ObjectGraph *graph; // borrowed
    const EdgeLabels *labels; // borrowed
    LabelSet names;
    // The node whose references are looked at.
    uint32_t source;
    NodePlace place;
    NodeWords words;
    uint64_t next; // the word behind the newest that was found
    bool has_names;
} MergedFields;

// Nothing but the names is owned.
void merged_fields_init(MergedFields *fields, const ObjectGraph *graph, const EdgeLabels *labels);

// The index of the name of the field of `source` that refers to `target`; NO_INDEX: it has none.
// Fast where the targets of a source come in a row, in the order of its words. Errors: memory.
NODISCARD bool merged_fields_find(MergedFields *fields, uint32_t source, uint32_t target,
                                  uint32_t *field, Error *error);

#endif
