// Paths from the roots: breadth-first search. See analysis/graph/root_paths.h. Several paths to the
// same node are found in analysis/graph/shortest_paths.c.

#include "analysis/graph/root_paths.h"

#include <stdlib.h>

#include "base/side_table.h"

// Distances in the queue at which the data of a node are prefetched.
#define FETCH_AHEAD 24u

void path_tree_release(PathTree *tree)
{
    uint64_t nodes = tree->graph->node_count;

    side_table_free(tree->parents, nodes * sizeof *tree->parents);
    side_table_free(tree->order, nodes * sizeof *tree->order);
    free(tree->seed_roots);
    tree->parents = tree->order = NULL;
    tree->seed_roots = NULL;
}

// How well a root word explains why an object is alive; less is better. Of equal ranks the kinds
// that a reader knows best come first.
static unsigned root_order(const ObjectGraph *graph, uint64_t graph_root)
{
    static const uint8_t kinds[ROOT_KIND_COUNT] = {
        [ROOT_EXPLICIT] = 0, [ROOT_HANDLE] = 1,   [ROOT_GLOBAL] = 2,  [ROOT_TLS] = 3,
        [ROOT_STACK] = 4,    [ROOT_REGISTER] = 5, [ROOT_FOREIGN] = 6,
    };
    const Root *root = &graph->image->roots[graph->roots[graph_root].root];

    return graph->roots[graph_root].rank * 8u + kinds[root->kind];
}

#define ORDERS (ROOT_RANK_COUNT * 8u)

static bool is_avoided_root(const uint8_t *avoided, uint64_t graph_root)
{
    return avoided != NULL && (avoided[graph_root / 8] >> graph_root % 8 & 1) != 0;
}

uint64_t path_best_root(const ObjectGraph *graph, const uint8_t *avoided, uint32_t node,
                        uint64_t *count)
{
    uint64_t best = NO_ROOT;
    unsigned best_rank = ORDERS;

    *count = 0;
    for (uint64_t i = 0; i < graph->root_count; i++) {
        unsigned rank;

        if (graph->roots[i].node != node || is_avoided_root(avoided, i))
            continue;
        ++*count;
        rank = root_order(graph, i);
        if (rank < best_rank) {
            best = i;
            best_rank = rank;
        }
    }
    return best;
}

static bool is_avoided(const PathQuery *query, uint32_t node)
{
    return query->is_avoided != NULL && query->is_avoided(query->context, node);
}

// Records that a node was reached. True: it is a target.
static bool reach(PathTree *tree, const PathQuery *query, uint32_t node, uint32_t parent)
{
    tree->parents[node] = parent;
    tree->order[tree->reached_count++] = node;
    if (query->is_target == NULL || !query->is_target(query->context, node))
        return false;
    tree->target = node;
    return true;
}

// The roots of the graph, the better ones first. The caller frees them; NULL when memory is short.
static uint64_t *order_roots(const ObjectGraph *graph)
{
    uint64_t *ordered = malloc((graph->root_count + 1) * sizeof *ordered);
    uint64_t next[ORDERS + 1] = {0};

    if (ordered == NULL)
        return NULL;
    for (uint64_t i = 0; i < graph->root_count; i++)
        next[root_order(graph, i) + 1]++;
    for (unsigned order = 0; order < ORDERS; order++)
        next[order + 1] += next[order];
    for (uint64_t i = 0; i < graph->root_count; i++)
        ordered[next[root_order(graph, i)]++] = i;
    return ordered;
}

uint64_t *path_roots_of(const ObjectGraph *graph, const uint8_t *avoided, uint32_t node,
                        uint64_t *count)
{
    uint64_t *ordered = order_roots(graph);

    *count = 0;
    for (uint64_t i = 0; ordered != NULL && i < graph->root_count; i++)
        if (graph->roots[ordered[i]].node == node && !is_avoided_root(avoided, ordered[i]))
            ordered[(*count)++] = ordered[i];
    return ordered;
}

// Starts from the roots of a tier, the better ones first, so that of equally short paths one with a
// better root is found. *next: those before it in `ordered` are done. True: a target was reached.
static bool start(PathTree *tree, const PathQuery *query, const uint64_t *ordered, uint64_t *next,
                  unsigned tier)
{
    const ObjectGraph *graph = tree->graph;

    for (; *next < graph->root_count; ++*next) {
        uint64_t i = ordered[*next];
        uint32_t node = graph->roots[i].node;

        if (!query->is_by_length && root_rank_tier((RootRank)graph->roots[i].rank) > tier)
            return false;
        if (tree->parents[node] != PATH_UNREACHED || is_avoided_root(query->avoided_roots, i) ||
            is_avoided(query, node))
            continue;
        tree->seed_roots[tree->seed_count++] = i;
        if (reach(tree, query, node, PATH_ROOT))
            return true;
    }
    return false;
}

// Prefetches the data of nodes that will be taken from the queue soon: first their place in the
// graph, later their references, later the targets. Always inline: gcc 12 considers a function that
// only prefetches to be without effect, and drops it.
static inline __attribute__((always_inline)) void fetch_ahead(const PathTree *tree, uint32_t at)
{
    const ObjectGraph *graph = tree->graph;

    if (at + 3 * FETCH_AHEAD < tree->reached_count)
        __builtin_prefetch(&graph->edge_offsets[tree->order[at + 3 * FETCH_AHEAD]]);
    if (at + 2 * FETCH_AHEAD < tree->reached_count)
        __builtin_prefetch(
            &graph->targets[object_graph_first_edge(graph, tree->order[at + 2 * FETCH_AHEAD])]);
    if (at + FETCH_AHEAD < tree->reached_count) {
        uint32_t node = tree->order[at + FETCH_AHEAD];
        uint64_t edge = object_graph_first_edge(graph, node);
        uint64_t end = object_graph_first_edge(graph, node + 1);

        for (uint64_t last = edge + 4 < end ? edge + 4 : end; edge < last; edge++)
            __builtin_prefetch(&tree->parents[graph->targets[edge]], 1);
    }
}

// Which references of a node are followed.
typedef enum Following {
    FOLLOW_ALL,
    FOLLOW_LIVELY,  // those that do not look left over
    FOLLOW_RESIDUE, // those that do
} Following;

// True: a target was reached.
static inline bool follow(PathTree *tree, const PathQuery *query, uint32_t node,
                          Following following)
{
    const ObjectGraph *graph = tree->graph;
    uint64_t end = object_graph_first_edge(graph, node + 1);

    for (uint64_t edge = object_graph_first_edge(graph, node); edge < end; edge++) {
        uint32_t target = graph->targets[edge];

        if (tree->parents[target] != PATH_UNREACHED ||
            (following != FOLLOW_ALL &&
             object_graph_is_residue(graph, edge) != (following == FOLLOW_RESIDUE)) ||
            is_avoided(query, target))
            continue;
        if (reach(tree, query, target, node))
            return true;
    }
    return false;
}

// Breadth first from all nodes from *at on. True: a target was reached.
static bool follow_all(PathTree *tree, const PathQuery *query, uint32_t *at, Following following)
{
    for (; *at < tree->reached_count; ++*at) {
        fetch_ahead(tree, *at);
        if (follow(tree, query, tree->order[*at], following))
            return true;
    }
    return false;
}

// Breadth first, tier by tier: a longer path from a better root explains more. References that look
// left over are followed when all roots in memory that people know have been tried without.
static void search(PathTree *tree, const PathQuery *query, const uint64_t *ordered)
{
    Following usual =
        tree->graph->residue == NULL || query->is_by_length ? FOLLOW_ALL : FOLLOW_LIVELY;
    uint32_t at = 0, residue_at = 0;
    uint64_t next = 0;

    for (unsigned tier = 0; tier < ROOT_TIER_COUNT; tier++) {
        if (start(tree, query, ordered, &next, tier) || follow_all(tree, query, &at, usual))
            return;
        while (usual == FOLLOW_LIVELY && tier > 0 && residue_at < tree->reached_count) {
            for (uint32_t end = tree->reached_count; residue_at < end; residue_at++)
                if (follow(tree, query, tree->order[residue_at], FOLLOW_RESIDUE))
                    return;
            if (follow_all(tree, query, &at, usual))
                return;
        }
    }
}

bool path_tree_init(PathTree *tree, const ObjectGraph *graph, const PathQuery *query, Error *error)
{
    uint64_t nodes = graph->node_count;
    uint64_t *ordered = order_roots(graph);

    *tree = (PathTree){.graph = graph, .target = NO_NODE};
    tree->parents = side_table_new(nodes * sizeof *tree->parents);
    tree->order = side_table_new(nodes * sizeof *tree->order);
    tree->seed_roots = malloc((graph->root_count + 1) * sizeof *tree->seed_roots);
    if (tree->parents == NULL || tree->order == NULL || tree->seed_roots == NULL ||
        ordered == NULL) {
        free(ordered);
        return error_set_memory(error, nodes * 8, "paths");
    }
    for (uint64_t node = 0; node < nodes; node++)
        tree->parents[node] = PATH_UNREACHED;
    search(tree, query, ordered);
    free(ordered);
    return true;
}

bool path_tree_chain(const PathTree *tree, uint32_t node, uint32_t **out, uint32_t *length,
                     Error *error)
{
    uint32_t count = 0, at;

    for (at = node; at != PATH_ROOT; at = tree->parents[at])
        count++;
    *length = count;
    *out = malloc(count * sizeof **out);
    if (*out == NULL)
        return error_set_memory(error, count * sizeof **out, "a path");
    for (at = node; at != PATH_ROOT; at = tree->parents[at])
        (*out)[--count] = at;
    return true;
}
