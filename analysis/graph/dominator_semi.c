// DominatorSearch: immediate dominators, by the algorithm semi-NCA.
//
// L. Georgiadis, R. E. Tarjan, R. F. Werneck: Finding Dominators in Practice, Journal of Graph
// Algorithms and Applications 10 (2006). Semidominators are found as by T. Lengauer and R. E.
// Tarjan (1979), with path compression; a node's immediate dominator then is the nearest common
// ancestor, in the dominator tree found so far, of its parent and its semidominator.
//
// Our deviations:
//
// - The nearest common ancestor is found through skip pointers (E. W. Myers: An applicative
//   random-access stack, Information Processing Letters 17, 1983), in a logarithmic number of
//   steps. Climbing one by one, as the paper does, takes quadratic time on common heaps: a long
//   list whose elements are in an array as well.
// - References are sorted by target one partition of 65,536 numbers at a time, just before they are
//   needed, so no array of all incoming references is ever made.
// - Labels hold semidominators, not the nodes that have them: only the smallest one is needed.
// - Path compression reverses pointers on its way up and restores them on its way down: no stack.

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/dominator_search.h"
#include "base/side_table.h"

#define PARTITION_NODES (1u << PARTITION_SHIFT)
// Each source's links are prefetched in FETCH_STAGES steps, FETCH_DISTANCE sources apart.
#define FETCH_DISTANCE 12u
#define FETCH_STAGES 8u
#define FETCH_RING 128u

// The state of path compression for a node, in one place because it is used together.
typedef struct Link {
    uint32_t ancestor;
    uint32_t label; // smallest semidominator from here up to below the ancestor
} Link;

typedef struct Semi {
    DominatorSearch *search;
    Link *links;
    uint32_t *semidominators;
    uint32_t *ends;             // of one partition: the end of each target's sources in `sorted`
    uint32_t *sorted;           // sources, by target
    uint64_t capacity;          // of sorted
    uint32_t ahead[FETCH_RING]; // by place in `sorted`: the node that was prefetched last
} Semi;

_Static_assert(FETCH_RING > FETCH_DISTANCE * FETCH_STAGES, "the ring is long enough");

static bool semi_init(Semi *semi, Error *error)
{
    uint64_t nodes = semi->search->node_count;

    semi->links = side_table_new(nodes * sizeof *semi->links);
    semi->semidominators = side_table_new(nodes * sizeof *semi->semidominators);
    semi->ends = malloc((PARTITION_NODES + 1) * sizeof *semi->ends);
    if (semi->links == NULL || semi->semidominators == NULL || semi->ends == NULL)
        return error_set_memory(error, nodes * (sizeof *semi->links + 4), "dominators");
    return true;
}

static void semi_release(Semi *semi)
{
    uint64_t nodes = semi->search->node_count;

    side_table_free(semi->links, nodes * sizeof *semi->links);
    side_table_free(semi->semidominators, nodes * sizeof *semi->semidominators);
    free(semi->ends);
    free(semi->sorted);
}

// Sorts the sources of one partition by target. Errors: memory, unsupported.
static bool sort_partition(Semi *semi, uint32_t partition, Error *error)
{
    const DominatorSearch *search = semi->search;
    uint64_t count = 0;
    uint32_t *ends = semi->ends;

    memset(ends, 0, (PARTITION_NODES + 1) * sizeof *ends);
    for (uint32_t i = search->partitions[partition]; i != NO_CHUNK; i = search->chunks[i].next)
        count += search->chunks[i].used;
    if (count > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu references to neighbouring objects are too many",
                         (unsigned long long)count);
    if (count > semi->capacity) {
        free(semi->sorted);
        semi->capacity = count;
        semi->sorted = malloc(count * sizeof *semi->sorted);
        if (semi->sorted == NULL)
            return error_set_memory(error, count * sizeof *semi->sorted, "dominators");
    }
    for (uint32_t i = search->partitions[partition]; i != NO_CHUNK; i = search->chunks[i].next)
        for (uint32_t pair = 0; pair < search->chunks[i].used; pair++)
            ends[search->chunks[i].targets[pair] + 1]++;
    for (uint32_t target = 0; target < PARTITION_NODES; target++)
        ends[target + 1] += ends[target];
    // ends[target] is the target's beginning here; the loop turns it into its end.
    for (uint32_t i = search->partitions[partition]; i != NO_CHUNK; i = search->chunks[i].next)
        for (uint32_t pair = 0; pair < search->chunks[i].used; pair++)
            semi->sorted[ends[search->chunks[i].targets[pair]]++] = search->chunks[i].sources[pair];
    return true;
}

// The smallest semidominator on the way from `number` up to the last node above `limit`; shortens
// that way for the next time.
static uint32_t find_label(Link *links, uint32_t number, uint32_t limit)
{
    uint32_t below = 0, root, label;

    while (links[number].ancestor > limit) {
        uint32_t above = links[number].ancestor;

        links[number].ancestor = below;
        below = number;
        number = above;
    }
    root = links[number].ancestor;
    label = links[number].label;
    while (below != 0) {
        uint32_t next = links[below].ancestor;

        if (label < links[below].label)
            links[below].label = label;
        label = links[below].label;
        links[below].ancestor = root;
        below = next;
    }
    return label;
}

// Walks ahead of find_label(), one step up for each of several later sources, so that their links
// have been prefetched by then. A wrong guess costs time only.
static inline void fetch_ahead(Semi *semi, uint32_t at, uint32_t number)
{
    if (at < FETCH_STAGES * FETCH_DISTANCE)
        return;
    for (uint32_t stage = 1; stage < FETCH_STAGES; stage++) {
        uint32_t *place = &semi->ahead[(at - stage * FETCH_DISTANCE) % FETCH_RING];
        uint32_t above = semi->links[*place].ancestor;

        if (above > number) {
            *place = above;
            __builtin_prefetch(&semi->links[above], 1);
        }
    }
    at -= FETCH_STAGES * FETCH_DISTANCE;
    semi->ahead[at % FETCH_RING] = semi->sorted[at];
    __builtin_prefetch(&semi->links[semi->sorted[at]], 1);
}

static void find_semidominators(Semi *semi, uint32_t partition)
{
    const DominatorSearch *search = semi->search;
    uint32_t base = partition << PARTITION_SHIFT;
    uint32_t last = PARTITION_NODES;
    uint32_t at = semi->ends[PARTITION_NODES - 1]; // all sources of the partition

    if (search->node_count - base < last)
        last = search->node_count - base;
    // The top has no dominator.
    for (uint32_t local = last; local-- > (base == 0 ? 1u : 0u);) {
        uint32_t number = base + local;
        uint32_t least = search->parents[number];
        uint32_t begin = local == 0 ? 0 : semi->ends[local - 1];

        while (at > begin) {
            uint32_t source = semi->sorted[--at], label = source;

            fetch_ahead(semi, at, number);
            if (source > number)
                label = find_label(semi->links, source, number);
            least = label < least ? label : least;
        }
        semi->semidominators[number] = least;
        semi->links[number] = (Link){search->parents[number], least};
    }
}

// A node of the dominator tree that is being made: see the head of this file.
typedef struct Skip {
    uint32_t ancestor; // a distant ancestor
    uint32_t depth;
} Skip;

_Static_assert(sizeof(Skip) == sizeof(Link), "skips take the place of links");

// Turns parents into dominators, ascending, so that all above a node are settled before it.
static void find_dominators(Semi *semi)
{
    uint32_t *dominators = semi->search->parents;
    const uint32_t *semidominators = semi->semidominators;
    Skip *skips = (Skip *)semi->links;

    skips[0] = (Skip){0, 0};
    for (uint32_t number = 1; number < semi->search->node_count; number++) {
        uint32_t above = dominators[number], limit = semidominators[number];

        while (above > limit)
            above = skips[above].ancestor > limit ? skips[above].ancestor : dominators[above];
        dominators[number] = above;
        // Two jumps of the same length become one twice as long.
        uint32_t far = skips[above].ancestor, farther = skips[far].ancestor;
        bool is_even =
            skips[above].depth - skips[far].depth == skips[far].depth - skips[farther].depth;

        skips[number] = (Skip){is_even ? farther : above, skips[above].depth + 1};
    }
}

bool dominator_search_dominate(DominatorSearch *search, const AnalysisProgress *progress,
                               Error *error)
{
    Semi semi = {.search = search};
    bool ok = semi_init(&semi, error);

    for (uint32_t partition = search->partition_count; ok && partition-- > 0;) {
        ok = sort_partition(&semi, partition, error);
        if (ok)
            find_semidominators(&semi, partition);
        analysis_progress_report(progress, search->partition_count - partition,
                                 search->partition_count);
    }
    if (ok)
        find_dominators(&semi);
    semi_release(&semi);
    return ok;
}
