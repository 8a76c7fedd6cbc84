// Which malloc chunks matter: those through which the GC heap can be reached. They become the
// foreign blocks of the snapshot; all others cannot change what is marked.
//
// A chunk matters when a word of it lies in a GC page, or points into the user range of a
// chunk that matters. That is reachability backwards, so: one pass over all words notes which
// chunk points into which, the edges are turned round (counting sort), and a worklist spreads
// from the chunks that hold GC addresses. Linear in words and edges; no recursion.

#include <stdlib.h>

#include "snapshot/capture/find/capture_search.h"
#include "snapshot/capture/find/capture_index_internal.h"

typedef struct ChunkEdge {
    uint32_t from;
    uint32_t to;
} ChunkEdge;

typedef struct ChunkGraph {
    MallocChunk *chunks; // borrowed
    uint32_t chunk_count;
    ChunkEdge *edges; // owned
    uint64_t edge_count;
    uint64_t edge_capacity;
    uint64_t *starts;   // owned: of each chunk's sources
    uint32_t *sources;  // owned
    uint32_t *worklist; // owned; each chunk enters it once
    uint64_t waiting;
} ChunkGraph;

static void chunk_graph_release(ChunkGraph *graph)
{
    free(graph->edges);
    free(graph->starts);
    free(graph->sources);
    free(graph->worklist);
}

static void set_matters(ChunkGraph *graph, uint32_t chunk)
{
    if ((graph->chunks[chunk].size & CHUNK_MATTERS) != 0)
        return;
    graph->chunks[chunk].size |= CHUNK_MATTERS;
    graph->worklist[graph->waiting++] = chunk;
}

// Notes where the words of one piece of a chunk lead; *matters when one lies in a GC page:
// then the other words make no difference any more.
static bool scan_piece(ChunkGraph *graph, const AddressIndex *index, uint32_t chunk,
                       const MemoryPiece *piece, bool *matters, Error *error)
{
    uint32_t last = chunk; // words in a row often lead to one chunk

    for (uint64_t offset = 0; offset + 8 <= piece->bytes; offset += 8) {
        uint32_t target = address_index_find(index, load_u64(piece->data + offset));
        if (target == ADDRESS_IN_PAGE) {
            *matters = true;
            return true;
        }
        if (target == ADDRESS_NOWHERE || target == chunk || target == last)
            continue;
        if (!array_reserve(&graph->edges, &graph->edge_capacity, graph->edge_count + 1,
                           sizeof *graph->edges, "references between malloc chunks", error))
            return false;
        graph->edges[graph->edge_count++] = (ChunkEdge){chunk, target};
        last = target;
    }
    return true;
}

static bool scan_chunks(ChunkGraph *graph, const AddressIndex *index,
                        const CaptureAnalysis *analysis, Error *error)
{
    MemoryReader reader = memory_reader(analysis->copy);

    for (uint32_t i = 0; i < graph->chunk_count; i++) {
        uint64_t position = chunk_user_address(&graph->chunks[i]);
        uint64_t end = position + chunk_user_bytes(&graph->chunks[i]);
        uint64_t edges_before = graph->edge_count;
        bool matters = false;
        MemoryPiece piece;
        while (!matters && memory_next_piece(&reader, &position, end, &piece))
            if (!scan_piece(graph, index, i, &piece, &matters, error))
                return false;
        if (matters) {
            graph->edge_count = edges_before;
            set_matters(graph, i);
        }
        if (i % 65536 == 0 && !capture_check_cancelled(analysis, error))
            return false;
    }
    return true;
}

static bool turn_edges(ChunkGraph *graph, Error *error)
{
    uint64_t bytes = graph->edge_count * sizeof *graph->sources +
                     ((uint64_t)graph->chunk_count + 2) * sizeof *graph->starts;

    graph->starts = calloc((uint64_t)graph->chunk_count + 2, sizeof *graph->starts);
    graph->sources = malloc((graph->edge_count + 1) * sizeof *graph->sources);
    if (graph->starts == NULL || graph->sources == NULL)
        return error_set_memory(error, bytes, "references between malloc chunks");
    // starts[c + 2] counts; summed, starts[c + 1] is where c's sources are put next, and so in
    // the end where those of c + 1 begin.
    for (uint64_t i = 0; i < graph->edge_count; i++)
        graph->starts[graph->edges[i].to + 2]++;
    for (uint64_t c = 2; c < (uint64_t)graph->chunk_count + 2; c++)
        graph->starts[c] += graph->starts[c - 1];
    for (uint64_t i = 0; i < graph->edge_count; i++)
        graph->sources[graph->starts[graph->edges[i].to + 1]++] = graph->edges[i].from;
    return true;
}

static void spread(ChunkGraph *graph)
{
    while (graph->waiting > 0) {
        uint32_t chunk = graph->worklist[--graph->waiting];
        for (uint64_t i = graph->starts[chunk]; i < graph->starts[chunk + 1]; i++)
            set_matters(graph, graph->sources[i]);
    }
}

static bool find_what_matters(CaptureAnalysis *analysis, Error *error)
{
    ChunkGraph graph = {
        .chunks = analysis->chunks.items,
        .chunk_count = (uint32_t)analysis->chunks.count,
    };
    AddressIndex index = {0};
    bool ok = false;

    graph.worklist = malloc(((uint64_t)graph.chunk_count + 1) * sizeof *graph.worklist);
    if (graph.worklist == NULL) {
        (void)error_set_memory(error, graph.chunk_count * sizeof *graph.worklist,
                               "the list of malloc chunks");
        goto done;
    }
    if (!address_index_build(&index, analysis, graph.chunks, graph.chunk_count, error) ||
        !scan_chunks(&graph, &index, analysis, error) || !turn_edges(&graph, error))
        goto done;
    spread(&graph);
    ok = true;

done:
    address_index_release(&index);
    chunk_graph_release(&graph);
    return ok;
}

// Drops the chunks that do not matter, and makes blocks of the others. One that cannot be put
// together (too much of it was never touched) becomes root words instead.
static bool make_blocks(CaptureAnalysis *analysis, Error *error)
{
    MallocChunks *chunks = &analysis->chunks;
    MemoryReader reader = memory_reader(analysis->copy);
    uint64_t kept = 0, count = 0;

    for (uint64_t i = 0; i < chunks->count; i++)
        count += (chunks->items[i].size & CHUNK_MATTERS) != 0;
    analysis->blocks = malloc((count + 1) * sizeof *analysis->blocks);
    if (analysis->blocks == NULL)
        return error_set_memory(error, count * sizeof *analysis->blocks, "foreign blocks");
    for (uint64_t i = 0; i < chunks->count; i++) {
        MallocChunk chunk = chunks->items[i];
        SnapshotBlock block = {chunk_user_address(&chunk), chunk_user_bytes(&chunk), NULL};
        if ((chunk.size & CHUNK_MATTERS) == 0)
            continue;
        if (!memory_assemble(&reader, &analysis->assembly, block.address, block.bytes, &block.data,
                             error))
            return false;
        if (block.data == NULL) {
            if (!region_list_add(&analysis->odd_chunks, block.address, block.address + block.bytes,
                                 REGION_FOREIGN, NO_INDEX, error))
                return false;
            continue;
        }
        analysis->blocks[kept] = block;
        chunks->items[kept++] = chunk;
    }
    analysis->block_count = kept;
    chunks->count = kept;
    return true;
}

bool capture_find_blocks(CaptureAnalysis *analysis, Error *error)
{
    if (analysis->options.foreign_mode != FOREIGN_BLOCKS) {
        analysis->chunks.count = 0;
        return true;
    }
    if (analysis->chunks.count >= INDEX_DIRECT - 2)
        return error_set(error, ERROR_UNSUPPORTED, "%llu malloc chunks are more than we can index",
                         (unsigned long long)analysis->chunks.count);
    return find_what_matters(analysis, error) && make_blocks(analysis, error);
}
