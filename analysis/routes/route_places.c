// RoutePlaces: see analysis/routes/route_places_internal.h.

#include <stdlib.h>
#include <string.h>

#include "analysis/routes/route_places_internal.h"

// A node with at least as many references is wide.
#define WIDE_EDGES 20u
// The claim of a wide node of an object is larger than any other.
#define STRONG_CLAIM (UINT64_C(1) << 40)

typedef struct PlaceSearch {
    const DominatorTree *tree;
    const PathTree *paths;
    RoutePlaces *out;
    uint8_t *is_pillar;  // bit per node
    uint32_t *tops;      // by node, of the nodes that dominate it: the highest one
    uint8_t *is_direct;  // bit per node: its dominator is a holder, or refers to it
    uint8_t *is_claimed; // bit per node: a wide node refers to it
    uint32_t *joints;    // by node: the nearest joint that dominates it, itself included; else its
                         // top
    uint32_t *numbers;   // by node that may be adopted: from 1; 0 for the others
    uint32_t count;
    uint32_t *places; // by number: the place so far
    uint64_t *claims; // by number: of the place
} PlaceSearch;

void route_places_release(RoutePlaces *places)
{
    free(places->is_rooted);
    free(places->is_moved);
    free(places->order);
    free(places->adoptions);
    *places = (RoutePlaces){.adoption_count = 0};
}

static void set_bit(uint8_t *bits, uint32_t node)
{
    bits[node / 8] |= (uint8_t)(1u << node % 8);
}

static uint64_t edges_of(const ObjectGraph *graph, uint32_t node)
{
    return object_graph_first_edge(graph, node + 1) - object_graph_first_edge(graph, node);
}

static void find_pillars(const PlaceSearch *search)
{
    const DominatorTree *tree = search->tree;
    uint8_t *is_rooted = search->out->is_rooted;

    for (uint64_t i = 0; i < tree->graph->root_count; i++)
        set_bit(is_rooted, tree->graph->roots[i].node);
    for (uint32_t at = 0; at < search->paths->reached_count; at++) {
        uint32_t node = search->paths->order[at], above = tree->dominators[node];
        uint32_t top = dominator_tree_is_holder(tree, above) ? node : search->tops[above];

        search->tops[node] = top;
        if (route_places_has(is_rooted, top) && edges_of(tree->graph, node) >= WIDE_EDGES)
            set_bit(search->is_pillar, top);
    }
}

static void find_direct(const PlaceSearch *search)
{
    const DominatorTree *tree = search->tree;

    for (uint32_t at = 0; at < search->paths->reached_count; at++) {
        uint32_t node = search->paths->order[at];
        uint64_t end = object_graph_first_edge(tree->graph, node + 1);
        bool is_wide = edges_of(tree->graph, node) >= WIDE_EDGES;

        if (dominator_tree_is_holder(tree, tree->dominators[node]))
            set_bit(search->is_direct, node);
        for (uint64_t edge = object_graph_first_edge(tree->graph, node); edge < end; edge++) {
            uint32_t target = tree->graph->targets[edge];

            if (object_graph_is_residue(tree->graph, edge))
                continue;
            if (tree->dominators[target] == node)
                set_bit(search->is_direct, target);
            if (is_wide)
                set_bit(search->is_claimed, target);
        }
    }
}

// Numbers the nodes that may be adopted. Of joints, those that a wide node refers to.
static void count_orphans(PlaceSearch *search)
{
    const PathTree *paths = search->paths;
    const DominatorTree *tree = search->tree;

    for (uint32_t at = 0; at < paths->reached_count; at++) {
        uint32_t node = paths->order[at], above = tree->dominators[node];
        bool is_joint = !route_places_has(search->is_direct, node) &&
                        route_places_has(search->is_claimed, node);

        search->joints[node] =
            is_joint || dominator_tree_is_holder(tree, above) ? node : search->joints[above];
        if (is_joint ||
            (dominator_tree_is_holder(tree, above) && !route_places_has(search->is_pillar, node)))
            search->numbers[node] = ++search->count;
    }
}

// Does a node, or the object that a block belongs to, hang below an object?
static bool is_of_object(const DominatorTree *tree, uint32_t node)
{
    while (!dominator_tree_is_holder(tree, node) && object_graph_is_block(tree->graph, node))
        node = tree->dominators[node];
    return !dominator_tree_is_holder(tree, node);
}

// How well a node explains that what it refers to is alive.
static uint64_t claim_of(const DominatorTree *tree, uint32_t place)
{
    uint64_t edges = edges_of(tree->graph, place);

    return edges + (edges >= WIDE_EDGES && is_of_object(tree, place) ? STRONG_CLAIM : 0);
}

// May a node adopt another one that it refers to?
static bool may_adopt(const PlaceSearch *search, uint32_t place, uint32_t node)
{
    if (route_places_has(search->is_direct, node))
        return route_places_has(search->is_pillar, search->tops[place]);
    return search->joints[place] == search->joints[search->tree->dominators[node]];
}

// Lets nodes claim what they refer to.
static void claim_orphans(const PlaceSearch *search)
{
    const ObjectGraph *graph = search->tree->graph;

    for (uint32_t at = 0; at < search->paths->reached_count; at++) {
        uint32_t place = search->paths->order[at];
        uint64_t edge = object_graph_first_edge(graph, place), claim = 0;

        for (; edge < object_graph_first_edge(graph, place + 1); edge++) {
            uint32_t target = graph->targets[edge], number = search->numbers[target];

            if (number == 0 || target == place || object_graph_is_residue(graph, edge) ||
                !may_adopt(search, place, target))
                continue;
            claim = claim != 0 ? claim : claim_of(search->tree, place);
            if (claim <= search->claims[number - 1])
                continue;
            search->claims[number - 1] = claim;
            search->places[number - 1] = place;
        }
    }
}

static int compare_adoptions(const void *left, const void *right)
{
    const Adoption *a = left, *b = right;

    if (a->place != b->place)
        return a->place < b->place ? -1 : 1;
    return a->node < b->node ? -1 : a->node > b->node;
}

// Nodes that roots refer to, and those that two ways lead to, stay where they are unless the claim
// is strong. `numbers` tells afterwards which ones were adopted.
static void adopt_orphans(const PlaceSearch *search)
{
    const PathTree *paths = search->paths;
    RoutePlaces *out = search->out;

    for (uint32_t at = 0; at < paths->reached_count; at++) {
        uint32_t node = paths->order[at], number = search->numbers[node];
        uint64_t claim;

        if (number == 0)
            continue;
        claim = search->claims[number - 1];
        if (claim < STRONG_CLAIM && (route_places_has(out->is_rooted, node) ||
                                     !route_places_has(search->is_direct, node))) {
            search->numbers[node] = 0;
            continue;
        }
        if (route_places_has(search->is_direct, node))
            out->is_rooted[node / 8] &= (uint8_t) ~(1u << node % 8);
        else
            set_bit(out->is_moved, node);
        if (claim == 0)
            search->places[number - 1] = paths->parents[node];
        out->adoptions[out->adoption_count++] =
            (Adoption){.place = search->places[number - 1], .node = node};
    }
    if (out->adoption_count > 0)
        qsort(out->adoptions, out->adoption_count, sizeof *out->adoptions, compare_adoptions);
}

// Counts the adopted nodes on the way down to a node: its level. A node that two ways lead to hangs
// one level below its dominator, as its place is on the dominator's.
static uint32_t level_of(const PlaceSearch *search, const uint32_t *levels, uint32_t node)
{
    uint32_t above = search->tree->dominators[node], number = search->numbers[node];

    if (number != 0 && route_places_has(search->is_direct, node))
        return levels[search->places[number - 1]] + 1;
    if (dominator_tree_is_holder(search->tree, above))
        return 0;
    return levels[above] + (number != 0);
}

// Sorts the nodes by level. The levels of places below pillars come first, since these are never
// adopted; they replace the tops.
static bool order_nodes(const PlaceSearch *search)
{
    const PathTree *paths = search->paths;
    uint32_t highest = 0, *starts, *levels = search->tops;

    // It is not needed any more: from here on, bit per node: below a pillar.
    memset(search->is_claimed, 0, search->tree->graph->node_count / 8 + 1);
    for (uint32_t at = 0; at < paths->reached_count; at++)
        if (route_places_has(search->is_pillar, search->tops[paths->order[at]]))
            set_bit(search->is_claimed, paths->order[at]);
    for (int is_later = 0; is_later < 2; is_later++)
        for (uint32_t at = 0; at < paths->reached_count; at++) {
            uint32_t node = paths->order[at];

            if (route_places_has(search->is_claimed, node) == (is_later != 0))
                continue;
            levels[node] = level_of(search, levels, node);
            highest = levels[node] > highest ? levels[node] : highest;
        }
    starts = calloc(highest + UINT64_C(2), sizeof *starts);
    search->out->order = calloc((size_t)paths->reached_count + 1, sizeof *search->out->order);
    if (starts != NULL && search->out->order != NULL) {
        for (uint32_t at = 0; at < paths->reached_count; at++)
            starts[levels[paths->order[at]] + 1]++;
        for (uint32_t level = 0; level < highest; level++)
            starts[level + 1] += starts[level];
        for (uint32_t at = 0; at < paths->reached_count; at++)
            search->out->order[starts[levels[paths->order[at]]]++] = paths->order[at];
    }
    free(starts);
    return starts != NULL && search->out->order != NULL;
}

bool route_places_find(const DominatorTree *tree, const PathTree *paths, uint32_t *const spare[2],
                       RoutePlaces *out, Error *error)
{
    PlaceSearch search = {
        .tree = tree, .paths = paths, .out = out, .tops = spare[0], .numbers = spare[1]};
    size_t nodes = tree->graph->node_count;
    bool ok;

    *out =
        (RoutePlaces){.is_rooted = calloc(nodes / 8 + 1, 1), .is_moved = calloc(nodes / 8 + 1, 1)};
    search.is_pillar = calloc(nodes / 8 + 1, 1);
    search.is_direct = calloc(nodes / 8 + 1, 1);
    search.is_claimed = calloc(nodes / 8 + 1, 1);
    search.joints = calloc(nodes + 1, sizeof *search.joints);
    ok = out->is_rooted != NULL && out->is_moved != NULL && search.is_pillar != NULL &&
         search.is_direct != NULL && search.is_claimed != NULL && search.joints != NULL;
    if (ok) {
        find_pillars(&search);
        find_direct(&search);
        count_orphans(&search);
        search.places = calloc((size_t)search.count + 1, sizeof *search.places);
        search.claims = calloc((size_t)search.count + 1, sizeof *search.claims);
        out->adoptions = calloc((size_t)search.count + 1, sizeof *out->adoptions);
        ok = search.places != NULL && search.claims != NULL && out->adoptions != NULL;
    }
    if (ok) {
        claim_orphans(&search);
        adopt_orphans(&search);
        // The order takes as much.
        free(search.joints);
        search.joints = NULL;
        ok = order_nodes(&search);
    }
    if (!ok)
        (void)error_set_memory(error, nodes * 9 + search.count * UINT64_C(20), "routes");
    memset(spare[0], 0, nodes * sizeof *spare[0]);
    memset(spare[1], 0, nodes * sizeof *spare[1]);
    free(search.is_pillar);
    free(search.is_direct);
    free(search.is_claimed);
    free(search.joints);
    free(search.places);
    free(search.claims);
    return ok;
}

uint64_t route_places_first(const RoutePlaces *places, uint32_t place)
{
    uint64_t low = 0, high = places->adoption_count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;

        if (places->adoptions[middle].place < place)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
