// The k shortest paths without a repeated node, by J. Y. Yen's algorithm (Finding the k Shortest
// Loopless Paths in a Network, Management Science 17, 1971) with E. L. Lawler's rule against
// repeated searches (1972).
//
// Paths are searched from the target back to the roots. One breadth-first search gives the distance
// of every node from the roots, which is a lower bound for each of the many searches; so they are
// guided by it (A*) and visit little more than the path that they find.

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/root_paths.h"
#include "base/array.h"
#include "base/side_table.h"

// A path that was found: the beginning of an earlier one, and a tail. Backwards: the first node is
// the target, and a root refers to the last one.
typedef struct Candidate {
    uint32_t parent; // index of the earlier path; NO_NODE: none
    uint32_t shared; // nodes taken from it
    uint32_t tail_length;
    uint32_t *tail;  // owned
    uint32_t number; // in order of discovery
} Candidate;

// A node that a search may continue from.
typedef struct Open {
    uint32_t length; // a lower bound for the whole path through it
    uint32_t steps;  // from the start of the search
    uint32_t node;
    uint32_t before; // the previous node of the search
} Open;

typedef struct PathFinder {
    const ObjectGraph *graph;
    const PathQuery *query;
    uint32_t target;
    uint32_t *distances; // by node: from the roots, itself included; 0: not reachable
    // The nodes that refer to a node.
    uint32_t *first_source; // node_count + 1
    uint32_t *sources;
    uint32_t search;    // number of the present search
    uint32_t *searches; // by node: the last search that settled it
    uint32_t *befores;  // by node: the previous node of that search
    Open *open;         // a binary heap
    uint64_t open_count;
    uint64_t open_capacity;
    uint8_t *is_used; // by node: part of the path's fixed beginning
    Candidate *candidates;
    uint32_t candidate_count;
    uint64_t candidate_capacity;
    uint32_t discovered;
} PathFinder;

// ---- before the first search ----

static bool find_distances(PathFinder *finder, Error *error)
{
    PathQuery all = *finder->query;
    PathTree tree;
    bool ok;

    all.is_target = NULL;
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

static bool finder_init(PathFinder *finder, Error *error)
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

static void finder_release(PathFinder *finder)
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

static bool is_before(const Open *a, const Open *b)
{
    if (a->length != b->length)
        return a->length < b->length;
    if (a->steps != b->steps)
        return a->steps > b->steps; // nearer to a root
    return a->node < b->node;
}

static bool open_push(PathFinder *finder, Open entry, Error *error)
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

static Open open_pop(PathFinder *finder)
{
    Open first = finder->open[0], last = finder->open[--finder->open_count];
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

// The nodes that the first step of a search must not go to, and whether it may end at a root.
typedef struct Forbidden {
    const uint32_t *nodes;
    uint32_t count;
    bool root;
} Forbidden;

static bool is_forbidden(const Forbidden *forbidden, uint32_t node)
{
    for (uint32_t i = 0; i < forbidden->count; i++)
        if (forbidden->nodes[i] == node)
            return true;
    return false;
}

// Pushes the nodes that refer to a node and may come next. A node may be pushed more than once; the
// shortest way to it is popped first.
static bool push_sources(PathFinder *finder, const Open *from, const Forbidden *forbidden,
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
        if (!open_push(finder, (Open){steps + finder->distances[source], steps, source, from->node},
                       error))
            return false;
    }
    return true;
}

// Takes the nodes after the start of the search, up to `last`.
static bool take_tail(const PathFinder *finder, const Open *last, Candidate *out, Error *error)
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

// Finds the shortest way from `start` to a root; `out` gets the nodes after `start`.
static bool search_back(PathFinder *finder, uint32_t start, const Forbidden *forbidden,
                        Candidate *out, bool *is_found, Error *error)
{
    static const Forbidden nothing = {NULL, 0, false};
    Open best = {finder->distances[start], 0, start, NO_NODE};

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

// ---- one path after another ----

static bool add_candidate(PathFinder *finder, const Candidate *candidate, Error *error)
{
    if (!array_reserve(&finder->candidates, &finder->candidate_capacity,
                       finder->candidate_count + UINT64_C(1), sizeof *candidate, "paths", error))
        return false;
    finder->candidates[finder->candidate_count] = *candidate;
    finder->candidates[finder->candidate_count++].number = finder->discovered++;
    return true;
}

static uint32_t candidate_length(const Candidate *candidate)
{
    return candidate->shared + candidate->tail_length;
}

// Removes the shortest one; of equals the first that was found.
static Candidate take_best(PathFinder *finder)
{
    uint32_t best = 0;
    Candidate candidate;

    for (uint32_t i = 1; i < finder->candidate_count; i++) {
        uint32_t length = candidate_length(&finder->candidates[i]);
        uint32_t least = candidate_length(&finder->candidates[best]);

        if (length < least ||
            (length == least && finder->candidates[i].number < finder->candidates[best].number))
            best = i;
    }
    candidate = finder->candidates[best];
    finder->candidates[best] = finder->candidates[--finder->candidate_count];
    return candidate;
}

// Makes a path, still backwards, of its shared beginning and its tail.
static bool accept(const Candidate *candidate, RootPaths *paths, Error *error)
{
    RootPath *path = &paths->paths[paths->count];

    path->length = candidate_length(candidate);
    path->nodes = malloc((path->length + UINT64_C(1)) * sizeof *path->nodes);
    if (path->nodes == NULL)
        return error_set_memory(error, path->length * sizeof *path->nodes, "a path");
    if (candidate->parent != NO_NODE)
        memcpy(path->nodes, paths->paths[candidate->parent].nodes,
               candidate->shared * sizeof *path->nodes);
    memcpy(path->nodes + candidate->shared, candidate->tail,
           candidate->tail_length * sizeof *path->nodes);
    paths->count++;
    return true;
}

// Forbids the next step of each accepted path that begins with the first `shared` nodes of this
// one.
static void forbid(const RootPaths *paths, const uint32_t *common, uint32_t shared, uint32_t *nodes,
                   Forbidden *forbidden)
{
    *forbidden = (Forbidden){.nodes = nodes};
    for (uint32_t i = 0; i < paths->count; i++) {
        if (common[i] < shared)
            continue;
        if (paths->paths[i].length == shared)
            forbidden->root = true;
        else
            nodes[forbidden->count++] = paths->paths[i].nodes[shared];
    }
}

static uint32_t common_beginning(const RootPath *a, const RootPath *b)
{
    uint32_t least = a->length < b->length ? a->length : b->length, common = 0;

    while (common < least && a->nodes[common] == b->nodes[common])
        common++;
    return common;
}

// Searches the shortest path that leaves the newest path after each of its nodes, from the one
// where it left its own parent on: earlier ones have been searched before.
static bool branch(PathFinder *finder, const RootPaths *paths, uint32_t first_shared,
                   uint32_t *common, uint32_t *nodes, Error *error)
{
    const RootPath *path = &paths->paths[paths->count - 1];
    bool ok = true;

    for (uint32_t i = 0; i < paths->count; i++)
        common[i] = common_beginning(path, &paths->paths[i]);
    for (uint32_t i = 0; i < path->length; i++) {
        Candidate candidate = {.parent = paths->count - 1, .shared = i + 1};
        Forbidden forbidden;
        bool is_found = false;

        finder->is_used[path->nodes[i]] = 1;
        if (!ok || i + 1 < first_shared)
            continue;
        forbid(paths, common, i + 1, nodes, &forbidden);
        ok = search_back(finder, path->nodes[i], &forbidden, &candidate, &is_found, error);
        if (ok && is_found && !add_candidate(finder, &candidate, error)) {
            free(candidate.tail);
            ok = false;
        }
    }
    for (uint32_t i = 0; i < path->length; i++)
        finder->is_used[path->nodes[i]] = 0;
    return ok;
}

static void turn_round(RootPath *path)
{
    for (uint32_t i = 0; i < path->length / 2; i++) {
        uint32_t node = path->nodes[i];

        path->nodes[i] = path->nodes[path->length - 1 - i];
        path->nodes[path->length - 1 - i] = node;
    }
}

static bool find_paths(PathFinder *finder, uint32_t most, RootPaths *out, Error *error)
{
    Candidate first = {.parent = NO_NODE, .shared = 1};
    Forbidden nothing = {NULL, 0, false};
    uint32_t *common = calloc(2 * (size_t)most + 2, sizeof *common);
    bool is_found = false, ok;

    if (common == NULL)
        return error_set_memory(error, most * 8, "paths");
    ok = finder->distances[finder->target] == 0 ||
         search_back(finder, finder->target, &nothing, &first, &is_found, error);
    if (ok && is_found) {
        // The first path shares no beginning: it is all tail.
        uint32_t *tail = malloc((first.tail_length + UINT64_C(1)) * sizeof *tail);

        ok = tail != NULL || error_set_memory(error, first.tail_length * sizeof *tail, "a path");
        if (ok) {
            tail[0] = finder->target;
            memcpy(tail + 1, first.tail, first.tail_length * sizeof *tail);
        }
        free(first.tail);
        first = (Candidate){NO_NODE, 0, first.tail_length + 1, tail, 0};
        if (ok && !add_candidate(finder, &first, error)) {
            free(tail);
            ok = false;
        }
    }
    while (ok && out->count < most && finder->candidate_count > 0) {
        Candidate best = take_best(finder);

        ok = accept(&best, out, error);
        free(best.tail);
        if (ok && out->count < most)
            ok = branch(finder, out, best.shared, common, common + most + 1, error);
    }
    free(common);
    return ok;
}

bool root_paths_find(const ObjectGraph *graph, uint32_t target, const PathQuery *query,
                     uint32_t most, RootPaths *out, Error *error)
{
    PathFinder finder = {.graph = graph, .query = query, .target = target};
    bool ok;

    *out = (RootPaths){.paths = calloc(most + UINT64_C(1), sizeof *out->paths)};
    if (out->paths == NULL)
        return error_set_memory(error, most * sizeof *out->paths, "paths");
    ok = finder_init(&finder, error) && find_paths(&finder, most, out, error);
    for (uint32_t i = 0; i < out->count; i++)
        turn_round(&out->paths[i]);
    finder_release(&finder);
    return ok;
}

void root_paths_release(RootPaths *paths)
{
    for (uint32_t i = 0; i < paths->count; i++)
        free(paths->paths[i].nodes);
    free(paths->paths);
    *paths = (RootPaths){.count = 0};
}
