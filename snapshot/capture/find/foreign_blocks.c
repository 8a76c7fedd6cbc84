// Foreign blocks: the malloc chunks through which the GC heap can be reached ("matter"). They
// become the foreign blocks of the snapshot; all others cannot change a mark. sized_blocks.c goes
// on with the edges that are found here.
//
// A chunk matters when a word of it lies in a GC page, or points into the user range of a
// chunk that matters. This is reachability backwards: one pass over all words records which
// chunk points into which, a counting sort turns the edges round, and a worklist spreads from the
// chunks that hold GC addresses. Linear in words and edges; no recursion.

#include <stdlib.h>

#include "base/array.h"
#include "snapshot/capture/find/heap_search_internal.h"

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

// Records the chunks that the words of one piece of a chunk point into. *matters: a word points
// into a GC page; then the chunk is a foreign block, whatever else it points into.
static bool scan_piece(ChunkGraph *graph, const AddressIndex *index, uint32_t chunk,
                       const MemoryPiece *piece, bool *matters, Error *error)
{
    uint32_t last = chunk; // words in a row often lead to one chunk

    for (uint64_t offset = 0; offset + 8 <= piece->bytes; offset += 8) {
        uint32_t target = address_index_find(index, load_u64(piece->data + offset));
        if (target == ADDRESS_IN_PAGE) {
            *matters = true;
            continue;
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

static bool scan_chunks(ChunkGraph *graph, const HeapSearch *search, Error *error)
{
    const AddressIndex *index = &search->index;
    MemoryReader reader = memory_reader(search->copy);

    for (uint32_t i = 0; i < graph->chunk_count; i++) {
        uint64_t position = chunk_user_address(&graph->chunks[i]);
        uint64_t end = position + chunk_user_bytes(&graph->chunks[i]);
        bool matters = false;
        MemoryPiece piece;
        while (memory_next_piece(&reader, &position, end, &piece))
            if (!scan_piece(graph, index, i, &piece, &matters, error))
                return false;
        if (matters)
            set_matters(graph, i);
        if (i % 65536 == 0 && !cancel_check(&search->options.cancel, error))
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
    // starts[c + 2] first counts the sources of c. Summed up, starts[c + 1] is the place of c's
    // next source, and at the end the place of the first source of c + 1.
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

static bool flag_what_matters(HeapSearch *search, Error *error)
{
    ChunkGraph graph = {
        .chunks = search->chunks.items,
        .chunk_count = (uint32_t)search->chunks.count,
    };
    bool ok = false;

    search->chunk_notes = calloc((size_t)graph.chunk_count + 1, 1);
    if (search->chunk_notes == NULL) {
        (void)error_set_memory(error, graph.chunk_count, "the list of malloc chunks");
        goto done;
    }

    graph.worklist = malloc(((uint64_t)graph.chunk_count + 1) * sizeof *graph.worklist);
    if (graph.worklist == NULL) {
        (void)error_set_memory(error, graph.chunk_count * sizeof *graph.worklist,
                               "the list of malloc chunks");
        goto done;
    }
    if (!scan_chunks(&graph, search, error) || !turn_edges(&graph, error))
        goto done;
    spread(&graph);
    search->chunk_edges = graph.edges;
    search->chunk_edge_count = graph.edge_count;
    graph.edges = NULL;
    ok = true;

done:
    chunk_graph_release(&graph);
    return ok;
}

// Makes blocks of the chunks that matter. One that cannot be put together (too much of it was never
// touched) becomes root words instead.
static bool make_blocks(HeapSearch *search, Error *error)
{
    MallocChunks *chunks = &search->chunks;
    MemoryReader reader = memory_reader(search->copy);
    uint64_t count = 0;

    for (uint64_t i = 0; i < chunks->count; i++)
        count += (chunks->items[i].size & CHUNK_MATTERS) != 0;
    search->blocks = malloc((count + 1) * sizeof *search->blocks);
    if (search->blocks == NULL)
        return error_set_memory(error, count * sizeof *search->blocks, "foreign blocks");
    for (uint64_t i = 0; i < chunks->count; i++) {
        MallocChunk *chunk = &chunks->items[i];
        SnapshotBlock block = {chunk_user_address(chunk), chunk_user_bytes(chunk), NULL};

        if ((chunk->size & CHUNK_MATTERS) == 0)
            continue;
        if (!memory_assemble(&reader, &search->assembly, block.address, block.bytes, &block.data,
                             error))
            return false;
        if (block.data != NULL) {
            search->blocks[search->block_count++] = block;
            continue;
        }
        chunk->size &= ~(uint64_t)CHUNK_MATTERS;
        if (!region_list_add(&search->odd_chunks, block.address, block.address + block.bytes,
                             REGION_FOREIGN, NO_INDEX, error))
            return false;
    }
    return true;
}

bool heap_search_find_blocks(HeapSearch *search, Error *error)
{
    bool has_blocks = search->options.foreign_mode == FOREIGN_BLOCKS;

    if (!has_blocks)
        search->chunks.count = 0;
    if (search->chunks.count >= INDEX_DIRECT - 2)
        return error_set(error, ERROR_UNSUPPORTED, "%llu malloc chunks are more than we can index",
                         (unsigned long long)search->chunks.count);
    return address_index_build(&search->index, search->runs, search->run_count,
                               search->layout.page_size, search->chunks.items,
                               (uint32_t)search->chunks.count, error) &&
           (!has_blocks || (flag_what_matters(search, error) && make_blocks(search, error)));
}
