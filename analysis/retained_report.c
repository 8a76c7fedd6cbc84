// RetainedReport: see analysis/retained_report.h.

#include "analysis/retained_report.h"

#include <stdlib.h>
#include <string.h>

#include "base/side_table.h"

void retained_report_free(RetainedReport *report)
{
    if (report == NULL)
        return;
    free(report->objects);
    free(report->retained_types);
    free(report);
}

const char *retained_field(const RetainedReport *report, uint32_t index, EdgeLabel *label)
{
    const DominatorTree *tree = report->tree;
    uint32_t node = report->objects[index], dominator = tree->dominators[node];
    uint64_t offset;

    if (index >= RETAINED_NAMED || dominator_tree_is_holder(tree, dominator) ||
        !edge_label_between(&report->types->labels, tree->graph, dominator, node, label, &offset) ||
        !label->is_named)
        return NULL;
    return label->text;
}

// ---- objects ----

// True when node `a` comes before node `b`: the larger first, of equals the lower address.
static bool is_before(const DominatorTree *tree, uint32_t a, uint32_t b)
{
    if (tree->retained_bytes[a] != tree->retained_bytes[b])
        return tree->retained_bytes[a] > tree->retained_bytes[b];
    return a < b;
}

// Restores a binary heap of the best nodes so far, with the worst of them on top.
static void sift_down(const DominatorTree *tree, uint32_t *heap, uint32_t count, uint32_t at)
{
    for (;;) {
        uint32_t worst = at;

        for (uint32_t child = 2 * at + 1; child <= 2 * at + 2 && child < count; child++)
            if (is_before(tree, heap[worst], heap[child]))
                worst = child;
        if (worst == at)
            return;
        uint32_t moved = heap[at];
        heap[at] = heap[worst];
        heap[worst] = moved;
        at = worst;
    }
}

// Sorts a heap, best first: the worst of those that are left, on top, goes last.
static void sort_heap(const DominatorTree *tree, uint32_t *heap, uint32_t count)
{
    for (uint32_t left = count; left > 1; left--) {
        uint32_t worst = heap[0];

        heap[0] = heap[left - 1];
        heap[left - 1] = worst;
        sift_down(tree, heap, left - 1, 0);
    }
}

bool retained_largest_among(const DominatorTree *tree,
                            bool (*is_wanted)(const void *context, uint32_t node),
                            const void *context, uint32_t top, uint32_t **out, uint32_t *out_count,
                            Error *error)
{
    uint32_t nodes = tree->graph->node_count, most = top < nodes ? top : nodes, count = 0;
    uint32_t *heap = malloc((most + UINT64_C(1)) * sizeof *heap);

    *out = heap;
    *out_count = 0;
    if (heap == NULL)
        return error_set_memory(error, most * sizeof *heap, "the largest objects");
    for (uint32_t node = 0; node < nodes; node++) {
        if (is_wanted != NULL && !is_wanted(context, node))
            continue;
        if (count < most) {
            heap[count++] = node;
            for (uint32_t at = count == most ? most / 2 : 0; at-- > 0;)
                sift_down(tree, heap, count, at);
        } else if (count > 0 && is_before(tree, node, heap[0])) {
            heap[0] = node;
            sift_down(tree, heap, count, 0);
        }
    }
    // Fewer than wanted: they are not in the order of a heap yet.
    for (uint32_t at = count < most ? count / 2 : 0; at-- > 0;)
        sift_down(tree, heap, count, at);
    sort_heap(tree, heap, count);
    *out_count = count;
    return true;
}

bool retained_largest(const DominatorTree *tree, uint32_t top, uint32_t **out, uint32_t *out_count,
                      Error *error)
{
    return retained_largest_among(tree, NULL, NULL, top, out, out_count, error);
}

// ---- types ----

// A walk through the dominator tree.
typedef struct TypeWalk {
    const DominatorTree *tree;
    const NodeTypes *types;
    RetainedType *counts; // by type
    uint32_t *open;       // by type: the number of nodes above the present one
} TypeWalk;

static void enter_node(TypeWalk *walk, uint32_t node)
{
    RetainedType *counts;
    uint32_t type;

    if (dominator_tree_is_holder(walk->tree, node))
        return;
    type = walk->types->by_node[node];
    counts = &walk->counts[type];
    counts->objects++;
    if (walk->open[type]++ == 0) {
        counts->retained_bytes += walk->tree->retained_bytes[node];
        counts->retained_objects += walk->tree->retained_objects[node];
    }
}

static void leave_node(void *context, uint32_t node)
{
    TypeWalk *walk = context;

    if (!dominator_tree_is_holder(walk->tree, node))
        walk->open[walk->types->by_node[node]]--;
}

static void add_own_bytes(const NodeTypes *types, RetainedType *counts)
{
    const HeapImage *image = types->graph->image;
    NodeCursor cursor = node_cursor(types->graph);

    while (node_cursor_next(&cursor))
        counts[types->by_node[cursor.node]].bytes +=
            cursor.place.page == NO_INDEX ? heap_image_block_bytes(image, cursor.place.block)
                                          : image->pages[cursor.place.page].block_size;
}

static int compare_types(const void *left, const void *right, void *context)
{
    const RetainedType *a = left, *b = right;

    (void)context;
    if (a->retained_bytes != b->retained_bytes)
        return a->retained_bytes > b->retained_bytes ? -1 : 1;
    return a->type < b->type ? -1 : a->type > b->type;
}

static bool take_types(RetainedReport *report, DominatorTree *tree, Error *error)
{
    const NodeTypes *types = report->types;
    TypeWalk walk = {.tree = tree, .types = types};
    uint32_t top = dominator_tree_top(tree);
    uint64_t cursor_bytes = (uint64_t)tree->node_count * sizeof(uint32_t);
    uint32_t *cursors = NULL;
    bool ok = false;

    if (!dominator_tree_add_children(tree, error))
        return false;
    cursors = side_table_new(cursor_bytes);
    walk.open = calloc(types->type_count, sizeof *walk.open);
    walk.counts = report->retained_types = calloc(types->type_count, sizeof *walk.counts);
    if (cursors == NULL || walk.open == NULL || walk.counts == NULL) {
        error_set_memory(error, cursor_bytes, "the retained sizes of types");
        goto done;
    }
    for (uint32_t type = 0; type < types->type_count; type++)
        walk.counts[type].type = type;
    for (uint32_t node = top; node != NO_NODE;
         node = dominator_tree_next(tree, cursors, top, node, leave_node, &walk))
        enter_node(&walk, node);
    add_own_bytes(types, walk.counts);
    for (uint32_t type = 0; type < types->type_count; type++)
        if (walk.counts[type].objects > 0)
            walk.counts[report->type_count++] = walk.counts[type];
    qsort_r(walk.counts, report->type_count, sizeof *walk.counts, compare_types, NULL);
    ok = true;

done:
    side_table_free(cursors, cursor_bytes);
    free(walk.open);
    return ok;
}

bool retained_report_new(DominatorTree *tree, const NodeTypes *types, uint32_t top,
                         RetainedReport **out, Error *error)
{
    RetainedReport *report = calloc(1, sizeof *report);

    *out = NULL;
    if (report == NULL)
        return error_set_memory(error, sizeof *report, "a report");
    report->tree = tree;
    report->types = types;
    if (!retained_largest(tree, top, &report->objects, &report->object_count, error) ||
        !take_types(report, tree, error)) {
        retained_report_free(report);
        return false;
    }
    *out = report;
    return true;
}

// ---- marking again ----

static void cut_node(HeapCut *cut, const NodePlace *place)
{
    if (place->page == NO_INDEX)
        heap_cut_block(cut, place->block);
    else
        heap_cut_object(cut, place->page, place->slot);
}

bool retained_report_free_types(RetainedReport *report, uint32_t count,
                                const AnalysisProgress *progress, Error *error)
{
    const ObjectGraph *graph = report->tree->graph;
    HeapCut *cut = NULL;
    bool ok = heap_cut_new(graph->image, &cut, error);

    count = count < report->type_count ? count : report->type_count;
    for (uint32_t i = 0; ok && i < count; i++) {
        RetainedType *type = &report->retained_types[i];
        NodeCursor cursor = node_cursor(graph);

        heap_cut_reset(cut);
        while (node_cursor_next(&cursor))
            if (report->types->by_node[cursor.node] == type->type)
                cut_node(cut, &cursor.place);
        ok = heap_cut_mark(cut, graph->mark, &type->freed, NULL, error);
        type->has_freed = ok;
        analysis_progress_report(progress, i + 1, count);
    }
    heap_cut_free(cut);
    return ok;
}

static uint64_t next_random(uint64_t *state)
{
    // Marsaglia's xorshift64, multiplied.
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * UINT64_C(0x2545f4914f6cdd1d);
}

// The nodes in an order that the seed chooses: those that keep others alive first. NULL: memory is
// short.
static uint32_t *shuffle_nodes(const DominatorTree *tree, uint64_t seed, uint32_t *keeper_count)
{
    uint32_t nodes = tree->graph->node_count, first = 0, last = nodes;
    uint64_t random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    uint32_t *order = malloc(((size_t)nodes + 1) * sizeof *order);
    NodeCursor cursor = node_cursor(tree->graph);

    while (order != NULL && node_cursor_next(&cursor)) {
        uint64_t own = cursor.place.page == NO_INDEX
                           ? heap_image_block_bytes(tree->graph->image, cursor.place.block)
                           : tree->graph->image->pages[cursor.place.page].block_size;

        order[tree->retained_bytes[cursor.node] > own ? first++ : --last] = cursor.node;
    }
    // Each part by itself: R. Durstenfeld's shuffle.
    for (uint32_t i = 0; order != NULL && i < nodes; i++) {
        uint32_t end = i < first ? first : nodes;
        uint32_t chosen = i + (uint32_t)((next_random(&random) >> 32) * (end - i) >> 32);
        uint32_t node = order[i];

        order[i] = order[chosen];
        order[chosen] = node;
    }
    *keeper_count = first;
    return order;
}

bool retained_prove(const DominatorTree *tree, uint32_t count, uint64_t seed,
                    const AnalysisProgress *progress, RetainedProof **out, uint32_t *out_count,
                    Error *error)
{
    const ObjectGraph *graph = tree->graph;
    uint32_t keepers = 0, *order = shuffle_nodes(tree, seed, &keepers);
    uint32_t next_keeper = 0, next_other = keepers;
    HeapCut *cut = NULL;
    bool ok = heap_cut_new(graph->image, &cut, error);

    *out_count = count < graph->node_count ? count : graph->node_count;
    *out = calloc(*out_count + UINT64_C(1), sizeof **out);
    if (ok && (*out == NULL || order == NULL))
        ok = error_set_memory(error, *out_count * sizeof **out, "proofs");
    for (uint32_t i = 0; ok && i < *out_count; i++) {
        RetainedProof *proof = &(*out)[i];
        NodePlace place;

        // Every other node keeps others alive, as long as there are some: most objects of a heap
        // keep only themselves alive. Each node comes once.
        if (next_keeper < keepers && (i % 2 == 1 || next_other == graph->node_count))
            proof->node = order[next_keeper++];
        else
            proof->node = order[next_other++];
        proof->retained_bytes = tree->retained_bytes[proof->node];
        proof->retained_objects = tree->retained_objects[proof->node];
        place = object_graph_place(graph, proof->node);
        heap_cut_reset(cut);
        cut_node(cut, &place);
        ok = heap_cut_mark(cut, graph->mark, &proof->freed, NULL, error);
        analysis_progress_report(progress, i + 1, *out_count);
    }
    heap_cut_free(cut);
    free(order);
    if (!ok) {
        free(*out);
        *out = NULL;
    }
    return ok;
}
