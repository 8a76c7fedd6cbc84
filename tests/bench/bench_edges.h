// The graphs that are benched, as pure arithmetic: which nodes each node refers to.
//
// The heap image for our marker (bench_graphs.c) and the peers' heaps
// (peers/) are all filled from here, or from a transliteration of it, so that
// all collectors mark the same graph. Nodes are numbered from 0, which is the root.
// All randomness is one xorshift64 stream that starts at 1.
//
//     G1          two uniformly random references a node
//     G2          the same, but with p = 0.9 a reference stays within 64 nodes
//     G3-ordered  a list from node to next node; G3-shuffled: the same in random order
//     G4-ordered  one array of references to all nodes but itself (node 0 is the array);
//                 G4-shuffled: the same, its references in random order
//     G5          a complete binary tree in preorder, 2^k - 1 nodes
//     G6          as G1, with 24 words of random 32-bit values behind the two references

#ifndef TESTS_BENCH_BENCH_EDGES_H
#define TESTS_BENCH_BENCH_EDGES_H

#include <stdbool.h>
#include <stdint.h>

typedef enum BenchGraph {
    BENCH_G1,
    BENCH_G2,
    BENCH_G3_ORDERED,
    BENCH_G3_SHUFFLED,
    BENCH_G4_ORDERED,
    BENCH_G4_SHUFFLED,
    BENCH_G5,
    BENCH_G6,
    BENCH_GRAPH_COUNT,
} BenchGraph;

// Not a node: the word is 0.
#define BENCH_NO_NODE UINT64_MAX
#define BENCH_FILLER_WORDS 24u
#define BENCH_TREE_MAX_HEIGHT 40u

// "G1", "G3-ordered", ...
const char *bench_graph_name(BenchGraph graph);
bool bench_graph_find(const char *name, BenchGraph *out);

// Nodes of the full-size graph. G4: the array is not counted.
uint64_t bench_graph_full_nodes(BenchGraph graph);

// The size nearest below `nodes` that the graph can have (a tree has 2^k - 1); at least 1.
uint64_t bench_graph_possible_nodes(BenchGraph graph, uint64_t nodes);

static inline bool bench_graph_has_array(BenchGraph graph)
{
    return graph == BENCH_G4_ORDERED || graph == BENCH_G4_SHUFFLED;
}

// Produces the references of node 0, 1, 2, ... in turn.
typedef struct BenchEdges {
    BenchGraph graph;
    uint64_t nodes;
    uint64_t random; // state of the xorshift64
    uint64_t node;   // whose references come next
    uint32_t *order; // G3-shuffled: the next node of each; G4: node behind each element; owned
    // G5: heights of the subtrees still to come, the next one on top.
    uint32_t pending_count;
    uint8_t pending[BENCH_TREE_MAX_HEIGHT];
} BenchEdges;

// `nodes` from bench_graph_possible_nodes(), below 2^32. False when memory is short.
// Released by bench_edges_release().
bool bench_edges_init(BenchEdges *edges, BenchGraph graph, uint64_t nodes);
void bench_edges_release(BenchEdges *edges);

// The two references of the next node, BENCH_NO_NODE for none. G4's leaves have none.
void bench_edges_next(BenchEdges *edges, uint64_t references[2]);

// G6: the next filler word, to be asked for BENCH_FILLER_WORDS times after each node.
uint32_t bench_edges_filler(BenchEdges *edges);

// G4: the leaf that element `index` of the array refers to.
uint64_t bench_edges_element(const BenchEdges *edges, uint64_t index);

// Uniform below `bound`, from a xorshift64 at `*state`.
uint64_t bench_random_below(uint64_t *state, uint64_t bound);

#endif
