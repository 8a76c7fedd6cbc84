// Paths through random heaps against an oracle: shortest ones by plain breadth-first search, the k
// shortest ones by trying all there are.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/graph/root_paths.h"
#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/heap_oracle.h"
#include "tests/support/random_heap.h"

#define CASES 100u
#define MOST_PATHS 12u

typedef struct Case {
    uint64_t seed;
    HeapImage *image;
    MarkResult *mark;
    ObjectGraph *graph;
    HeapOracle *oracle;
    uint32_t *cells; // by node
    uint32_t *nodes; // by cell
} Case;

static void case_open(Case *test, uint64_t seed, uint32_t objects)
{
    RandomHeapOptions options = random_heap_options_any(seed, objects);
    RandomHeap *heap = random_heap_new(&options);
    Error error;

    *test = (Case){.seed = seed, .image = random_heap_image(heap, true)};
    random_heap_free(heap);
    cr_assert(mark_reachable_serial(test->image, MARK_MAJOR, &test->mark, &error));
    cr_assert(object_graph_new(test->image, test->mark, NULL, &test->graph, &error));
    test->oracle = heap_oracle_new(test->image);
    test->cells = calloc((size_t)test->graph->node_count + 1, sizeof *test->cells);
    test->nodes = calloc((size_t)test->oracle->cell_count + 1, sizeof *test->nodes);
    cr_assert(test->cells != NULL && test->nodes != NULL);
    for (uint32_t cell = 0; cell < test->oracle->cell_count; cell++)
        test->nodes[cell] = NO_NODE;
    for (uint32_t node = 0; node < test->graph->node_count; node++) {
        uint32_t cell = heap_oracle_find(test->oracle, object_graph_address(test->graph, node));

        test->cells[node] = cell;
        test->nodes[cell] = node;
    }
}

static void case_close(Case *test)
{
    free(test->cells);
    free(test->nodes);
    heap_oracle_free(test->oracle);
    object_graph_free(test->graph);
    mark_result_free(test->mark);
    heap_image_free(test->image);
}

// Some nodes that no path may go through.
static bool is_avoided(const void *context, uint32_t node)
{
    const Case *test = context;

    return test->seed % 3 == 0 && (node * UINT64_C(0x9e3779b97f4a7c15) + test->seed) >> 60 == 3;
}

static bool is_cell_cut(const void *context, const HeapOracle *oracle, uint32_t cell)
{
    const Case *test = context;

    (void)oracle;
    return test->nodes[cell] != NO_NODE && is_avoided(test, test->nodes[cell]);
}

static bool has_root(const Case *test, uint32_t node)
{
    for (uint64_t root = 0; root < test->image->root_count; root++)
        if (test->oracle->roots[root] == test->cells[node])
            return true;
    return false;
}

static bool refers(const Case *test, uint32_t from, uint32_t to)
{
    const OracleCell *cell = &test->oracle->cells[test->cells[from]];

    for (uint32_t i = 0; i < cell->reference_count; i++)
        if (cell->references[i] == test->cells[to])
            return true;
    return false;
}

static void check_chain(const Case *test, const uint32_t *nodes, uint32_t length, uint32_t target)
{
    cr_assert_gt(length, 0);
    cr_assert(has_root(test, nodes[0]), "TEST_SEED=%" PRIu64, test->seed);
    cr_assert_eq(nodes[length - 1], target);
    for (uint32_t i = 0; i < length; i++) {
        cr_assert_not(is_avoided(test, nodes[i]));
        cr_assert(i == 0 || refers(test, nodes[i - 1], nodes[i]), "TEST_SEED=%" PRIu64, test->seed);
        for (uint32_t other = 0; other < i; other++)
            cr_assert_neq(nodes[i], nodes[other], "a node twice, TEST_SEED=%" PRIu64, test->seed);
        if (i > 0) {
            // The word at the offset that is shown is the reference.
            uint64_t offset = object_graph_reference_offset(test->graph, nodes[i - 1], nodes[i]);
            const OracleCell *from = &test->oracle->cells[test->cells[nodes[i - 1]]];
            const OracleCell *to = &test->oracle->cells[test->cells[nodes[i]]];
            uint64_t word;

            cr_assert_leq(offset + 8, from->bytes);
            memcpy(&word, from->data + offset, sizeof word);
            cr_assert(to->is_block ? word - to->address < to->bytes : word == to->address);
        }
    }
}

static void check_tree(const Case *test, const uint32_t *distances)
{
    PathQuery query = {.is_avoided = is_avoided, .context = test, .is_by_length = true};
    PathTree tree;
    Error error;

    cr_assert(path_tree_init(&tree, test->graph, &query, &error));
    for (uint32_t node = 0; node < test->graph->node_count; node++) {
        uint32_t *chain, length;

        cr_assert_eq(tree.parents[node] != PATH_UNREACHED, distances[test->cells[node]] != 0,
                     "node %u, TEST_SEED=%" PRIu64, node, test->seed);
        if (tree.parents[node] == PATH_UNREACHED)
            continue;
        cr_assert(path_tree_chain(&tree, node, &chain, &length, &error));
        cr_assert_eq(length, distances[test->cells[node]], "node %u, TEST_SEED=%" PRIu64, node,
                     test->seed);
        check_chain(test, chain, length, node);
        free(chain);
    }
    path_tree_release(&tree);
}

static unsigned tier_of(const Case *test, const PathTree *tree, uint32_t node)
{
    uint32_t seed = 0;

    while (tree->parents[node] != PATH_ROOT)
        node = tree->parents[node];
    for (uint32_t i = 0; tree->order[i] != node; i++)
        seed += tree->parents[tree->order[i]] == PATH_ROOT;
    return root_rank_tier((RootRank)test->graph->roots[tree->seed_roots[seed]].rank);
}

// Where a root of a tier, or of a better one, leads to a node, its path begins at such a root.
static void check_tiers(const Case *test)
{
    PathQuery query = {.is_avoided = is_avoided, .context = test};
    uint8_t *avoided = calloc(test->graph->root_count / 8 + 1, 1);
    PathTree best;
    Error error;

    cr_assert_not_null(avoided);
    cr_assert(path_tree_init(&best, test->graph, &query, &error));
    query.avoided_roots = avoided;
    for (unsigned tier = 0; tier < ROOT_TIER_COUNT; tier++) {
        PathTree tree;

        memset(avoided, 0, test->graph->root_count / 8 + 1);
        for (uint64_t i = 0; i < test->graph->root_count; i++)
            if (root_rank_tier((RootRank)test->graph->roots[i].rank) > tier)
                avoided[i / 8] |= (uint8_t)(1u << i % 8);
        cr_assert(path_tree_init(&tree, test->graph, &query, &error));
        for (uint32_t node = 0; node < test->graph->node_count; node++)
            cr_assert_eq(tree.parents[node] != PATH_UNREACHED,
                         best.parents[node] != PATH_UNREACHED && tier_of(test, &best, node) <= tier,
                         "node %u, tier %u, TEST_SEED=%" PRIu64, node, tier, test->seed);
        path_tree_release(&tree);
    }
    path_tree_release(&best);
    free(avoided);
}

// Counts the paths without a repeated node from the roots to a node, of at most N nodes, by
// trying all. Backwards, one after the other.
typedef struct Trial {
    const Case *test;
    uint32_t limit;
    uint32_t path[64];
    uint64_t steps;      // gives up beyond some millions
    uint64_t counts[64]; // by length
} Trial;

#define MOST_STEPS 300000u

// Test code may call itself: paths are short here.
static void try_from(Trial *trial, uint32_t length)
{
    const Case *test = trial->test;
    uint32_t node = trial->path[length - 1];

    if (trial->steps++ > MOST_STEPS)
        return;
    if (has_root(test, node))
        trial->counts[length]++;
    if (length == trial->limit)
        return;
    for (uint32_t source = 0; source < test->graph->node_count; source++) {
        bool is_there = is_avoided(test, source) || !refers(test, source, node);

        for (uint32_t i = 0; i < length && !is_there; i++)
            is_there = trial->path[i] == source;
        if (is_there)
            continue;
        trial->path[length] = source;
        try_from(trial, length + 1);
    }
}

static void check_paths(const Case *test, uint32_t target, const uint32_t *distances)
{
    PathQuery query = {.is_avoided = is_avoided, .context = test};
    RootPaths paths;
    Trial trial = {.test = test, .path = {target}};
    uint64_t expected = 0;
    Error error;

    cr_assert(root_paths_find(test->graph, target, &query, MOST_PATHS, &paths, &error));
    cr_assert_eq(paths.count > 0, distances[test->cells[target]] != 0);
    for (uint32_t i = 0; i < paths.count; i++) {
        check_chain(test, paths.paths[i].nodes, paths.paths[i].length, target);
        cr_assert(i == 0 || paths.paths[i - 1].length <= paths.paths[i].length);
        for (uint32_t other = 0; other < i; other++)
            cr_assert(paths.paths[i].length != paths.paths[other].length ||
                          memcmp(paths.paths[i].nodes, paths.paths[other].nodes,
                                 paths.paths[i].length * sizeof(uint32_t)) != 0,
                      "a path twice, TEST_SEED=%" PRIu64, test->seed);
    }
    // As many of each length as there are; of the last one at least as many. When there were fewer
    // than asked for, no longer one exists either.
    trial.limit =
        paths.count == 0 ? 6 : paths.paths[paths.count - 1].length + (paths.count < MOST_PATHS);
    if (paths.count > 0)
        cr_assert_eq(paths.paths[0].length, distances[test->cells[target]]);
    if (trial.limit < 60 && !is_avoided(test, target))
        try_from(&trial, 1);
    if (trial.limit < 60 && trial.steps <= MOST_STEPS) {
        for (uint32_t length = 1; length <= trial.limit; length++) {
            uint64_t found = 0;

            for (uint32_t i = 0; i < paths.count; i++)
                found += paths.paths[i].length == length;
            if (length < trial.limit || paths.count < MOST_PATHS)
                cr_assert_eq(found, trial.counts[length],
                             "node %u, length %u: %" PRIu64 " of %" PRIu64 ", TEST_SEED=%" PRIu64,
                             target, length, found, trial.counts[length], test->seed);
            else
                cr_assert_leq(found, trial.counts[length]);
            expected += trial.counts[length];
        }
        cr_assert(expected >= paths.count);
    }
    root_paths_release(&paths);
}

Test(paths, are_as_short_and_as_many_as_trying_all_says)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        Case test;
        OracleCut cut = {.is_cell_cut = is_cell_cut, .context = &test};
        uint32_t *distances;

        case_open(&test, first + i, i % 4 == 0 ? 60 : 14);
        distances = heap_oracle_distances(test.oracle, &cut);
        check_tree(&test, distances);
        check_tiers(&test);
        for (uint32_t node = 0; i % 4 != 0 && node < test.graph->node_count; node += 3)
            check_paths(&test, node, distances);
        free(distances);
        case_close(&test);
    }
}
