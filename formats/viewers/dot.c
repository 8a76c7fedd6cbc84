// Graphviz: see formats/viewers/heap_export.h. Source: graphviz.org/doc/info/lang.html.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/viewers/export_parts_internal.h"

typedef struct DotDrawing {
    const HeapExport *heap;
    const DotScope *scope;
    ExportText *text;
    uint32_t *nodes; // in the order in which they were found; owned
    uint32_t count;
    uint8_t *is_drawn; // bit per node; owned
    uint64_t left_out; // nodes beyond the limit
} DotDrawing;

static bool is_drawn(const DotDrawing *drawing, uint32_t node)
{
    return (drawing->is_drawn[node / 8] >> node % 8 & 1) != 0;
}

static void find_node(DotDrawing *drawing, uint32_t node)
{
    if (is_drawn(drawing, node))
        return;
    if (drawing->count == drawing->scope->most_nodes) {
        drawing->left_out++;
        return;
    }
    drawing->is_drawn[node / 8] |= (uint8_t)(1u << node % 8);
    drawing->nodes[drawing->count++] = node;
}

static void find_nodes(DotDrawing *drawing)
{
    const ObjectGraph *graph = drawing->heap->graph;
    uint32_t begin = 0;

    for (uint32_t i = 0; i < drawing->scope->node_count; i++)
        find_node(drawing, drawing->scope->nodes[i]);
    for (uint32_t depth = 0; depth < drawing->scope->depth; depth++) {
        uint32_t end = drawing->count;

        for (; begin < end; begin++)
            for (uint64_t edge = object_graph_first_edge(graph, drawing->nodes[begin]);
                 edge < object_graph_first_edge(graph, drawing->nodes[begin] + 1); edge++)
                find_node(drawing, graph->targets[edge]);
    }
}

static void write_node(DotDrawing *drawing, uint32_t node)
{
    const HeapExport *heap = drawing->heap;
    bool is_block = object_graph_is_block(heap->graph, node);
    char label[1024];

    (void)snprintf(label, sizeof label, "%.800s 0x%" PRIx64 " retains %" PRIu64 " B",
                   node_types_label(heap->types, heap->types->by_node[node]),
                   object_graph_address(heap->graph, node), heap->tree->retained_bytes[node]);
    export_text_print(drawing->text, "  n%" PRIu32 " [shape=%s,label=", node,
                      is_block ? "box" : "ellipse");
    export_text_json(drawing->text, label);
    export_text_print(drawing->text, "];\n");
}

static int compare_targets(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

// The references of a node to others that are drawn, each once, with the label of the first.
static bool write_edges(DotDrawing *drawing, uint32_t node, Error *error)
{
    const HeapExport *heap = drawing->heap;
    uint64_t first = object_graph_first_edge(heap->graph, node);
    uint64_t count = object_graph_first_edge(heap->graph, node + 1) - first;
    uint32_t *targets = malloc((count + 1) * sizeof *targets);

    if (targets == NULL)
        return error_set_memory(error, count * sizeof *targets, "references");
    if (count > 0)
        memcpy(targets, heap->graph->targets + first, count * sizeof *targets);
    qsort(targets, count, sizeof *targets, compare_targets);
    for (uint64_t i = 0; i < count; i++) {
        EdgeLabel label;
        uint64_t offset;

        if ((i > 0 && targets[i] == targets[i - 1]) || !is_drawn(drawing, targets[i]))
            continue;
        export_text_print(drawing->text, "  n%" PRIu32 " -> n%" PRIu32, node, targets[i]);
        if (edge_label_between(&heap->types->labels, heap->graph, node, targets[i], &label,
                               &offset)) {
            export_text_print(drawing->text, " [label=");
            export_text_json(drawing->text, label.text);
            export_text_print(drawing->text, "]");
        }
        export_text_print(drawing->text, ";\n");
    }
    free(targets);
    return true;
}

bool dot_write(const HeapExport *heap, const DotScope *scope, ExportLoss *loss, Error *error)
{
    DotDrawing drawing = {
        .heap = heap,
        .scope = scope,
        .text = calloc(1, sizeof *drawing.text),
        .nodes = malloc(((size_t)scope->most_nodes + 1) * sizeof *drawing.nodes),
        .is_drawn = calloc(heap->graph->node_count / 8 + 1, 1),
    };
    bool ok = drawing.text != NULL && drawing.nodes != NULL && drawing.is_drawn != NULL;

    if (!ok) {
        (void)error_set_memory(error, heap->graph->node_count / 8, "a drawing");
    } else {
        drawing.text->sink = heap->sink;
        find_nodes(&drawing);
        export_text_print(drawing.text, "digraph heap {\n  node [fontname=\"sans-serif\"];\n");
        for (uint32_t i = 0; i < drawing.count; i++)
            write_node(&drawing, drawing.nodes[i]);
        for (uint32_t i = 0; ok && i < drawing.count; i++)
            ok = write_edges(&drawing, drawing.nodes[i], error);
        export_text_print(drawing.text, "}\n");
        ok = ok && export_text_finish(drawing.text, error);
        if (drawing.left_out > 0)
            export_loss_add(loss,
                            "references to nodes beyond the %" PRIu32 " of --max-nodes are "
                            "left out",
                            scope->most_nodes);
    }
    free(drawing.text);
    free(drawing.nodes);
    free(drawing.is_drawn);
    return ok;
}
