// The nodes that roots refer to: see analysis/routes/rooted_nodes_internal.h.

#include "analysis/routes/rooted_nodes_internal.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/routes/route_places_internal.h"
#include "analysis/routes/type_routes.h"
#include "analysis/names/root_label.h"
#include "base/checksum.h"
#include "base/search.h"

uint64_t rooted_nodes_hash(const char *label)
{
    return checksum_xxh64(label, strlen(label)) | 1;
}

static int compare_rooted(const void *left, const void *right)
{
    const RootedNode *a = left, *b = right;

    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

// A variable that refers to a node.
typedef struct NodeVariable {
    uint32_t node;
    uint64_t root; // index into the image's roots
} NodeVariable;

static int compare_variables(const void *left, const void *right)
{
    const NodeVariable *a = left, *b = right;

    if (a->node != b->node)
        return a->node < b->node ? -1 : 1;
    return a->root < b->root ? -1 : a->root > b->root;
}

// The variables that refer to nodes, ascending. NULL when memory is short.
static NodeVariable *list_variables(const ObjectGraph *graph, uint64_t *count)
{
    NodeVariable *variables = calloc(graph->root_count + 1, sizeof *variables);

    *count = 0;
    for (uint64_t i = 0; variables != NULL && i < graph->root_count; i++)
        if (graph->image->roots[graph->roots[i].root].kind == ROOT_GLOBAL)
            variables[(*count)++] = (NodeVariable){graph->roots[i].node, graph->roots[i].root};
    if (variables != NULL)
        qsort(variables, *count, sizeof *variables, compare_variables);
    return variables;
}

// The first variable that refers to the node; NULL: none.
static const NodeVariable *variable_of(const NodeVariable *variables, uint64_t count, uint32_t node)
{
    uint64_t at = search_from(variables, count, node, node);

    return at < count && variables[at].node == node ? &variables[at] : NULL;
}

// Variables tell routes apart, stacks do not: their words move, and threads are alike.
static bool name_variable(const HeapImage *image, const NodeVariable *variable, uint64_t *field,
                          Error *error)
{
    char *label;

    *field = NO_FIELD;
    if (variable == NULL)
        return true;
    label = root_label(image->details, &image->roots[variable->root]);
    if (label == NULL)
        return error_set_memory(error, 64, "the label of a root");
    if (strstr(label, " 0x") == NULL)
        *field = rooted_nodes_hash(label);
    free(label);
    return true;
}

// The thread of the roots of each node that has roots; NO_INDEX: none, or several.
static void find_threads(const ObjectGraph *graph, uint32_t *threads)
{
    uint32_t all = graph->image->details->thread_count;

    for (uint64_t i = 0; i < graph->root_count; i++)
        threads[graph->roots[i].node] = all;
    for (uint64_t i = 0; i < graph->root_count; i++) {
        uint32_t thread = graph->image->roots[graph->roots[i].root].thread;
        uint32_t *known = &threads[graph->roots[i].node];

        if (thread >= all)
            continue;
        *known = *known == all || *known == thread ? thread : NO_INDEX;
    }
    for (uint64_t i = 0; i < graph->root_count; i++)
        if (threads[graph->roots[i].node] == all)
            threads[graph->roots[i].node] = NO_INDEX;
}

// By thread: a holder of its words; 0, which is the top, where it has none.
static uint32_t *thread_holders(const DominatorTree *tree)
{
    uint32_t threads = tree->graph->image->details->thread_count;
    uint32_t *holders = calloc((size_t)threads + 1, sizeof *holders);

    for (uint32_t i = 0; holders != NULL && i < tree->holder_count; i++)
        if (tree->holders[i].level == HOLDER_THREAD && tree->holders[i].thread < threads &&
            holders[tree->holders[i].thread] == 0)
            holders[tree->holders[i].thread] = i;
    return holders;
}

// The holder below which a node with roots counts: the words of its thread, else the one above its
// only word.
static uint32_t place_of(const DominatorTree *tree, const uint32_t *holders, uint32_t thread,
                         uint32_t node)
{
    uint32_t above = tree->dominators[node];

    if (thread != NO_INDEX && holders[thread] != 0)
        return tree->graph->node_count + holders[thread];
    if (dominator_tree_holder(tree, above)->level == HOLDER_WORD)
        return tree->graph->node_count + dominator_tree_holder(tree, above)->parent;
    return above;
}

bool rooted_nodes_list(const DominatorTree *tree, const PathTree *paths, const uint8_t *is_rooted,
                       uint32_t *threads, RootedNode **out, uint32_t *count, Error *error)
{
    const ObjectGraph *graph = tree->graph;
    uint64_t variable_count;
    NodeVariable *variables = list_variables(graph, &variable_count);
    RootedNode *rooted = calloc(graph->root_count + 1, sizeof *rooted);
    uint32_t *holders = thread_holders(tree);
    bool ok = (variables != NULL && rooted != NULL && holders != NULL) ||
              error_set_memory(error, graph->root_count * 40, "routes");

    *out = NULL;
    *count = 0;
    find_threads(graph, threads);
    for (uint32_t i = 0; ok && i < paths->reached_count; i++) {
        uint32_t node = paths->order[i];

        if (!route_places_has(is_rooted, node))
            continue;
        rooted[*count] =
            (RootedNode){.place = place_of(tree, holders, threads[node], node), .node = node};
        ok = name_variable(graph->image, variable_of(variables, variable_count, node),
                           &rooted[(*count)++].field, error);
    }
    free(holders);
    free(variables);
    if (!ok) {
        free(rooted);
        return false;
    }
    qsort(rooted, *count, sizeof *rooted, compare_rooted);
    *out = rooted;
    return true;
}
