// One mark, measured, and checked against the serial marker.

#ifndef TESTS_BENCH_BENCH_MEASURE_H
#define TESTS_BENCH_BENCH_MEASURE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"

typedef struct BenchSample {
    // The whole call of mark_reachable(), tables and result included.
    uint64_t wall_ns;
    // What it would have taken on free CPUs, as far as CPU clocks can tell: everything
    // outside of the workers, and the busiest worker.
    uint64_t cpu_ns;
    uint64_t objects;
    uint64_t edges; // references followed, to objects and foreign blocks
    // Memory that became resident at the marker's peak, its result included, read from the
    // kernel's high-water mark: right to about a quarter of a MiB.
    uint64_t peak_bytes;
} BenchSample;

// Call once, before the first sample: makes malloc return large blocks to the system, so
// that one sample's memory is not hidden in what an earlier one left behind.
void bench_measure_prepare(void);

// Marks `image` with `workers` and `policy`. Errors: those of mark_reachable(), and corrupt
// when the result is not exactly `expected`.
NODISCARD bool bench_measure(const HeapImage *image, uint32_t workers, MarkPolicy policy,
                             const MarkResult *expected, BenchSample *out, Error *error);

#endif
