// Searching paths back from a node to the roots, for the k shortest paths: see shortest_paths.c.

#ifndef ANALYSIS_GRAPH_PATH_SEARCH_INTERNAL_H
#define ANALYSIS_GRAPH_PATH_SEARCH_INTERNAL_H

#include "analysis/graph/root_paths.h"

// A path that was found: the beginning of an earlier one, and a tail. Backwards: the first node is
// the target, and a root refers to the last one.
typedef struct PathCandidate {
    uint32_t parent; // index of the earlier path; NO_NODE: none
    uint32_t shared; // nodes taken from it
    uint32_t tail_length;
    uint32_t *tail;  // owned
    uint32_t number; // in order of discovery
} PathCandidate;

// A node that a search may continue from.
typedef struct PathOpen {
    uint32_t length; // a lower bound for the whole path through it
    uint32_t steps;  // from the start of the search
    uint32_t node;
    uint32_t before; // the previous node of the search
} PathOpen;

typedef struct PathFinder {
    const ObjectGraph *graph;
    const PathQuery *query;
    uint32_t target;
    uint32_t *distances; // by node: from the roots, itself included; 0: not reachable
    // The nodes that refer to a node.
    uint32_t *first_source; // node_count + 1
    uint32_t *sources;
    uint32_t search;    // number of the present search
    uint32_t *searches; // by node: the last search that settled it
    uint32_t *befores;  // by node: the previous node of that search
    PathOpen *open;     // a binary heap
    uint64_t open_count;
    uint64_t open_capacity;
    uint8_t *is_used; // by node: part of the path's fixed beginning
    PathCandidate *candidates;
    uint32_t candidate_count;
    uint64_t candidate_capacity;
    uint32_t discovered;
} PathFinder;

// The nodes that the first step of a search must not go to, and whether it must not end at a root.
typedef struct PathForbidden {
    const uint32_t *nodes;
    uint32_t count;
    bool root;
} PathForbidden;

// Computes the distances of all nodes from the roots, and the nodes that refer to each. `finder`
// has its first three members set. Errors: memory, unsupported (2^32 references and more). Released
// by path_finder_release() in any case.
NODISCARD bool path_finder_init(PathFinder *finder, Error *error);
void path_finder_release(PathFinder *finder);

// Finds the shortest way from `start` to a root; `out` gets the nodes after `start`. Errors:
// memory.
NODISCARD bool path_search_back(PathFinder *finder, uint32_t start, const PathForbidden *forbidden,
                                PathCandidate *out, bool *is_found, Error *error);

#endif
