// Views of random places in random heaps with random data types, which need not make sense: each
// has its rows in order, inside of the place, and its referrers are those that a plain search
// finds.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analysis/heap_view.h"
#include "tests/support/dose.h"
#include "tests/support/heap_answers.h"
#include "tests/support/random_heap.h"
#include "tests/support/random_types.h"
#include "tests/support/typed_heap.h"

#define VIEWS 40u

static uint64_t random_address(const HeapImage *image, Xorshift *random)
{
    const HeapPage *page;

    if (image->block_count > 0 && xorshift_percent(random, 30)) {
        const ForeignBlock *block = &image->blocks[xorshift_below(random, image->block_count)];

        return block->address + xorshift_below(random, block->bytes);
    }
    if (image->page_count == 0 || xorshift_percent(random, 5))
        return xorshift_next(random);
    page = &image->pages[xorshift_below(random, image->page_count)];
    return page->address + xorshift_below(random, image->layout.page_size);
}

static void check_rows(const HeapView *view, uint64_t seed)
{
    for (uint32_t i = 0; i < view->row_count; i++) {
        const ViewRow *row = &view->rows[i];

        cr_assert_leq(row->offset + row->bytes, view->place.bytes, "seed %llu",
                      (unsigned long long)seed);
        cr_assert(i == 0 || view->rows[i - 1].offset <= row->offset, "seed %llu",
                  (unsigned long long)seed);
    }
}

// Each reachable object that the graph has a reference of is among the referrers.
static uint64_t check_referrers(const HeapAnswers *answers, const HeapView *view, uint64_t seed)
{
    uint64_t found = 0, expected = 0;
    uint32_t target;

    if (!view->is_reachable || !heap_place_has_content(view->image, &view->place))
        return 0;
    target = heap_answers_node(answers, view->place.address);
    for (uint32_t node = 0; node < answers->graph->node_count; node++) {
        bool refers = false;

        for (uint64_t edge = object_graph_first_edge(answers->graph, node);
             edge < object_graph_first_edge(answers->graph, node + 1); edge++)
            refers = refers || answers->graph->targets[edge] == target;
        expected += refers;
    }
    for (uint64_t i = 0; i < view->referrers.listed; i++)
        found += view->referrers.nodes[i].is_reachable;
    cr_assert_eq(found, expected, "seed %llu", (unsigned long long)seed);
    return found;
}

static uint64_t check_heap(uint64_t seed)
{
    RandomHeapOptions options = random_heap_options_any(seed, 200);
    Xorshift random = xorshift_seeded(seed);
    RandomHeap *heap = random_heap_new(&options);
    HeapImage *image = random_heap_image(heap, xorshift_percent(&random, 50));
    RandomTypes *made = calloc(1, sizeof *made);
    HeapAnswers answers;
    uint64_t referrers = 0;
    Error error;

    random_types_make(made, image, &random);
    typed_heap_take(image, made->types, made->count);
    heap_answers_open(&answers, image);
    for (uint32_t i = 0; i < VIEWS; i++) {
        HeapView view;

        cr_assert(heap_view_make(image, answers.mark, answers.report->type_table,
                                 &answers.types->labels, random_address(image, &random), &view,
                                 &error),
                  "%s", error.message);
        check_rows(&view, seed);
        referrers += check_referrers(&answers, &view, seed);
        heap_view_release(&view);
    }
    heap_answers_close(&answers);
    random_heap_free(heap);
    free(made);
    return referrers;
}

Test(heap_view, rows_lie_in_their_place_and_referrers_are_those_of_the_graph, .timeout = 300)
{
    uint64_t first = test_seed(1), count = test_dose(40), referrers = 0;

    for (uint64_t i = 0; i < count; i++)
        referrers += check_heap(first + i);
    // Places to which nothing refers would test little.
    cr_expect_gt(referrers, count);
}
