// The graphs that are benched: see bench_edges.h.

#include "tests/bench/bench_edges.h"

#include <stdlib.h>
#include <string.h>

#define SEED 1u
// G2: how far a local reference may go, and one in how many is not local.
#define LOCAL_REACH 64u
#define LOCAL_ODDS 10u

static const struct {
    const char *name;
    uint64_t nodes;
} graphs[BENCH_GRAPH_COUNT] = {
    [BENCH_G1] = {"G1", 10000000},
    [BENCH_G2] = {"G2", 10000000},
    [BENCH_G3_ORDERED] = {"G3-ordered", 5000000},
    [BENCH_G3_SHUFFLED] = {"G3-shuffled", 5000000},
    [BENCH_G4_ORDERED] = {"G4-ordered", 5000000},
    [BENCH_G4_SHUFFLED] = {"G4-shuffled", 5000000},
    [BENCH_G5] = {"G5", (UINT64_C(1) << 22) - 1},
    [BENCH_G6] = {"G6", 3000000},
};

const char *bench_graph_name(BenchGraph graph)
{
    return graphs[graph].name;
}

bool bench_graph_find(const char *name, BenchGraph *out)
{
    for (unsigned graph = 0; graph < BENCH_GRAPH_COUNT; graph++) {
        if (strcmp(graphs[graph].name, name) == 0) {
            *out = (BenchGraph)graph;
            return true;
        }
    }
    return false;
}

uint64_t bench_graph_full_nodes(BenchGraph graph)
{
    return graphs[graph].nodes;
}

uint64_t bench_graph_possible_nodes(BenchGraph graph, uint64_t nodes)
{
    uint64_t tree = 1;

    if (nodes == 0)
        return 1;
    if (graph != BENCH_G5)
        return nodes;
    while (2 * tree + 1 <= nodes)
        tree = 2 * tree + 1;
    return tree;
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t x = *state;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return x;
}

uint64_t bench_random_below(uint64_t *state, uint64_t bound)
{
    return next_random(state) % bound;
}

// order[k] = k, then Fisher-Yates over everything from `first` on.
static void fill_shuffled(uint32_t *order, uint64_t count, uint64_t first, uint64_t *random)
{
    for (uint64_t i = 0; i < count; i++)
        order[i] = (uint32_t)i;
    for (uint64_t left = count; left > first + 1; left--) {
        uint64_t other = first + bench_random_below(random, left - first);
        uint32_t last = order[left - 1];
        order[left - 1] = order[other];
        order[other] = last;
    }
}

// Turns the order in which nodes follow each other into the next node of each.
static bool make_list_order(BenchEdges *edges)
{
    uint32_t *sequence = malloc(edges->nodes * sizeof *sequence);

    if (sequence == NULL)
        return false;
    // The list begins at node 0, the root.
    fill_shuffled(sequence, edges->nodes, 1, &edges->random);
    for (uint64_t i = 0; i + 1 < edges->nodes; i++)
        edges->order[sequence[i]] = sequence[i + 1];
    edges->order[sequence[edges->nodes - 1]] = UINT32_MAX;
    free(sequence);
    return true;
}

bool bench_edges_init(BenchEdges *edges, BenchGraph graph, uint64_t nodes)
{
    memset(edges, 0, sizeof *edges);
    edges->graph = graph;
    edges->nodes = nodes;
    edges->random = SEED;
    if (graph == BENCH_G5) {
        edges->pending[0] = (uint8_t)(64 - __builtin_clzll(nodes));
        edges->pending_count = 1;
    }
    if (graph != BENCH_G3_SHUFFLED && graph != BENCH_G4_SHUFFLED)
        return true;
    edges->order = malloc(nodes * sizeof *edges->order);
    if (edges->order == NULL)
        return false;
    if (graph == BENCH_G4_SHUFFLED) {
        fill_shuffled(edges->order, nodes, 0, &edges->random);
        return true;
    }
    return make_list_order(edges);
}

void bench_edges_release(BenchEdges *edges)
{
    free(edges->order);
    edges->order = NULL;
}

static uint64_t local_or_random(BenchEdges *edges)
{
    uint64_t node = edges->node, last = edges->nodes - 1;
    uint64_t low = node < LOCAL_REACH ? 0 : node - LOCAL_REACH;
    uint64_t high = last - node < LOCAL_REACH ? last : node + LOCAL_REACH;

    if (bench_random_below(&edges->random, LOCAL_ODDS) == 0)
        return bench_random_below(&edges->random, edges->nodes);
    return low + bench_random_below(&edges->random, high - low + 1);
}

static void tree_references(BenchEdges *edges, uint64_t references[2])
{
    uint8_t height = edges->pending[--edges->pending_count];

    if (height == 1)
        return;
    // In preorder the left subtree, 2^(height-1) - 1 nodes, comes next, then the right one.
    edges->pending[edges->pending_count++] = (uint8_t)(height - 1);
    edges->pending[edges->pending_count++] = (uint8_t)(height - 1);
    references[0] = edges->node + 1;
    references[1] = edges->node + (UINT64_C(1) << (height - 1));
}

void bench_edges_next(BenchEdges *edges, uint64_t references[2])
{
    references[0] = BENCH_NO_NODE;
    references[1] = BENCH_NO_NODE;
    switch (edges->graph) {
    case BENCH_G1:
    case BENCH_G6:
        references[0] = bench_random_below(&edges->random, edges->nodes);
        references[1] = bench_random_below(&edges->random, edges->nodes);
        break;
    case BENCH_G2:
        references[0] = local_or_random(edges);
        references[1] = local_or_random(edges);
        break;
    case BENCH_G3_ORDERED:
        if (edges->node + 1 < edges->nodes)
            references[0] = edges->node + 1;
        break;
    case BENCH_G3_SHUFFLED:
        if (edges->order[edges->node] != UINT32_MAX)
            references[0] = edges->order[edges->node];
        break;
    case BENCH_G5:
        tree_references(edges, references);
        break;
    case BENCH_G4_ORDERED:
    case BENCH_G4_SHUFFLED:
    case BENCH_GRAPH_COUNT:
        break;
    }
    edges->node++;
}

uint32_t bench_edges_filler(BenchEdges *edges)
{
    return (uint32_t)(next_random(&edges->random) >> 32);
}

uint64_t bench_edges_element(const BenchEdges *edges, uint64_t index)
{
    return edges->order == NULL ? index : edges->order[index];
}
