// What a schedule costs: see bench_schedules.h.

#include "tests/bench/bench_schedules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker/schedule/mark_schedule.h"
#include "tests/bench/bench_limits.h"
#include "tests/bench/bench_run.h"

// The first is what the others are held against.
static const struct {
    uint32_t workers;
    bool is_scheduled;
    MarkPolicy policy;
    SchedulePolicy order;
} ways[] = {
    {1, false, MARK_POLICY_STEAL, SCHEDULE_RANDOM},
    {1, true, MARK_POLICY_STEAL, SCHEDULE_RANDOM},
    {4, true, MARK_POLICY_STEAL, SCHEDULE_RANDOM},
    {16, true, MARK_POLICY_STEAL, SCHEDULE_RANDOM},
    {16, true, MARK_POLICY_STEAL, SCHEDULE_ROUND_ROBIN},
    {16, true, MARK_POLICY_STEAL, SCHEDULE_PCT},
    {16, true, MARK_POLICY_STEAL, SCHEDULE_THIEF},
    {16, true, MARK_POLICY_OWNER, SCHEDULE_RANDOM},
};

#define WAYS (sizeof ways / sizeof ways[0])

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

static double median(const double *values, uint32_t count)
{
    double sorted[BENCH_MAX_ROUNDS];

    memcpy(sorted, values, count * sizeof *values);
    qsort(sorted, count, sizeof *sorted, compare);
    return sorted[count / 2];
}

static bool measure(const HeapImage *image, size_t way, char digest[MARK_DIGEST_CHARS], double *ms,
                    Error *error)
{
    MarkSchedule schedule = mark_schedule_default();
    MarkOptions options = mark_options_default();
    char here[MARK_DIGEST_CHARS];
    MarkResult *result;
    uint64_t cpu_ns;

    schedule.policy = ways[way].order;
    options.workers = ways[way].workers;
    options.policy = ways[way].policy;
    options.driver = ways[way].is_scheduled ? &schedule.driver : NULL;
    cpu_ns = bench_process_cpu_ns();
    if (!mark_reachable(image, &options, &result, error))
        return false;
    *ms = (double)(bench_process_cpu_ns() - cpu_ns) / 1e6;
    mark_result_digest(result, image, here);
    mark_result_free(result);
    if (digest[0] == '\0')
        memcpy(digest, here, MARK_DIGEST_CHARS);
    return strcmp(digest, here) == 0 ||
           error_set(error, ERROR_CORRUPT, "the digest is %s, another mark's is %s", here, digest);
}

void bench_schedules_print_heading(void)
{
    (void)printf("%-12s %7s %7s %-12s %8s %7s\n", "graph", "workers", "policy", "schedule",
                 "CPU ms", "ratio");
}

bool bench_schedules(const HeapImage *image, const char *name, uint32_t rounds, Error *error)
{
    static double ms[WAYS][BENCH_MAX_ROUNDS], ratios[WAYS][BENCH_MAX_ROUNDS];
    char digest[MARK_DIGEST_CHARS] = "";

    for (uint32_t round = 0; round < rounds; round++)
        for (size_t way = 0; way < WAYS; way++) {
            if (!measure(image, way, digest, &ms[way][round], error))
                return false;
            ratios[way][round] = ms[way][round] / ms[0][round];
        }
    for (size_t way = 0; way < WAYS; way++)
        (void)printf("%-12s %7u %7s %-12s %8.1f %7.2f\n", name, ways[way].workers,
                     ways[way].policy == MARK_POLICY_OWNER ? "owner" : "steal",
                     ways[way].is_scheduled ? schedule_policy_name(ways[way].order) : "none",
                     median(ms[way], rounds), median(ratios[way], rounds));
    (void)fflush(stdout);
    return true;
}
