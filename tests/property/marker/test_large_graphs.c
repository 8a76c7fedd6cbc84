// Graphs that are deep or wide: a list and a star of half a million objects, with a larger dose up
// to ten million. Nothing may depend on depth (a recursion would end here) or on the number of
// references of one object.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analysis/heap_report.h"
#include "analysis/graph/merged_paths.h"
#include "tests/bench/bench_graphs.h"
#include "tests/support/dose.h"

#define NODES 500000u
#define MOST_NODES 10000000u
#define NODE_BYTES 64u

typedef struct Case {
    uint64_t nodes;
    HeapImage *image;
    MarkResult *mark;
    ReachabilityReport *reachability;
    ObjectGraph *graph;
    NodeTypes *types;
    DominatorTree *tree;
} Case;

static void case_open(Case *test, BenchGraph graph)
{
    uint64_t nodes = test_dose(NODES);
    MarkOptions options = mark_options_default();
    Error error;

    *test = (Case){.nodes = nodes < MOST_NODES ? nodes : MOST_NODES};
    cr_assert(bench_graph_build(graph, test->nodes, NULL, &test->image, &error), "%s",
              error.message);
    cr_assert(mark_reachable(test->image, &options, &test->mark, &error));
    cr_assert(reachability_report_new(test->image, test->mark, &test->reachability, &error));
    cr_assert(object_graph_new(test->image, test->mark, NULL, &test->graph, &error));
    cr_assert(node_types_new(test->graph, test->reachability->type_table, &test->types, &error));
    cr_assert(dominator_tree_new(test->graph, NULL, &test->tree, &error), "%s", error.message);
}

static void case_close(Case *test)
{
    dominator_tree_free(test->tree);
    node_types_free(test->types);
    object_graph_free(test->graph);
    reachability_report_free(test->reachability);
    mark_result_free(test->mark);
    heap_image_free(test->image);
}

static bool is_node(const void *context, uint32_t node)
{
    return *(const uint32_t *)context == node;
}

// The shortest path to a node, and how many nodes the second shortest has: 0 when there is none.
static uint32_t path_length(const Case *test, uint32_t target, uint32_t *second)
{
    PathQuery query = {.is_target = is_node, .context = &target};
    uint32_t length, *chain;
    RootPaths paths;
    PathTree tree;
    Error error;

    cr_assert(path_tree_init(&tree, test->graph, &query, &error));
    cr_assert_eq(tree.target, target);
    cr_assert(path_tree_chain(&tree, target, &chain, &length, &error));
    free(chain);
    path_tree_release(&tree);
    cr_assert(root_paths_find(test->graph, target, &query, 2, &paths, &error));
    cr_assert_eq(paths.paths[0].length, length);
    *second = paths.count > 1 ? paths.paths[1].length : 0;
    root_paths_release(&paths);
    return length;
}

// All paths merged, and the deepest step of them.
static uint32_t merged_steps(const Case *test)
{
    PathQuery all = {.context = NULL};
    MergedPaths *merged = NULL;
    PathTree tree;
    uint32_t steps;
    Error error;

    cr_assert(path_tree_init(&tree, test->graph, &all, &error));
    cr_assert(merged_paths_new(&tree, test->types, NULL, NULL, &merged, &error));
    steps = merged->step_count;
    cr_assert_eq(merged->steps[0].objects, test->graph->node_count);
    merged_paths_free(merged);
    path_tree_release(&tree);
    return steps;
}

Test(large_graphs, a_list_is_as_deep_as_it_is_long, .timeout = 600)
{
    Case test;
    HeapReport report;
    uint32_t last, second;
    Error error;

    case_open(&test, BENCH_G3_ORDERED);
    last = (uint32_t)test.nodes - 1;
    cr_assert_eq(test.graph->node_count, test.nodes);
    for (uint32_t node = 0; node < test.nodes; node++)
        if (test.tree->retained_bytes[node] != (test.nodes - node) * NODE_BYTES ||
            test.tree->retained_objects[node] != test.nodes - node ||
            (node > 0 && test.tree->dominators[node] != node - 1))
            cr_assert_fail("node %u", node);
    cr_expect_eq(path_length(&test, last, &second), test.nodes);
    cr_expect_eq(second, 0);
    // A group of roots, and one step for all of the type.
    cr_expect_eq(merged_steps(&test), 2);
    cr_assert(heap_report_make(test.image, test.mark, test.reachability, test.tree, test.types,
                               NULL, NULL, 10, &report, &error),
              "%s", error.message);
    cr_expect_eq(report.groups.groups[GROUP_BY_TYPE][0].retained_bytes, test.nodes * NODE_BYTES);
    cr_expect_eq(report.retainers[9], 9);
    cr_assert_eq(report.suspects.count, 1);
    cr_expect_eq(report.suspects.suspects[0].objects, test.nodes);
    cr_expect(report.suspects.suspects[0].is_nested);
    heap_report_release(&report);
    case_close(&test);
}

Test(large_graphs, a_star_is_as_wide_as_it_has_rays, .timeout = 600)
{
    Case test;
    HeapReport report;
    uint32_t second;
    Error error;

    case_open(&test, BENCH_G4_SHUFFLED);
    // Node 0 is the array; its own leaf is not referred to.
    cr_assert_eq(test.graph->edge_count + 1, test.graph->node_count);
    for (uint32_t node = 1; node < test.graph->node_count; node++)
        if (test.tree->retained_bytes[node] != NODE_BYTES || test.tree->dominators[node] != 0)
            cr_assert_fail("node %u", node);
    cr_expect_eq(test.tree->retained_objects[0], test.graph->node_count);
    cr_expect_eq(path_length(&test, test.graph->node_count - 1, &second), 2);
    cr_expect_eq(second, 0);
    cr_assert(heap_report_make(test.image, test.mark, test.reachability, test.tree, test.types,
                               NULL, NULL, 10, &report, &error),
              "%s", error.message);
    cr_assert_eq(report.suspects.count, 1);
    cr_expect_eq(report.suspects.suspects[0].place, 0);
    cr_expect_eq(report.suspects.suspects[0].objects, test.graph->edge_count);
    heap_report_release(&report);
    case_close(&test);
}
