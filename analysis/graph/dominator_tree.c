// DominatorTree: see analysis/graph/dominator_tree.h. Dominators are found in dominator_search.c
// and dominator_semi.c.

#include "analysis/graph/dominator_tree.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/dominator_search.h"
#include "base/side_table.h"

void dominator_tree_free(DominatorTree *tree)
{
    uint64_t nodes;

    if (tree == NULL)
        return;
    nodes = tree->node_count;
    free(tree->holders);
    side_table_free(tree->dominators, nodes * sizeof *tree->dominators);
    side_table_free(tree->retained_bytes, nodes * sizeof *tree->retained_bytes);
    side_table_free(tree->retained_objects, nodes * sizeof *tree->retained_objects);
    side_table_free(tree->first_child, (nodes + 2) * sizeof *tree->first_child);
    side_table_free(tree->children, nodes * sizeof *tree->children);
    free(tree);
}

uint64_t dominator_tree_peak_bytes(const ObjectGraph *graph)
{
    uint64_t nodes = (uint64_t)graph->node_count + 2 * graph->root_count + 64;
    uint64_t pairs = graph->edge_count + graph->root_count;

    return nodes * 20 + nodes / 8 + pairs * 10 +
           ((nodes >> PARTITION_SHIFT) + 1) * sizeof(PairChunk) +
           2 * graph->root_count * sizeof(RootHolder);
}

// ---- holders ----

static uint32_t add_holder(DominatorTree *tree, const RootHolder *holder)
{
    tree->holders[tree->holder_count] = *holder;
    return tree->holder_count++;
}

static const Root *root_of(const ObjectGraph *graph, uint64_t graph_root)
{
    return &graph->image->roots[graph->roots[graph_root].root];
}

// Adds the words of one certainty; they come sorted by kind and thread.
static void add_words(DominatorTree *tree, bool is_exact)
{
    const ObjectGraph *graph = tree->graph;
    RootHolder holder = {.is_exact = is_exact};
    uint32_t certainty = NO_INDEX, kind = NO_INDEX, thread = NO_INDEX;

    for (uint64_t i = 0; i < graph->root_count; i++) {
        const Root *root = root_of(graph, i);

        if ((root->is_exact != 0) != is_exact)
            continue;
        if (certainty == NO_INDEX) {
            holder.level = HOLDER_CERTAINTY;
            certainty = add_holder(tree, &holder);
        }
        if (kind == NO_INDEX || tree->holders[kind].kind != root->kind) {
            holder = (RootHolder){.level = HOLDER_KIND,
                                  .parent = certainty,
                                  .is_exact = is_exact,
                                  .kind = root->kind};
            kind = add_holder(tree, &holder);
            thread = NO_INDEX;
        }
        if (root->thread != NO_INDEX &&
            (thread == NO_INDEX || tree->holders[thread].thread != root->thread)) {
            holder = (RootHolder){.level = HOLDER_THREAD,
                                  .parent = kind,
                                  .is_exact = is_exact,
                                  .kind = root->kind,
                                  .thread = root->thread};
            thread = add_holder(tree, &holder);
        }
        holder = (RootHolder){.level = HOLDER_WORD,
                              .parent = root->thread != NO_INDEX ? thread : kind,
                              .is_exact = is_exact,
                              .kind = root->kind,
                              .graph_root = i};
        (void)add_holder(tree, &holder);
    }
}

static bool make_holders(DominatorTree *tree, Error *error)
{
    // The top, two certainties, their kinds; and for each word itself and perhaps a thread.
    uint64_t most = 3 + 2 * ROOT_KIND_COUNT + 2 * tree->graph->root_count;
    RootHolder top = {.level = HOLDER_ALL};

    if (tree->graph->node_count + most >= GRAPH_MAX_NODES)
        return error_set(error, ERROR_UNSUPPORTED, "%llu objects, blocks and roots are too many",
                         (unsigned long long)(tree->graph->node_count + most));
    tree->holders = malloc(most * sizeof *tree->holders);
    if (tree->holders == NULL)
        return error_set_memory(error, most * sizeof *tree->holders, "roots");
    (void)add_holder(tree, &top);
    add_words(tree, true);
    add_words(tree, false);
    tree->node_count = tree->graph->node_count + tree->holder_count;
    return true;
}

// ---- sizes ----

static bool new_sizes(DominatorTree *tree, Error *error)
{
    uint64_t nodes = tree->node_count;

    tree->dominators = side_table_new(nodes * sizeof *tree->dominators);
    tree->retained_bytes = side_table_new(nodes * sizeof *tree->retained_bytes);
    tree->retained_objects = side_table_new(nodes * sizeof *tree->retained_objects);
    if (tree->dominators == NULL || tree->retained_bytes == NULL || tree->retained_objects == NULL)
        return error_set_memory(error, nodes * 16, "retained sizes");
    return true;
}

static void take_own_sizes(DominatorTree *tree)
{
    const HeapImage *image = tree->graph->image;
    NodeCursor cursor = node_cursor(tree->graph);

    while (node_cursor_next(&cursor)) {
        bool is_block = cursor.place.page == NO_INDEX;

        tree->retained_bytes[cursor.node] = is_block
                                                ? heap_image_block_bytes(image, cursor.place.block)
                                                : image->pages[cursor.place.page].block_size;
        tree->retained_objects[cursor.node] = !is_block;
    }
    object_graph_add_owned_bytes(tree->graph, tree->retained_bytes);
}

// Adds every size to that of the dominator, dominated nodes first.
static void sum_sizes(DominatorTree *tree, const DominatorSearch *search)
{
    for (uint32_t number = tree->node_count; number-- > 1;) {
        uint32_t node = search->nodes[number];
        uint32_t dominator = search->nodes[search->parents[number]];

        tree->dominators[node] = dominator;
        tree->retained_bytes[dominator] += tree->retained_bytes[node];
        tree->retained_objects[dominator] += tree->retained_objects[node];
    }
    tree->dominators[search->nodes[0]] = search->nodes[0];
}

bool dominator_tree_new(const ObjectGraph *graph, const AnalysisProgress *progress,
                        DominatorTree **out, Error *error)
{
    DominatorTree *tree = calloc(1, sizeof *tree);
    DominatorSearch search = {.graph = graph};
    bool ok;

    *out = NULL;
    if (tree == NULL)
        return error_set_memory(error, sizeof *tree, "dominators");
    tree->graph = graph;
    ok = make_holders(tree, error);
    search.holders = tree->holders;
    search.holder_count = tree->holder_count;
    search.node_count = tree->node_count;
    ok = ok && dominator_search_run(&search, progress, error) &&
         dominator_search_dominate(&search, progress, error);
    dominator_search_drop_pairs(&search);
    ok = ok && new_sizes(tree, error);
    if (ok) {
        take_own_sizes(tree);
        sum_sizes(tree, &search);
        *out = tree;
    } else {
        dominator_tree_free(tree);
    }
    dominator_search_release(&search);
    return ok;
}

// ---- children ----

bool dominator_tree_add_children(DominatorTree *tree, Error *error)
{
    uint32_t top = dominator_tree_top(tree);
    uint64_t nodes = tree->node_count;
    uint32_t *first, *children;

    if (tree->children != NULL)
        return true;
    // One entry more than the ranges need: counts are kept two places further, so that filling the
    // ranges moves each beginning to its place.
    tree->first_child = first = side_table_new((nodes + 2) * sizeof *first);
    tree->children = children = side_table_new(nodes * sizeof *children);
    if (first == NULL || children == NULL)
        return error_set_memory(error, nodes * 8, "the dominator tree");
    for (uint32_t node = 0; node < tree->node_count; node++)
        if (node != top)
            first[tree->dominators[node] + UINT64_C(2)]++;
    for (uint64_t node = 2; node < nodes + 2; node++)
        first[node] += first[node - 1];
    for (uint32_t node = 0; node < tree->node_count; node++)
        if (node != top)
            children[first[tree->dominators[node] + UINT64_C(1)]++] = node;
    return true;
}

uint32_t dominator_tree_next(const DominatorTree *tree, uint32_t *cursors, uint32_t top,
                             uint32_t node, void (*leave)(void *context, uint32_t node),
                             void *context)
{
    for (;;) {
        uint32_t first = tree->first_child[node];

        if (cursors[node] < tree->first_child[node + 1] - first)
            return tree->children[first + cursors[node]++];
        if (leave != NULL)
            leave(context, node);
        if (node == top)
            return NO_NODE;
        node = tree->dominators[node];
    }
}
