// ObjectGraph: blocks without content, the bytes of strings and buffers.
//
// Note [Owned bytes]
//
// Nearly all of them have one owner: a string is referred to by one object. Making each a node
// would double the graph. So blocks without content that refer to each other, in whichever
// direction, are one *cluster*, and a cluster to which references of one object or foreign block
// alone lead has no nodes: whatever of it is reached is dominated by this owner, so its bytes are
// added to the owner's own where sizes are made. The reached blocks of all other clusters are nodes
// like foreign blocks, with the references among them as edges. Retained sizes are the same as if
// all were nodes.
//
// Shared blocks are kept by memory outside of the graph too, so nothing in it dominates them: they
// are left out.

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/edge_pieces_internal.h"
#include "base/parallel_for.h"
#include "base/search.h"
#include "base/side_table.h"

// Of a cluster to which several nodes refer.
#define MANY_OWNERS (NO_NODE - 1)

typedef struct SizedPlacement {
    ObjectGraph *graph;
    const SnapshotDetails *details;
    EdgePiece *pieces;
    uint64_t piece_count; // with the last one, which is for the blocks' own references
    uint32_t base;        // number of objects and foreign blocks
    uint32_t
        *clusters;    // by block: a block of its cluster, in the end the first one; NULL: no links
    uint32_t *owners; // by the first block of a cluster: the node that refers to it
    uint8_t *is_reached; // by block
    uint32_t *worklist;  // blocks that are reached, and whose links are still to be followed
    uint32_t waiting;
} SizedPlacement;

static bool placement_init(SizedPlacement *placement, ObjectGraph *graph, Error *error)
{
    const SnapshotDetails *details = graph->image->details;
    uint64_t count = details->sized_block_count;

    placement->graph = graph;
    placement->details = details;
    placement->base = graph->node_count;
    placement->owners = side_table_new(count * sizeof *placement->owners);
    placement->is_reached = side_table_new(count);
    graph->sized_owners = side_table_new(count * sizeof *graph->sized_owners);
    if (details->sized_link_count > 0) {
        placement->clusters = side_table_new(count * sizeof *placement->clusters);
        placement->worklist = side_table_new(count * sizeof *placement->worklist);
    }
    if (placement->owners == NULL || placement->is_reached == NULL || graph->sized_owners == NULL ||
        (details->sized_link_count > 0 &&
         (placement->clusters == NULL || placement->worklist == NULL)))
        return error_set_memory(error, count * 17, "blocks without content");
    memset(placement->owners, 0xff, count * sizeof *placement->owners);
    return true;
}

static void placement_release(SizedPlacement *placement)
{
    uint64_t count = placement->details->sized_block_count;

    side_table_free(placement->owners, count * sizeof *placement->owners);
    side_table_free(placement->is_reached, count);
    side_table_free(placement->clusters, count * sizeof *placement->clusters);
    side_table_free(placement->worklist, count * sizeof *placement->worklist);
}

// ---- clusters ----

static uint32_t cluster_of(uint32_t *clusters, uint32_t block)
{
    while (clusters[block] != block) {
        clusters[block] = clusters[clusters[block]];
        block = clusters[block];
    }
    return block;
}

// Afterwards each block has the first block of its cluster.
static void find_clusters(SizedPlacement *placement)
{
    const SnapshotDetails *details = placement->details;
    uint32_t *clusters = placement->clusters;

    if (clusters == NULL)
        return;
    for (uint32_t block = 0; block < details->sized_block_count; block++)
        clusters[block] = block;
    for (uint32_t i = 0; i < details->sized_link_count; i++) {
        uint32_t from = cluster_of(clusters, details->sized_links[i].from);
        uint32_t to = cluster_of(clusters, details->sized_links[i].to);

        if (from < to)
            clusters[to] = from;
        else
            clusters[from] = to;
    }
    for (uint32_t block = 0; block < details->sized_block_count; block++)
        clusters[block] = cluster_of(clusters, block);
}

// ---- owners ----

static void reach(SizedPlacement *placement, uint32_t block)
{
    if (placement->is_reached[block])
        return;
    placement->is_reached[block] = 1;
    if (placement->worklist != NULL)
        placement->worklist[placement->waiting++] = block;
}

static void add_reference(SizedPlacement *placement, uint32_t node, uint32_t block)
{
    uint32_t *owner =
        &placement->owners[placement->clusters != NULL ? placement->clusters[block] : block];

    *owner = *owner == NO_NODE || *owner == node ? node : MANY_OWNERS;
    reach(placement, block);
}

// Visits the references of all pieces to blocks without content.
static void find_owners(SizedPlacement *placement)
{
    const uint32_t *degrees = placement->graph->edge_offsets;

    for (uint64_t p = 0; p + 1 < placement->piece_count; p++) {
        uint32_t node = placement->pieces[p].first_node, left = 0;

        for (const EdgeSegment *segment = placement->pieces[p].first; segment != NULL;
             segment = segment->next)
            for (uint64_t i = 0; i < segment->used; i++, left--) {
                if (left == 0)
                    for (left = degrees[node++]; left == 0;)
                        left = degrees[node++];
                if (segment->targets[i] >= placement->base)
                    add_reference(placement, node - 1, segment->targets[i] - placement->base);
            }
    }
}

static uint64_t first_link(const SnapshotDetails *details, uint32_t block)
{
    return search_from(details->sized_links, details->sized_link_count, from, block);
}

static void follow_links(SizedPlacement *placement)
{
    const SnapshotDetails *details = placement->details;

    while (placement->waiting > 0) {
        uint32_t block = placement->worklist[--placement->waiting];

        for (uint64_t i = first_link(details, block);
             i < details->sized_link_count && details->sized_links[i].from == block; i++)
            reach(placement, details->sized_links[i].to);
    }
}

// Fills sized_owners, and numbers the blocks that are nodes.
static bool number_blocks(SizedPlacement *placement, Error *error)
{
    const SnapshotDetails *details = placement->details;
    ObjectGraph *graph = placement->graph;
    uint32_t count = 0;

    for (uint32_t block = 0; block < details->sized_block_count; block++) {
        uint32_t cluster = placement->clusters != NULL ? placement->clusters[block] : block;
        uint32_t owner = placement->owners[cluster];

        if (!placement->is_reached[block])
            owner = NO_NODE;
        else if (owner == MANY_OWNERS)
            owner = placement->base + count++;
        graph->sized_owners[block] = owner;
    }
    graph->sized_nodes = malloc(((size_t)count + 1) * sizeof *graph->sized_nodes);
    if (graph->sized_nodes == NULL)
        return error_set_memory(error, count * sizeof *graph->sized_nodes,
                                "blocks without content");
    for (uint32_t block = 0; block < details->sized_block_count; block++)
        if (graph->sized_owners[block] != NO_NODE && graph->sized_owners[block] >= placement->base)
            graph->sized_nodes[graph->sized_owners[block] - placement->base] = block;
    graph->node_count += count;
    return true;
}

// ---- edges ----

// Replaces the references of a piece to blocks that are nodes, and drops those to the others.
static bool renumber_piece(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const SizedPlacement *placement = context;
    const ObjectGraph *graph = placement->graph;
    uint32_t node = placement->pieces[item].first_node, left = 0;

    (void)worker, (void)error;
    for (EdgeSegment *segment = placement->pieces[item].first; segment != NULL;
         segment = segment->next) {
        uint64_t kept = 0;

        for (uint64_t i = 0; i < segment->used; i++, left--) {
            uint32_t target = segment->targets[i];

            if (left == 0)
                for (left = graph->edge_offsets[node++]; left == 0;)
                    left = graph->edge_offsets[node++];
            if (target >= placement->base)
                target = graph->sized_owners[target - placement->base];
            if (segment->targets[i] < placement->base || target >= placement->base)
                segment->targets[kept++] = target;
            else
                graph->edge_offsets[node - 1]--;
        }
        segment->used = kept;
    }
    return true;
}

// Room for the degrees of the nodes that are added.
static bool extend_degrees(SizedPlacement *placement, Error *error)
{
    ObjectGraph *graph = placement->graph;
    uint64_t old_bytes = ((uint64_t)placement->base + 1) * sizeof *graph->edge_offsets;
    uint64_t bytes = ((uint64_t)graph->node_count + 1) * sizeof *graph->edge_offsets;
    uint32_t *extended;

    if (bytes == old_bytes)
        return true;
    extended = side_table_new(bytes);
    if (extended == NULL)
        return error_set_memory(error, bytes, "a graph of objects");
    memcpy(extended, graph->edge_offsets, old_bytes);
    side_table_free(graph->edge_offsets, old_bytes);
    graph->edge_offsets = extended;
    return true;
}

static bool add_links(SizedPlacement *placement, Error *error)
{
    const SnapshotDetails *details = placement->details;
    ObjectGraph *graph = placement->graph;
    EdgePiece *piece = &placement->pieces[placement->piece_count - 1];

    piece->first_node = placement->base;
    if (details->sized_link_count == 0)
        return true;
    for (uint32_t node = placement->base; node < graph->node_count; node++) {
        uint32_t block = graph->sized_nodes[node - placement->base];

        for (uint64_t i = first_link(details, block);
             i < details->sized_link_count && details->sized_links[i].from == block; i++) {
            if (!edge_piece_add(piece, graph->sized_owners[details->sized_links[i].to], error))
                return false;
            graph->edge_offsets[node]++;
        }
    }
    return true;
}

bool graph_place_sized(ObjectGraph *graph, EdgePiece *pieces, uint64_t count, uint32_t threads,
                       Error *error)
{
    SizedPlacement placement = {.pieces = pieces, .piece_count = count};
    uint64_t full = count - 1;
    bool ok;

    if (graph->image->details->sized_block_count == 0)
        return true;
    ok = placement_init(&placement, graph, error);
    if (ok) {
        find_clusters(&placement);
        find_owners(&placement);
        follow_links(&placement);
        ok = number_blocks(&placement, error);
    }
    if (ok && !extend_degrees(&placement, error)) {
        graph->node_count = placement.base; // the length of edge_offsets
        ok = false;
    }
    ok = ok &&
         parallel_for(full, parallel_for_threads(threads, full), renumber_piece, &placement,
                      error) &&
         add_links(&placement, error);
    placement_release(&placement);
    return ok;
}

void object_graph_add_owned_bytes(const ObjectGraph *graph, uint64_t *bytes)
{
    const SnapshotDetails *details = graph->image->details;

    for (uint32_t block = 0; graph->sized_owners != NULL && block < details->sized_block_count;
         block++)
        if (graph->sized_owners[block] < graph->foreign_end)
            bytes[graph->sized_owners[block]] += sized_block_bytes(&details->sized_blocks[block]);
}

void object_graph_count_sized(const ObjectGraph *graph, uint64_t *blocks, uint64_t *bytes)
{
    const SnapshotDetails *details = graph->image->details;

    *blocks = *bytes = 0;
    for (uint32_t block = 0; graph->sized_owners != NULL && block < details->sized_block_count;
         block++)
        if (graph->sized_owners[block] != NO_NODE) {
            *blocks += 1;
            *bytes += sized_block_bytes(&details->sized_blocks[block]);
        }
}
