// bench_answers: what the answers about a marked heap cost, against what they may cost.
//
//     bench_answers [GRAPH [NODES]]
//
// On graph G1 with its full number of nodes unless told otherwise. Times are wall clock and CPU
// time of all threads; memory is what became resident at the peak of each step, the step's results
// included, from the kernel's high-water mark.

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "analysis/heap_report.h"
#include "analysis/graph/merged_paths.h"
#include "analysis/graph/residue_words.h"
#include "analysis/retained_report.h"
#include "marker/mark.h"
#include "tests/bench/bench_graphs.h"

#define PATHS 5u

typedef struct Bench {
    HeapImage *image;
    MarkResult *mark;
    ReachabilityReport *reachability;
    ObjectGraph *graph;
    NodeTypes *types;
    DominatorTree *tree;
    uint32_t farthest; // the node that is reached last
    uint64_t loaded_bytes;
    double wall; // of all steps of a report so far
    double cpu;
    uint64_t peak_bytes; // of the whole program
} Bench;

// ---- measuring ----

static double seconds(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// A line of /proc/self/status such as "VmHWM:   123 kB", in bytes.
static uint64_t status_bytes(const char *key)
{
    FILE *status = fopen("/proc/self/status", "r");
    uint64_t bytes = 0;
    char line[256];

    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, key, strlen(key)) == 0)
            bytes = strtoull(line + strlen(key), NULL, 10) * 1024;
    if (status != NULL)
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

// What a step does; false: it failed.
typedef bool (*Step)(Bench *bench, Error *error);

static bool measure(Bench *bench, const char *name, Step step, bool is_of_report, const char *goal)
{
    double wall = seconds(CLOCK_MONOTONIC), cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);
    uint64_t peak;
    Error error;

    reset_high_water();
    if (!step(bench, &error)) {
        fprintf(stderr, "bench_answers: %s: %s\n", name, error.message);
        return false;
    }
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    peak = status_bytes("VmHWM:");
    bench->peak_bytes = peak > bench->peak_bytes ? peak : bench->peak_bytes;
    bench->wall += is_of_report ? wall : 0;
    bench->cpu += is_of_report ? cpu : 0;
    printf("%-26s %7.2f s %7.2f s %8.1f   %s\n", name, wall, cpu,
           (double)(peak - bench->loaded_bytes) /
               (double)(bench->mark != NULL ? bench->mark->totals.marked_objects : 1),
           goal);
    (void)fflush(stdout);
    return true;
}

// ---- steps ----

static bool mark(Bench *bench, Error *error)
{
    MarkOptions options = mark_options_default();

    return mark_reachable(bench->image, &options, &bench->mark, error);
}

static bool count(Bench *bench, Error *error)
{
    return reachability_report_new(bench->image, bench->mark, &bench->reachability, error);
}

static bool find_residue(Bench *bench, Error *error)
{
    ResidueWords residue;
    bool ok = residue_words_find(bench->image, bench->mark, &residue, error);

    residue_words_release(&residue);
    return ok;
}

static bool resolve(Bench *bench, Error *error)
{
    return object_graph_new(bench->image, bench->mark, NULL, &bench->graph, error);
}

static bool type(Bench *bench, Error *error)
{
    return node_types_new(bench->graph, bench->reachability->type_table, &bench->types, error);
}

static bool dominate(Bench *bench, Error *error)
{
    return dominator_tree_new(bench->graph, NULL, &bench->tree, error);
}

static bool report(Bench *bench, Error *error)
{
    HeapReport made;
    bool ok = heap_report_make(bench->image, bench->mark, bench->reachability, bench->tree,
                               bench->types, NULL, NULL, 20, &made, error);

    heap_report_release(&made);
    return ok;
}

static bool is_farthest(const void *context, uint32_t node)
{
    return ((const Bench *)context)->farthest == node;
}

static bool find_path(Bench *bench, Error *error)
{
    PathQuery query = {.is_target = is_farthest, .context = bench};
    PathTree tree;
    bool ok;

    bench->farthest = NO_NODE;
    ok = path_tree_init(&tree, bench->graph, &query, error);
    if (ok && tree.reached_count > 0)
        bench->farthest = tree.order[tree.reached_count - 1];
    path_tree_release(&tree);
    return ok;
}

static bool find_paths(Bench *bench, Error *error)
{
    PathQuery query = {.context = bench};
    RootPaths paths;
    bool ok = root_paths_find(bench->graph, bench->farthest, &query, PATHS, &paths, error);

    root_paths_release(&paths);
    return ok;
}

static bool merge_paths(Bench *bench, Error *error)
{
    PathQuery query = {.context = bench};
    MergedPaths *merged = NULL;
    PathTree tree;
    bool ok = path_tree_init(&tree, bench->graph, &query, error) &&
              merged_paths_new(&tree, bench->types, NULL, NULL, &merged, error);

    path_tree_release(&tree);
    merged_paths_free(merged);
    return ok;
}

static bool prove(Bench *bench, Error *error)
{
    RetainedProof *proofs = NULL;
    uint32_t checked = 0;
    bool ok = retained_prove(bench->tree, 10, 1, NULL, &proofs, &checked, error);

    for (uint32_t i = 0; ok && i < checked; i++)
        if (!retained_proof_holds(&proofs[i]))
            ok = error_set(error, ERROR_CORRUPT, "a retained size is not what marking frees");
    free(proofs);
    return ok;
}

static bool run(Bench *bench)
{
    printf("%-26s %9s %9s %8s   %s\n", "", "wall", "CPU", "B/object", "goal");
    if (!measure(bench, "mark", mark, true, "") ||
        !measure(bench, "histogram", count, true, "0.5 s") ||
        !measure(bench, "words left over", find_residue, true, "a mark") ||
        !measure(bench, "references", resolve, true, "2 s") ||
        !measure(bench, "dominators, retained sizes", dominate, true, "4 s, 40 B/object") ||
        !measure(bench, "types of objects", type, true, "") ||
        !measure(bench, "the rest of a report", report, true, ""))
        return false;
    printf("%-26s %7.2f s %7.2f s %8.1f   8 s\n", "a whole report", bench->wall, bench->cpu,
           (double)(bench->peak_bytes - bench->loaded_bytes) /
               (double)bench->mark->totals.marked_objects);
    printf("%-26s %31.2f x   1.5 x the heap's bytes\n", "its memory",
           (double)bench->peak_bytes / (double)bench->image->image_bytes);
    return measure(bench, "one path, the longest", find_path, false, "1 s") &&
           measure(bench, "five paths", find_paths, false, "") &&
           measure(bench, "all paths, merged", merge_paths, false, "") &&
           measure(bench, "ten proofs", prove, false, "");
}

int main(int argument_count, char **arguments)
{
    BenchGraph graph = BENCH_G1;
    Bench bench = {.farthest = NO_NODE};
    uint64_t nodes;
    Error error;
    bool ok;

    // Large blocks go back to the system at once, so that one step's memory is not hidden in what
    // an earlier one left behind.
    (void)mallopt(M_MMAP_THRESHOLD, 128 * 1024);
    if (argument_count > 1 && !bench_graph_find(arguments[1], &graph)) {
        fprintf(stderr, "bench_answers: there is no graph '%s'\n", arguments[1]);
        return 2;
    }
    nodes = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : bench_graph_full_nodes(graph);
    if (!bench_graph_build(graph, bench_graph_possible_nodes(graph, nodes), NULL, &bench.image,
                           &error)) {
        fprintf(stderr, "bench_answers: %s\n", error.message);
        return 4;
    }
    bench.loaded_bytes = status_bytes("VmRSS:");
    printf("%s, %.0f MiB of pages\n\n", bench_graph_name(graph),
           (double)bench.image->image_bytes / (1 << 20));
    ok = run(&bench);
    if (ok)
        printf("\n%llu objects, %llu references\n",
               (unsigned long long)bench.mark->totals.marked_objects,
               (unsigned long long)bench.graph->edge_count);
    dominator_tree_free(bench.tree);
    node_types_free(bench.types);
    if (bench.graph != NULL)
        object_graph_free(bench.graph);
    reachability_report_free(bench.reachability);
    mark_result_free(bench.mark);
    heap_image_free(bench.image);
    return ok ? 0 : 4;
}
