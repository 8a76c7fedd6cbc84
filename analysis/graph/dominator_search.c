// DominatorSearch: the depth-first search.
//
// Without recursion, and with little memory: the stack holds at most one entry for each node, for
// its references that are still to be visited. A single such reference is kept as its target:
// coming back to it then costs one load of the target's number, not a walk through the graph.

#include "analysis/graph/dominator_search.h"

#include <stdlib.h>
#include <string.h>

#include "base/side_table.h"

#define FETCH_AHEAD 8u

// The references of a node that are still to be visited.
typedef struct StackEntry {
    uint32_t number; // of the node
    uint32_t rest;   // offset of the first edge left; is_single: the node that it leads to
} StackEntry;

typedef struct Walk {
    DominatorSearch *search;
    uint32_t *numbers; // by node; 0: not visited (the top is never referred to)
    uint32_t next;     // number
    StackEntry *stack;
    uint64_t *is_single; // bit per stack entry
    uint32_t depth;
} Walk;

static uint64_t bit_words(uint64_t bits)
{
    return (bits + 63) / 64;
}

void dominator_search_release(DominatorSearch *search)
{
    side_table_free(search->nodes, (uint64_t)search->node_count * sizeof *search->nodes);
    side_table_free(search->parents, (uint64_t)search->node_count * sizeof *search->parents);
    search->nodes = search->parents = NULL;
    dominator_search_drop_pairs(search);
}

void dominator_search_drop_pairs(DominatorSearch *search)
{
    free(search->partitions);
    side_table_free(search->chunks, search->chunk_capacity * sizeof *search->chunks);
    search->partitions = NULL;
    search->chunks = NULL;
}

static bool reserve(DominatorSearch *search, Walk *walk, Error *error)
{
    uint64_t nodes = search->node_count;
    // Every reference that is not part of the tree is in one pair.
    uint64_t pairs = search->graph->edge_count + search->graph->root_count;

    search->partition_count = (uint32_t)((nodes >> PARTITION_SHIFT) + 1);
    search->chunk_capacity = pairs / CHUNK_PAIRS + search->partition_count;
    search->nodes = side_table_new(nodes * sizeof *search->nodes);
    search->parents = side_table_new(nodes * sizeof *search->parents);
    search->partitions = malloc(search->partition_count * sizeof *search->partitions);
    if (search->chunk_capacity < NO_CHUNK)
        search->chunks = side_table_new(search->chunk_capacity * sizeof *search->chunks);
    walk->numbers = side_table_new(nodes * sizeof *walk->numbers);
    walk->stack = side_table_new(nodes * sizeof *walk->stack);
    walk->is_single = side_table_new(bit_words(nodes) * sizeof *walk->is_single);
    if (search->nodes == NULL || search->parents == NULL || search->partitions == NULL ||
        search->chunks == NULL || walk->numbers == NULL || walk->stack == NULL ||
        walk->is_single == NULL)
        return error_set_memory(error, dominator_tree_peak_bytes(search->graph), "dominators");
    memset(search->partitions, 0xff, search->partition_count * sizeof *search->partitions);
    return true;
}

static void walk_release(Walk *walk)
{
    uint64_t nodes = walk->search->node_count;

    side_table_free(walk->numbers, nodes * sizeof *walk->numbers);
    side_table_free(walk->stack, nodes * sizeof *walk->stack);
    side_table_free(walk->is_single, bit_words(nodes) * sizeof *walk->is_single);
}

// Keeps a reference between two visited nodes.
static inline void keep_pair(DominatorSearch *search, uint32_t source, uint32_t target)
{
    uint32_t *newest = &search->partitions[target >> PARTITION_SHIFT];

    // A node's reference to itself does not matter.
    if (source == target)
        return;
    if (*newest == NO_CHUNK || search->chunks[*newest].used == CHUNK_PAIRS) {
        PairChunk *added = &search->chunks[search->chunk_count];

        added->next = *newest;
        added->used = 0;
        *newest = search->chunk_count++;
    }
    PairChunk *chunk = &search->chunks[*newest];

    chunk->sources[chunk->used] = source;
    chunk->targets[chunk->used++] = (uint16_t)target;
}

static inline uint32_t number_node(Walk *walk, uint32_t node, uint32_t parent)
{
    uint32_t number = walk->next++;

    walk->numbers[node] = number;
    walk->search->nodes[number] = node;
    walk->search->parents[number] = parent;
    return number;
}

static inline void push(Walk *walk, uint32_t number, uint32_t rest, bool is_single)
{
    uint64_t bit = UINT64_C(1) << walk->depth % 64;
    uint64_t *word = &walk->is_single[walk->depth / 64];

    walk->stack[walk->depth++] = (StackEntry){number, rest};
    *word = is_single ? *word | bit : *word & ~bit;
}

// Prefetches all that visiting a node will load: its number, its first edge, and its edges, whose
// place is estimated as if all nodes of its group had the same number of edges.
static inline __attribute__((always_inline)) void fetch(const Walk *walk, uint32_t node)
{
    const ObjectGraph *graph = walk->search->graph;
    uint64_t base = graph->edge_bases[node >> GRAPH_GROUP_SHIFT];
    uint64_t end = graph->edge_bases[(node >> GRAPH_GROUP_SHIFT) + 1];
    uint64_t guess = base + ((end - base) * (node % GRAPH_GROUP_NODES) >> GRAPH_GROUP_SHIFT);

    __builtin_prefetch(&walk->numbers[node], 1);
    __builtin_prefetch(&graph->edge_offsets[node]);
    __builtin_prefetch(&graph->targets[guess]);
}

// Descends from a node, from its edge `edge` on, as far as unvisited nodes lead.
static void descend(Walk *walk, uint32_t node, uint32_t number, uint64_t edge)
{
    DominatorSearch *search = walk->search;
    const ObjectGraph *graph = search->graph;
    const uint32_t *targets = graph->targets;
    uint64_t end = object_graph_first_edge(graph, node + 1);

    while (edge < end) {
        uint32_t target = targets[edge++];
        uint32_t found;

        fetch(walk, target);
        if (edge < end)
            fetch(walk, targets[edge]);
        found = walk->numbers[target];
        if (found != 0) {
            keep_pair(search, number, found);
            continue;
        }
        if (end - edge == 1)
            push(walk, number, targets[edge], true);
        else if (edge < end)
            push(walk, number, (uint32_t)(edge - object_graph_first_edge(graph, node)), false);
        number = number_node(walk, target, number);
        node = target;
        edge = object_graph_first_edge(graph, node);
        end = object_graph_first_edge(graph, node + 1);
    }
}

static void visit(Walk *walk, uint32_t node, uint32_t parent)
{
    uint32_t found = walk->numbers[node];

    if (found != 0) {
        keep_pair(walk->search, parent, found);
        return;
    }
    parent = number_node(walk, node, parent);
    descend(walk, node, parent, object_graph_first_edge(walk->search->graph, node));
}

static void walk_from(Walk *walk, uint32_t node, uint32_t parent)
{
    const DominatorSearch *search = walk->search;

    visit(walk, node, parent);
    while (walk->depth > 0) {
        StackEntry entry = walk->stack[--walk->depth];

        // Most waiting nodes have been visited meanwhile. Where `rest` is an offset, not a node,
        // the prefetch does no harm.
        if (walk->depth >= FETCH_AHEAD)
            __builtin_prefetch(&walk->numbers[walk->stack[walk->depth - FETCH_AHEAD].rest]);
        if ((walk->is_single[walk->depth / 64] >> walk->depth % 64 & 1) != 0) {
            visit(walk, entry.rest, entry.number);
        } else {
            uint32_t from = search->nodes[entry.number];

            descend(walk, from, entry.number,
                    object_graph_first_edge(search->graph, from) + entry.rest);
        }
    }
}

bool dominator_search_run(DominatorSearch *search, const AnalysisProgress *progress, Error *error)
{
    Walk walk = {.search = search};
    bool ok = reserve(search, &walk, error);

    // Holders are in the order of a depth-first search already.
    for (uint32_t i = 0; ok && i < search->holder_count; i++) {
        const RootHolder *holder = &search->holders[i];
        uint32_t first = search->graph->node_count;
        uint32_t number = number_node(&walk, first + i, walk.numbers[first + holder->parent]);

        if (holder->level == HOLDER_WORD)
            walk_from(&walk, search->graph->roots[holder->graph_root].node, number);
        if (i % 256 == 0)
            analysis_progress_report(progress, walk.next, search->node_count);
    }
    walk_release(&walk);
    return ok;
}
