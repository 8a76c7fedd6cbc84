// A whole run over one heap: see bench_run.h.

#include "tests/bench/bench_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/bench_measure.h"

// What the rounds gave, one column a row of the report.
typedef struct Rounds {
    uint32_t count;
    double limits[BENCH_LIMIT_COUNT][BENCH_MAX_ROUNDS];
    double cpu[BENCH_MAX_ROWS][BENCH_MAX_ROUNDS];  // objects/s
    double wall[BENCH_MAX_ROWS][BENCH_MAX_ROUNDS]; // objects/s
    double ratios[BENCH_MAX_ROWS][BENCH_MAX_ROUNDS];
    double edges_per_object[BENCH_MAX_ROWS]; // the same in each round
} Rounds;

static int compare_doubles(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;

    return a < b ? -1 : a > b;
}

// Sorts `values`.
static double median(double *values, uint32_t count)
{
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double largest(const double *values, uint32_t count)
{
    double best = values[0];

    for (uint32_t i = 1; i < count; i++)
        best = values[i] > best ? values[i] : best;
    return best;
}

static void list_rows(BenchReport *report, uint32_t max_workers)
{
    // One worker sends no references.
    report->rows[report->row_count++] = (BenchRow){.workers = 1, .policy = MARK_POLICY_STEAL};
    for (uint32_t workers = 2; workers <= max_workers && workers <= MAX_WORKERS; workers *= 2) {
        report->rows[report->row_count++] =
            (BenchRow){.workers = workers, .policy = MARK_POLICY_STEAL};
        report->rows[report->row_count++] =
            (BenchRow){.workers = workers, .policy = MARK_POLICY_OWNER};
    }
}

// What every mark is compared with. The serial marker takes most of a short run's time; where
// its digest is on record, a mark with that digest is as good.
static bool find_expected(const HeapImage *image, const BenchPlan *plan, BenchReport *report,
                          MarkResult **expected, Error *error)
{
    MarkOptions options = mark_options_default();
    bool is_serial = plan->digest == NULL || plan->asks_serial;
    uint64_t start = bench_thread_cpu_ns();
    char digest[MARK_DIGEST_CHARS];

    options.workers = 1;
    if (!(is_serial ? mark_reachable_serial(image, MARK_MAJOR, expected, error)
                    : mark_reachable(image, &options, expected, error)))
        return false;
    report->objects = (*expected)->totals.marked_objects;
    if (is_serial)
        report->serial_objects_per_second =
            (double)report->objects * 1e9 / (double)(bench_thread_cpu_ns() - start);
    mark_result_digest(*expected, image, digest);
    if (plan->digest != NULL && strcmp(digest, plan->digest) != 0)
        return error_set(error, ERROR_CORRUPT, "the digest is %s, on record is %s", digest,
                         plan->digest);
    return true;
}

static bool run_round(const HeapImage *image, const BenchLimits *limits, const MarkResult *expected,
                      BenchReport *report, Rounds *rounds, Error *error)
{
    uint32_t round = rounds->count;

    for (unsigned limit = 0; limit < BENCH_LIMIT_COUNT; limit++) {
        // Slow, so often only where it is what counts.
        bool is_slow = limit == BENCH_LIMIT_DEPENDENT || limit == BENCH_LIMIT_PAYLOADS;
        bool is_repeated = !is_slow || report->limit == limit;
        rounds->limits[limit][round] = round == 0 || is_repeated
                                           ? bench_limits_measure(limits, (BenchLimit)limit)
                                           : rounds->limits[limit][0];
    }
    for (uint32_t i = 0; i < report->row_count; i++) {
        BenchRow *row = &report->rows[i];
        BenchSample sample;
        if (!bench_measure(image, row->workers, row->policy, expected, &sample, error))
            return false;
        rounds->cpu[i][round] = (double)sample.objects * 1e9 / (double)sample.cpu_ns;
        rounds->wall[i][round] = (double)sample.objects * 1e9 / (double)sample.wall_ns;
        rounds->ratios[i][round] = rounds->cpu[i][round] / rounds->limits[report->limit][round];
        rounds->edges_per_object[i] = (double)sample.edges / (double)sample.objects;
        if (sample.peak_bytes > row->peak_bytes)
            row->peak_bytes = sample.peak_bytes;
    }
    rounds->count++;
    return true;
}

static void summarize(BenchReport *report, Rounds *rounds)
{
    report->rounds = rounds->count;
    for (unsigned limit = 0; limit < BENCH_LIMIT_COUNT; limit++)
        report->limits[limit] = median(rounds->limits[limit], rounds->count);
    for (uint32_t i = 0; i < report->row_count; i++) {
        BenchRow *row = &report->rows[i];
        row->best_objects_per_second = largest(rounds->cpu[i], rounds->count);
        row->objects_per_second = median(rounds->cpu[i], rounds->count);
        row->wall_objects_per_second = median(rounds->wall[i], rounds->count);
        row->edges_per_second = row->objects_per_second * rounds->edges_per_object[i];
        row->ratio = median(rounds->ratios[i], rounds->count);
        row->speedup = row->objects_per_second / report->rows[0].objects_per_second;
    }
}

bool bench_run(const HeapImage *image, const char *name, BenchLimit limit, const BenchPlan *plan,
               BenchReport *out, Error *error)
{
    Rounds *rounds = calloc(1, sizeof *rounds);
    MarkResult *expected = NULL;
    BenchLimits limits = {0};
    uint64_t start = bench_wall_ns();
    bool ok = false;

    *out = (BenchReport){.limit = limit, .image_bytes = image->image_bytes};
    (void)snprintf(out->name, sizeof out->name, "%s", name);
    list_rows(out, plan->max_workers);
    if (rounds == NULL) {
        (void)error_set_memory(error, sizeof *rounds, "the samples");
        goto done;
    }
    if (!find_expected(image, plan, out, &expected, error) ||
        !bench_limits_init(&limits, image, expected, error))
        goto done;
    do {
        if (!run_round(image, &limits, expected, out, rounds, error))
            goto done;
    } while (rounds->count < plan->rounds && rounds->count < BENCH_MAX_ROUNDS &&
             (double)(bench_wall_ns() - start) < plan->seconds * 1e9);
    summarize(out, rounds);
    ok = true;

done:
    bench_limits_release(&limits);
    mark_result_free(expected);
    free(rounds);
    return ok;
}
