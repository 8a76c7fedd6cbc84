// The benched graphs as heap images: real rudo-gc-0.8 pages and object headers.
//
// All pages are contiguous, in ascending order of their nodes; a G4 graph begins
// with its array, a large object. The pages belong to BENCH_OWNERS owner threads,
// each with one contiguous share, as if N threads had built the graph.

#ifndef TESTS_BENCH_BENCH_GRAPHS_H
#define TESTS_BENCH_BENCH_GRAPHS_H

#include "base/error.h"
#include "snapshot/heap/heap_image.h"
#include "tests/bench/bench_edges.h"

#define BENCH_OWNERS 16u

// Bytes of the image that bench_graph_build() makes.
uint64_t bench_graph_image_bytes(BenchGraph graph, uint64_t nodes);

// Builds the graph with the given number of nodes (see bench_graph_possible_nodes()); its
// only root is node 0, or the array. options may be NULL. Errors: memory, usage (too many
// nodes for one array). The caller owns `*out`.
NODISCARD bool bench_graph_build(BenchGraph graph, uint64_t nodes, const HeapImageOptions *options,
                                 HeapImage **out, Error *error);

// The digest of marking the full-size graph, as the serial marker found it.
const char *bench_graph_full_digest(BenchGraph graph);

#endif
