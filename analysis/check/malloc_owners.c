// Malloc'd memory by owner: see analysis/check/malloc_owners.h.

#include "analysis/check/malloc_owners.h"

#include <stdlib.h>

#include "base/side_table.h"

// The nearest dominator of a node that is not a block. The owners of the blocks on the way are
// remembered, so that all walks together take as many steps as there are blocks.
static uint32_t owner_of(const DominatorTree *tree, uint32_t *owners, uint32_t block)
{
    const ObjectGraph *graph = tree->graph;
    uint32_t first = graph->object_count, owner = block;

    while (!dominator_tree_is_holder(tree, owner) && object_graph_is_block(graph, owner))
        owner = owners[owner - first] != NO_NODE ? owners[owner - first] : tree->dominators[owner];
    for (uint32_t at = block; at != owner && !dominator_tree_is_holder(tree, at) &&
                              object_graph_is_block(graph, at) && owners[at - first] == NO_NODE;
         at = tree->dominators[at])
        owners[at - first] = owner;
    return owner;
}

static void add_blocks(const DominatorTree *tree, const NodeTypes *types, uint32_t *owners,
                       const uint64_t *owned, uint64_t *bytes)
{
    const ObjectGraph *graph = tree->graph;

    for (uint32_t node = 0; node < graph->object_count; node++)
        bytes[types->by_node[node]] += owned[node];
    for (uint32_t node = graph->object_count; node < graph->node_count; node++) {
        uint32_t owner = owner_of(tree, owners, node);
        uint32_t type = dominator_tree_is_holder(tree, owner) ? node_types_foreign(types)
                                                              : types->by_node[owner];

        bytes[type] += object_graph_bytes_of(graph, node) + owned[node];
    }
}

bool malloc_owners_find(const DominatorTree *tree, const NodeTypes *types, uint64_t **out,
                        Error *error)
{
    const ObjectGraph *graph = tree->graph;
    uint64_t nodes = graph->node_count, blocks = nodes - graph->object_count;
    uint32_t *owners = side_table_new((blocks + 1) * sizeof *owners);
    uint64_t *owned = side_table_new((nodes + 1) * sizeof *owned);
    bool ok;

    *out = calloc((size_t)types->type_count + 1, sizeof **out);
    ok = owners != NULL && owned != NULL && *out != NULL;
    if (ok) {
        for (uint64_t i = 0; i < blocks; i++)
            owners[i] = NO_NODE;
        object_graph_add_owned_bytes(graph, owned);
        add_blocks(tree, types, owners, owned, *out);
    } else {
        (void)error_set_memory(error, blocks * sizeof *owners + nodes * sizeof *owned,
                               "the owners of malloc'd memory");
        free(*out);
        *out = NULL;
    }
    side_table_free(owners, (blocks + 1) * sizeof *owners);
    side_table_free(owned, (nodes + 1) * sizeof *owned);
    return ok;
}
