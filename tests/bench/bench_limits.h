// How fast this machine could possibly touch the marked objects, without marking.
//
// Every limit but the last reads the first two payload words of each object:
//
//     sequential  in address order
//     random      in shuffled order, each prefetched 24 ahead of its use
//     dependent   in shuffled order, each address known only once the object before it
//                 has been read
//     payloads    whole payloads and whole foreign blocks in shuffled order, each prefetched 24
//                 ahead: what a conservative mark of a captured heap has to read
//
// Marking has to touch the same lines, so marking speed over a limit says how much of the
// machine a marker uses, on a loaded machine as well, as both suffer alike.

#ifndef TESTS_BENCH_BENCH_LIMITS_H
#define TESTS_BENCH_BENCH_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/mark.h"
#include "snapshot/heap/heap_image.h"

typedef enum BenchLimit {
    BENCH_LIMIT_SEQUENTIAL,
    BENCH_LIMIT_RANDOM,
    BENCH_LIMIT_DEPENDENT,
    BENCH_LIMIT_PAYLOADS,
    BENCH_LIMIT_COUNT,
} BenchLimit;

// "sequential", "random", "dependent", "payloads".
const char *bench_limit_name(BenchLimit limit);

typedef struct BenchPayload {
    const uint8_t *bytes;
    uint64_t words;
} BenchPayload;

// The objects that a mark result holds, in both orders.
typedef struct BenchLimits {
    uint64_t count;
    const uint8_t **ordered;  // first payload word of each object, ascending
    const uint8_t **shuffled; // the same, shuffled
    uint64_t mapped_bytes;    // of each of the two
    BenchPayload *payloads;   // of objects and foreign blocks, shuffled
    uint64_t payload_count;
    uint64_t payload_mapped_bytes;
} BenchLimits;

// `image` must outlive `*limits`, which is released by bench_limits_release().
// Errors: memory, usage (nothing is marked).
NODISCARD bool bench_limits_init(BenchLimits *limits, const HeapImage *image,
                                 const MarkResult *result, Error *error);
void bench_limits_release(BenchLimits *limits);

// Objects (of payloads too: not counting blocks) per second of thread CPU time. The dependent limit
// is taken over the first million of the shuffled objects, which lie as far apart as all of them.
double bench_limits_measure(const BenchLimits *limits, BenchLimit limit);

// CPU time of this thread, of this process, and wall time; in nanoseconds.
uint64_t bench_thread_cpu_ns(void);
uint64_t bench_process_cpu_ns(void);
uint64_t bench_wall_ns(void);

#endif
