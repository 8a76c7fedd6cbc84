// Marking in passes: see marker/mark_in_passes.h.
//
// The mark stack has a fixed size. What does not fit waits as a bit, and when the stack is empty
// the bits are looked through. Between the stack and its use a node passes two rings, so that its
// data are prefetched: first where its references are, then these.

#include "marker/mark_in_passes.h"

#include <stdlib.h>

#include "base/clock.h"
#include "marker/mark_internal.h"
#include "marker/passes_graph_internal.h"

#define RING_NODES 16u // a power of two

typedef struct Passes {
    PassesGraph graph;
    MarkResult *result;
    uint64_t *marked;  // bit per node
    uint64_t *waiting; // bit per node: marked, and in no stack
    bool are_waiting;
    uint32_t *stack;
    uint64_t depth;
    MarkWorkerStatistics *statistics;
} Passes;

// ---- marking ----

static void push(Passes *passes, uint32_t node)
{
    if (passes->depth < MARK_STACK_NODES) {
        passes->stack[passes->depth++] = node;
        return;
    }
    passes->waiting[node / 64] |= UINT64_C(1) << node % 64;
    passes->are_waiting = true;
}

static void visit(Passes *passes, uint32_t node)
{
    uint64_t bit = UINT64_C(1) << node % 64;

    if (node == INVALID_NODE) {
        passes->result->totals.invalid_references++;
        return;
    }
    if ((passes->marked[node / 64] & bit) != 0)
        return;
    passes->marked[node / 64] |= bit;
    passes->statistics->marked += node < passes->graph.object_count;
    push(passes, node);
}

static uint32_t first_edge(const PassesGraph *graph, uint32_t node)
{
    return node % PIECE_NODES == 0 ? 0 : graph->ends[node - 1];
}

static void visit_targets(Passes *passes, uint32_t node)
{
    const PassesGraph *graph = &passes->graph;
    const uint32_t *targets = graph->pieces[node >> PIECE_SHIFT].targets;
    uint32_t edge = first_edge(graph, node), end = graph->ends[node];

    passes->statistics->edges += end - edge;
    for (; edge < end; edge++)
        visit(passes, targets[edge]);
}

// Follows all that is in the stack, and all that comes to it.
static void drain(Passes *passes)
{
    const PassesGraph *graph = &passes->graph;
    uint32_t near[RING_NODES], far[RING_NODES];
    uint64_t entered = 0, passed = 0, left = 0; // nodes: the first ring, the second, neither

    while (passes->depth > 0 || left < entered) {
        if (passes->depth > 0 && entered - passed < RING_NODES) {
            uint32_t node = passes->stack[--passes->depth];

            __builtin_prefetch(&graph->ends[node]);
            far[entered++ % RING_NODES] = node;
            if (entered - passed < RING_NODES)
                continue;
        }
        if (passed < entered && passed - left < RING_NODES) {
            uint32_t node = far[passed % RING_NODES];

            __builtin_prefetch(graph->pieces[node >> PIECE_SHIFT].targets +
                               first_edge(graph, node));
            near[passed++ % RING_NODES] = node;
            if (passed - left < RING_NODES && passes->depth > 0)
                continue;
        }
        visit_targets(passes, near[left++ % RING_NODES]);
    }
}

static void empty_stack(Passes *passes)
{
    do {
        drain(passes);
        if (!passes->are_waiting)
            return;
        passes->are_waiting = false;
        for (uint64_t i = 0; i < (passes->graph.node_count + UINT64_C(63)) / 64; i++) {
            uint64_t left = passes->waiting[i];

            // Those that do not fit are set again.
            passes->waiting[i] = 0;
            for (; left != 0; left &= left - 1)
                push(passes, (uint32_t)(64 * i) + (uint32_t)__builtin_ctzll(left));
        }
    } while (passes->depth > 0);
}

static void visit_roots(Passes *passes)
{
    const HeapImage *image = passes->graph.image;

    for (uint64_t i = 0; i < image->root_count; i++) {
        const Root *root = &image->roots[i];
        Reference reference = heap_image_resolve(image, root->value, root_allows_interior(root));
        uint32_t target;

        if (reference.kind == REFERENCE_OBJECT || reference.kind == REFERENCE_DEAD ||
            reference.kind == REFERENCE_BLOCK)
            passes->result->totals.roots[root->kind]++;
        if (passes_graph_target(&passes->graph, &reference, &target))
            visit(passes, target);
        if (passes->depth > MARK_STACK_NODES / 2)
            empty_stack(passes);
    }
}

// Old objects have references only if they are dirty.
static void visit_old_objects(Passes *passes)
{
    const HeapImage *image = passes->graph.image;

    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t node = passes->graph.page_nodes[page];
             passes_graph_is_old(&passes->graph, page) && node < passes->graph.page_nodes[page + 1];
             node++) {
            visit_targets(passes, node);
            if (passes->depth > MARK_STACK_NODES / 2)
                empty_stack(passes);
        }
}

// Turns the marked nodes into mark words.
static void take_marks(const Passes *passes)
{
    const HeapImage *image = passes->graph.image;
    uint64_t node = 0;

    for (uint32_t page = 0; page < image->page_count; page++) {
        uint64_t first = heap_image_first_word(image, page);

        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            for (uint64_t left = image->live[first + word]; left != 0; left &= left - 1, node++)
                if ((passes->marked[node / 64] >> node % 64 & 1) != 0)
                    passes->result->marked[first + word] |= left & -left;
    }
    for (uint64_t block = 0; block < image->block_count; block++, node++)
        passes->result->marked_blocks[block / 64] |= (passes->marked[node / 64] >> node % 64 & 1)
                                                     << block % 64;
}

static bool mark_graph(Passes *passes, Error *error)
{
    uint64_t words = (passes->graph.node_count + UINT64_C(63)) / 64 + 1;

    passes->marked = calloc(words, sizeof *passes->marked);
    passes->waiting = calloc(words, sizeof *passes->waiting);
    passes->stack = malloc(MARK_STACK_NODES * sizeof *passes->stack);
    if (passes->marked == NULL || passes->waiting == NULL || passes->stack == NULL)
        return error_set_memory(error, words * 16 + MARK_STACK_NODES * 4, "a mark");
    visit_roots(passes);
    if (passes->graph.kind == MARK_MINOR)
        visit_old_objects(passes);
    empty_stack(passes);
    take_marks(passes);
    return true;
}

static void release(Passes *passes)
{
    passes_graph_release(&passes->graph);
    free(passes->marked);
    free(passes->waiting);
    free(passes->stack);
}

bool mark_in_passes(const HeapImage *image, const MarkOptions *options, MarkResult **out,
                    Error *error)
{
    Passes passes = {.graph = {.image = image, .kind = options->kind}};
    uint64_t started_ns = clock_monotonic_ns();
    bool ok;

    *out = NULL;
    if (!mark_result_new(image, options->kind, &passes.result, error))
        return false;
    passes.statistics = &passes.result->statistics.workers[0];
    passes.result->statistics.worker_count = 1;
    ok = passes_graph_number(&passes.graph, error) &&
         passes_graph_resolve(&passes.graph, options->workers, error) && mark_graph(&passes, error);
    release(&passes);
    if (!ok) {
        mark_result_free(passes.result);
        return false;
    }
    mark_result_count(passes.result, image);
    passes.result->statistics.elapsed_ns = clock_monotonic_ns() - started_ns;
    *out = passes.result;
    return true;
}
