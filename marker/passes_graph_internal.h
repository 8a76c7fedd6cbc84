// PassesGraph: the references of all live objects and foreign blocks of an image, for marking it in
// passes (marker/mark_in_passes.h).
//
// Nodes are the live objects, ascending by address, and all foreign blocks behind them. Pieces of
// PIECE_NODES of them have their references in one array each, so threads share nothing, and no
// reference exists twice. A reference that is invalid is an entry, too, since marked objects'
// invalid references are counted; one to a DEAD object is not.

#ifndef MARKER_PASSES_GRAPH_INTERNAL_H
#define MARKER_PASSES_GRAPH_INTERNAL_H

#include "marker/mark.h"

#define PIECE_SHIFT 15u
#define PIECE_NODES (1u << PIECE_SHIFT)
#define INVALID_NODE UINT32_MAX

typedef struct PassesPiece {
    uint32_t *targets; // owned
    uint64_t count;
    uint64_t capacity;
} PassesPiece;

// All data that resolving a reference into a page needs, in one place. References into other pages
// than simple ones go through heap_image_resolve().
typedef struct PassesPage {
    uint64_t live;        // bit per slot
    uint32_t first_node;  // of the page's first live object
    uint16_t header_size; // offset of slot 0
    uint8_t shift;        // log2 of the slots' bytes
    uint8_t is_simple;    // at most 64 slots of a power of two, young in a minor mark, none DEAD
} PassesPage;

typedef struct PassesGraph {
    const HeapImage *image;
    MarkKind kind;
    uint32_t object_count;
    uint32_t node_count;
    uint32_t *page_nodes; // by page: the node of its first live object; one more at the end
    uint32_t *ends;       // by node: where its references end in its piece
    PassesPiece *pieces;
    uint32_t piece_count;
    PassesPage *window; // per bucket of the image's page window, while references are resolved
    uint64_t low;       // the addresses of all pages and blocks
    uint64_t span;
} PassesGraph;

// Numbers the nodes. `graph` has an image and a kind, and is released whatever happens.
// Errors: memory, unsupported.
NODISCARD bool passes_graph_number(PassesGraph *graph, Error *error);

// Resolves all references, on several threads (0: one a CPU). Errors: memory, unsupported, those of
// reading pages.
NODISCARD bool passes_graph_resolve(PassesGraph *graph, uint32_t threads, Error *error);
void passes_graph_release(PassesGraph *graph);

// The node that a reference leads to, or INVALID_NODE; false: to none that is marked or counted.
bool passes_graph_target(const PassesGraph *graph, const Reference *reference, uint32_t *target);

static inline bool passes_graph_is_old(const PassesGraph *graph, uint32_t page)
{
    return graph->kind == MARK_MINOR && heap_image_generation(graph->image, page) > 0;
}

#endif
