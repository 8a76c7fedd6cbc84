// Paths from the roots to objects and blocks.
//
// A path is a chain of nodes; a root word refers to the first, and each node to the next. Its
// length is the number of nodes. Of several root words that refer to the first node, the one is
// shown that explains most: analysis/names/root_rank.h.

#ifndef ANALYSIS_GRAPH_ROOT_PATHS_H
#define ANALYSIS_GRAPH_ROOT_PATHS_H

#include "analysis/graph/object_graph.h"

// Values in PathTree.parents that are not nodes.
#define PATH_UNREACHED NO_NODE
#define PATH_ROOT (NO_NODE - 1)

// The conditions of a search. A NULL function is false for all nodes.
typedef struct PathQuery {
    bool (*is_target)(const void *context, uint32_t node); // stop at the first; NULL: reach all
    bool (*is_avoided)(const void *context, uint32_t node);
    const void *context;
    const uint8_t *avoided_roots; // bit per root of the graph; NULL: none
    bool is_by_length;            // only the length counts: neither what roots explain, nor residue
} PathQuery;

// A path to each node that a breadth-first search reached. It begins at a root of the best tier
// (analysis/names/root_rank.h) from which there is one, has as few references that look left over
// as can be, and of those it is a shortest one.
typedef struct PathTree {
    const ObjectGraph *graph; // borrowed
    uint32_t *parents;        // by node: the node before it, PATH_ROOT, or PATH_UNREACHED
    uint32_t reached_count;
    uint32_t *order; // nodes in the order in which they were reached
    uint32_t target; // the first target, or NO_NODE
    // For each node in `order` whose parent is PATH_ROOT: its root, an index into graph->roots.
    uint32_t seed_count;
    uint64_t *seed_roots;
} PathTree;

// Searches from the roots until a target is reached. Errors: memory. Released by
// path_tree_release() in any case.
NODISCARD bool path_tree_init(PathTree *tree, const ObjectGraph *graph, const PathQuery *query,
                              Error *error);
void path_tree_release(PathTree *tree);

// The chain of nodes to a node that was reached: `*length` nodes in `*out`, from the root on. The
// caller frees `*out`. Errors: memory.
NODISCARD bool path_tree_chain(const PathTree *tree, uint32_t node, uint32_t **out,
                               uint32_t *length, Error *error);

// The best root word that refers to a node, as an index into graph->roots; NO_ROOT: none. `*count`
// is the number of root words that refer to it. `avoided` as in PathQuery.
#define NO_ROOT UINT64_MAX
uint64_t path_best_root(const ObjectGraph *graph, const uint8_t *avoided, uint32_t node,
                        uint64_t *count);

// The root words that refer to a node, the best first, as indices into graph->roots. The caller
// frees the array. NULL when memory is short.
uint64_t *path_roots_of(const ObjectGraph *graph, const uint8_t *avoided, uint32_t node,
                        uint64_t *count);

typedef struct RootPath {
    uint32_t length;
    uint32_t *nodes; // owned
} RootPath;

typedef struct RootPaths {
    uint32_t count;
    RootPath *paths; // shortest first; owned
} RootPaths;

// Finds the `most` shortest paths to `target` without a repeated node, or all if there are fewer.
// Paths differ in their nodes: several references or root words between the same nodes are one
// path. is_target is not called. Errors: memory, unsupported (2^32 references and more). Released
// by root_paths_release().
NODISCARD bool root_paths_find(const ObjectGraph *graph, uint32_t target, const PathQuery *query,
                               uint32_t most, RootPaths *out, Error *error);
void root_paths_release(RootPaths *paths);

#endif
