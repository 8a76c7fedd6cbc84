// EdgePieces: the references of a graph while it is being built, in pieces of the heap that threads
// resolve independently of each other.
//
// A piece holds the targets of its nodes' references in the order of the nodes, and how many each
// node has is in the graph's edge_offsets, until object_graph_build.c gives all of them their
// places.

#ifndef ANALYSIS_GRAPH_EDGE_PIECES_INTERNAL_H
#define ANALYSIS_GRAPH_EDGE_PIECES_INTERNAL_H

#include "analysis/graph/object_graph.h"

#define SEGMENT_BYTES ((size_t)1 << 20)
#define SEGMENT_EDGES ((SEGMENT_BYTES - 16) / sizeof(uint32_t))

// Edges in the order in which they were found. A mapping of its own, so that only its used part
// takes memory, and freeing returns it to the kernel.
typedef struct EdgeSegment {
    struct EdgeSegment *next;
    uint64_t used;
    uint32_t targets[SEGMENT_EDGES];
} EdgeSegment;

typedef struct EdgePiece {
    uint32_t first_node;
    EdgeSegment *first;
    EdgeSegment *last;
} EdgePiece;

// Errors: memory.
NODISCARD bool edge_piece_add_segment(EdgePiece *piece, Error *error);
void edge_piece_release(EdgePiece *piece);

static inline bool edge_piece_add(EdgePiece *piece, uint32_t target, Error *error)
{
    if ((piece->last == NULL || piece->last->used == SEGMENT_EDGES) &&
        !edge_piece_add_segment(piece, error))
        return false;
    piece->last->targets[piece->last->used++] = target;
    return true;
}

// ---- blocks without content (object_graph_sized.c) ----
//
// While pieces are resolved, graph->node_count is the number of objects and foreign blocks, and a
// reference to block without content B has the target node_count + B. graph_place_sized() decides
// which of these blocks are nodes, numbers them behind all others, drops the references to those
// that are not, and fills the last piece with the references among them.
//
// pieces: `count` of them, ascending by first node; the last one is empty. Errors: memory.
NODISCARD bool graph_place_sized(ObjectGraph *graph, EdgePiece *pieces, uint64_t count,
                                 uint32_t threads, Error *error);

#endif
