// The k shortest paths without a repeated node, by J. Y. Yen's algorithm (Finding the k Shortest
// Loopless Paths in a Network, Management Science 17, 1971) with E. L. Lawler's rule against
// repeated searches (1972). Paths are searched from the target back to the roots.

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/path_search_internal.h"
#include "base/array.h"

static bool add_candidate(PathFinder *finder, const PathCandidate *candidate, Error *error)
{
    if (!array_reserve(&finder->candidates, &finder->candidate_capacity,
                       finder->candidate_count + UINT64_C(1), sizeof *candidate, "paths", error))
        return false;
    finder->candidates[finder->candidate_count] = *candidate;
    finder->candidates[finder->candidate_count++].number = finder->discovered++;
    return true;
}

static uint32_t candidate_length(const PathCandidate *candidate)
{
    return candidate->shared + candidate->tail_length;
}

// Removes the shortest one; of equals the first that was found.
static PathCandidate take_best(PathFinder *finder)
{
    uint32_t best = 0;
    PathCandidate candidate;

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
static bool accept(const PathCandidate *candidate, RootPaths *paths, Error *error)
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
                   PathForbidden *forbidden)
{
    *forbidden = (PathForbidden){.nodes = nodes};
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
        PathCandidate candidate = {.parent = paths->count - 1, .shared = i + 1};
        PathForbidden forbidden;
        bool is_found = false;

        finder->is_used[path->nodes[i]] = 1;
        if (!ok || i + 1 < first_shared)
            continue;
        forbid(paths, common, i + 1, nodes, &forbidden);
        ok = path_search_back(finder, path->nodes[i], &forbidden, &candidate, &is_found, error);
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
    PathCandidate first = {.parent = NO_NODE, .shared = 1};
    PathForbidden nothing = {NULL, 0, false};
    uint32_t *common = calloc(2 * (size_t)most + 2, sizeof *common);
    bool is_found = false, ok;

    if (common == NULL)
        return error_set_memory(error, most * 8, "paths");
    ok = finder->distances[finder->target] == 0 ||
         path_search_back(finder, finder->target, &nothing, &first, &is_found, error);
    if (ok && is_found) {
        // The first path shares no beginning: it is all tail.
        uint32_t *tail = malloc((first.tail_length + UINT64_C(1)) * sizeof *tail);

        ok = tail != NULL || error_set_memory(error, first.tail_length * sizeof *tail, "a path");
        if (ok) {
            tail[0] = finder->target;
            memcpy(tail + 1, first.tail, first.tail_length * sizeof *tail);
        }
        free(first.tail);
        first = (PathCandidate){NO_NODE, 0, first.tail_length + 1, tail, 0};
        if (ok && !add_candidate(finder, &first, error)) {
            free(tail);
            ok = false;
        }
    }
    while (ok && out->count < most && finder->candidate_count > 0) {
        PathCandidate best = take_best(finder);

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
    ok = path_finder_init(&finder, error) && find_paths(&finder, most, out, error);
    for (uint32_t i = 0; i < out->count; i++)
        turn_round(&out->paths[i]);
    path_finder_release(&finder);
    return ok;
}

void root_paths_release(RootPaths *paths)
{
    for (uint32_t i = 0; i < paths->count; i++)
        free(paths->paths[i].nodes);
    free(paths->paths);
    *paths = (RootPaths){.count = 0};
}
