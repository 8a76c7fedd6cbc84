// Graphs, dominators and retained sizes of random heaps against an oracle that finds them by
// walking the heap again without one object at a time.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/reachability_report.h"
#include "analysis/retained_report.h"
#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/heap_oracle.h"
#include "tests/support/random_heap.h"

#define CASES 80u

typedef struct Case {
    uint64_t seed;
    HeapImage *image;
    MarkResult *mark;
    ObjectGraph *graph;
    DominatorTree *tree;
    HeapOracle *oracle;
    bool *reached;
    uint32_t *cells; // by node: the oracle's cell
} Case;

static void case_open(Case *test, uint64_t seed, uint32_t objects)
{
    RandomHeapOptions options = random_heap_options_any(seed, objects);
    RandomHeap *heap = random_heap_new(&options);
    ObjectGraphOptions graph_options = {.threads = 1 + (uint32_t)seed % 3};
    Error error;

    *test = (Case){.seed = seed, .image = random_heap_image(heap, seed % 2 == 0)};
    random_heap_free(heap);
    cr_assert(mark_reachable_serial(test->image, MARK_MAJOR, &test->mark, &error));
    cr_assert(object_graph_new(test->image, test->mark, &graph_options, &test->graph, &error), "%s",
              error.message);
    cr_assert(dominator_tree_new(test->graph, NULL, &test->tree, &error), "%s", error.message);
    test->oracle = heap_oracle_new(test->image);
    test->reached = heap_oracle_reach_without(test->oracle, NO_CELL);
    test->cells = calloc((size_t)test->graph->node_count + 1, sizeof *test->cells);
    cr_assert_not_null(test->cells);
    for (uint32_t node = 0; node < test->graph->node_count; node++)
        test->cells[node] = heap_oracle_find(test->oracle, object_graph_address(test->graph, node));
}

static void case_close(Case *test)
{
    free(test->cells);
    free(test->reached);
    heap_oracle_free(test->oracle);
    dominator_tree_free(test->tree);
    object_graph_free(test->graph);
    mark_result_free(test->mark);
    heap_image_free(test->image);
}

// Nodes are exactly the cells that the oracle reaches, each in its place, with the oracle's
// references.
static void check_graph(const Case *test)
{
    const ObjectGraph *graph = test->graph;
    NodeCursor cursor = node_cursor(graph);
    uint32_t reached = 0, expected_node = 0;
    uint64_t roots = 0;

    for (uint32_t cell = 0; cell < test->oracle->cell_count; cell++)
        reached += test->reached[cell];
    cr_assert_eq(graph->node_count, reached, "TEST_SEED=%" PRIu64, test->seed);
    while (node_cursor_next(&cursor)) {
        NodePlace place = object_graph_place(graph, cursor.node);
        const OracleCell *cell;

        cr_assert_eq(cursor.node, expected_node++);
        cr_assert(place.page == cursor.place.page &&
                  (place.page == NO_INDEX ? place.block == cursor.place.block
                                          : place.slot == cursor.place.slot));
        cr_assert_neq(test->cells[cursor.node], NO_CELL, "TEST_SEED=%" PRIu64, test->seed);
        cell = &test->oracle->cells[test->cells[cursor.node]];
        cr_assert(test->reached[test->cells[cursor.node]]);
        cr_assert_eq(object_graph_is_block(graph, cursor.node), cell->is_block);
        cr_assert_eq(object_graph_bytes_of(graph, cursor.node), cell->bytes);
        uint64_t first = object_graph_first_edge(graph, cursor.node);
        cr_assert_eq(object_graph_first_edge(graph, cursor.node + 1) - first, cell->reference_count,
                     "node %u, TEST_SEED=%" PRIu64, cursor.node, test->seed);
        for (uint32_t i = 0; i < cell->reference_count; i++)
            cr_assert_eq(test->cells[graph->targets[first + i]], cell->references[i]);
    }
    cr_assert_eq(expected_node, reached);
    for (uint64_t root = 0; root < test->image->root_count; root++) {
        if (test->oracle->roots[root] == NO_CELL)
            continue;
        cr_assert_lt(roots, graph->root_count);
        cr_assert_eq(graph->roots[roots].root, root);
        cr_assert_eq(test->cells[graph->roots[roots].node], test->oracle->roots[root]);
        cr_assert_eq(graph->roots[roots].is_interior,
                     !test->oracle->cells[test->oracle->roots[root]].is_block &&
                         test->oracle->cells[test->oracle->roots[root]].address !=
                             test->image->roots[root].value);
        roots++;
    }
    cr_assert_eq(graph->root_count, roots);
}

// Which root words a holder is about.
typedef struct HolderWords {
    const DominatorTree *tree;
    const RootHolder *holder;
} HolderWords;

static bool is_held(const void *context, const HeapOracle *oracle, uint64_t root)
{
    const HolderWords *words = context;
    const RootHolder *holder = words->holder;
    const Root *word = &oracle->image->roots[root];

    switch ((HolderLevel)holder->level) {
    case HOLDER_ALL:
        return true;
    case HOLDER_WORD:
        return words->tree->graph->roots[holder->graph_root].root == root;
    case HOLDER_THREAD:
        if (word->thread != holder->thread)
            return false;
        __attribute__((fallthrough));
    case HOLDER_KIND:
        if (word->kind != holder->kind)
            return false;
        __attribute__((fallthrough));
    case HOLDER_CERTAINTY:
        return (word->is_exact != 0) == (holder->is_exact != 0);
    }
    return false;
}

// The cells that are reached without a node of the tree.
static bool *reach_without(const Case *test, uint32_t node)
{
    if (!dominator_tree_is_holder(test->tree, node))
        return heap_oracle_reach_without(test->oracle, test->cells[node]);
    HolderWords words = {test->tree, dominator_tree_holder(test->tree, node)};
    OracleCut cut = {.is_root_cut = is_held, .context = &words};

    return heap_oracle_reach(test->oracle, &cut);
}

// Retained are the cells that are not reached any more. The immediate dominator of a node is, among
// all whose removal loses the node, the one that the removal of each other one loses.
static void check_tree(const Case *test)
{
    const DominatorTree *tree = test->tree;
    uint32_t nodes = test->graph->node_count;

    for (uint32_t by = 0; by < tree->node_count; by++) {
        bool *left = reach_without(test, by);
        uint64_t bytes = 0;
        uint32_t objects = 0;

        for (uint32_t node = 0; node < nodes; node++) {
            const OracleCell *cell = &test->oracle->cells[test->cells[node]];
            bool is_lost = !left[test->cells[node]], is_dominated = false;

            bytes += is_lost ? cell->bytes : 0;
            objects += is_lost && !cell->is_block;
            // `by` must be on the node's way up the tree exactly when it is lost without it.
            for (uint32_t above = node;; above = tree->dominators[above]) {
                is_dominated = is_dominated || above == by;
                if (above == dominator_tree_top(tree))
                    break;
            }
            cr_assert_eq(is_lost, is_dominated,
                         "node %u without %u: lost %d, dominated %d, TEST_SEED=%" PRIu64, node, by,
                         is_lost, is_dominated, test->seed);
        }
        cr_assert_eq(tree->retained_bytes[by], bytes, "node %u, TEST_SEED=%" PRIu64, by,
                     test->seed);
        cr_assert_eq(tree->retained_objects[by], objects);
        free(left);
    }
}

static void count_leave(void *context, uint32_t node)
{
    (void)node;
    ++*(uint32_t *)context;
}

// A walk through the tree visits each node once, below its dominator.
static void check_walk(Case *test)
{
    DominatorTree *tree = test->tree;
    uint32_t top = dominator_tree_top(tree), visited = 0, left = 0;
    uint32_t *cursors = calloc(tree->node_count, sizeof *cursors);
    bool *seen = calloc(tree->node_count, sizeof *seen);
    Error error;

    cr_assert(cursors != NULL && seen != NULL);
    cr_assert(dominator_tree_add_children(tree, &error));
    for (uint32_t node = top; node != NO_NODE;
         node = dominator_tree_next(tree, cursors, top, node, count_leave, &left)) {
        cr_assert_not(seen[node]);
        cr_assert(node == top || seen[tree->dominators[node]]);
        seen[node] = true;
        visited++;
    }
    cr_assert_eq(visited, tree->node_count);
    cr_assert_eq(left, tree->node_count);
    free(cursors);
    free(seen);
}

// Marking again without random objects, or without one root word, frees the retained size of the
// tree.
static void check_cuts(const Case *test)
{
    const DominatorTree *tree = test->tree;
    RetainedProof *proofs = NULL;
    HeapCut *cut = NULL;
    uint32_t count = 0;
    Error error;

    cr_assert(retained_prove(tree, 10, test->seed, NULL, &proofs, &count, &error));
    cr_assert(count == 10 || count == test->graph->node_count);
    for (uint32_t i = 0; i < count; i++)
        cr_assert(retained_proof_holds(&proofs[i]), "node %u, TEST_SEED=%" PRIu64, proofs[i].node,
                  test->seed);
    free(proofs);
    cr_assert(heap_cut_new(test->image, &cut, &error));
    for (uint32_t i = 0; i < tree->holder_count; i += 1 + tree->holder_count / 10) {
        FreedCounts freed;

        if (tree->holders[i].level != HOLDER_WORD)
            continue;
        heap_cut_reset(cut);
        heap_cut_root(cut, test->graph->roots[tree->holders[i].graph_root].root);
        cr_assert(heap_cut_mark(cut, test->mark, &freed, NULL, &error));
        cr_assert_eq(freed.object_bytes + freed.block_bytes,
                     tree->retained_bytes[test->graph->node_count + i], "TEST_SEED=%" PRIu64,
                     test->seed);
    }
    heap_cut_free(cut);
}

static bool is_in_set(const void *context, const HeapOracle *oracle, uint32_t cell)
{
    (void)oracle;
    return ((const bool *)context)[cell];
}

// Both figures of each type against the oracle.
static void check_types(Case *test)
{
    NodeTypes *types = NULL;
    ReachabilityReport *reachability = NULL;
    RetainedReport *report = NULL;
    Error error;

    cr_assert(reachability_report_new(test->image, test->mark, &reachability, &error));
    cr_assert(node_types_new(test->graph, reachability->type_table, &types, &error));
    cr_assert(retained_report_new(test->tree, types, 5, &report, &error));
    cr_assert(retained_report_free_types(report, UINT32_MAX, NULL, &error));
    for (uint32_t i = 0; i < report->type_count; i++) {
        const RetainedType *type = &report->retained_types[i];
        uint64_t expected = 0, own = 0, objects = 0;
        bool *is_cut = calloc((size_t)test->oracle->cell_count + 1, sizeof *is_cut);

        cr_assert_not_null(is_cut);
        for (uint32_t node = 0; node < test->graph->node_count; node++)
            if (types->by_node[node] == type->type) {
                is_cut[test->cells[node]] = true;
                objects++;
                own += object_graph_bytes_of(test->graph, node);
            }
        cr_assert_eq(type->objects, objects);
        cr_assert_eq(type->bytes, own);
        cr_assert_leq(type->retained_bytes, type->freed.object_bytes + type->freed.block_bytes);
        OracleCut cut = {.is_cell_cut = is_in_set, .context = is_cut};
        bool *left = heap_oracle_reach(test->oracle, &cut);

        for (uint32_t node = 0; node < test->graph->node_count; node++)
            expected += left[test->cells[node]] ? 0 : object_graph_bytes_of(test->graph, node);
        cr_assert_eq(type->freed.object_bytes + type->freed.block_bytes, expected,
                     "type %u, TEST_SEED=%" PRIu64, type->type, test->seed);
        free(left);
        free(is_cut);
    }
    retained_report_free(report);
    node_types_free(types);
    reachability_report_free(reachability);
}

Test(dominators, are_what_walking_again_without_each_object_says)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        Case test;

        case_open(&test, first + i, i % 10 == 0 ? 120 : 40);
        check_graph(&test);
        check_tree(&test);
        check_walk(&test);
        if (i % 4 == 0) {
            check_cuts(&test);
            check_types(&test);
        }
        case_close(&test);
    }
}
