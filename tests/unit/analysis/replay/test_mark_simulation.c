// Simulated marks and the shape that limits them, against graphs whose answers can be counted by
// hand.

#include "analysis/replay/mark_simulation.h"

#include <criterion/criterion.h>
#include <stdlib.h>

#include "analysis/replay/mark_shape.h"
#include "tests/support/made_heap.h"
#include "tests/support/random_heap.h"

#define BASE UINT64_C(0x200000000000)
#define PER_PAGE 39u

typedef struct Graph {
    MadeHeap *heap;
    uint64_t pages[64];
    uint32_t count; // objects
} Graph;

// `count` objects of class 64, no references, object 0 is the only root.
static Graph new_graph(uint32_t count)
{
    Graph graph = {.heap = made_heap_new(NULL), .count = count};

    for (uint32_t i = 0; i * PER_PAGE < count; i++)
        graph.pages[i] = made_heap_page(graph.heap, BASE + UINT64_C(4096) * i, 64, 1);
    for (uint32_t i = 0; i < count; i++)
        made_heap_object(graph.heap, graph.pages[i / PER_PAGE], i % PER_PAGE);
    made_heap_root(graph.heap, ROOT_GLOBAL, made_heap_slot(graph.heap, graph.pages[0], 0));
    return graph;
}

static uint64_t object(const Graph *graph, uint32_t i)
{
    return made_heap_slot(graph->heap, graph->pages[i / PER_PAGE], i % PER_PAGE);
}

static void refer(Graph *graph, uint32_t from, uint32_t word, uint32_t to)
{
    made_heap_refer(graph->heap, object(graph, from), word, object(graph, to));
}

static HeapImage *finish(Graph *graph)
{
    HeapImage *image = made_heap_image(graph->heap, false);

    made_heap_free(graph->heap);
    return image;
}

static Graph list_of(uint32_t count)
{
    Graph graph = new_graph(count);

    for (uint32_t i = 0; i + 1 < count; i++)
        refer(&graph, i, 0, i + 1);
    return graph;
}

// A complete binary tree.
static Graph tree_of(uint32_t count)
{
    Graph graph = new_graph(count);

    for (uint32_t i = 0; 2 * i + 2 < count; i++) {
        refer(&graph, i, 0, 2 * i + 1);
        refer(&graph, i, 1, 2 * i + 2);
    }
    return graph;
}

static MarkShape shape_of(const HeapImage *image)
{
    MarkOptions options = mark_options_default();
    ObjectGraph *graph;
    MarkResult *mark;
    MarkShape shape;
    Error error = {0};

    cr_assert(mark_reachable(image, &options, &mark, &error), "%s", error.message);
    cr_assert(object_graph_new(image, mark, NULL, &graph, &error), "%s", error.message);
    cr_assert(mark_shape_init(&shape, graph, &error), "%s", error.message);
    object_graph_free(graph);
    mark_result_free(mark);
    return shape;
}

static SimulatedMark simulate(const HeapImage *image, uint32_t workers, MarkPolicy policy)
{
    SimulationOptions options = {.policy = policy, .costs = schedule_costs_default()};
    SimulatedMark mark;
    Error error = {0};

    cr_assert(mark_simulate(image, &options, workers, NULL, &mark, &error), "%s", error.message);
    return mark;
}

Test(mark_shape, a_list_is_as_deep_as_it_is_long_for_any_number_of_workers)
{
    Graph graph = list_of(1000);
    HeapImage *image = finish(&graph);
    MarkShape shape = shape_of(image);

    cr_expect_eq(shape.objects, 1000);
    cr_expect_eq(shape.depth, 1000);
    cr_expect_eq(shape.widest, 1);
    cr_expect_eq(mark_shape_ideal_ticks(&shape, 1), 1000);
    cr_expect_eq(mark_shape_ideal_ticks(&shape, 64), 1000);
    mark_shape_release(&shape);
    mark_shape_release(&shape);
    heap_image_free(image);
}

// 1 + 2 + 4 + 8 + 16 objects: with 4 workers 1 + 1 + 1 + 2 + 4 ticks.
Test(mark_shape, a_tree_takes_as_many_ticks_as_its_levels_divide_into)
{
    Graph graph = tree_of(31);
    HeapImage *image = finish(&graph);
    MarkShape shape = shape_of(image);

    cr_expect_eq(shape.objects, 31);
    cr_expect_eq(shape.depth, 5);
    cr_expect_eq(shape.widest, 16);
    cr_expect_eq(mark_shape_ideal_ticks(&shape, 1), 31);
    cr_expect_eq(mark_shape_ideal_ticks(&shape, 4), 9);
    cr_expect_eq(mark_shape_ideal_ticks(&shape, 16), 5);
    cr_expect_eq(mark_shape_ideal_ticks(&shape, 64), 5);
    mark_shape_release(&shape);
    heap_image_free(image);
}

Test(mark_shape, a_heap_without_roots_has_no_ticks)
{
    MadeHeap *heap = made_heap_new(NULL);
    HeapImage *image;
    MarkShape shape;

    made_heap_object(heap, made_heap_page(heap, BASE, 64, 1), 0);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    shape = shape_of(image);
    cr_expect_eq(shape.objects, 0);
    cr_expect_eq(shape.depth, 0);
    cr_expect_eq(mark_shape_ideal_ticks(&shape, 3), 0);
    mark_shape_release(&shape);
    heap_image_free(image);
}

Test(mark_simulation, many_workers_do_not_mark_a_list_faster)
{
    Graph graph = list_of(2000);
    HeapImage *image = finish(&graph);
    SimulatedMark one = simulate(image, 1, MARK_POLICY_STEAL);
    SimulatedMark many = simulate(image, 16, MARK_POLICY_STEAL);

    cr_expect_geq(many.virtual_ns, one.virtual_ns);
    cr_expect_eq(many.marked_objects, 2000);
    cr_expect_str_eq(many.digest, one.digest);
    heap_image_free(image);
}

Test(mark_simulation, a_wide_heap_is_marked_faster_by_more_and_never_faster_than_by_as_many_times)
{
    RandomHeapOptions options = random_heap_options(3, 40000);
    RandomHeap *heap;
    HeapImage *image;
    SimulatedMark one, before;

    options.occupancy = 100;
    options.reference = 30;
    options.roots = 200;
    heap = random_heap_new(&options);
    image = random_heap_image(heap, false);
    random_heap_free(heap);
    one = before = simulate(image, 1, MARK_POLICY_STEAL);
    for (uint32_t workers = 2; workers <= 8; workers *= 2) {
        SimulatedMark mark = simulate(image, workers, MARK_POLICY_STEAL);
        cr_expect_lt(mark.virtual_ns, before.virtual_ns, "%u workers", workers);
        cr_expect_geq(mark.virtual_ns * workers, one.virtual_ns / 2, "%u workers", workers);
        cr_expect_str_eq(mark.digest, one.digest);
        cr_expect_gt(mark.steals_won, 0);
        before = mark;
    }
    heap_image_free(image);
}

static uint64_t sum(const SimulatedTime *time)
{
    return time->marking_ns + time->stealing_ns + time->searching_ns + time->sleeping_ns +
           time->barrier_ns;
}

Test(mark_simulation, the_workers_time_adds_up_and_is_the_same_again)
{
    static const MarkPolicy policies[] = {MARK_POLICY_STEAL, MARK_POLICY_OWNER};

    for (uint64_t seed = 1; seed <= 20; seed++) {
        RandomHeapOptions options = random_heap_options(seed, 500);
        RandomHeap *heap = random_heap_new(&options);
        HeapImage *image = random_heap_image(heap, false);
        HeapImage *moved = random_heap_image(heap, true);
        random_heap_free(heap);
        for (uint32_t workers = 1; workers <= MAX_VIRTUAL_WORKERS; workers = 3 * workers + 1)
            for (size_t i = 0; i < 2; i++) {
                SimulatedMark mark = simulate(image, workers, policies[i]);
                SimulatedMark again = simulate(moved, workers, policies[i]);
                cr_expect_eq(sum(&mark.time), mark.virtual_ns * workers, "seed %llu, %u workers",
                             (unsigned long long)seed, workers);
                cr_expect_eq(mark.virtual_ns, again.virtual_ns, "relocated: seed %llu, %u workers",
                             (unsigned long long)seed, workers);
                cr_expect_str_eq(mark.schedule_digest, again.schedule_digest);
            }
        heap_image_free(image);
        heap_image_free(moved);
    }
}
