// Predicted against measured: see bench_simulation.h.

#include "tests/bench/bench_simulation.h"

#include <stdio.h>
#include <stdlib.h>

#include "analysis/replay/mark_simulation.h"
#include "marker/schedule/schedule_calibration.h"
#include "tests/bench/bench_run.h"

#define COUNTS 5u // 1, 2, 4, 8, 16

static int compare(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

static bool measure(const HeapImage *image, uint32_t workers, double *ms, Error *error)
{
    MarkOptions options = mark_options_default();
    MarkResult *result;
    uint64_t busiest = 0;

    options.workers = workers;
    if (!mark_reachable(image, &options, &result, error))
        return false;
    for (uint32_t i = 0; i < workers; i++)
        if (result->statistics.workers[i].cpu_ns > busiest)
            busiest = result->statistics.workers[i].cpu_ns;
    *ms = (double)busiest / 1e6;
    mark_result_free(result);
    return true;
}

static bool predict(const HeapImage *image, const ScheduleCosts *costs, uint32_t workers,
                    double *ms, Error *error)
{
    SimulationOptions options = {.policy = MARK_POLICY_STEAL, .costs = *costs};
    SimulatedMark mark;

    if (!mark_simulate(image, &options, workers, NULL, &mark, error))
        return false;
    *ms = (double)mark.virtual_ns / 1e6;
    return true;
}

void bench_simulation_print_heading(void)
{
    (void)printf("%-12s %7s %12s %12s %9s %12s %9s\n", "graph", "workers", "measured ms",
                 "predicted", "off by", "calibrated", "off by");
}

bool bench_simulation(const HeapImage *image, const char *name, uint32_t max_workers,
                      uint32_t rounds, Error *error)
{
    static double measured[COUNTS][BENCH_MAX_ROUNDS];
    ScheduleCosts plain = schedule_costs_default(), calibrated = plain;
    uint32_t counts = 0;

    if (!schedule_calibrate(image, &calibrated, &(bool){false}, error))
        return false;
    for (uint32_t workers = 1; workers <= max_workers && counts < COUNTS; workers *= 2)
        counts++;
    for (uint32_t round = 0; round < rounds; round++)
        for (uint32_t i = 0; i < counts; i++)
            if (!measure(image, 1u << i, &measured[i][round], error))
                return false;
    for (uint32_t i = 0; i < counts; i++) {
        double first, second, middle;
        qsort(measured[i], rounds, sizeof(double), compare);
        middle = measured[i][rounds / 2];
        if (!predict(image, &plain, 1u << i, &first, error) ||
            !predict(image, &calibrated, 1u << i, &second, error))
            return false;
        (void)printf("%-12s %7u %12.1f %12.1f %+8.0f%% %12.1f %+8.0f%%\n", name, 1u << i, middle,
                     first, (first / middle - 1) * 100, second, (second / middle - 1) * 100);
        (void)fflush(stdout);
    }
    return true;
}
