// MergedPaths: the shortest paths to many objects, merged into a tree of types below groups of
// roots: where their types are the same, and the names of the fields, where the program's data
// types give them.
//
// Consecutive steps of one type are one step (a list of a million nodes is one line), and objects
// deeper than MERGED_DEPTH count to the step there. So the tree stays small, and two heaps of one
// program have the same steps, whatever their addresses.

#ifndef ANALYSIS_GRAPH_MERGED_PATHS_H
#define ANALYSIS_GRAPH_MERGED_PATHS_H

#include "analysis/graph/node_types.h"
#include "analysis/graph/root_paths.h"

#define MERGED_DEPTH 48u

typedef struct MergedStep {
    uint32_t parent;      // index; NO_INDEX: a group of roots
    uint32_t type;        // of NodeTypes; NO_INDEX: a group of roots
    uint32_t root;        // of a group of roots: index into labels
    uint32_t field;       // of the reference from the parent: index into fields; NO_INDEX: unknown
    uint16_t depth;       // 0: a group of roots
    bool is_repeated;     // stands for several nodes in a row, or for deeper nodes
    uint64_t objects;     // targets at this step and below, blocks included
    uint64_t bytes;       // of them, with owned_bytes
    uint64_t own_objects; // targets at this step
    uint64_t own_bytes;   // of them
    uint64_t owned_bytes; // of blocks without content that targets at this step own
    uint32_t example;     // the first of them that was reached; NO_NODE: there is none
} MergedStep;

typedef struct MergedPaths {
    uint32_t step_count;
    MergedStep *steps; // parents before children; all have targets at or below
    uint32_t label_count;
    char **labels; // of groups of roots: a variable, a thread's stack; owned
    bool knows_fields;
    uint32_t field_count;
    char **fields; // ".audit", "[].session"; owned
} MergedPaths;

// Merges the paths of `tree` to each node for which `is_target` is true (NULL: all). Errors:
// memory. The caller owns `*out` and frees it with merged_paths_free().
NODISCARD bool merged_paths_new(const PathTree *tree, const NodeTypes *types,
                                bool (*is_target)(const void *context, uint32_t node),
                                const void *context, MergedPaths **out, Error *error);
void merged_paths_free(MergedPaths *paths);

// The route that most targets take: types in the same order, whatever the roots are. Gives the step
// at its end that has most of them (NO_INDEX: without targets), and how many take the route.
// Errors: memory.
NODISCARD bool merged_paths_lead(const MergedPaths *paths, uint32_t *step, uint64_t *objects,
                                 Error *error);

// The label of a step: that of its group of roots, or of its type.
const char *merged_step_label(const MergedPaths *paths, const NodeTypes *types, uint32_t step);

// What the parent of a step calls its reference to it; NULL: not known.
const char *merged_step_field(const MergedPaths *paths, uint32_t step);

// The indices of the steps right below one (NO_INDEX: the groups of roots), most bytes first, of
// equals by label. The caller frees the array. NULL when memory is short.
uint32_t *merged_paths_children(const MergedPaths *paths, const NodeTypes *types, uint32_t step,
                                uint32_t *count);

#endif
