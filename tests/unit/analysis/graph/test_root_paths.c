// Paths from the roots of a heap made by hand: the shortest, the next ones, and ways around.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analysis/graph/root_paths.h"
#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)

// A global refers to a; a to b and c; b to the target; c to d, d to the target; a stack word to x,
// x to the target; the target to a.
typedef struct Ways {
    HeapAnswers answers;
    uint64_t a, b, c, d, x, target;
} Ways;

static Ways ways_new(void)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = made_heap_page(heap, PAGE, 64, 1);
    Ways ways = {
        .a = made_heap_object(heap, page, 0),
        .b = made_heap_object(heap, page, 1),
        .c = made_heap_object(heap, page, 2),
        .d = made_heap_object(heap, page, 3),
        .x = made_heap_object(heap, page, 4),
        .target = made_heap_object(heap, page, 5),
    };

    made_heap_root(heap, ROOT_GLOBAL, ways.a);
    made_heap_root(heap, ROOT_STACK, ways.x);
    made_heap_refer(heap, ways.a, 0, ways.b);
    made_heap_refer(heap, ways.a, 1, ways.c);
    made_heap_refer(heap, ways.b, 0, ways.target);
    made_heap_refer(heap, ways.c, 0, ways.d);
    made_heap_refer(heap, ways.d, 0, ways.target);
    made_heap_refer(heap, ways.x, 0, ways.target);
    made_heap_refer(heap, ways.target, 0, ways.a);
    heap_answers_of(&ways.answers, heap);
    return ways;
}

static uint32_t node(const Ways *ways, uint64_t address)
{
    return heap_answers_node(&ways->answers, address);
}

static void expect_path(const Ways *ways, const RootPath *path, const uint64_t *addresses,
                        uint32_t length)
{
    cr_assert_eq(path->length, length);
    for (uint32_t i = 0; i < length; i++)
        cr_expect_eq(path->nodes[i], node(ways, addresses[i]), "step %u", i);
}

static RootPaths find(const Ways *ways, const PathQuery *query, uint32_t most)
{
    RootPaths paths;
    Error error;

    cr_assert(
        root_paths_find(ways->answers.graph, node(ways, ways->target), query, most, &paths, &error),
        "%s", error.message);
    return paths;
}

Test(root_paths, come_shortest_first_and_no_more_than_there_are)
{
    Ways ways = ways_new();
    PathQuery query = {.context = NULL};
    RootPaths paths = find(&ways, &query, 9);

    cr_assert_eq(paths.count, 3);
    expect_path(&ways, &paths.paths[0], (const uint64_t[]){ways.x, ways.target}, 2);
    expect_path(&ways, &paths.paths[1], (const uint64_t[]){ways.a, ways.b, ways.target}, 3);
    expect_path(&ways, &paths.paths[2], (const uint64_t[]){ways.a, ways.c, ways.d, ways.target}, 4);
    root_paths_release(&paths);
    paths = find(&ways, &query, 1);
    cr_assert_eq(paths.count, 1);
    expect_path(&ways, &paths.paths[0], (const uint64_t[]){ways.x, ways.target}, 2);
    root_paths_release(&paths);
    heap_answers_close(&ways.answers);
}

static bool is_node(const void *context, uint32_t other)
{
    return *(const uint32_t *)context == other;
}

Test(root_paths, lead_around_avoided_nodes_and_roots)
{
    Ways ways = ways_new();
    uint32_t avoided = node(&ways, ways.b);
    uint8_t avoided_roots = 0;
    PathQuery query = {.is_avoided = is_node, .context = &avoided, .avoided_roots = &avoided_roots};
    RootPaths paths;

    for (uint64_t i = 0; i < ways.answers.graph->root_count; i++)
        if (ways.answers.graph->roots[i].node == node(&ways, ways.x))
            avoided_roots |= (uint8_t)(1u << i);
    paths = find(&ways, &query, 9);
    cr_assert_eq(paths.count, 1);
    expect_path(&ways, &paths.paths[0], (const uint64_t[]){ways.a, ways.c, ways.d, ways.target}, 4);
    root_paths_release(&paths);
    avoided = node(&ways, ways.a);
    paths = find(&ways, &query, 9);
    cr_expect_eq(paths.count, 0);
    root_paths_release(&paths);
    heap_answers_close(&ways.answers);
}

Test(root_paths, one_search_gives_a_chain_to_every_node)
{
    Ways ways = ways_new();
    PathQuery query = {.context = NULL};
    PathTree tree;
    RootPath path;
    Error error;

    cr_assert(path_tree_init(&tree, ways.answers.graph, &query, &error));
    cr_expect_eq(tree.reached_count, 6);
    cr_expect_eq(tree.target, NO_NODE);
    cr_assert(path_tree_chain(&tree, node(&ways, ways.d), &path.nodes, &path.length, &error));
    expect_path(&ways, &path, (const uint64_t[]){ways.a, ways.c, ways.d}, 3);
    free(path.nodes);
    path_tree_release(&tree);
    heap_answers_close(&ways.answers);
}

Test(root_paths, the_most_informative_root_is_shown)
{
    static const RootKind kinds[] = {ROOT_FOREIGN, ROOT_REGISTER, ROOT_STACK,   ROOT_TLS,
                                     ROOT_GLOBAL,  ROOT_HANDLE,   ROOT_EXPLICIT};
    const size_t count = sizeof kinds / sizeof kinds[0];

    // Each root is better than all before it, and an exact one than all conservative ones.
    for (size_t last = 0; last <= count; last++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t object = made_heap_object(heap, made_heap_page(heap, PAGE, 64, 1), 0), words;
        HeapAnswers answers;

        for (size_t i = 0; i < count && i <= last; i++)
            made_heap_root(heap, kinds[i], object);
        if (last == count)
            made_heap_exact_root(heap, ROOT_FOREIGN, object);
        heap_answers_of(&answers, heap);
        uint64_t best = path_best_root(answers.graph, NULL, 0, &words);
        const Root *root = &answers.image->roots[answers.graph->roots[best].root];

        cr_expect_eq(words, last + 1);
        cr_expect_eq(root->kind, last == count ? ROOT_FOREIGN : kinds[last]);
        cr_expect_eq(root->is_exact, last == count);
        heap_answers_close(&answers);
    }
}
