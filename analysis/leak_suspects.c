// LeakSuspects: see analysis/leak_suspects.h.

#include "analysis/leak_suspects.h"

#include <stdlib.h>

// The children of a place with one type.
typedef struct TypeSum {
    uint64_t objects;
    uint64_t bytes;
    uint32_t example;
} TypeSum;

typedef struct SuspectSearch {
    const DominatorTree *tree;
    const NodeTypes *types;
    const CollectorMemory *collector;
    uint64_t least; // bytes that a suspect must retain
    TypeSum *sums;  // by type, zeroed between places
    LeakSuspects *out;
} SuspectSearch;

// True when no single child keeps most of the node's retained size.
static bool is_accumulation_point(const DominatorTree *tree, uint32_t node)
{
    uint64_t most = tree->retained_bytes[node] / 100 * DESCENT_SHARE;

    for (uint32_t i = tree->first_child[node]; i < tree->first_child[node + 1]; i++)
        if (tree->retained_bytes[tree->children[i]] >= most)
            return false;
    return true;
}

static uint32_t owner_of(const DominatorTree *tree, uint32_t node)
{
    while (!dominator_tree_is_holder(tree, node) && object_graph_is_block(tree->graph, node))
        node = tree->dominators[node];
    return node;
}

static bool is_before(const LeakSuspect *a, const LeakSuspect *b)
{
    bool a_is_crowd = a->objects >= SUSPECT_CROWD, b_is_crowd = b->objects >= SUSPECT_CROWD;

    return a_is_crowd != b_is_crowd ? a_is_crowd : a->retained_bytes > b->retained_bytes;
}

static void keep(LeakSuspects *out, const LeakSuspect *suspect)
{
    uint32_t place = out->count;

    while (place > 0 && is_before(suspect, &out->suspects[place - 1]))
        place--;
    if (place == MAX_SUSPECTS)
        return;
    if (out->count < MAX_SUSPECTS)
        out->count++;
    for (uint32_t later = out->count - 1; later > place; later--)
        out->suspects[later] = out->suspects[later - 1];
    out->suspects[place] = *suspect;
}

static bool is_of_collector(const SuspectSearch *search, uint32_t node)
{
    return !dominator_tree_is_holder(search->tree, node) &&
           collector_memory_has_node(search->collector, search->tree->graph, node);
}

static void find_suspect_at(SuspectSearch *search, uint32_t place)
{
    const DominatorTree *tree = search->tree;
    uint32_t first = tree->first_child[place], end = tree->first_child[place + 1];
    LeakSuspect best = {.place = place, .owner = owner_of(tree, place)};

    for (uint32_t i = first; i < end; i++) {
        uint32_t child = tree->children[i];
        TypeSum *sum;

        if (dominator_tree_is_holder(tree, child) || is_of_collector(search, child))
            continue;
        sum = &search->sums[search->types->by_node[child]];
        if (sum->objects++ == 0 || tree->retained_bytes[child] > tree->retained_bytes[sum->example])
            sum->example = child;
        sum->bytes += tree->retained_bytes[child];
    }
    for (uint32_t i = first; i < end; i++) {
        uint32_t child = tree->children[i], type;
        TypeSum *sum;

        if (dominator_tree_is_holder(tree, child) || is_of_collector(search, child))
            continue;
        type = search->types->by_node[child];
        sum = &search->sums[type];
        if (sum->objects > 1 && sum->bytes > best.retained_bytes) {
            best.type = type;
            best.example = sum->example;
            best.objects = sum->objects;
            best.retained_bytes = sum->bytes;
        }
        *sum = (TypeSum){0};
    }
    if (best.retained_bytes >= search->least)
        keep(search->out, &best);
}

bool leak_suspects_find(DominatorTree *tree, const NodeTypes *types,
                        const CollectorMemory *collector, LeakSuspects *out, Error *error)
{
    SuspectSearch search = {.tree = tree, .types = types, .collector = collector, .out = out};
    uint32_t top = dominator_tree_top(tree);

    out->count = 0;
    if (!dominator_tree_add_children(tree, error))
        return false;
    search.sums = calloc((size_t)types->type_count + 1, sizeof *search.sums);
    if (search.sums == NULL)
        return error_set_memory(error, types->type_count * sizeof *search.sums, "suspects");
    search.least = (tree->retained_bytes[top] - collector->block_bytes) / 100 * SUSPECT_SHARE + 1;
    for (uint32_t node = 0; node < tree->node_count; node++)
        // Children of a holder are kept alive by several roots, and by none of them alone.
        if (tree->retained_bytes[node] >= search.least && !is_of_collector(&search, node) &&
            (dominator_tree_is_holder(tree, node) || is_accumulation_point(tree, node)))
            find_suspect_at(&search, node);
    free(search.sums);
    return true;
}
