// CollectorMemory: see analysis/collector_memory.h.

#include "analysis/collector_memory.h"

#include <stdlib.h>
#include <string.h>

#include "analysis/graph/heap_cut.h"
#include "analysis/heap_place.h"

// A list of pages has at least this number of them, and no fewer than half of its words.
#define LISTED_PAGES 4u
// A buffer that names fewer objects says nothing.
#define NAMED_OBJECTS 64u

typedef struct Search {
    const ObjectGraph *graph;
    const HeapImage *image;
    CollectorMemory *out;
    uint64_t *of_objects; // bit per block: some object of the heap refers to it; owned
} Search;

void collector_memory_release(CollectorMemory *memory)
{
    free(memory->blocks);
    free(memory->variables);
    mark_result_free(memory->program);
    *memory = (CollectorMemory){0};
}

static bool has_bit(const uint64_t *bits, uint64_t at)
{
    return (bits[at / 64] >> at % 64 & 1) != 0;
}

static void set_bit(uint64_t *bits, uint64_t at)
{
    bits[at / 64] |= UINT64_C(1) << at % 64;
}

bool collector_memory_has_node(const CollectorMemory *memory, const ObjectGraph *graph,
                               uint32_t node)
{
    return memory->block_count > 0 && object_graph_is_block(graph, node) &&
           collector_memory_has_block(memory, object_graph_place(graph, node).block);
}

static bool is_marked(const Search *search, uint32_t block)
{
    return has_bit(search->graph->mark->marked_blocks, block);
}

// ---- by name ----

static bool take_variables(Search *search)
{
    const ObjectGraph *graph = search->graph;
    bool is_any = false;

    for (uint64_t i = 0; i < graph->root_count; i++) {
        const GraphRoot *root = &graph->roots[i];
        NodePlace place;

        if (root->rank != ROOT_RANK_COLLECTOR)
            continue;
        is_any = true;
        set_bit(search->out->variables, root->root);
        if (!object_graph_is_block(graph, root->node))
            continue;
        place = object_graph_place(graph, root->node);
        if (place.block < search->image->block_count && !has_bit(search->of_objects, place.block))
            set_bit(search->out->blocks, place.block);
    }
    return is_any;
}

// ---- by structure ----

typedef struct BlockWords {
    const uint8_t *bytes;
    uint64_t count;
} BlockWords;

static BlockWords words_of(const HeapImage *image, uint32_t block)
{
    const ForeignBlock *record = &image->blocks[block];
    uint64_t skipped = (8 - record->address % 8) % 8;

    if (record->bytes < skipped + 8)
        return (BlockWords){NULL, 0};
    return (BlockWords){image->foreign_bytes + record->offset + skipped,
                        (record->bytes - skipped) / 8};
}

static uint64_t word_at(BlockWords words, uint64_t at)
{
    return at < words.count ? load_u64(words.bytes + 8 * at) : 0;
}

// The page that begins at this address; NO_INDEX: none does.
static uint32_t page_at(const HeapImage *image, uint64_t address)
{
    uint32_t page = address % image->layout.page_size == 0 && address != 0
                        ? heap_image_find_page(image, address)
                        : NO_INDEX;

    return page != NO_INDEX && image->pages[page].address == address ? page : NO_INDEX;
}

// Are the two words at `at` the bounds of free memory in this page?
static bool bounds_memory(const HeapImage *image, BlockWords words, uint64_t at, uint32_t page)
{
    uint64_t size = image->layout.page_size, address = image->pages[page].address;
    uint64_t low = word_at(words, at) - address, high = word_at(words, at + 1) - address;

    return low >= image->pages[page].header_size && low <= high && high <= size;
}

// An allocation buffer {next, end, page} in any order of page and bounds, or a list of pages.
static bool is_structure(const Search *search, uint32_t block)
{
    const HeapImage *image = search->image;
    BlockWords words = words_of(image, block);
    uint64_t pages = 0, used = 0;

    for (uint64_t i = 0; i < words.count; i++) {
        uint64_t word = word_at(words, i);
        uint32_t page = page_at(image, word);

        used += word != 0;
        if (page == NO_INDEX)
            continue;
        pages++;
        if ((i >= 2 && bounds_memory(image, words, i - 2, page)) ||
            bounds_memory(image, words, i + 1, page))
            return true;
    }
    return pages >= LISTED_PAGES && pages >= used / 2;
}

// References and weak references to an object, by its own count.
static uint64_t counted_references(const HeapImage *image, NodePlace place)
{
    const HeapLayout *layout = &image->layout;
    const uint8_t *object = heap_image_object_bytes(image, place.page, place.slot);

    if (!heap_layout_has_object_header(layout, image->pages[place.page].block_size))
        return UINT64_MAX;
    return heap_layout_read(object, layout->reference_count) +
           (heap_layout_read(object, layout->weak_count) &
            ~(layout->dead_bit | layout->under_construction_bit | layout->old_bit));
}

static int compare_nodes(const void *left, const void *right)
{
    uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;

    return (a > b) - (a < b);
}

// Does the block name its objects more often than they count references? Then its words are not
// references that the program holds, but writes that the collector remembers, or objects to mark.
static bool is_uncounted(const Search *search, uint32_t block)
{
    const ObjectGraph *graph = search->graph;
    uint32_t node = object_graph_block_node(graph, block), *nodes;
    uint64_t first = object_graph_first_edge(graph, node), count = 0, excess = 0;
    uint64_t edges = object_graph_first_edge(graph, node + 1) - first;

    if (edges < NAMED_OBJECTS || search->image->layout.reference_count.width == 0)
        return false;
    nodes = malloc(edges * sizeof *nodes);
    for (uint64_t i = 0; nodes != NULL && i < edges; i++)
        if (graph->targets[first + i] < graph->object_count)
            nodes[count++] = graph->targets[first + i];
    if (count > 0)
        qsort(nodes, count, sizeof *nodes, compare_nodes);
    for (uint64_t i = 0, end; i < count; i = end) {
        uint64_t needed = counted_references(search->image, object_graph_place(graph, nodes[i]));

        for (end = i + 1; end < count && nodes[end] == nodes[i];)
            end++;
        excess += end - i > needed ? end - i - needed : 0;
    }
    free(nodes);
    return count >= NAMED_OBJECTS && excess >= count / 2;
}

static bool take_structures(Search *search)
{
    bool is_any = false;

    for (uint32_t block = 0; block < search->image->block_count; block++) {
        if (!is_marked(search, block) || has_bit(search->of_objects, block) ||
            (!is_structure(search, block) && !is_uncounted(search, block)))
            continue;
        set_bit(search->out->blocks, block);
        is_any = true;
    }
    return is_any;
}

// ---- all ----

static bool note_objects(Search *search, Error *error)
{
    const ObjectGraph *graph = search->graph;
    uint64_t words = (graph->node_count - graph->object_count) / 64 + UINT64_C(1);
    uint64_t *nodes = calloc(words, sizeof *nodes);

    if (nodes == NULL)
        return error_set_memory(error, words * 8, "the collector's memory");
    for (uint64_t edge = 0; edge < object_graph_first_edge(graph, graph->object_count); edge++)
        if (object_graph_is_block(graph, graph->targets[edge]))
            set_bit(nodes, graph->targets[edge] - graph->object_count);
    for (uint32_t block = 0; block < search->image->block_count; block++)
        if (is_marked(search, block) &&
            has_bit(nodes, object_graph_block_node(graph, block) - graph->object_count))
            set_bit(search->of_objects, block);
    free(nodes);
    return true;
}

// Marks without the collector's variables and blocks. Blocks that are lost with them, and to which
// no object refers, are the collector's, too.
static bool mark_without(Search *search, Error *error)
{
    const HeapImage *image = search->image;
    CollectorMemory *out = search->out;
    MarkResult *after = NULL;
    FreedCounts freed;
    HeapCut *cut;
    bool ok;

    if (!heap_cut_new(image, &cut, error))
        return false;
    for (uint64_t root = 0; root < image->root_count; root++)
        if (collector_memory_has_root(out, root))
            heap_cut_root(cut, root);
    for (uint32_t block = 0; block < image->block_count; block++)
        if (collector_memory_has_block(out, block))
            heap_cut_block(cut, block);
    ok = heap_cut_mark(cut, search->graph->mark, &freed, &after, error);
    if (ok) {
        out->kept_objects = freed.objects;
        out->kept_bytes = freed.object_bytes;
        for (uint32_t block = 0; block < image->block_count; block++) {
            if (is_marked(search, block) && !has_bit(after->marked_blocks, block) &&
                !has_bit(search->of_objects, block))
                set_bit(out->blocks, block);
            if (!collector_memory_has_block(out, block))
                continue;
            out->block_count++;
            out->block_bytes += image->blocks[block].bytes;
        }
    }
    out->program = after;
    heap_cut_free(cut);
    return ok;
}

// Blocks without content that only a block of the collector refers to.
static bool take_sized(Search *search, Error *error)
{
    const ObjectGraph *graph = search->graph;
    const SnapshotDetails *details = search->image->details;
    uint64_t words = (graph->foreign_end - graph->object_count) / 64 + UINT64_C(1);
    uint64_t *nodes = calloc(words, sizeof *nodes);

    if (nodes == NULL)
        return error_set_memory(error, words * 8, "the collector's memory");
    for (uint32_t block = 0; block < search->image->block_count; block++)
        if (collector_memory_has_block(search->out, block))
            set_bit(nodes, object_graph_block_node(graph, block) - graph->object_count);
    for (uint32_t i = 0; i < details->sized_block_count; i++) {
        uint32_t owner = object_graph_sized_node(graph, i);

        if (owner < graph->object_count || owner >= graph->foreign_end ||
            !has_bit(nodes, owner - graph->object_count))
            continue;
        set_bit(search->out->blocks, search->image->block_count + (uint64_t)i);
        search->out->block_count++;
        search->out->block_bytes += sized_block_bytes(&details->sized_blocks[i]);
    }
    free(nodes);
    return true;
}

bool collector_memory_find(const ObjectGraph *graph, CollectorMemory *out, Error *error)
{
    const HeapImage *image = graph->image;
    uint64_t blocks = (uint64_t)image->block_count + image->details->sized_block_count;
    uint64_t words = blocks / 64 + 1, root_words = image->root_count / 64 + 1;
    Search search = {.graph = graph, .image = image, .out = out};
    bool ok;

    *out = (CollectorMemory){.blocks = calloc(words, sizeof *out->blocks),
                             .variables = calloc(root_words, sizeof *out->variables)};
    search.of_objects = calloc(words, sizeof *search.of_objects);
    if (out->blocks == NULL || out->variables == NULL || search.of_objects == NULL) {
        free(search.of_objects);
        return error_set_memory(error, (2 * words + root_words) * 8, "the collector's memory");
    }
    ok = note_objects(&search, error);
    if (ok) {
        bool is_named = take_variables(&search), is_structured = take_structures(&search);

        ok = (!is_named && !is_structured) ||
             (mark_without(&search, error) && take_sized(&search, error));
    }
    free(search.of_objects);
    return ok;
}

// ---- setting it aside ----

static bool is_of_program(const CollectorMemory *memory, const HeapImage *image,
                          const NodePlace *place)
{
    if (place->page != NO_INDEX)
        return mark_result_is_marked(memory->program, image, place->page, place->slot);
    return place->block < image->block_count &&
           has_bit(memory->program->marked_blocks, place->block);
}

static bool is_node_of_program(const CollectorMemory *memory, const ObjectGraph *graph,
                               uint32_t node)
{
    NodePlace place = object_graph_place(graph, node);

    return is_of_program(memory, graph->image, &place);
}

// Sets the words of a node to zero that refer to what the program reaches.
static bool clear_words(const CollectorMemory *memory, HeapImage *image, const NodePlace *node,
                        Error *error)
{
    HeapPlace place = heap_place_at(
        image, node->page == NO_INDEX ? heap_image_block_address(image, node->block)
                                      : heap_image_object_address(image, node->page, node->slot));
    PlaceWords words = heap_place_words(image, &place);

    for (uint64_t i = 0; i < words.count; i++) {
        const uint8_t *at = words.bytes + 8 * i;
        Reference reference = heap_image_resolve(image, load_u64(at), false);
        NodePlace target = {reference.page, reference.slot, reference.block};

        if (reference.kind == REFERENCE_BLOCK)
            target.page = NO_INDEX;
        if ((reference.kind == REFERENCE_OBJECT || reference.kind == REFERENCE_BLOCK) &&
            is_of_program(memory, image, &target) &&
            !heap_image_clear(image, at, sizeof(uint64_t), error))
            return false;
    }
    return true;
}

static void set_roots_aside(const CollectorMemory *memory, ObjectGraph *graph, HeapImage *image)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; i < graph->root_count; i++) {
        uint64_t root = graph->roots[i].root;

        if (!collector_memory_has_root(memory, root) ||
            !is_node_of_program(memory, graph, graph->roots[i].node))
            graph->roots[kept++] = graph->roots[i];
        else if (image != NULL)
            ((Root *)(uintptr_t)image->roots)[root].value = 0;
    }
    graph->roots_left_out += graph->root_count - kept;
    graph->root_count = kept;
}

bool collector_memory_set_aside(const CollectorMemory *memory, ObjectGraph *graph, HeapImage *image,
                                Error *error)
{
    NodeCursor cursor = node_cursor(graph);

    if (memory->program == NULL)
        return true;
    while (node_cursor_next(&cursor)) {
        uint64_t edge = object_graph_first_edge(graph, cursor.node);

        if (is_of_program(memory, graph->image, &cursor.place))
            continue;
        for (; edge < object_graph_first_edge(graph, cursor.node + 1); edge++)
            if (is_node_of_program(memory, graph, graph->targets[edge]))
                graph->targets[edge] = cursor.node;
        if (image != NULL && !clear_words(memory, image, &cursor.place, error))
            return false;
    }
    set_roots_aside(memory, graph, image);
    return true;
}
