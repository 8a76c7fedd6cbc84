// Dominators and retained sizes of small heaps, worked out on paper.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/support/heap_answers.h"

#define PAGE UINT64_C(0x10000000)
#define BLOCK UINT64_C(0x50000000)
#define BYTES 64u // of each object

typedef struct Tree {
    MadeHeap *heap;
    HeapAnswers answers;
    uint64_t page;
} Tree;

static Tree tree_new(void)
{
    Tree tree = {.heap = made_heap_new(NULL)};

    tree.page = made_heap_page(tree.heap, PAGE, BYTES, 1);
    return tree;
}

static uint64_t object(Tree *tree, uint32_t slot)
{
    return made_heap_object(tree->heap, tree->page, slot);
}

static void finish(Tree *tree)
{
    heap_answers_of(&tree->answers, tree->heap);
}

static uint32_t node(const Tree *tree, uint64_t address)
{
    return heap_answers_node(&tree->answers, address);
}

static uint32_t dominator(const Tree *tree, uint64_t address)
{
    return tree->answers.tree->dominators[node(tree, address)];
}

static void expect_retained(const Tree *tree, uint64_t address, uint64_t objects, uint64_t bytes)
{
    cr_expect_eq(tree->answers.tree->retained_objects[node(tree, address)], objects);
    cr_expect_eq(tree->answers.tree->retained_bytes[node(tree, address)], bytes);
}

// The level of the holder right above the object.
static HolderLevel level_above(const Tree *tree, uint64_t address)
{
    uint32_t above = dominator(tree, address);

    cr_assert(dominator_tree_is_holder(tree->answers.tree, above));
    return (HolderLevel)dominator_tree_holder(tree->answers.tree, above)->level;
}

// a refers to b and c, both to d, d to e.
Test(dominator_tree, an_object_on_two_ways_belongs_to_where_they_part)
{
    Tree tree = tree_new();
    uint64_t a = object(&tree, 0), b = object(&tree, 1), c = object(&tree, 2);
    uint64_t d = object(&tree, 3), e = object(&tree, 4);

    made_heap_refer(tree.heap, a, 0, b);
    made_heap_refer(tree.heap, a, 1, c);
    made_heap_refer(tree.heap, b, 0, d);
    made_heap_refer(tree.heap, c, 0, d);
    made_heap_refer(tree.heap, d, 0, e);
    made_heap_refer(tree.heap, e, 0, a); // and back
    made_heap_root(tree.heap, ROOT_GLOBAL, a);
    finish(&tree);
    cr_expect_eq(level_above(&tree, a), HOLDER_WORD);
    cr_expect_eq(dominator(&tree, b), node(&tree, a));
    cr_expect_eq(dominator(&tree, c), node(&tree, a));
    cr_expect_eq(dominator(&tree, d), node(&tree, a));
    cr_expect_eq(dominator(&tree, e), node(&tree, d));
    expect_retained(&tree, a, 5, 5 * BYTES);
    expect_retained(&tree, b, 1, BYTES);
    expect_retained(&tree, d, 2, 2 * BYTES);
    heap_answers_close(&tree.answers);
}

Test(dominator_tree, an_object_of_several_roots_belongs_to_what_they_share)
{
    Tree tree = tree_new();
    uint64_t kind = object(&tree, 0), certainty = object(&tree, 1), all = object(&tree, 2);

    made_heap_root(tree.heap, ROOT_STACK, kind);
    made_heap_root(tree.heap, ROOT_STACK, kind + 8);
    made_heap_root(tree.heap, ROOT_STACK, certainty);
    made_heap_root(tree.heap, ROOT_GLOBAL, certainty);
    made_heap_root(tree.heap, ROOT_STACK, all);
    made_heap_exact_root(tree.heap, ROOT_STACK, all);
    finish(&tree);
    cr_expect_eq(level_above(&tree, kind), HOLDER_KIND);
    cr_expect_eq(level_above(&tree, certainty), HOLDER_CERTAINTY);
    cr_expect_eq(level_above(&tree, all), HOLDER_ALL);
    // All conservative words together keep the first two alive, but not the third.
    cr_expect_eq(tree.answers.tree->retained_bytes[dominator(&tree, certainty)], 2 * BYTES);
    cr_expect_eq(tree.answers.tree->retained_bytes[dominator_tree_top(tree.answers.tree)],
                 3 * BYTES);
    heap_answers_close(&tree.answers);
}

Test(dominator_tree, a_foreign_block_belongs_to_its_owner_with_all_behind_it)
{
    Tree tree = tree_new();
    uint64_t owner = object(&tree, 0), element = object(&tree, 1);
    uint64_t block = made_heap_block(tree.heap, BLOCK, 40);

    made_heap_refer(tree.heap, owner, 0, block);
    made_heap_block_word(tree.heap, block, 32, element);
    made_heap_root(tree.heap, ROOT_GLOBAL, owner);
    finish(&tree);
    cr_expect_eq(dominator(&tree, block), node(&tree, owner));
    cr_expect_eq(dominator(&tree, element), node(&tree, block));
    expect_retained(&tree, owner, 2, 2 * BYTES + 40);
    expect_retained(&tree, block, 1, BYTES + 40);
    heap_answers_close(&tree.answers);
}

typedef struct Visits {
    uint32_t left;
    uint32_t last;
} Visits;

static void leave(void *context, uint32_t left)
{
    Visits *visits = context;

    visits->left++;
    visits->last = left;
}

Test(dominator_tree, a_walk_visits_each_node_once_and_before_what_it_dominates)
{
    Tree tree = tree_new();
    uint64_t first = object(&tree, 0);
    uint32_t visited = 0, *cursors;
    Visits visits = {0};
    Error error;

    for (uint32_t slot = 1; slot < 20; slot++)
        made_heap_refer(tree.heap, object(&tree, slot / 2), slot % 2, object(&tree, slot));
    made_heap_root(tree.heap, ROOT_GLOBAL, first);
    finish(&tree);
    DominatorTree *dominators = tree.answers.tree;
    bool *is_visited = calloc(dominators->node_count, sizeof *is_visited);
    uint32_t top = dominator_tree_top(dominators);

    cursors = calloc(dominators->node_count, sizeof *cursors);
    cr_assert(is_visited != NULL && cursors != NULL);
    cr_assert(dominator_tree_add_children(dominators, &error));
    for (uint32_t at = top; at != NO_NODE;
         at = dominator_tree_next(dominators, cursors, top, at, leave, &visits)) {
        cr_expect_not(is_visited[at]);
        cr_expect(at == top || is_visited[dominators->dominators[at]]);
        is_visited[at] = true;
        visited++;
    }
    cr_expect_eq(visited, dominators->node_count);
    cr_expect_eq(visits.left, visited);
    cr_expect_eq(visits.last, top);
    free(cursors);
    free(is_visited);
    heap_answers_close(&tree.answers);
}

Test(dominator_tree, a_heap_without_roots_has_the_top_alone)
{
    Tree tree = tree_new();

    (void)object(&tree, 0);
    finish(&tree);
    cr_expect_eq(tree.answers.tree->node_count, 1);
    cr_expect_eq(tree.answers.tree->retained_bytes[0], 0);
    heap_answers_close(&tree.answers);
}
