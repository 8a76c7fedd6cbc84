// The nodes that roots refer to, each with the holder that it counts below and the variable that
// names it: where the routes of TypeRoutes begin.

#ifndef ANALYSIS_ROUTES_ROOTED_NODES_INTERNAL_H
#define ANALYSIS_ROUTES_ROOTED_NODES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/root_paths.h"
#include "base/error.h"

typedef struct RootedNode {
    uint32_t place; // a holder
    uint32_t node;
    uint64_t field; // hash of the variable's label, or NO_FIELD
} RootedNode;

// A hash of a label, the same in every run; never 0.
uint64_t rooted_nodes_hash(const char *label);

// Lists the reached nodes in `is_rooted` (bit per node) by place and node, and sets in `threads`,
// by node, the thread of the roots of each; NO_INDEX: none, or several. Errors: memory. The caller
// frees
// `*out`.
NODISCARD bool rooted_nodes_list(const DominatorTree *tree, const PathTree *paths,
                                 const uint8_t *is_rooted, uint32_t *threads, RootedNode **out,
                                 uint32_t *count, Error *error);

#endif
