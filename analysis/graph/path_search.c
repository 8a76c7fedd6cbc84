// Searching paths back from a node to the roots: see analysis/graph/path_search_internal.h.
//
// One breadth-first search gives the distance of every node from the roots, which is a lower bound
// for each of the many searches; so they are guided by it (A*) and visit little more than the path
// that they find.

#include "analysis/graph/path_search_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/side_table.h"

// ---- before the first search ----

static bool find_distances(PathFinder *finder, Error *error)
{
    PathQuery all = *finder->query;
    PathTree tree;
    bool ok;

    all.is_target = NULL;
    all.is_by_length = true;
    ok = path_tree_init(&tree, finder->graph, &all, error);
    // Ascending in distance: a parent is settled before its children.
    for (uint32_t i = 0; ok && i < tree.reached_count; i++) {
        uint32_t node = tree.order[i], parent = tree.parents[node];

        finder->distances[node] = parent == PATH_ROOT ? 1 : finder->distances[parent] + 1;
    }
    path_tree_release(&tree);
    return ok;
}

static void turn_edges(PathFinder *finder)
{
    const ObjectGraph *graph = finder->graph;
    uint32_t *first = finder->first_source, sum = 0;

    for (uint64_t i = 0; i < graph->edge_count; i++)
        first[graph->targets[i]]++;
    for (uint32_t node = 0; node < graph->node_count; node++)
        first[node] = sum += first[node];
    first[graph->node_count] = sum;
    // From the end, so that sources ascend.
    for (uint32_t node = graph->node_count; node-- > 0;) {
        uint64_t begin = object_graph_first_edge(graph, node);

        for (uint64_t i = object_graph_first_edge(graph, node + 1); i-- > begin;)
            finder->sources[--first[graph->targets[i]]] = node;
    }
}

bool path_finder_init(PathFinder *finder, Error *error)
{
    uint64_t nodes = finder->graph->node_count, edges = finder->graph->edge_count;

    if (edges > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu references are too many for more than one path",
                         (unsigned long long)edges);
    finder->distances = side_table_new(nodes * sizeof *finder->distances);
    finder->first_source = side_table_new((nodes + 1) * sizeof *finder->first_source);
    finder->sources = side_table_new(edges * sizeof *finder->sources);
    finder->searches = side_table_new(nodes * sizeof *finder->searches);
    finder->befores = side_table_new(nodes * sizeof *finder->befores);
    finder->is_used = side_table_new(nodes);
    if (finder->distances == NULL || finder->first_source == NULL || finder->sources == NULL ||
        finder->searches == NULL || finder->befores == NULL || finder->is_used == NULL)
        return error_set_memory(error, nodes * 17 + edges * 4, "paths");
    turn_edges(finder);
    return find_distances(finder, error);
}

void path_finder_release(PathFinder *finder)
{
    uint64_t nodes = finder->graph->node_count, edges = finder->graph->edge_count;

    side_table_free(finder->distances, nodes * sizeof *finder->distances);
    side_table_free(finder->first_source, (nodes + 1) * sizeof *finder->first_source);
    side_table_free(finder->sources, edges * sizeof *finder->sources);
    side_table_free(finder->searches, nodes * sizeof *finder->searches);
    side_table_free(finder->befores, nodes * sizeof *finder->befores);
    side_table_free(finder->is_used, nodes);
    for (uint32_t i = 0; i < finder->candidate_count; i++)
        free(finder->candidates[i].tail);
    free(finder->candidates);
    free(finder->open);
}

// ---- one search ----

static bool is_before(const PathOpen *a, const PathOpen *b)
{
    if (a->length != b->length)
        return a->length < b->length;
    if (a->steps != b->steps)
        return a->steps > b->steps; // nearer to a root
    return a->node < b->node;
}

static bool open_push(PathFinder *finder, PathOpen entry, Error *error)
{
    uint64_t at = finder->open_count;

    if (!array_reserve(&finder->open, &finder->open_capacity, at + 1, sizeof entry, "paths", error))
        return false;
    finder->open_count++;
    for (; at > 0 && is_before(&entry, &finder->open[(at - 1) / 2]); at = (at - 1) / 2)
        finder->open[at] = finder->open[(at - 1) / 2];
    finder->open[at] = entry;
    return true;
}

static PathOpen open_pop(PathFinder *finder)
{
    PathOpen first = finder->open[0], last = finder->open[--finder->open_count];
    uint64_t at = 0, count = finder->open_count;

    while (2 * at + 1 < count) {
        uint64_t child = 2 * at + 1;

        if (child + 1 < count && is_before(&finder->open[child + 1], &finder->open[child]))
            child++;
        if (!is_before(&finder->open[child], &last))
            break;
        finder->open[at] = finder->open[child];
        at = child;
    }
    finder->open[at] = last;
    return first;
}

static bool is_forbidden(const PathForbidden *forbidden, uint32_t node)
{
    for (uint32_t i = 0; i < forbidden->count; i++)
        if (forbidden->nodes[i] == node)
            return true;
    return false;
}

// Pushes the nodes that refer to a node and may come next. A node may be pushed more than once; the
// shortest way to it is popped first.
static bool push_sources(PathFinder *finder, const PathOpen *from, const PathForbidden *forbidden,
                         Error *error)
{
    uint32_t previous = NO_NODE;

    for (uint32_t i = finder->first_source[from->node]; i < finder->first_source[from->node + 1];
         i++) {
        uint32_t source = finder->sources[i], steps = from->steps + 1;

        // Avoided nodes have distance 0.
        if (source == previous || finder->distances[source] == 0 || finder->is_used[source] ||
            finder->searches[source] == finder->search || is_forbidden(forbidden, source))
            continue;
        previous = source;
        if (!open_push(finder,
                       (PathOpen){steps + finder->distances[source], steps, source, from->node},
                       error))
            return false;
    }
    return true;
}

// Takes the nodes after the start of the search, up to `last`.
static bool take_tail(const PathFinder *finder, const PathOpen *last, PathCandidate *out,
                      Error *error)
{
    uint32_t at = last->node;

    out->tail_length = last->steps;
    out->tail = malloc((last->steps + UINT64_C(1)) * sizeof *out->tail);
    if (out->tail == NULL)
        return error_set_memory(error, last->steps * sizeof *out->tail, "a path");
    for (uint32_t i = last->steps; i-- > 0; at = finder->befores[at])
        out->tail[i] = at;
    return true;
}

bool path_search_back(PathFinder *finder, uint32_t start, const PathForbidden *forbidden,
                      PathCandidate *out, bool *is_found, Error *error)
{
    static const PathForbidden nothing = {NULL, 0, false};
    PathOpen best = {finder->distances[start], 0, start, NO_NODE};

    *is_found = false;
    finder->search++;
    finder->open_count = 0;
    for (;;) {
        finder->searches[best.node] = finder->search;
        finder->befores[best.node] = best.before;
        if (finder->distances[best.node] == 1 && !(best.steps == 0 && forbidden->root)) {
            *is_found = true;
            return take_tail(finder, &best, out, error);
        }
        if (!push_sources(finder, &best, best.steps == 0 ? forbidden : &nothing, error))
            return false;
        do {
            if (finder->open_count == 0)
                return true;
            best = open_pop(finder);
        } while (finder->searches[best.node] == finder->search);
    }
}
