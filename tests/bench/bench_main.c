// bench_marker: how fast marking is, against what this machine's memory allows.
//
//     bench_marker [--graph NAME]... [--rounds N] [--seconds S] [--divide D]
//                  [--workers N] [--quick] [--real FILE] [--json FILE]
//     bench_marker --simulate [--graph NAME]... [--rounds N] [--divide D] [--workers N]
//     bench_marker --schedules [--graph NAME]... [--rounds N] [--divide D]
//     bench_marker --serve NAME
//
// --graph    only these graphs (bench_edges.h names them); default all
// --seconds  share this time among the graphs: fewer rounds, never fewer than one
// --divide   graphs of a D-th of their nodes
// --workers  the most workers; default the CPUs
// --quick    compare full-size graphs with the serial marker's digests on record, instead of
//            running it, which takes longer than everything else
// --real     a snapshot file to bench as well
// --simulate what `rudo-snap simulate` predicts, beside what is measured
// --schedules what a deterministic schedule costs, against one worker without one
// --serve    build the graph, say "ready", and for every line on stdin mark it and say
//            "WORKERS MILLISECONDS" a line for one worker and for two: to take turns with
//            other collectors (bench_peers.py)

#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>

#include "snapshot/file/snapshot_file.h"
#include "tests/bench/bench_graphs.h"
#include "tests/bench/bench_measure.h"
#include "tests/bench/bench_options.h"
#include "tests/bench/bench_report.h"
#include "tests/bench/bench_schedules.h"
#include "tests/bench/bench_simulation.h"

#define REPORTS (BENCH_GRAPH_COUNT + 1)

// What every graph is held against: the memory access that it cannot avoid.
static BenchLimit limit_of(BenchGraph graph)
{
    switch (graph) {
    case BENCH_G3_SHUFFLED:
        return BENCH_LIMIT_DEPENDENT;
    case BENCH_G4_ORDERED:
    case BENCH_G5:
        return BENCH_LIMIT_SEQUENTIAL;
    default:
        return BENCH_LIMIT_RANDOM;
    }
}

static uint64_t nodes_of(const BenchOptions *options, BenchGraph graph)
{
    return bench_graph_possible_nodes(graph, bench_graph_full_nodes(graph) / options->divisor);
}

static bool bench_graph(const BenchOptions *options, BenchGraph graph, double seconds,
                        BenchReport *report, Error *error)
{
    BenchPlan plan = {.rounds = options->rounds,
                      .max_workers = options->workers,
                      .seconds = seconds,
                      .digest = options->divisor == 1 ? bench_graph_full_digest(graph) : NULL,
                      .asks_serial = !options->is_quick};
    uint64_t start = bench_wall_ns();
    HeapImage *image = NULL;
    bool ok;

    if (!bench_graph_build(graph, nodes_of(options, graph), NULL, &image, error))
        return false;
    if (options->is_simulated || options->is_scheduled) {
        ok = options->is_scheduled
                 ? bench_schedules(image, bench_graph_name(graph), options->rounds, error)
                 : bench_simulation(image, bench_graph_name(graph), options->workers,
                                    options->rounds, error);
        heap_image_free(image);
        return ok;
    }
    plan.seconds -= (double)(bench_wall_ns() - start) / 1e9;
    ok = bench_run(image, bench_graph_name(graph), limit_of(graph), &plan, report, error);
    heap_image_free(image);
    return ok;
}

static bool bench_real(const BenchOptions *options, double seconds, BenchReport *report,
                       Error *error)
{
    // A captured heap is small, so it can be marked often.
    BenchPlan plan = {
        .rounds = BENCH_MAX_ROUNDS, .max_workers = options->workers, .seconds = seconds};
    HeapImage *image = NULL;
    bool ok;

    if (!snapshot_read(options->real, NULL, &image, error))
        return false;
    ok = bench_run(image, BENCH_REAL, BENCH_LIMIT_PAYLOADS, &plan, report, error);
    heap_image_free(image);
    return ok;
}

static bool bench_all(const BenchOptions *options, BenchReport *reports, uint32_t *count,
                      Error *error)
{
    uint64_t start = bench_wall_ns();
    uint32_t left = options->real != NULL;

    for (unsigned graph = 0; graph < BENCH_GRAPH_COUNT; graph++)
        left += options->wanted[graph];
    if (options->is_scheduled)
        bench_schedules_print_heading();
    else if (options->is_simulated)
        bench_simulation_print_heading();
    else
        bench_report_print_heading(stdout);
    for (unsigned graph = 0; graph <= BENCH_GRAPH_COUNT; graph++) {
        double seconds = options->seconds - (double)(bench_wall_ns() - start) / 1e9;
        bool ok = true;
        if (graph == BENCH_GRAPH_COUNT ? options->real == NULL : !options->wanted[graph])
            continue;
        if (graph == BENCH_GRAPH_COUNT)
            ok = bench_real(options, seconds, &reports[*count], error);
        else
            ok = bench_graph(options, (BenchGraph)graph, seconds / left, &reports[*count], error);
        if (!ok)
            return error_add_hint(error, "while benching %s",
                                  graph == BENCH_GRAPH_COUNT ? BENCH_REAL
                                                             : bench_graph_name(graph));
        if (!options->is_simulated && !options->is_scheduled)
            bench_report_print(&reports[(*count)++], stdout);
        left--;
    }
    return true;
}

static bool serve(const BenchOptions *options, Error *error)
{
    HeapImage *image = NULL;
    MarkResult *expected = NULL;
    BenchGraph graph;
    char line[64];
    bool ok = false;

    if (!bench_graph_find(options->serve, &graph))
        return error_set(error, ERROR_USAGE, "there is no graph '%s'", options->serve);
    if (!bench_graph_build(graph, nodes_of(options, graph), NULL, &image, error) ||
        !mark_reachable_serial(image, MARK_MAJOR, &expected, error))
        goto done;
    (void)printf("ready\n");
    (void)fflush(stdout);
    while (fgets(line, sizeof line, stdin) != NULL) {
        for (uint32_t workers = 1; workers <= 2; workers++) {
            BenchSample sample;
            if (!bench_measure(image, workers, MARK_POLICY_DEFAULT, expected, &sample, error))
                goto done;
            (void)printf("%u %.3f\n", workers, (double)sample.wall_ns / 1e6);
        }
        (void)printf("done %llu\n", (unsigned long long)expected->totals.marked_objects);
        (void)fflush(stdout);
    }
    ok = true;

done:
    mark_result_free(expected);
    heap_image_free(image);
    return ok;
}

static int complain(const Error *error)
{
    (void)fprintf(stderr, "bench_marker: %s\n", error->message);
    if (error->hint[0] != '\0')
        (void)fprintf(stderr, "  %s\n", error->hint);
    return 1;
}

int main(int argc, char **argv)
{
    static BenchReport reports[REPORTS];
    BenchOptions options;
    uint32_t count = 0;
    Error error = {0};

    if (!bench_options_parse(&options, argc, argv, &error))
        return complain(&error);
    bench_measure_prepare();
    if (options.serve != NULL)
        return serve(&options, &error) ? 0 : complain(&error);
    if (!bench_all(&options, reports, &count, &error))
        return complain(&error);
    if (options.json != NULL && !bench_report_write_json(reports, count, options.json)) {
        (void)error_set(&error, ERROR_SYSTEM, "cannot write '%s': %s", options.json,
                        strerror(errno));
        return complain(&error);
    }
    return 0;
}
