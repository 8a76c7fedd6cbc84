// The benched graphs: the shape that the benchmark says they have.

#include <criterion/criterion.h>
#include <stdlib.h>

#include "tests/bench/bench_graphs.h"

#define SMALL 20000u

static HeapImage *build(BenchGraph graph, uint64_t nodes)
{
    HeapImage *image = NULL;
    Error error = {0};

    cr_assert(
        bench_graph_build(graph, bench_graph_possible_nodes(graph, nodes), NULL, &image, &error),
        "%s", error.message);
    return image;
}

static uint64_t count_live(const HeapImage *image)
{
    uint64_t live = 0;

    for (uint64_t word = 0; word < image->word_count; word++)
        live += (uint64_t)__builtin_popcountll(image->live[word]);
    return live;
}

static uint64_t payload_word(const HeapImage *image, uint32_t page, uint32_t slot, uint64_t word)
{
    return load_u64(heap_image_object_bytes(image, page, slot) + image->layout.object_header_bytes +
                    8 * word);
}

// The slots of node pages are numbered like the nodes; the array's page comes before them.
static uint64_t node_of(const HeapImage *image, uint32_t page, uint32_t slot)
{
    uint32_t first = heap_image_is_large(image, 0) ? 1 : 0;

    return (uint64_t)(page - first) * image->pages[first].slot_count + slot;
}

typedef struct Counts {
    uint64_t objects;
    uint64_t references; // words of objects that were reached that refer to an object
    uint64_t strays;     // words that point into a page, but to no object
    uint64_t local;      // references within 64 nodes
} Counts;

static void visit(const HeapImage *image, uint64_t word, uint64_t from, uint64_t *marked,
                  uint64_t *stack, uint64_t *depth, Counts *counts)
{
    Reference reference = heap_image_resolve(image, word, false);

    counts->strays += reference.kind == REFERENCE_INVALID || reference.kind == REFERENCE_DEAD;
    if (reference.kind != REFERENCE_OBJECT)
        return;
    uint64_t to = node_of(image, reference.page, reference.slot);
    counts->references++;
    counts->local += (to > from ? to - from : from - to) <= 64;
    if (marked[reference.page] >> reference.slot & 1)
        return;
    marked[reference.page] |= UINT64_C(1) << reference.slot;
    counts->objects++;
    stack[(*depth)++] = (uint64_t)reference.page << 32 | reference.slot;
}

static Counts walk(const HeapImage *image)
{
    uint64_t *marked = calloc(image->page_count, sizeof *marked);
    uint64_t *stack = malloc(count_live(image) * sizeof *stack);
    uint64_t depth = 0;
    Counts counts = {0};

    cr_assert(marked != NULL && stack != NULL);
    visit(image, image->roots[0].value, 0, marked, stack, &depth, &counts);
    counts.references = 0;
    counts.local = 0;
    while (depth > 0) {
        uint64_t object = stack[--depth];
        uint32_t page = (uint32_t)(object >> 32), slot = (uint32_t)object;
        uint64_t words = (image->pages[page].block_size - image->layout.object_header_bytes) / 8;
        for (uint64_t word = 0; word < words; word++)
            visit(image, payload_word(image, page, slot, word), node_of(image, page, slot), marked,
                  stack, &depth, &counts);
    }
    free(marked);
    free(stack);
    return counts;
}

Test(bench_graphs, names_find_their_graph)
{
    BenchGraph graph = BENCH_GRAPH_COUNT;

    for (unsigned i = 0; i < BENCH_GRAPH_COUNT; i++) {
        cr_expect(bench_graph_find(bench_graph_name((BenchGraph)i), &graph));
        cr_expect_eq(graph, (BenchGraph)i);
    }
    cr_expect_not(bench_graph_find("G7", &graph));
}

Test(bench_graphs, full_sizes_are_the_ones_promised)
{
    const uint64_t nodes[BENCH_GRAPH_COUNT] = {10000000, 10000000, 5000000, 5000000,
                                               5000000,  5000000,  4194303, 3000000};

    for (unsigned i = 0; i < BENCH_GRAPH_COUNT; i++) {
        cr_expect_eq(bench_graph_full_nodes((BenchGraph)i), nodes[i]);
        cr_expect_eq(bench_graph_possible_nodes((BenchGraph)i, nodes[i]), nodes[i]);
    }
    cr_expect_eq(bench_graph_possible_nodes(BENCH_G5, 1000), 511);
    cr_expect_eq(bench_graph_possible_nodes(BENCH_G5, 0), 1);
}

Test(bench_graphs, every_object_has_a_real_header)
{
    HeapImage *image = build(BENCH_G1, SMALL);
    uint32_t last_owner = 1;

    cr_expect_eq(count_live(image), SMALL);
    for (uint32_t page = 0; page < image->page_count; page++) {
        cr_expect_eq(image->pages[page].slot_count, 39);
        cr_expect_geq(image->pages[page].owner_thread, last_owner);
        last_owner = image->pages[page].owner_thread;
    }
    cr_expect_eq(last_owner, BENCH_OWNERS);
    cr_expect_neq(heap_image_type_word(image, 0, 0), 0);
    heap_image_free(image);
}

Test(bench_graphs, random_graph_reaches_four_fifths)
{
    HeapImage *image = build(BENCH_G1, SMALL);
    Counts counts = walk(image);

    // Out-degree 2 from one root: the giant component holds 79.7 %.
    cr_expect_eq(counts.references, 2 * counts.objects);
    cr_expect_gt(counts.objects, SMALL * 78 / 100);
    cr_expect_lt(counts.objects, SMALL * 81 / 100);
    cr_expect_lt(counts.local, counts.references / 20);
    cr_expect_eq(counts.strays, 0);
    heap_image_free(image);
}

Test(bench_graphs, local_graph_stays_near_nine_times_in_ten)
{
    HeapImage *image = build(BENCH_G2, SMALL);
    Counts counts = walk(image);

    cr_expect_eq(counts.references, 2 * counts.objects);
    cr_expect_gt(counts.local, counts.references * 89 / 100);
    cr_expect_lt(counts.local, counts.references * 92 / 100);
    cr_expect_gt(counts.objects, SMALL * 78 / 100);
    cr_expect_eq(counts.strays, 0);
    heap_image_free(image);
}

Test(bench_graphs, lists_reach_everything_by_one_reference_each)
{
    const BenchGraph graphs[] = {BENCH_G3_ORDERED, BENCH_G3_SHUFFLED};

    for (unsigned i = 0; i < 2; i++) {
        HeapImage *image = build(graphs[i], SMALL);
        Counts counts = walk(image);
        cr_expect_eq(counts.objects, SMALL);
        cr_expect_eq(counts.references, SMALL - 1);
        cr_expect_eq(counts.local > SMALL / 2, graphs[i] == BENCH_G3_ORDERED);
        heap_image_free(image);
    }
}

Test(bench_graphs, arrays_refer_to_every_leaf_once)
{
    const BenchGraph graphs[] = {BENCH_G4_ORDERED, BENCH_G4_SHUFFLED};

    for (unsigned i = 0; i < 2; i++) {
        HeapImage *image = build(graphs[i], SMALL);
        Counts counts = walk(image);
        cr_expect(heap_image_is_large(image, 0));
        cr_expect_eq(counts.objects, SMALL + 1);
        cr_expect_eq(counts.references, SMALL);
        uint64_t first = payload_word(image, 0, 0, 0);
        cr_expect_eq(first == heap_image_object_address(image, 1, 0),
                     graphs[i] == BENCH_G4_ORDERED);
        heap_image_free(image);
    }
}

Test(bench_graphs, tree_is_complete_and_in_preorder)
{
    HeapImage *image = build(BENCH_G5, SMALL);
    Counts counts = walk(image);

    cr_expect_eq(counts.objects, 16383);
    cr_expect_eq(counts.references, 16382);
    cr_expect_eq(payload_word(image, 0, 0, 0), heap_image_object_address(image, 0, 1));
    cr_expect_eq(payload_word(image, 0, 0, 1),
                 heap_image_object_address(image, 8192 / 39, 8192 % 39));
    heap_image_free(image);
}

Test(bench_graphs, wide_objects_hold_two_references_and_small_numbers)
{
    HeapImage *image = build(BENCH_G6, SMALL);
    Counts counts = walk(image);

    cr_expect_eq(image->pages[0].block_size, 256);
    cr_expect_eq(counts.references, 2 * counts.objects);
    cr_expect_eq(counts.strays, 0);
    for (uint64_t word = 2; word < 26; word++)
        cr_expect_leq(payload_word(image, 3, 4, word), UINT32_MAX);
    cr_expect_neq(payload_word(image, 3, 4, 2), payload_word(image, 3, 4, 3));
    heap_image_free(image);
}

Test(bench_graphs, the_same_graph_is_built_every_time)
{
    HeapImage *one = build(BENCH_G2, 1000), *two;
    HeapImageOptions relocated = {.force_relocation = true};
    Error error = {0};

    cr_assert(bench_graph_build(BENCH_G2, 1000, &relocated, &two, &error));
    cr_assert_eq(one->page_count, two->page_count);
    for (uint32_t page = 0; page < one->page_count; page++)
        cr_expect_arr_eq(heap_image_page_bytes(one, page), heap_image_page_bytes(two, page), 4096);
    heap_image_free(one);
    heap_image_free(two);
}

Test(bench_graphs, smallest_graphs_are_graphs)
{
    for (unsigned i = 0; i < BENCH_GRAPH_COUNT; i++) {
        HeapImage *image = build((BenchGraph)i, 1);
        cr_expect_geq(walk(image).objects, 1);
        heap_image_free(image);
    }
}
