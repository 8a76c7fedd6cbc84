// DominatorTree: the nodes that each node alone keeps alive.
//
// A node dominates another when every path from the roots to the other goes through it. The nodes
// that a node dominates, itself included, would become garbage if nothing referred to it any more:
// their size is its retained size. Foreign blocks count like objects, so a Vec's buffer belongs to
// the object through which alone it is reached.
//
// The roots are part of the tree. Above the objects stand *holders*: all roots, exact and
// conservative words, kinds of roots, threads, and single root words, each inside the one before.
// So the tree also has the size that a single word on a stack, all of a thread's words, or all
// conservative words together alone keep alive.
//
// Node numbers are those of the graph; holders follow behind them.

#ifndef ANALYSIS_GRAPH_DOMINATOR_TREE_H
#define ANALYSIS_GRAPH_DOMINATOR_TREE_H

#include "analysis/graph/object_graph.h"

typedef enum HolderLevel {
    HOLDER_ALL = 0,   // all roots: the top of the tree
    HOLDER_CERTAINTY, // all exact, or all conservative words
    HOLDER_KIND,      // of them, those of one kind
    HOLDER_THREAD,    // of them, those of one thread; left out where a kind has no threads
    HOLDER_WORD,      // one root word
} HolderLevel;

typedef struct RootHolder {
    uint64_t graph_root; // HOLDER_WORD: index into ObjectGraph.roots
    uint32_t parent;     // index of the holder that it is part of; for the top, its own
    uint32_t thread;     // HOLDER_THREAD: index into details->threads
    uint8_t level;       // HolderLevel
    uint8_t is_exact;    // HOLDER_CERTAINTY and below
    uint8_t kind;        // HOLDER_KIND and below: RootKind
} RootHolder;

typedef struct DominatorTree {
    const ObjectGraph *graph; // borrowed
    uint32_t holder_count;
    RootHolder *holders; // each behind the one it is part of; [0] is the top
    uint32_t node_count; // graph's nodes and holders
    // By node. The top is its own dominator.
    uint32_t *dominators;
    uint64_t *retained_bytes;   // of objects and foreign blocks, its own included
    uint32_t *retained_objects; // objects among them
    // Only after dominator_tree_add_children(). Children of a node:
    // children[first_child[node]] to children[first_child[node + 1] - 1], ascending.
    uint32_t *first_child;
    uint32_t *children; // each node but the top
} DominatorTree;

// Borrows `graph`, which must outlive the tree. progress may be NULL. Takes at most 20 bytes a
// node and 10 bytes a reference beside the graph while it works, and keeps 16 bytes a node.
// Errors: memory, unsupported (too many nodes).
// The caller owns `*out` and frees it with dominator_tree_free().
NODISCARD bool dominator_tree_new(const ObjectGraph *graph, const AnalysisProgress *progress,
                                  DominatorTree **out, Error *error);
void dominator_tree_free(DominatorTree *tree);

// Fills first_child and children, once: 8 bytes a node. Errors: memory.
NODISCARD bool dominator_tree_add_children(DominatorTree *tree, Error *error);

// An upper bound for the bytes that making the tree takes, beside the graph.
uint64_t dominator_tree_peak_bytes(const ObjectGraph *graph);

// The next node of a walk through the tree below `top` that visits each node before the nodes that
// it dominates. It starts with node = top and ends with NO_NODE. `cursors` has an entry a node,
// zeroed before the walk. `leave`, when not NULL, is called for each node after all nodes below it.
uint32_t dominator_tree_next(const DominatorTree *tree, uint32_t *cursors, uint32_t top,
                             uint32_t node, void (*leave)(void *context, uint32_t node),
                             void *context);

static inline uint32_t dominator_tree_top(const DominatorTree *tree)
{
    return tree->graph->node_count;
}

static inline bool dominator_tree_is_holder(const DominatorTree *tree, uint32_t node)
{
    return node >= tree->graph->node_count;
}

// The holder that a node above the graph's stands for.
static inline const RootHolder *dominator_tree_holder(const DominatorTree *tree, uint32_t node)
{
    return &tree->holders[node - tree->graph->node_count];
}

#endif
