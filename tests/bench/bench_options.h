// The options of bench_marker: bench_main.c explains them.

#ifndef TESTS_BENCH_BENCH_OPTIONS_H
#define TESTS_BENCH_BENCH_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "tests/bench/bench_edges.h"

// The name under which a captured heap is benched.
#define BENCH_REAL "REAL"

typedef struct BenchOptions {
    bool wanted[BENCH_GRAPH_COUNT];
    uint32_t rounds;
    uint32_t workers; // at most
    double seconds;   // for all graphs together
    uint64_t divisor;
    bool is_quick;
    bool is_simulated;
    bool is_scheduled;
    // Borrowed from argv; NULL: not given.
    const char *real;
    const char *json;
    const char *serve;
} BenchOptions;

// Errors: usage.
NODISCARD bool bench_options_parse(BenchOptions *options, int argc, char **argv, Error *error);

#endif
