// NodeTypes: the type of every node of a graph, as a number.
//
// Numbers are those of the types of a TypeTable; foreign blocks have the next one after the last.
// Types of equal labels are one type here, the first of them: the user knows types by their labels.

#ifndef ANALYSIS_GRAPH_NODE_TYPES_H
#define ANALYSIS_GRAPH_NODE_TYPES_H

#include "analysis/graph/edge_label.h"
#include "analysis/graph/object_graph.h"
#include "analysis/names/type_table.h"

typedef struct NodeTypes {
    const ObjectGraph *graph; // borrowed
    const TypeTable *table;   // borrowed
    uint32_t type_count;      // of the table's, and one for foreign blocks
    uint32_t *by_node;
    EdgeLabels labels; // what the references of nodes are called
} NodeTypes;

// For each type of the table: the first one with the same label. Errors: memory. The caller frees
// `*out`.
NODISCARD bool node_types_unify(const TypeTable *table, uint32_t **out, Error *error);

// Both are borrowed and must outlive the result; the table is one of the graph's image.
// Errors: memory. The caller owns `*out` and frees it with node_types_free().
NODISCARD bool node_types_new(const ObjectGraph *graph, const TypeTable *table, NodeTypes **out,
                              Error *error);
void node_types_free(NodeTypes *types);

static inline uint32_t node_types_foreign(const NodeTypes *types)
{
    return types->type_count - 1;
}

// "shop::Order", "foreign block".
const char *node_types_label(const NodeTypes *types, uint32_t type);

#endif
