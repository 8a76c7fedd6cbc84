// One mark, measured: see bench_measure.h.

#include "tests/bench/bench_measure.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_limits.h"

#define RETURN_BLOCKS_FROM (128 * 1024)

void bench_measure_prepare(void)
{
    // Setting it stops glibc from raising it after each large free().
    (void)mallopt(M_MMAP_THRESHOLD, RETURN_BLOCKS_FROM);
}

// A line of /proc/self/status such as "VmHWM:   123 kB", in bytes; 0 when there is none.
static uint64_t status_bytes(const char *key)
{
    FILE *status = fopen("/proc/self/status", "r");
    uint64_t bytes = 0;
    char line[256];

    if (status == NULL)
        return 0;
    while (fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            bytes = strtoull(line + strlen(key), NULL, 10) * 1024;
    (void)fclose(status);
    return bytes;
}

static void reset_high_water(void)
{
    FILE *clear = fopen("/proc/self/clear_refs", "w");

    if (clear == NULL)
        return;
    (void)fputs("5", clear);
    (void)fclose(clear);
}

static bool check_result(const HeapImage *image, const MarkResult *result,
                         const MarkResult *expected, Error *error)
{
    char digest[MARK_DIGEST_CHARS], expected_digest[MARK_DIGEST_CHARS];

    mark_result_digest(result, image, digest);
    mark_result_digest(expected, image, expected_digest);
    if (strcmp(digest, expected_digest) != 0)
        return error_set(error, ERROR_CORRUPT, "the digest is %s, the serial marker's is %s",
                         digest, expected_digest);
    if (memcmp(&result->totals, &expected->totals, sizeof result->totals) != 0)
        return error_set(error, ERROR_CORRUPT, "the totals are not those of the serial marker");
    if (memcmp(result->marked, expected->marked, expected->word_count * 8) != 0 ||
        (expected->block_word_count > 0 && memcmp(result->marked_blocks, expected->marked_blocks,
                                                  expected->block_word_count * 8) != 0))
        return error_set(error, ERROR_CORRUPT, "the marks are not those of the serial marker");
    return true;
}

// What the workers did one after another costs all of its time, what they did at once only
// that of the busiest.
static uint64_t critical_cpu_ns(uint64_t process_ns, const MarkStatistics *statistics)
{
    uint64_t sum = 0, busiest = 0;

    for (uint32_t i = 0; i < statistics->worker_count; i++) {
        uint64_t cpu_ns = statistics->workers[i].cpu_ns;
        sum += cpu_ns;
        busiest = cpu_ns > busiest ? cpu_ns : busiest;
    }
    return (process_ns > sum ? process_ns - sum : 0) + busiest;
}

bool bench_measure(const HeapImage *image, uint32_t workers, MarkPolicy policy,
                   const MarkResult *expected, BenchSample *out, Error *error)
{
    MarkOptions options = mark_options_default();
    MarkResult *result = NULL;
    bool ok;

    options.workers = workers;
    options.policy = policy;
    *out = (BenchSample){0};
    (void)malloc_trim(0);
    reset_high_water();
    uint64_t before_bytes = status_bytes("VmRSS:");
    uint64_t cpu_ns = bench_process_cpu_ns(), wall_ns = bench_wall_ns();
    ok = mark_reachable(image, &options, &result, error);
    wall_ns = bench_wall_ns() - wall_ns;
    cpu_ns = bench_process_cpu_ns() - cpu_ns;
    if (!ok)
        return false;
    uint64_t peak_bytes = status_bytes("VmHWM:");
    ok = check_result(image, result, expected, error);
    out->wall_ns = wall_ns;
    out->cpu_ns = critical_cpu_ns(cpu_ns, &result->statistics);
    out->objects = result->totals.marked_objects;
    for (uint32_t i = 0; i < result->statistics.worker_count; i++)
        out->edges += result->statistics.workers[i].edges;
    out->peak_bytes = peak_bytes > before_bytes ? peak_bytes - before_bytes : 0;
    mark_result_free(result);
    return ok;
}
