// Malloc'd memory by the type that owns it: blocks, with content or without, that objects of one
// type alone keep alive, directly or through other blocks.

#ifndef ANALYSIS_CHECK_MALLOC_OWNERS_H
#define ANALYSIS_CHECK_MALLOC_OWNERS_H

#include "analysis/graph/dominator_tree.h"
#include "analysis/graph/node_types.h"

// `*out` has the bytes of each type of `types`, which the caller frees; blocks that roots own count
// with the last one, node_types_foreign(). Errors: memory.
NODISCARD bool malloc_owners_find(const DominatorTree *tree, const NodeTypes *types, uint64_t **out,
                                  Error *error);

#endif
