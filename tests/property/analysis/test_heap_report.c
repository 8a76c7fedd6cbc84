// The report of random heaps against plain recounts: groups, owners of foreign memory, pages, and
// the memory that is freed without ambiguous words.

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/heap_report.h"
#include "tests/support/dose.h"
#include "tests/support/heap_answers.h"
#include "tests/support/heap_oracle.h"
#include "tests/support/random_heap.h"

#define CASES 40u

typedef struct Case {
    uint64_t seed;
    HeapAnswers answers;
    HeapReport report;
    HeapOracle *oracle;
} Case;

static void case_open(Case *test, uint64_t seed)
{
    RandomHeapOptions options = random_heap_options_any(seed, 150);
    RandomHeap *heap = random_heap_new(&options);
    HeapAnswers *answers = &test->answers;
    Error error;

    *test = (Case){.seed = seed};
    heap_answers_open(answers, random_heap_image(heap, seed % 2 == 0));
    random_heap_free(heap);
    cr_assert(heap_report_make(answers->image, answers->mark, answers->report, answers->tree,
                               answers->types, NULL, NULL, 7, &test->report, &error),
              "%s", error.message);
    test->oracle = heap_oracle_new(answers->image);
}

static void case_close(Case *test)
{
    heap_oracle_free(test->oracle);
    heap_report_release(&test->report);
    heap_answers_close(&test->answers);
}

static uint64_t key_of(const Case *test, Grouping grouping, uint32_t node)
{
    NodePlace place = object_graph_place(test->answers.graph, node);

    switch (grouping) {
    case GROUP_BY_TYPE:
        return test->answers.types->by_node[node];
    case GROUP_BY_SIZE_CLASS:
        return heap_image_is_large(test->answers.image, place.page)
                   ? LARGE_SIZE_CLASS
                   : test->answers.image->pages[place.page].block_size;
    case GROUP_BY_OWNER_THREAD:
        return test->answers.image->pages[place.page].owner_thread;
    default:
        return heap_image_generation(test->answers.image, place.page);
    }
}

// Is some object above the node, itself not counted, of the same group?
static bool is_nested(const Case *test, Grouping grouping, uint32_t node)
{
    uint64_t key = key_of(test, grouping, node);

    for (uint32_t at = test->answers.tree->dominators[node];
         !dominator_tree_is_holder(test->answers.tree, at); at = test->answers.tree->dominators[at])
        if (!object_graph_is_block(test->answers.graph, at) && key_of(test, grouping, at) == key)
            return true;
    return false;
}

static void check_groups(const Case *test, Grouping grouping)
{
    const HeapGroups *groups = &test->report.groups;
    uint64_t objects = 0, bytes = 0;

    for (uint32_t i = 0; i < groups->counts[grouping]; i++) {
        const HeapGroup *group = &groups->groups[grouping][i];
        uint64_t retained = 0, reachable = 0;

        cr_assert(i == 0 || groups->groups[grouping][i - 1].key < group->key);
        for (uint32_t node = 0; node < test->answers.graph->object_count; node++) {
            if (key_of(test, grouping, node) != group->key)
                continue;
            reachable++;
            if (!is_nested(test, grouping, node))
                retained += test->answers.tree->retained_bytes[node];
        }
        cr_assert_eq(group->counts.reachable_objects, reachable, "TEST_SEED=%" PRIu64, test->seed);
        cr_assert_eq(group->retained_bytes, retained, "grouping %d, TEST_SEED=%" PRIu64, grouping,
                     test->seed);
        objects += group->counts.objects;
        bytes += group->counts.object_bytes;
    }
    cr_assert_eq(objects, test->answers.report->totals.objects);
    cr_assert_eq(bytes, test->answers.report->totals.object_bytes);
}

static void check_owners(const Case *test)
{
    const HeapGroups *groups = &test->report.groups;

    for (uint32_t type = 0; type <= test->answers.types->table->type_count; type++) {
        uint64_t blocks = 0, found = 0;

        for (uint32_t node = test->answers.graph->object_count;
             node < test->answers.graph->node_count; node++) {
            uint32_t at = node;

            while (!dominator_tree_is_holder(test->answers.tree, at) &&
                   object_graph_is_block(test->answers.graph, at))
                at = test->answers.tree->dominators[at];
            blocks += (dominator_tree_is_holder(test->answers.tree, at)
                           ? test->answers.types->table->type_count
                           : test->answers.types->by_node[at]) == type;
        }
        for (uint32_t i = 0; i < groups->owner_count; i++)
            found += groups->owners[i].type == type ? groups->owners[i].blocks : 0;
        cr_assert_eq(found, blocks, "TEST_SEED=%" PRIu64, test->seed);
    }
}

static void check_pages(const Case *test)
{
    const PageFragmentation *fragmentation = &test->report.fragmentation;

    for (uint32_t i = 0; i < fragmentation->class_count; i++) {
        const ClassPages *class = &fragmentation->classes[i];
        ClassPages expected = {.block_size = class->block_size};

        for (uint32_t page = 0; page < test->answers.image->page_count; page++) {
            const HeapPage *record = &test->answers.image->pages[page];
            uint32_t reachable = 0;

            if (record->block_size != class->block_size)
                continue;
            for (uint32_t slot = 0; slot < record->slot_count; slot++)
                reachable +=
                    mark_result_is_marked(test->answers.mark, test->answers.image, page, slot);
            expected.pages++;
            expected.without_reachable += reachable == 0;
            if (reachable == 0 || 4 * reachable > record->slot_count)
                continue;
            expected.nearly_empty++;
            expected.free_bytes += (record->slot_count - reachable) * class->block_size;
        }
        cr_assert_eq(memcmp(class, &expected, sizeof expected), 0, "TEST_SEED=%" PRIu64,
                     test->seed);
    }
    // All objects of nearly empty pages are among those of the keepers.
    uint64_t objects = 0, kept = 0;

    for (uint32_t node = 0; node < test->answers.graph->object_count; node++) {
        NodePlace place = object_graph_place(test->answers.graph, node);
        uint32_t reachable = test->answers.graph->page_nodes[place.page + 1] -
                             test->answers.graph->page_nodes[place.page];

        objects += !heap_image_is_large(test->answers.image, place.page) &&
                   4 * reachable <= test->answers.image->pages[place.page].slot_count;
    }
    for (uint32_t i = 0; i < fragmentation->keeper_count; i++)
        kept += fragmentation->keepers[i].objects;
    cr_assert_eq(kept, objects, "TEST_SEED=%" PRIu64, test->seed);
}

// Conservative words on stacks and in registers, or those that point inside an object.
static bool is_on_stack(const void *context, const HeapOracle *oracle, uint64_t root)
{
    const Root *word = &oracle->image->roots[root];

    (void)context;
    return !word->is_exact && (word->kind == ROOT_STACK || word->kind == ROOT_REGISTER);
}

static bool is_interior(const void *context, const HeapOracle *oracle, uint64_t root)
{
    const Root *word = &oracle->image->roots[root];
    uint32_t cell = oracle->roots[root];

    (void)context;
    return !word->is_exact && cell != NO_CELL && !oracle->cells[cell].is_block &&
           oracle->cells[cell].address != word->value;
}

static void check_freed(const Case *test, OracleCut cut, const FreedCounts *freed)
{
    bool *all = heap_oracle_reach(test->oracle, NULL),
         *left = heap_oracle_reach(test->oracle, &cut);
    FreedCounts expected = {0};

    for (uint32_t cell = 0; cell < test->oracle->cell_count; cell++) {
        const OracleCell *record = &test->oracle->cells[cell];

        if (!all[cell] || left[cell])
            continue;
        *(record->is_block ? &expected.blocks : &expected.objects) += 1;
        *(record->is_block ? &expected.block_bytes : &expected.object_bytes) += record->bytes;
    }
    cr_assert_eq(memcmp(&expected, freed, sizeof expected), 0, "TEST_SEED=%" PRIu64, test->seed);
    free(all);
    free(left);
}

// Does a node lie below another of its route?
static bool is_inner(const Case *test, uint32_t node)
{
    const TypeRoutes *routes = test->report.routes;
    const DominatorTree *tree = test->answers.tree;

    for (uint32_t at = tree->dominators[node]; !dominator_tree_is_holder(tree, at);
         at = tree->dominators[at])
        if (routes->by_node[at] == routes->by_node[node])
            return true;
    return false;
}

// Each node has one route, of its type. A route keeps what its nodes dominate, counted once, or
// less: nodes of which a place is not a dominator can lie below others.
static void check_routes(const Case *test)
{
    const TypeRoutes *routes = test->report.routes;
    const DominatorTree *tree = test->answers.tree;

    for (uint32_t i = 0; i < routes->count; i++) {
        const TypeRoute *route = &routes->routes[i];
        uint64_t objects = 0, bytes = 0;

        cr_assert(route->parent == NO_INDEX || route->parent < i);
        for (uint32_t node = 0; node < test->answers.graph->node_count; node++) {
            if (routes->by_node[node] != i)
                continue;
            objects++;
            bytes += is_inner(test, node) ? 0 : tree->retained_bytes[node];
            cr_assert_eq(test->answers.types->by_node[node], route->type);
        }
        cr_assert_eq(route->objects, objects, "TEST_SEED=%" PRIu64, test->seed);
        cr_assert_leq(route->retained_bytes, bytes, "TEST_SEED=%" PRIu64, test->seed);
        cr_assert_gt(route->objects, 0);
        cr_assert_leq(route->entries, route->objects);
        cr_assert_leq(route->places, route->entries);
        cr_assert_leq(route->place_objects, route->objects);
        cr_assert_leq(route->place_bytes, tree->retained_bytes[dominator_tree_top(tree)]);
    }
}

static void check_suspects(const Case *test)
{
    const DominatorTree *tree = test->answers.tree;

    for (uint32_t i = 0; i < test->report.suspects.count; i++) {
        const LeakSuspect *suspect = &test->report.suspects.suspects[i];
        const RootPath *path = &test->report.paths[i];

        cr_assert_geq(suspect->objects, SUSPECT_CROWD);
        cr_assert_eq(test->answers.types->by_node[suspect->example], suspect->type);
        cr_assert_gt(path->length, 0);
        cr_assert_eq(path->nodes[path->length - 1], dominator_tree_is_holder(tree, suspect->place)
                                                        ? suspect->example
                                                        : suspect->place);
    }
}

Test(heap_report, is_what_recounting_says)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(CASES); i++) {
        Case test;

        case_open(&test, first + i);
        for (int grouping = 0; grouping < GROUPING_COUNT; grouping++)
            check_groups(&test, (Grouping)grouping);
        check_owners(&test);
        check_pages(&test);
        check_freed(&test, (OracleCut){.is_root_cut = is_on_stack},
                    &test.report.ledger.stacks_and_registers);
        check_freed(&test, (OracleCut){.is_root_cut = is_interior}, &test.report.ledger.interior);
        check_routes(&test);
        check_suspects(&test);
        for (uint32_t j = 0; j < test.report.retainer_count; j++)
            for (uint32_t node = 0; node < test.answers.graph->node_count; node++)
                if (test.answers.tree->retained_bytes[node] >
                    test.answers.tree->retained_bytes[test.report.retainers[j]]) {
                    bool is_above = false;

                    for (uint32_t above = 0; above < j; above++)
                        is_above = is_above || test.report.retainers[above] == node;
                    cr_assert(is_above);
                }
        case_close(&test);
    }
}
