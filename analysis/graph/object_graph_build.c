// ObjectGraph: building it, on several threads.
//
// One pass over all words. Pieces of the heap are resolved independently of each other, each into
// edge segments of its own; once the degrees of all nodes are known, so are the places of all
// edges, and the segments are copied there and freed one by one. So the edges never exist twice,
// and the result does not depend on how the threads divide the work.

#include "analysis/graph/object_graph.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/edge_pieces_internal.h"
#include "analysis/graph/object_graph_internal.h"
#include "base/parallel_for.h"
#include "base/side_table.h"

#define PIECE_PAGES 1024u
#define PIECE_BLOCKS 4096u

// All data that resolving a reference into a page needs, in one place. References into other pages
// than simple ones go through graph_resolve().
typedef struct GraphPage {
    uint64_t marked;      // bit per slot
    uint32_t first_node;  // of the page's first marked object
    uint16_t header_size; // offset of slot 0
    uint8_t shift;        // log2 of the slots' bytes
    uint8_t is_simple;    // at most 64 slots of a power of two; 0: not a simple page, or none
} GraphPage;

typedef struct GraphBuild {
    ObjectGraph *graph;
    GraphPage *window; // per bucket of the image's page window
    AddressHull hull;
    uint64_t page_pieces;
    uint64_t piece_count; // the last one is for blocks without content
    EdgePiece *pieces;
    uint32_t threads;
    uint64_t max_bytes; // UINT64_MAX: no limit
} GraphBuild;

// ---- resolving ----

static void enter_in_window(GraphBuild *build, uint32_t page)
{
    const ObjectGraph *graph = build->graph;
    const HeapImage *image = graph->image;
    const HeapPage *record = &image->pages[page];
    uint64_t bucket = (record->address >> image->page_shift) - image->page_window.first;

    if (bucket >= image->page_window.count || record->slot_count > 64 ||
        heap_image_is_large(image, page) || (record->block_size & (record->block_size - 1)) != 0)
        return;
    build->window[bucket] = (GraphPage){
        .marked = graph->mark->marked[heap_image_first_word(image, page)],
        .first_node = graph->page_nodes[page],
        .header_size = record->header_size,
        .shift = (uint8_t)__builtin_ctz(record->block_size),
        .is_simple = 1,
    };
}

// The window is used for building only: later few words are resolved.
static bool make_window(GraphBuild *build, Error *error)
{
    const HeapImage *image = build->graph->image;
    uint64_t bytes = image->page_window.count * sizeof *build->window;

    build->window = side_table_new(bytes);
    if (build->window == NULL)
        return error_set_memory(error, bytes, "a graph of objects");
    for (uint32_t page = 0; page < image->page_count; page++)
        enter_in_window(build, page);
    return true;
}

// Any word; of blocks without content the number that they have for the time being.
static uint32_t resolve_slowly(const GraphBuild *build, uint64_t word)
{
    const ObjectGraph *graph = build->graph;
    const SnapshotDetails *details = graph->image->details;
    uint32_t node = graph_resolve(graph, word), block;

    if (node != NO_NODE || details->sized_block_count == 0)
        return node;
    block = heap_image_find_sized_block(graph->image, word);
    return block == NO_INDEX || sized_block_is_shared(&details->sized_blocks[block])
               ? NO_NODE
               : graph->node_count + block;
}

// The same as graph_resolve(), with one memory access for most words.
static inline uint32_t resolve(const GraphBuild *build, uint64_t word)
{
    const HeapImage *image = build->graph->image;
    uint64_t bucket = (word >> image->page_shift) - image->page_window.first;
    const GraphPage *page;
    uint64_t offset, slot;

    if (bucket >= image->page_window.count || !build->window[bucket].is_simple)
        return resolve_slowly(build, word);
    page = &build->window[bucket];
    // Wraps before slot 0, which gives an impossible slot.
    offset = (word & (image->layout.page_size - 1)) - page->header_size;
    slot = offset >> page->shift;
    if ((offset & ((UINT64_C(1) << page->shift) - 1)) != 0 || slot >= 64 ||
        (page->marked >> slot & 1) == 0)
        return NO_NODE;
    return page->first_node +
           (uint32_t)__builtin_popcountll(page->marked & ((UINT64_C(1) << slot) - 1));
}

// Always inline: gcc 12 considers a function that only prefetches to be without effect, and drops
// it.
static inline __attribute__((always_inline)) void fetch(const GraphBuild *build, uint64_t word)
{
    const HeapImage *image = build->graph->image;
    uint64_t bucket = (word >> image->page_shift) - image->page_window.first;

    if (bucket < image->page_window.count)
        __builtin_prefetch(&build->window[bucket]);
}

// Words are collected in batches, so that the data for resolving them is prefetched for many at
// once.
#define BATCH_WORDS 256u

typedef struct Batch {
    const GraphBuild *build;
    EdgePiece *piece;
    uint32_t used;
    uint32_t nodes[BATCH_WORDS]; // the node of each word
    uint64_t words[BATCH_WORDS];
} Batch;

// Resolves the words of a batch. edge_offsets holds the degrees of nodes until place_edges().
static bool flush(Batch *batch, Error *error)
{
    ObjectGraph *graph = batch->build->graph;
    EdgePiece *piece = batch->piece;

    for (uint32_t i = 0; i < batch->used; i++) {
        uint32_t node = resolve(batch->build, batch->words[i]);

        if (node == NO_NODE)
            continue;
        if (!edge_piece_add(piece, node, error))
            return false;
        graph->edge_offsets[batch->nodes[i]]++;
    }
    batch->used = 0;
    return true;
}

static bool add_words(Batch *batch, uint32_t node, NodeWords words, Error *error)
{
    const GraphBuild *build = batch->build;

    if (words.count > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED, "an object of %llu words is too large",
                         (unsigned long long)words.count);
    for (uint64_t i = 0; i < words.count; i++) {
        uint64_t word = load_u64(words.bytes + 8 * i);

        if (word - build->hull.start >= build->hull.bytes)
            continue;
        fetch(build, word);
        batch->nodes[batch->used] = node;
        batch->words[batch->used++] = word;
        if (batch->used == BATCH_WORDS && !flush(batch, error))
            return false;
    }
    return true;
}

static bool add_pages(Batch *batch, uint32_t first, uint32_t end, Error *error)
{
    const ObjectGraph *graph = batch->build->graph;
    const HeapImage *image = graph->image;
    uint32_t node = graph->page_nodes[first];

    batch->piece->first_node = node;
    for (uint32_t page = first; page < end; page++) {
        const uint64_t *marked = graph->mark->marked + heap_image_first_word(image, page);

        for (uint32_t word = 0; word < heap_image_page_words(image, page); word++)
            for (uint64_t left = marked[word]; left != 0; left &= left - 1) {
                uint32_t slot = word * 64 + (uint32_t)__builtin_ctzll(left);

                if (!add_words(batch, node++, graph_object_words(image, page, slot), error))
                    return false;
            }
    }
    return flush(batch, error);
}

static bool add_blocks(Batch *batch, uint32_t first, uint32_t end, Error *error)
{
    const ObjectGraph *graph = batch->build->graph;
    // `first` is a multiple of 64.
    uint32_t node = graph->block_nodes[first / 64];

    batch->piece->first_node = node;
    for (uint32_t block = first; block < end; block++)
        if ((graph->mark->marked_blocks[block / 64] >> block % 64 & 1) != 0 &&
            !add_words(batch, node++, graph_block_words(graph->image, block), error))
            return false;
    return flush(batch, error);
}

static uint32_t smaller(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

static bool resolve_piece(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const GraphBuild *build = context;
    const HeapImage *image = build->graph->image;
    Batch batch = {.build = build, .piece = &build->pieces[item]};

    (void)worker;
    if (item < build->page_pieces)
        return add_pages(&batch, (uint32_t)item * PIECE_PAGES,
                         smaller((item + 1) * PIECE_PAGES, image->page_count), error);
    item -= build->page_pieces;
    return add_blocks(&batch, (uint32_t)item * PIECE_BLOCKS,
                      smaller((item + 1) * PIECE_BLOCKS, image->block_count), error);
}

// ---- placing ----

// Turns degrees into first edges.
static bool place_edges(ObjectGraph *graph, Error *error)
{
    uint64_t edges = 0, base = 0;

    for (uint32_t node = 0; node <= graph->node_count; node++) {
        uint32_t degree = node < graph->node_count ? graph->edge_offsets[node] : 0;

        if (node % GRAPH_GROUP_NODES == 0)
            graph->edge_bases[node >> GRAPH_GROUP_SHIFT] = base = edges;
        if (edges - base > UINT32_MAX)
            return error_set(error, ERROR_UNSUPPORTED,
                             "%llu references of %u neighbouring objects are too many",
                             (unsigned long long)(edges - base), GRAPH_GROUP_NODES);
        graph->edge_offsets[node] = (uint32_t)(edges - base);
        edges += degree;
    }
    graph->edge_bases[graph_edge_base_count(graph) - 1] = edges;
    graph->edge_count = edges;
    return true;
}

static bool copy_piece(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const GraphBuild *build = context;
    EdgePiece *piece = &build->pieces[item];
    uint64_t edge;

    (void)worker, (void)error;
    if (piece->first == NULL)
        return true;
    edge = object_graph_first_edge(build->graph, piece->first_node);
    for (const EdgeSegment *segment = piece->first; segment != NULL; segment = segment->next) {
        memcpy(build->graph->targets + edge, segment->targets,
               segment->used * sizeof *segment->targets);
        edge += segment->used;
    }
    edge_piece_release(piece);
    return true;
}

static bool check_bytes(const GraphBuild *build, Error *error)
{
    uint64_t bytes = object_graph_bytes(build->graph);

    if (bytes <= build->max_bytes)
        return true;
    return error_set(error, ERROR_MEMORY,
                     "the references between %u objects and blocks take %llu bytes, and %llu are "
                     "allowed",
                     build->graph->node_count, (unsigned long long)bytes,
                     (unsigned long long)build->max_bytes);
}

static bool build_edges(GraphBuild *build, Error *error)
{
    ObjectGraph *graph = build->graph;
    uint64_t base_bytes;

    // Checks the size without edges first.
    if (!check_bytes(build, error))
        return false;
    graph->edge_offsets =
        side_table_new(((uint64_t)graph->node_count + 1) * sizeof *graph->edge_offsets);
    build->pieces = calloc(build->piece_count, sizeof *build->pieces);
    if (graph->edge_offsets == NULL || build->pieces == NULL)
        return error_set_memory(error, (uint64_t)graph->node_count * 4, "a graph of objects");
    if (!make_window(build, error) ||
        !parallel_for(build->piece_count - 1,
                      parallel_for_threads(build->threads, build->piece_count - 1), resolve_piece,
                      build, error) ||
        !graph_place_sized(graph, build->pieces, build->piece_count, build->threads, error))
        return false;
    base_bytes = graph_edge_base_count(graph) * sizeof *graph->edge_bases;
    graph->edge_bases = side_table_new(base_bytes);
    if (graph->edge_bases == NULL)
        return error_set_memory(error, base_bytes, "a graph of objects");
    if (!place_edges(graph, error))
        return false;
    if (!check_bytes(build, error)) {
        graph->edge_count = 0; // their array was not made
        return false;
    }
    graph->targets = side_table_new(graph->edge_count * sizeof *graph->targets);
    if (graph->targets == NULL)
        return error_set_memory(error, graph->edge_count * sizeof *graph->targets, "references");
    return parallel_for(build->piece_count,
                        parallel_for_threads(build->threads, build->piece_count), copy_piece, build,
                        error);
}

bool object_graph_new(const HeapImage *image, const MarkResult *mark,
                      const ObjectGraphOptions *options, ObjectGraph **out, Error *error)
{
    ObjectGraph *graph = calloc(1, sizeof *graph);
    GraphBuild build = {.graph = graph, .hull = graph_hull(image), .max_bytes = UINT64_MAX};
    bool ok;

    *out = NULL;
    if (graph == NULL)
        return error_set_memory(error, sizeof *graph, "a graph");
    graph->image = image;
    graph->mark = mark;
    if (options != NULL) {
        build.threads = options->threads;
        build.max_bytes = options->max_bytes != 0 ? options->max_bytes : UINT64_MAX;
    }
    build.page_pieces = ((uint64_t)image->page_count + PIECE_PAGES - 1) / PIECE_PAGES;
    build.piece_count =
        build.page_pieces + ((uint64_t)image->block_count + PIECE_BLOCKS - 1) / PIECE_BLOCKS + 1;
    ok = graph_number_nodes(graph, error) && build_edges(&build, error) &&
         graph_take_roots(graph, error);
    for (uint64_t i = 0; build.pieces != NULL && i < build.piece_count; i++)
        edge_piece_release(&build.pieces[i]);
    free(build.pieces);
    side_table_free(build.window, image->page_window.count * sizeof *build.window);
    if (!ok) {
        object_graph_free(graph);
        return false;
    }
    *out = graph;
    return true;
}
