// Paths for people: a line a step, each further in than the one before.

#ifndef CLI_PATH_OUTPUT_H
#define CLI_PATH_OUTPUT_H

#include "analysis/graph/merged_paths.h"

// Path `index` of `count`, and up to `most_roots` of the roots that refer to its first node.
// avoided_roots as in PathQuery.
void path_output_print(const NodeTypes *types, const RootPath *path, const uint8_t *avoided_roots,
                       uint32_t index, uint32_t count, uint32_t most_roots);

// Prints the label of a root (root_label(); NULL: "a root"), which it frees, and `more` behind
// `taken` columns of a line; on a terminal shorter, and broken, where it is too wide.
void path_output_print_root(char *label, const char *more, unsigned taken, unsigned indent);

// Only the tree: roots as above, the first `count` steps of the path, and, unless NULL, a last line
// below them.
void path_output_print_tree(const NodeTypes *types, const RootPath *path,
                            const uint8_t *avoided_roots, uint32_t most_roots, uint32_t count,
                            const char *last);

// The biggest branches of the tree, below a heading.
void merged_output_print(const MergedPaths *merged, const NodeTypes *types, const char *heading);

#endif
