// The nodes of a page: see formats/html/page_parts_internal.h.
//
// Of the dominator tree, the largest nodes are shown, and of one node's children the largest few: a
// million items of one container would take all of the page.

#include "formats/html/page_parts_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/side_table.h"

// Of a path that is longer, these many nodes at both ends are shown.
#define PATH_END (PAGE_STEPS / 2)

void page_nodes_release(PageNodes *nodes)
{
    uint64_t bytes = nodes->report != NULL
                         ? (nodes->report->tree->node_count + UINT64_C(1)) * sizeof(uint32_t)
                         : 0;

    path_tree_release(&nodes->paths);
    side_table_free(nodes->depths, bytes);
    side_table_free(nodes->uppers, bytes);
    side_table_free(nodes->rows_of, bytes);
    free(nodes->rows);
    *nodes = (PageNodes){.count = 0};
}

uint32_t page_nodes_row(const PageNodes *nodes, uint32_t node)
{
    return nodes->rows_of[node] - 1;
}

// Adds a row, unless it is there or the page is full.
static bool add_row(PageNodes *nodes, uint32_t node)
{
    if (nodes->rows_of[node] != 0)
        return true;
    if (nodes->count == PAGE_NODES)
        return false;
    nodes->rows[nodes->count] = (PageRow){.node = node, .before = PAGE_NO_ROW, .root = NO_ROOT};
    nodes->rows_of[node] = ++nodes->count;
    return true;
}

// ---- the tree ----

// The nodes that may come next: a heap, largest first.
typedef struct Queue {
    const DominatorTree *tree;
    uint64_t capacity;
    uint64_t count;
    uint32_t *nodes; // owned
} Queue;

static bool is_larger(const DominatorTree *tree, uint32_t a, uint32_t b)
{
    if (tree->retained_bytes[a] != tree->retained_bytes[b])
        return tree->retained_bytes[a] > tree->retained_bytes[b];
    return a < b;
}

static void queue_put(Queue *queue, uint32_t node)
{
    uint64_t at = queue->count++;

    for (; at > 0 && is_larger(queue->tree, node, queue->nodes[(at - 1) / 2]); at = (at - 1) / 2)
        queue->nodes[at] = queue->nodes[(at - 1) / 2];
    queue->nodes[at] = node;
}

static uint32_t queue_take(Queue *queue)
{
    uint32_t first = queue->nodes[0], moved = queue->nodes[--queue->count];
    uint64_t at = 0;

    for (;;) {
        uint64_t child = 2 * at + 1;

        if (child >= queue->count)
            break;
        if (child + 1 < queue->count &&
            is_larger(queue->tree, queue->nodes[child + 1], queue->nodes[child]))
            child++;
        if (!is_larger(queue->tree, queue->nodes[child], moved))
            break;
        queue->nodes[at] = queue->nodes[child];
        at = child;
    }
    queue->nodes[at] = moved;
    return first;
}

static int compare_sizes(const void *left, const void *right, void *context)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return is_larger(context, a, b) ? -1 : is_larger(context, b, a);
}

// Puts the largest nodes right below one into the queue. `spare` has room for all nodes.
static bool put_children(Queue *queue, uint32_t node, uint32_t *spare, Error *error)
{
    const DominatorTree *tree = queue->tree;
    uint32_t first = tree->first_child[node], count = tree->first_child[node + 1] - first;
    uint32_t most = count < PAGE_TREE_CHILDREN ? count : PAGE_TREE_CHILDREN;

    if (!array_reserve(&queue->nodes, &queue->capacity, queue->count + most, sizeof *queue->nodes,
                       "the tree of the page", error))
        return false;
    memcpy(spare, tree->children + first, count * sizeof *spare);
    if (count > most)
        qsort_r(spare, count, sizeof *spare, compare_sizes, (void *)(uintptr_t)tree);
    for (uint32_t i = 0; i < most; i++)
        queue_put(queue, spare[i]);
    return true;
}

// From the top on, always the largest node whose dominator is there.
static bool add_tree(PageNodes *nodes, Error *error)
{
    const DominatorTree *tree = nodes->report->tree;
    uint64_t bytes = (tree->node_count + UINT64_C(1)) * sizeof(uint32_t);
    uint32_t *spare = side_table_new(bytes);
    Queue queue = {.tree = tree};
    bool ok = spare != NULL || error_set_memory(error, bytes, "the tree of the page");

    ok = ok && array_reserve(&queue.nodes, &queue.capacity, 1, sizeof *queue.nodes,
                             "the tree of the page", error);
    if (ok)
        queue_put(&queue, dominator_tree_top(tree));
    while (ok && queue.count > 0 && nodes->count < PAGE_TREE_NODES) {
        uint32_t node = queue_take(&queue);

        (void)add_row(nodes, node);
        ok = put_children(&queue, node, spare, error);
    }
    nodes->tree_count = nodes->count;
    side_table_free(spare, bytes);
    free(queue.nodes);
    return ok;
}

// ---- paths ----

// Links a row to the nodes before it on its path, which get rows, too, as long as there is room.
static void add_path(PageNodes *nodes, uint32_t row)
{
    uint32_t node = nodes->rows[row].node, steps = 0;

    if (dominator_tree_is_holder(nodes->report->tree, node))
        return;
    while (nodes->rows[row].before == PAGE_NO_ROW) {
        uint32_t parent = nodes->paths.parents[node], skipped = 0;

        if (parent == PATH_ROOT) {
            nodes->rows[row].before = PAGE_ROOT_ROW;
            return;
        }
        if (parent == PATH_UNREACHED)
            return;
        // The middle of a long path is passed over.
        if (steps >= PATH_END && nodes->depths[parent] >= PATH_END && nodes->rows_of[parent] == 0) {
            parent = nodes->uppers[parent];
            skipped = nodes->depths[node] - nodes->depths[parent] - 1;
        }
        if (!add_row(nodes, parent))
            return;
        nodes->rows[row].before = page_nodes_row(nodes, parent);
        nodes->rows[row].skipped = skipped;
        row = nodes->rows[row].before;
        node = parent;
        steps++;
    }
}

void page_nodes_add(PageNodes *nodes, uint32_t node)
{
    if (add_row(nodes, node))
        add_path(nodes, page_nodes_row(nodes, node));
}

static void find_depths(PageNodes *nodes)
{
    const PathTree *paths = &nodes->paths;

    for (uint32_t at = 0; at < paths->reached_count; at++) {
        uint32_t node = paths->order[at], parent = paths->parents[node];

        nodes->depths[node] = parent == PATH_ROOT ? 0 : nodes->depths[parent] + 1;
        nodes->uppers[node] = nodes->depths[node] < PATH_END ? node : nodes->uppers[parent];
    }
}

void page_nodes_finish(PageNodes *nodes)
{
    const PathTree *paths = &nodes->paths;
    uint32_t seed = 0;

    for (uint32_t row = 0; row < nodes->tree_count; row++)
        add_path(nodes, row);
    for (uint32_t at = 0; at < paths->reached_count; at++) {
        uint32_t node = paths->order[at];

        if (paths->parents[node] != PATH_ROOT)
            continue;
        if (nodes->rows_of[node] != 0 && seed < paths->seed_count)
            nodes->rows[nodes->rows_of[node] - 1].root = paths->seed_roots[seed];
        seed++;
    }
}

static void add_suspects(PageNodes *nodes)
{
    const HeapReport *report = nodes->report;

    for (uint32_t i = 0; i < report->suspects.count; i++) {
        const LeakSuspect *suspect = &report->suspects.suspects[i];

        page_nodes_add(nodes, suspect->example);
        if (!dominator_tree_is_holder(report->tree, suspect->place))
            page_nodes_add(nodes, suspect->place);
        if (!dominator_tree_is_holder(report->tree, suspect->owner))
            page_nodes_add(nodes, suspect->owner);
    }
    for (uint32_t i = 0; i < report->retainer_count && i < PAGE_ROWS; i++)
        page_nodes_add(nodes, report->retainers[i]);
    for (uint32_t i = 0; i < report->fragmentation.keeper_count && i < PAGE_ROWS; i++)
        page_nodes_add(nodes, report->fragmentation.keepers[i].example);
}

bool page_nodes_find(const HeapReport *report, PageNodes *out, Error *error)
{
    static const PathQuery all = {.context = NULL};
    uint64_t bytes = (report->tree->node_count + UINT64_C(1)) * sizeof(uint32_t);

    *out = (PageNodes){.report = report, .paths = {.graph = report->tree->graph}};
    out->depths = side_table_new(bytes);
    out->uppers = side_table_new(bytes);
    out->rows_of = side_table_new(bytes);
    out->rows = calloc(PAGE_NODES, sizeof *out->rows);
    if (out->depths == NULL || out->uppers == NULL || out->rows_of == NULL || out->rows == NULL)
        return error_set_memory(error, 3 * bytes, "the nodes of the page");
    if (!path_tree_init(&out->paths, report->tree->graph, &all, error) || !add_tree(out, error))
        return false;
    find_depths(out);
    add_suspects(out);
    return true;
}
