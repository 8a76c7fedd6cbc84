// TypeReach: see analysis/check/type_reach.h.
//
// A breadth-first search from all nodes of the first type at once.

#include "analysis/check/type_reach.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/side_table.h"

// Nodes of a chain that are shown, at its begin and at its end.
#define SHOWN_NODES 5u

void type_reach_release(TypeReach *reach)
{
    free(reach->nodes);
    *reach = (TypeReach){.length = 0};
}

typedef struct ReachSearch {
    const NodeTypes *types;
    const bool *to;
    uint32_t *parents; // by node, plus 1; 0: not reached
    uint32_t *queue;
    uint32_t queued;
} ReachSearch;

// A source is its own parent.
static void put(ReachSearch *search, uint32_t node, uint32_t parent)
{
    search->parents[node] = parent + 1;
    search->queue[search->queued++] = node;
}

// Follows the references of a node. Returns the node that ends the search, or NO_NODE.
static uint32_t follow(ReachSearch *search, uint32_t node)
{
    const ObjectGraph *graph = search->types->graph;
    uint64_t end = object_graph_first_edge(graph, node + 1);

    for (uint64_t edge = object_graph_first_edge(graph, node); edge < end; edge++) {
        uint32_t target = graph->targets[edge];

        // A source, too: its own type may be the one that is looked for.
        if (search->to[search->types->by_node[target]])
            return target;
        if (search->parents[target] == 0)
            put(search, target, node);
    }
    return NO_NODE;
}

static bool take_chain(const ReachSearch *search, uint32_t node, uint32_t last, TypeReach *out,
                       Error *error)
{
    uint32_t length = 2, at = node;

    for (; search->parents[at] - 1 != at; at = search->parents[at] - 1)
        length++;
    out->nodes = calloc(length, sizeof *out->nodes);
    if (out->nodes == NULL)
        return error_set_memory(error, length * sizeof *out->nodes, "a path");
    out->length = length;
    out->nodes[--length] = last;
    for (at = node; length > 0; at = search->parents[at] - 1)
        out->nodes[--length] = at;
    return true;
}

bool type_reach_find(const NodeTypes *types, const bool *from, const bool *to, TypeReach *out,
                     Error *error)
{
    uint32_t nodes = types->graph->node_count, found = NO_NODE;
    uint64_t bytes = (uint64_t)nodes * sizeof(uint32_t);
    ReachSearch search = {
        .types = types, .to = to, .parents = side_table_new(bytes), .queue = side_table_new(bytes)};
    bool ok = search.parents != NULL && search.queue != NULL;

    *out = (TypeReach){.length = 0};
    if (!ok)
        (void)error_set_memory(error, 2 * bytes, "a search for paths");
    for (uint32_t node = 0; ok && node < nodes; node++)
        if (from[types->by_node[node]])
            put(&search, node, node);
    for (uint32_t i = 0; ok && i < search.queued && found == NO_NODE; i++) {
        found = follow(&search, search.queue[i]);
        if (found != NO_NODE)
            ok = take_chain(&search, search.queue[i], found, out, error);
    }
    side_table_free(search.parents, bytes);
    side_table_free(search.queue, bytes);
    return ok;
}

// A node, and the name of its reference to the next one. Blocks belong to the object before them.
static void write_step(FILE *stream, const NodeTypes *types, const TypeReach *reach, uint32_t i)
{
    const ObjectGraph *graph = types->graph;
    uint32_t node = reach->nodes[i];
    bool is_block = object_graph_is_block(graph, node);
    EdgeLabel label;
    uint64_t offset;

    if (!is_block || i == 0 || i + 1 == reach->length)
        (void)fprintf(stream, "%s%s", i > 0 ? " -> " : "",
                      node_types_label(types, types->by_node[node]));
    if (i + 1 < reach->length &&
        edge_label_between(&types->labels, graph, node, reach->nodes[i + 1], &label, &offset))
        (void)fputs(label.text, stream);
}

char *type_reach_text(const NodeTypes *types, const TypeReach *reach)
{
    char *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&text, &size);

    if (stream == NULL)
        return NULL;
    for (uint32_t i = 0; i < reach->length; i++) {
        if (i == SHOWN_NODES && reach->length > 2 * SHOWN_NODES) {
            uint32_t left_out = reach->length - 2 * SHOWN_NODES;

            (void)fprintf(stream, " -> ... (%" PRIu32 " more)", left_out);
            i += left_out - 1;
            continue;
        }
        write_step(stream, types, reach, i);
    }
    if (fclose(stream) != 0) {
        free(text);
        return NULL;
    }
    return text;
}
