// ObjectGraph: the references among the marked objects and reached foreign blocks.
//
// Every reference is resolved once, into a compact array of targets (compressed sparse rows):
// 4 bytes a reference and 4.2 bytes a node. Walking the graph needs no addresses.
//
// Nodes are numbers. Marked objects come first, ascending by address; reached foreign blocks
// after them, ascending by address; and then the blocks without content that have several owners:
// see Note [Owned bytes]. References are those of rule conservative/1 that lead to a live object or
// a foreign block, one for each word, in the order of the words; so several words may give the same
// target, and an object may refer to itself.
//
//     for (uint64_t edge = object_graph_first_edge(graph, node);
//          edge < object_graph_first_edge(graph, node + 1); edge++)
//         visit(graph->targets[edge]);

#ifndef ANALYSIS_GRAPH_OBJECT_GRAPH_H
#define ANALYSIS_GRAPH_OBJECT_GRAPH_H

#include <stdbool.h>
#include <stdint.h>

#include "analysis/names/root_rank.h"
#include "marker/mark.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"

#define NO_NODE UINT32_MAX
// Node numbers, those of holders included, stay below this.
#define GRAPH_MAX_NODES (UINT32_MAX - 1)

// A root word that refers to a node.
typedef struct GraphRoot {
    uint64_t root; // index into HeapImage.roots
    uint32_t node;
    bool is_interior; // points inside the object, not to its start
    uint8_t rank;     // RootRank: how well it explains why the node is alive
} GraphRoot;

typedef struct ObjectGraph {
    const HeapImage *image; // borrowed
    const MarkResult *mark; // borrowed
    uint32_t object_count;
    uint32_t foreign_end; // objects and foreign blocks: the first block without content
    uint32_t node_count;  // objects and blocks
    uint64_t edge_count;
    uint32_t *page_nodes;  // per page: the node of its first marked object; one more at the end
    uint32_t *block_nodes; // per word of mark->marked_blocks: the node of its first bit
    // First edge of a node: its own entry plus the one of its group of GRAPH_GROUP_NODES.
    uint64_t *edge_bases;
    uint32_t *edge_offsets; // node_count + 1
    uint32_t *targets;      // edge_count
    uint64_t *residue;      // bit per edge: its word looks left over; NULL: none, or not known
    // By block without content: the node that alone refers to it, directly or through others, and
    // so owns its bytes; its own node where it has several owners; NO_NODE where none is reached.
    uint32_t *sized_owners; // NULL: the heap has none
    uint32_t *sized_nodes;  // by node from foreign_end on: the block without content
    uint64_t root_count;
    GraphRoot *roots; // in the order of the image's roots
    // Others that were left out after all (collector_memory_set_aside()).
    uint64_t roots_left_out;
} ObjectGraph;

#define GRAPH_GROUP_SHIFT 6u
#define GRAPH_GROUP_NODES (1u << GRAPH_GROUP_SHIFT)

// Where a long computation reports its progress. A zeroed struct drops the reports.
typedef struct AnalysisProgress {
    void (*report)(void *context, uint64_t done, uint64_t whole);
    void *context;
} AnalysisProgress;

// `progress` may be NULL.
static inline void analysis_progress_report(const AnalysisProgress *progress, uint64_t done,
                                            uint64_t whole)
{
    if (progress != NULL && progress->report != NULL)
        progress->report(progress->context, done, whole);
}

typedef struct ObjectGraphOptions {
    uint32_t threads;   // 0: one a CPU
    uint64_t max_bytes; // fail with ERROR_MEMORY when the graph takes more; 0: no limit
} ObjectGraphOptions;

// The graph of a major mark of `image`. Both are borrowed and must outlive it. options may be NULL.
// Errors: memory, unsupported (4,294,967,294 nodes or more; an object with 2^32 references).
// The caller owns `*out` and frees it with object_graph_free().
NODISCARD bool object_graph_new(const HeapImage *image, const MarkResult *mark,
                                const ObjectGraphOptions *options, ObjectGraph **out, Error *error);
void object_graph_free(ObjectGraph *graph);

// Flags the references that look left over (analysis/graph/residue_words.h): those of the graph's
// mark. Errors: memory.
typedef struct ResidueWords ResidueWords;
NODISCARD bool object_graph_flag_residue(ObjectGraph *graph, const ResidueWords *residue,
                                         Error *error);

// Bytes that the graph occupies.
uint64_t object_graph_bytes(const ObjectGraph *graph);

// node: 0..node_count; the edges of a node end where those of the next begin.
static inline uint64_t object_graph_first_edge(const ObjectGraph *graph, uint32_t node)
{
    return graph->edge_bases[node >> GRAPH_GROUP_SHIFT] + graph->edge_offsets[node];
}

static inline bool object_graph_is_residue(const ObjectGraph *graph, uint64_t edge)
{
    return graph->residue != NULL && (graph->residue[edge / 64] >> edge % 64 & 1) != 0;
}

static inline bool object_graph_is_block(const ObjectGraph *graph, uint32_t node)
{
    return node >= graph->object_count;
}

// The node of a marked object or a reached block.
uint32_t object_graph_object_node(const ObjectGraph *graph, uint32_t page, uint32_t slot);
uint32_t object_graph_block_node(const ObjectGraph *graph, uint32_t block);

// Where a node is in the image: an object's page and slot, or a block (then page is NO_INDEX).
// Blocks without content are numbered behind the foreign blocks, as in heap_image_block_address().
typedef struct NodePlace {
    uint32_t page;
    uint32_t slot;
    uint32_t block;
} NodePlace;

NodePlace object_graph_place(const ObjectGraph *graph, uint32_t node);
uint64_t object_graph_address(const ObjectGraph *graph, uint32_t node);
// The slot's size, a large object's exact size, or the block's length.
uint64_t object_graph_bytes_of(const ObjectGraph *graph, uint32_t node);

// Adds to bytes[node] the bytes of the blocks without content that the node alone owns, and that
// are not nodes. object_graph_bytes_of() does not count them.
void object_graph_add_owned_bytes(const ObjectGraph *graph, uint64_t *bytes);

// The reached blocks without content, nodes or not, and their bytes.
void object_graph_count_sized(const ObjectGraph *graph, uint64_t *blocks, uint64_t *bytes);

// The node of a reached block without content; of one that is not a node, its owner. NO_NODE: not
// reached, or shared.
static inline uint32_t object_graph_sized_node(const ObjectGraph *graph, uint32_t block)
{
    return graph->sized_owners == NULL ? NO_NODE : graph->sized_owners[block];
}

// Visits all nodes in ascending order, faster than calling object_graph_place() for each:
//
//     NodeCursor cursor = node_cursor(graph);
//     while (node_cursor_next(&cursor))
//         use(cursor.node, &cursor.place);
typedef struct NodeCursor {
    const ObjectGraph *graph;
    uint32_t node;
    NodePlace place;
    uint32_t word;      // of the page, or of the blocks
    uint64_t left;      // bits of that word that are still to be visited
    uint32_t next_node; // the next node
} NodeCursor;

NodeCursor node_cursor(const ObjectGraph *graph);
bool node_cursor_next(NodeCursor *cursor);

// Offset in the object or block of the first word that refers to `target`; UINT64_MAX: none.
uint64_t object_graph_reference_offset(const ObjectGraph *graph, uint32_t node, uint32_t target);

#endif
