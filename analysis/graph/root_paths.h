// Paths from the roots: how things are reached.
//
// A path is a chain of nodes; the first is referred to by a root word, each further one by the one
// before. Its length is the number of nodes. Of several root words that refer to the first node,
// the one is shown that says most: exact before conservative ones; then explicit ones, handles,
// globals, thread-locals, stacks, registers, other memory.

#ifndef ANALYSIS_GRAPH_ROOT_PATHS_H
#define ANALYSIS_GRAPH_ROOT_PATHS_H

#include "analysis/graph/object_graph.h"

// Values in PathTree.parents that are no node.
#define PATH_UNREACHED NO_NODE
#define PATH_ROOT (NO_NODE - 1)

// What a search asks of its caller. A NULL function says no to all.
typedef struct PathQuery {
    bool (*is_target)(const void *context, uint32_t node); // stop at the first; NULL: reach all
    bool (*is_avoided)(const void *context, uint32_t node);
    const void *context;
    const uint8_t *avoided_roots; // bit per root of the graph; NULL: none
} PathQuery;

// A shortest path to each node that a breadth-first search reached.
typedef struct PathTree {
    const ObjectGraph *graph; // borrowed
    uint32_t *parents;        // by node: the node before it, PATH_ROOT, or PATH_UNREACHED
    uint32_t reached_count;
    uint32_t *order; // nodes as they were reached
    uint32_t target; // the first target, or NO_NODE
    // The first nodes of `order` are those that roots refer to; by which root, an index into
    // graph->roots.
    uint32_t seed_count;
    uint64_t *seed_roots;
} PathTree;

// Searches from the roots until a target is reached. Errors: memory. Released by
// path_tree_release() in any case.
NODISCARD bool path_tree_init(PathTree *tree, const ObjectGraph *graph, const PathQuery *query,
                              Error *error);
void path_tree_release(PathTree *tree);

// The chain to a node that was reached: `*out` from the root on, `*length` of them; the caller
// frees it. Errors: memory.
NODISCARD bool path_tree_chain(const PathTree *tree, uint32_t node, uint32_t **out,
                               uint32_t *length, Error *error);

// The best root word that refers to a node, as an index into graph->roots, and how many there are;
// NO_ROOT: there is none. `avoided` as in PathQuery.
#define NO_ROOT UINT64_MAX
uint64_t path_best_root(const ObjectGraph *graph, const uint8_t *avoided, uint32_t node,
                        uint64_t *count);

typedef struct RootPath {
    uint32_t length;
    uint32_t *nodes; // owned
} RootPath;

typedef struct RootPaths {
    uint32_t count;
    RootPath *paths; // shortest first; owned
} RootPaths;

// The `most` shortest paths to `target` in which no node comes twice, or as many as there are. Two
// paths differ in their nodes; which of several references or root words leads from one to the next
// makes no other path. is_target is not asked. Errors: memory, unsupported (2^32 references and
// more). Released by root_paths_release().
NODISCARD bool root_paths_find(const ObjectGraph *graph, uint32_t target, const PathQuery *query,
                               uint32_t most, RootPaths *out, Error *error);
void root_paths_release(RootPaths *paths);

#endif
