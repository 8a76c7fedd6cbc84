// PassesGraph: see marker/passes_graph_internal.h.

#include "marker/passes_graph_internal.h"

#include <stdlib.h>

#include "base/array.h"
#include "base/parallel_for.h"
#include "base/side_table.h"
#include "marker/mark_in_passes.h"

// The references of this many groups of neighbouring pages, spread evenly, are counted in advance.
#define SAMPLED_GROUP 512u
#define SAMPLED_GROUPS 128u

// ---- resolving ----

static bool add_target(PassesPiece *piece, uint32_t target, Error *error)
{
    if (piece->count == piece->capacity &&
        !array_reserve(&piece->targets, &piece->capacity, piece->count + 1, sizeof *piece->targets,
                       "references", error))
        return false;
    piece->targets[piece->count++] = target;
    return true;
}

// Any word.
static bool add_slowly(const PassesGraph *graph, PassesPiece *piece, uint64_t word, Error *error)
{
    Reference reference = heap_image_resolve(graph->image, word, false);
    uint32_t target;

    return !passes_graph_target(graph, &reference, &target) || add_target(piece, target, error);
}

// The same, with one memory access for most words.
static inline bool add_word(const PassesGraph *graph, PassesPiece *piece, uint64_t word,
                            Error *error)
{
    const HeapImage *image = graph->image;
    uint64_t bucket = (word >> image->page_shift) - image->page_window.first;
    const PassesPage *page;
    uint64_t offset, slot;

    if (graph->window == NULL || bucket >= image->page_window.count ||
        !graph->window[bucket].is_simple)
        return add_slowly(graph, piece, word, error);
    page = &graph->window[bucket];
    // Wraps before slot 0, which gives an impossible slot.
    offset = (word & (image->layout.page_size - 1)) - page->header_size;
    slot = offset >> page->shift;
    if ((offset & ((UINT64_C(1) << page->shift) - 1)) != 0 || slot >= 64 ||
        (page->live >> slot & 1) == 0)
        return add_target(piece, INVALID_NODE, error);
    return add_target(piece,
                      page->first_node +
                          (uint32_t)__builtin_popcountll(page->live & ((UINT64_C(1) << slot) - 1)),
                      error);
}

// Words are looked at some time after the data for resolving them was prefetched. A node's
// references end where its last word was resolved.
#define BATCH_WORDS 256u
#define BATCH_NODES 64u

typedef struct Batch {
    const PassesGraph *graph;
    PassesPiece *piece;
    uint32_t word_count;
    uint32_t node_count;
    uint64_t words[BATCH_WORDS];
    uint32_t node_ends[BATCH_NODES]; // of each node: how many of `words` precede its end
    uint32_t first_node;
} Batch;

static bool flush(Batch *batch, Error *error)
{
    const PassesGraph *graph = batch->graph;
    uint32_t next = 0;

    for (uint32_t i = 0; i <= batch->word_count; i++) {
        for (; next < batch->node_count && batch->node_ends[next] == i; next++)
            graph->ends[batch->first_node + next] = (uint32_t)batch->piece->count;
        if (i < batch->word_count && !add_word(graph, batch->piece, batch->words[i], error))
            return false;
    }
    batch->first_node += batch->node_count;
    batch->word_count = batch->node_count = 0;
    return true;
}

// The 8-aligned words of [address, address + length).
static bool add_words(Batch *batch, uint64_t address, const uint8_t *bytes, uint64_t length,
                      Error *error)
{
    const PassesGraph *graph = batch->graph;
    const HeapImage *image = graph->image;

    for (uint64_t offset = (8 - address % 8) % 8; offset + 8 <= length; offset += 8) {
        uint64_t word = load_u64(bytes + offset);
        uint64_t bucket = (word >> image->page_shift) - image->page_window.first;

        if (word - graph->low >= graph->span)
            continue;
        if (graph->window != NULL && bucket < image->page_window.count)
            __builtin_prefetch(&graph->window[bucket]);
        if (batch->word_count == BATCH_WORDS && !flush(batch, error))
            return false;
        batch->words[batch->word_count++] = word;
    }
    return true;
}

// Ends the node whose words were added.
static bool end_node(Batch *batch, Error *error)
{
    batch->node_ends[batch->node_count++] = batch->word_count;
    return batch->node_count < BATCH_NODES || flush(batch, error);
}

// In a minor mark old objects are followed where they are dirty: then they are where it starts.
static bool is_followed(const PassesGraph *graph, uint32_t page, uint32_t slot)
{
    const HeapImage *image = graph->image;

    if (heap_image_is_under_construction(image, page, slot))
        return false;
    return !passes_graph_is_old(graph, page) ||
           (heap_image_dirty_word(image, page, slot / 64) >> slot % 64 & 1) != 0;
}

static bool add_object(Batch *batch, uint32_t page, uint32_t slot, Error *error)
{
    const PassesGraph *graph = batch->graph;
    const HeapImage *image = graph->image;
    uint32_t block_size = image->pages[page].block_size;
    uint32_t payload = heap_image_payload_offset(image, block_size);

    return !is_followed(graph, page, slot) ||
           add_words(batch, heap_image_object_address(image, page, slot) + payload,
                     heap_image_object_bytes(image, page, slot) + payload, block_size - payload,
                     error);
}

// The page of an object's node.
static uint32_t page_of(const PassesGraph *graph, uint32_t node)
{
    uint32_t low = 0, high = graph->image->page_count;

    // The last page whose first node is not behind `node`; pages without objects come before it.
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;

        if (graph->page_nodes[middle] <= node)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static bool resolve_objects(Batch *batch, uint32_t first, uint32_t end, Error *error)
{
    const PassesGraph *graph = batch->graph;
    const HeapImage *image = graph->image;

    for (uint32_t page = first < end ? page_of(graph, first) : 0, node = first; node < end;
         page++) {
        const uint64_t *live = image->live + heap_image_first_word(image, page);
        uint32_t skipped = node - graph->page_nodes[page];

        for (uint32_t word = 0; word < heap_image_page_words(image, page) && node < end; word++)
            for (uint64_t left = live[word]; left != 0 && node < end; left &= left - 1) {
                if (skipped > 0) {
                    skipped--;
                    continue;
                }
                if (!add_object(batch, page, word * 64 + (uint32_t)__builtin_ctzll(left), error) ||
                    !end_node(batch, error))
                    return false;
                node++;
            }
    }
    return true;
}

static bool resolve_piece(void *context, uint32_t worker, uint64_t item, Error *error)
{
    const PassesGraph *graph = context;
    const HeapImage *image = graph->image;
    PassesPiece *piece = &graph->pieces[item];
    uint32_t first = (uint32_t)item << PIECE_SHIFT, end = first + PIECE_NODES;
    Batch batch = {.graph = graph, .piece = piece, .first_node = first};
    uint32_t *smaller;

    (void)worker;
    end = end < graph->node_count ? end : graph->node_count;
    if (!resolve_objects(&batch, first, end < graph->object_count ? end : graph->object_count,
                         error))
        return false;
    first = first > graph->object_count ? first : graph->object_count;
    for (uint32_t node = first; node < end; node++) {
        const ForeignBlock *block = &image->blocks[node - graph->object_count];

        if (!add_words(&batch, block->address, image->foreign_bytes + block->offset, block->bytes,
                       error) ||
            !end_node(&batch, error))
            return false;
    }
    if (!flush(&batch, error))
        return false;
    if (piece->count > UINT32_MAX)
        return error_set(error, ERROR_UNSUPPORTED, "%llu references of neighbours are too many",
                         (unsigned long long)piece->count);
    smaller = realloc(piece->targets, (piece->count + 1) * sizeof *piece->targets);
    piece->targets = smaller != NULL ? smaller : piece->targets;
    return true;
}

static void enter_in_window(PassesGraph *graph, uint32_t page)
{
    const HeapImage *image = graph->image;
    const HeapPage *record = &image->pages[page];
    uint64_t bucket = (record->address >> image->page_shift) - image->page_window.first;
    uint64_t word = heap_image_first_word(image, page);

    if (bucket >= image->page_window.count || record->slot_count > 64 ||
        heap_image_is_large(image, page) || (record->block_size & (record->block_size - 1)) != 0 ||
        passes_graph_is_old(graph, page) || (image->dead != NULL && image->dead[word] != 0))
        return;
    graph->window[bucket] = (PassesPage){
        .live = image->live[word],
        .first_node = graph->page_nodes[page],
        .header_size = record->header_size,
        .shift = (uint8_t)__builtin_ctz(record->block_size),
        .is_simple = 1,
    };
}

static uint64_t window_bytes(const PassesGraph *graph)
{
    return (graph->image->page_window.count + 1) * sizeof *graph->window;
}

static bool make_window(PassesGraph *graph, Error *error)
{
    graph->window = side_table_new(window_bytes(graph));
    if (graph->window == NULL)
        return error_set_memory(error, window_bytes(graph), "the mark's graph");
    for (uint32_t page = 0; page < graph->image->page_count; page++)
        enter_in_window(graph, page);
    return true;
}

bool passes_graph_resolve(PassesGraph *graph, uint32_t threads, Error *error)
{
    graph->piece_count = (uint32_t)(((uint64_t)graph->node_count + PIECE_NODES - 1) >> PIECE_SHIFT);
    graph->pieces = calloc(graph->piece_count + UINT64_C(1), sizeof *graph->pieces);
    graph->ends = side_table_new((graph->node_count + UINT64_C(1)) * sizeof *graph->ends);
    if (graph->pieces == NULL || graph->ends == NULL)
        return error_set_memory(error, graph->node_count * UINT64_C(4), "the mark's graph");
    if (!make_window(graph, error))
        return false;
    return parallel_for(graph->piece_count, parallel_for_threads(threads, graph->piece_count),
                        resolve_piece, graph, error) &&
           heap_image_check(graph->image, error);
}

void passes_graph_release(PassesGraph *graph)
{
    for (uint32_t i = 0; graph->pieces != NULL && i < graph->piece_count; i++)
        free(graph->pieces[i].targets);
    free(graph->pieces);
    side_table_free(graph->window, window_bytes(graph));
    side_table_free(graph->ends, (graph->node_count + UINT64_C(1)) * sizeof *graph->ends);
    free(graph->page_nodes);
}

// ---- in advance ----

// Adds the words of a page's live objects. Their ends are not wanted.
static bool sample_page(Batch *batch, uint32_t page, Error *error)
{
    const uint64_t *live =
        batch->graph->image->live + heap_image_first_word(batch->graph->image, page);

    for (uint32_t word = 0; word < heap_image_page_words(batch->graph->image, page); word++)
        for (uint64_t left = live[word]; left != 0; left &= left - 1)
            if (!add_object(batch, page, word * 64 + (uint32_t)__builtin_ctzll(left), error))
                return false;
    return true;
}

static bool sample(PassesGraph *graph, PassesNeed *out, Error *error)
{
    const HeapImage *image = graph->image;
    uint64_t seen = 0, references = 0;
    uint32_t every = image->page_count / SAMPLED_GROUP >= SAMPLED_GROUPS
                         ? image->page_count / SAMPLED_GROUP / SAMPLED_GROUPS
                         : 1;
    PassesPiece piece = {0};
    Batch batch = {.graph = graph, .piece = &piece};
    bool ok = true;

    for (uint32_t page = 0; ok && page < image->page_count; page++) {
        if (page / SAMPLED_GROUP % every != every / 2)
            continue;
        piece.count = 0;
        ok = sample_page(&batch, page, error) && flush(&batch, error);
        references += piece.count;
        seen += graph->page_nodes[page + 1] - graph->page_nodes[page];
    }
    if (seen > 0)
        references = (uint64_t)((double)references / (double)seen * graph->object_count);
    for (uint32_t block = 0; ok && block < image->block_count; block++) {
        const ForeignBlock *record = &image->blocks[block];

        piece.count = 0;
        ok = add_words(&batch, record->address, image->foreign_bytes + record->offset,
                       record->bytes, error) &&
             flush(&batch, error);
        references += piece.count;
    }
    free(piece.targets);
    *out = (PassesNeed){graph->node_count, references};
    return ok && heap_image_check(image, error);
}

bool mark_in_passes_need(const HeapImage *image, PassesNeed *out, Error *error)
{
    PassesGraph graph = {.image = image, .kind = MARK_MAJOR};
    bool ok;

    ok = passes_graph_number(&graph, error) && sample(&graph, out, error);
    passes_graph_release(&graph);
    return ok;
}

uint64_t mark_in_passes_bytes(const HeapImage *image, const PassesNeed *need)
{
    return 4 * (need->nodes + need->references + image->page_count + MARK_STACK_NODES) +
           need->nodes / 4 + 8 * image->word_count + sizeof(PassesPage) * image->page_window.count +
           need->nodes / PIECE_NODES * sizeof(PassesPiece);
}
