// A benched graph in the heap of the Boehm-Demers-Weiser collector.
//
//     boehm_peer GRAPH [DIVISOR]
//
// Says "ready"; then, for every line on stdin, collects and says "MILLISECONDS" of the mark
// phase alone and "done". GC_MARKERS in the environment says how many threads mark. Nodes have
// the size that they have in our heap.

#define GC_THREADS
#include <gc/gc.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/bench/bench_edges.h"

// One less than in our heap: the collector keeps the last byte of a cell for pointers to the
// object's end, and does not scan the word that holds it.
#define HEADER_WORDS 5u
#define NODE_BYTES 64u
#define WIDE_NODE_BYTES 256u

// Static data, so the collector scans it. Volatile, or it would never be written: only the
// collector reads it.
static void *volatile root;
static double mark_start_ms, mark_ms;

static double now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void on_event(GC_EventType event)
{
    if (event == GC_EVENT_MARK_START)
        mark_start_ms = now_ms();
    else if (event == GC_EVENT_MARK_END)
        mark_ms = now_ms() - mark_start_ms;
}

// The byte that the collector adds must not make the cell larger.
static void *new_object(size_t bytes)
{
    return GC_MALLOC(bytes - 1);
}

static void *node_at(void *const *nodes, uint64_t node)
{
    return node == BENCH_NO_NODE ? NULL : nodes[node];
}

static void fill_nodes(BenchEdges *edges, void **nodes)
{
    for (uint64_t node = 0; node < edges->nodes; node++) {
        uint64_t *words = nodes[node];
        void **fields = nodes[node];
        uint64_t references[2];
        bench_edges_next(edges, references);
        fields[HEADER_WORDS] = node_at(nodes, references[0]);
        fields[HEADER_WORDS + 1] = node_at(nodes, references[1]);
        for (uint32_t i = 0; edges->graph == BENCH_G6 && i < BENCH_FILLER_WORDS; i++)
            words[HEADER_WORDS + 2 + i] = bench_edges_filler(edges);
    }
}

static bool build(BenchGraph graph, uint64_t count)
{
    size_t bytes = graph == BENCH_G6 ? WIDE_NODE_BYTES : NODE_BYTES;
    // Out of the collector's sight: the graph alone keeps the nodes.
    void **nodes = malloc(count * sizeof *nodes);
    BenchEdges edges;

    if (nodes == NULL || !bench_edges_init(&edges, graph, count))
        return false;
    GC_disable();
    for (uint64_t node = 0; node < count; node++) {
        nodes[node] = new_object(bytes);
        if (nodes[node] == NULL)
            return false;
    }
    fill_nodes(&edges, nodes);
    root = nodes[0];
    if (bench_graph_has_array(graph)) {
        void **array = GC_MALLOC(count * sizeof *array);
        if (array == NULL)
            return false;
        for (uint64_t i = 0; i < count; i++)
            array[i] = nodes[bench_edges_element(&edges, i)];
        root = array;
    }
    GC_enable();
    bench_edges_release(&edges);
    memset(nodes, 0, count * sizeof *nodes);
    free(nodes);
    return true;
}

int main(int argc, char **argv)
{
    uint64_t divisor = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    BenchGraph graph;
    char line[64];

    if (argc < 2 || divisor == 0 || !bench_graph_find(argv[1], &graph)) {
        (void)fprintf(stderr, "usage: boehm_peer GRAPH [DIVISOR]\n");
        return 2;
    }
    GC_INIT();
    GC_set_on_collection_event(on_event);
    if (!build(graph, bench_graph_possible_nodes(graph, bench_graph_full_nodes(graph) / divisor))) {
        (void)fprintf(stderr, "boehm_peer: not enough memory\n");
        return 4;
    }
    (void)printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        GC_gcollect();
        (void)printf("%.3f\ndone\n", mark_ms);
        (void)fflush(stdout);
    }
    return 0;
}
