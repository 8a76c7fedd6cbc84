// A whole run over one heap: limits and marks in turn, again and again, and what comes out.

#ifndef TESTS_BENCH_BENCH_RUN_H
#define TESTS_BENCH_BENCH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "tests/bench/bench_limits.h"

#define BENCH_MAX_ROUNDS 101u
#define BENCH_MAX_ROWS 16u

// One way to mark the heap.
typedef struct BenchRow {
    uint32_t workers;
    MarkPolicy policy;
    double objects_per_second; // median over the rounds, by CPU time (BenchSample.cpu_ns)
    double best_objects_per_second;
    double edges_per_second;        // of the median
    double wall_objects_per_second; // median, by wall time
    double ratio;                   // to the limit of the same round, median
    double speedup;                 // against the best row of one worker, by CPU time
    uint64_t peak_bytes;            // largest
} BenchRow;

typedef struct BenchReport {
    char name[32];
    uint64_t objects; // marked
    uint64_t image_bytes;
    uint32_t rounds;
    double serial_objects_per_second; // the oracle, once; 0: it was not run
    double limits[BENCH_LIMIT_COUNT]; // objects/s, median
    BenchLimit limit;                 // the one that `ratio` is about
    uint32_t row_count;
    BenchRow rows[BENCH_MAX_ROWS];
} BenchReport;

typedef struct BenchPlan {
    uint32_t rounds;      // at most BENCH_MAX_ROUNDS
    uint32_t max_workers; // 1, 2, 4, ... up to this
    double seconds;       // no new round begins after so long; at least one is made
    // What the serial marker's digest is known to be; NULL: unknown, so ask it. Borrowed.
    const char *digest;
    bool asks_serial; // ask it even so, and insist on the digest
} BenchPlan;

// Measures every way to mark `image`. Errors: as bench_measure(), memory, corrupt when a
// digest is not the known one.
NODISCARD bool bench_run(const HeapImage *image, const char *name, BenchLimit limit,
                         const BenchPlan *plan, BenchReport *out, Error *error);

#endif
