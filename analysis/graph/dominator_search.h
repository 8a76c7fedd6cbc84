// DominatorSearch: the two halves of finding dominators, in numbers of a depth-first search.
//
// First the search itself, which numbers the nodes in preorder and keeps each reference that is not
// part of its tree as a pair of numbers, roughly sorted by target. Then the semidominators and
// dominators from these pairs alone; see dominator_semi.c for the algorithm.

#ifndef ANALYSIS_GRAPH_DOMINATOR_SEARCH_H
#define ANALYSIS_GRAPH_DOMINATOR_SEARCH_H

#include "analysis/graph/dominator_tree.h"

// Pairs come in chunks, each for the numbers of one partition.
#define PARTITION_SHIFT 16u
#define CHUNK_PAIRS 4096u
#define NO_CHUNK UINT32_MAX

typedef struct PairChunk {
    uint32_t next; // index of the chunk filled before, or NO_CHUNK
    uint32_t used;
    uint32_t sources[CHUNK_PAIRS]; // numbers of the nodes that refer ...
    uint16_t targets[CHUNK_PAIRS]; // ... to these, within the partition
} PairChunk;

typedef struct DominatorSearch {
    const ObjectGraph *graph;
    const RootHolder *holders;
    uint32_t holder_count;
    uint32_t node_count; // with holders
    // By number, 0 being the top. Parents have smaller numbers than their children.
    uint32_t *nodes;
    uint32_t *parents; // in the search's tree; at the end, immediate dominators
    uint32_t partition_count;
    uint32_t *partitions; // newest chunk of each
    PairChunk *chunks;    // reserved; only the used part takes memory
    uint64_t chunk_capacity;
    uint32_t chunk_count;
} DominatorSearch;

void dominator_search_release(DominatorSearch *search);
// Frees the pairs, which are not needed once dominators are known.
void dominator_search_drop_pairs(DominatorSearch *search);

// Fills `search` from its first four members. Errors: memory.
NODISCARD bool dominator_search_run(DominatorSearch *search, const AnalysisProgress *progress,
                                    Error *error);

// Replaces search->parents by immediate dominators. Errors: memory.
NODISCARD bool dominator_search_dominate(DominatorSearch *search, const AnalysisProgress *progress,
                                         Error *error);

#endif
