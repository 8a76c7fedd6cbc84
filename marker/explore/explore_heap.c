// Small heaps to explore: see marker/explore/explore_heap.h.

#include "marker/explore/explore_heap.h"

#include <string.h>

// Most heaps are small: errors show there soonest.
#define USUAL_OBJECTS 50u
// One heap in N has each unusual shape.
#define SHAPE_CHANCE 40u

// ---- graphs ----

static void add_edges(ExploreHeap *heap, ScheduleRandom *random, uint32_t node, bool is_wide)
{
    ExploreNode *record = &heap->nodes[node];
    uint32_t most = is_wide ? EXPLORE_MAX_EDGES : EXPLORE_SMALL_EDGES;
    uint32_t count = (uint32_t)schedule_random_below(random, most + 1);

    while (record->edge_count < count)
        record->edges[record->edge_count++] =
            (uint8_t)schedule_random_below(random, heap->node_count);
}

static void generate_usual(ExploreHeap *heap, ScheduleRandom *random, uint32_t low, uint32_t high)
{
    uint32_t wide = (uint32_t)schedule_random_below(random, 60);
    uint32_t blocks = (uint32_t)schedule_random_below(random, 15);
    uint32_t old = schedule_random_below(random, 4) == 0 ? 30 : 0;

    memset(heap, 0, sizeof *heap);
    heap->node_count = low + (uint32_t)schedule_random_below(random, high - low + 1);
    for (uint32_t i = 0; i < heap->node_count; i++) {
        heap->nodes[i].is_block = schedule_random_below(random, 100) < blocks;
        heap->nodes[i].is_old =
            !heap->nodes[i].is_block && schedule_random_below(random, 100) < old;
        add_edges(heap, random, i, schedule_random_below(random, 100) < wide);
    }
    // From one to as many roots as there are objects: with many roots workers start with much work.
    heap->root_count = 1 + (uint32_t)schedule_random_below(random, heap->node_count);
    if (schedule_random_below(random, 2) == 0)
        heap->root_count = 1 + (uint32_t)schedule_random_below(random, 3);
    for (uint32_t i = 0; i < heap->root_count; i++)
        heap->roots[i] = (uint8_t)schedule_random_below(random, heap->node_count);
}

// ---- unusual shapes, for the paths of the marker that small graphs do not take ----

// One object after the other, longer than a worker follows a chain at once.
static void make_chain(ExploreHeap *heap, ScheduleRandom *random, uint32_t high)
{
    generate_usual(heap, random, high, high);
    for (uint32_t i = 0; i < heap->node_count; i++)
        heap->nodes[i] =
            (ExploreNode){.edge_count = i + 1 < heap->node_count, .edges = {(uint8_t)(i + 1)}};
    heap->root_count = 1 + (uint32_t)schedule_random_below(random, 2);
    heap->roots[0] = 0;
}

// Small classes, whose pages have several words of marks, in a tree that fills pipe and stack.
static void make_tree(ExploreHeap *heap, ScheduleRandom *random, uint32_t high)
{
    generate_usual(heap, random, high, high);
    for (uint32_t i = 0; i < heap->node_count; i++) {
        ExploreNode *node = &heap->nodes[i];
        *node = (ExploreNode){.is_tiny = schedule_random_below(random, 2) == 0};
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->node_count; child++)
            node->edges[node->edge_count++] = (uint8_t)child;
    }
    heap->root_count = 1;
    heap->roots[0] = 0;
}

static void make_many_roots(ExploreHeap *heap, ScheduleRandom *random, uint32_t high)
{
    generate_usual(heap, random, high, high);
    heap->root_count = EXPLORE_MAX_ROOTS / 2;
    heap->root_count += (uint32_t)schedule_random_below(random, heap->root_count);
    for (uint32_t i = 0; i < heap->root_count; i++)
        heap->roots[i] = (uint8_t)schedule_random_below(random, heap->node_count);
}

// Large objects and blocks, whose words are scanned in pieces.
static void make_arrays(ExploreHeap *heap, ScheduleRandom *random)
{
    for (uint32_t i = 0; i < heap->node_count; i += 4) {
        ExploreNode *node = &heap->nodes[i];
        node->words = EXPLORE_LEAST_WORDS + (uint32_t)schedule_random_below(
                                                random, EXPLORE_MAX_WORDS - EXPLORE_LEAST_WORDS);
        while (node->edge_count < EXPLORE_MAX_EDGES)
            node->edges[node->edge_count++] =
                (uint8_t)schedule_random_below(random, heap->node_count);
    }
}

// Free slots, objects under construction, and words that point into pages, but at no object.
static void make_broken(ExploreHeap *heap, ScheduleRandom *random)
{
    heap->has_stray = true;
    for (uint32_t i = 0; i < heap->node_count; i++) {
        uint64_t state = schedule_random_below(random, 6);
        heap->nodes[i].is_free = state == 0;
        heap->nodes[i].is_open = state == 1;
    }
}

void explore_heap_generate(ExploreHeap *heap, ScheduleRandom *random, uint32_t low, uint32_t high)
{
    uint64_t shape = schedule_random_below(random, SHAPE_CHANCE);

    generate_usual(heap, random, low, high < USUAL_OBJECTS ? high : USUAL_OBJECTS);
    switch (shape) {
    case 0:
        make_chain(heap, random, high);
        break;
    case 1:
        make_tree(heap, random, high);
        break;
    case 2:
        make_many_roots(heap, random, high);
        break;
    case 3:
        make_arrays(heap, random);
        break;
    case 4:
    case 5:
        heap->is_sparse = shape == 5;
        for (uint32_t i = 0; i < heap->node_count; i++)
            heap->nodes[i].is_far = schedule_random_below(random, 3) == 0;
        break;
    case 6:
        make_broken(heap, random);
        break;
    case 7:
        heap->has_odd_slots = true;
        heap->has_stray = schedule_random_below(random, 2) == 0;
        break;
    default:
        return;
    }
    heap->is_unusual = true;
}

void explore_heap_remove_edge(ExploreHeap *heap, uint32_t node, uint32_t edge)
{
    ExploreNode *record = &heap->nodes[node];

    record->edge_count--;
    memmove(record->edges + edge, record->edges + edge + 1, record->edge_count - edge);
}

void explore_heap_remove_root(ExploreHeap *heap, uint32_t root)
{
    heap->root_count--;
    memmove(heap->roots + root, heap->roots + root + 1, heap->root_count - root);
}

void explore_heap_remove_node(ExploreHeap *heap, uint32_t node)
{
    for (uint32_t i = 0; i < heap->node_count; i++) {
        ExploreNode *record = &heap->nodes[i];
        for (uint32_t edge = record->edge_count; edge-- > 0;) {
            if (record->edges[edge] == node)
                explore_heap_remove_edge(heap, i, edge);
            else if (record->edges[edge] > node)
                record->edges[edge]--;
        }
    }
    for (uint32_t root = heap->root_count; root-- > 0;) {
        if (heap->roots[root] == node)
            explore_heap_remove_root(heap, root);
        else if (heap->roots[root] > node)
            heap->roots[root]--;
    }
    heap->node_count--;
    memmove(heap->nodes + node, heap->nodes + node + 1,
            (heap->node_count - node) * sizeof heap->nodes[0]);
}

// ---- out of a recorded heap ----

// The objects and blocks of the cut, in the order in which they were found.
typedef struct CutNodes {
    Reference references[EXPLORE_MAX_NODES];
    uint32_t count;
    uint32_t limit;
} CutNodes;

// The node of a reference's target, which is added if there is room; NO_INDEX: none.
static uint32_t node_of(CutNodes *nodes, Reference reference)
{
    if (reference.kind != REFERENCE_OBJECT && reference.kind != REFERENCE_BLOCK)
        return NO_INDEX;
    for (uint32_t i = 0; i < nodes->count; i++) {
        const Reference *other = &nodes->references[i];
        if (other->kind == reference.kind &&
            (reference.kind == REFERENCE_BLOCK
                 ? other->block == reference.block
                 : other->page == reference.page && other->slot == reference.slot))
            return i;
    }
    if (nodes->count == nodes->limit)
        return NO_INDEX;
    nodes->references[nodes->count] = reference;
    return nodes->count++;
}

static const uint8_t *words_of(const HeapImage *image, Reference reference, uint64_t *words)
{
    if (reference.kind == REFERENCE_BLOCK) {
        const ForeignBlock *block = &image->blocks[reference.block];
        uint64_t skipped = (8 - block->address % 8) % 8;
        *words = block->bytes < skipped ? 0 : (block->bytes - skipped) / 8;
        return image->foreign_bytes + block->offset + skipped;
    }
    uint32_t block_size = image->pages[reference.page].block_size;
    uint32_t payload = heap_image_payload_offset(image, block_size);
    *words = (block_size - payload) / 8;
    return heap_image_object_bytes(image, reference.page, reference.slot) + payload;
}

void explore_heap_cut(ExploreHeap *heap, const HeapImage *image, uint32_t limit)
{
    CutNodes nodes = {.limit = limit < EXPLORE_MAX_NODES ? limit : EXPLORE_MAX_NODES};

    memset(heap, 0, sizeof *heap);
    for (uint64_t i = 0; i < image->root_count && heap->root_count < nodes.limit; i++) {
        const Root *root = &image->roots[i];
        uint32_t before = nodes.count;
        uint32_t node =
            node_of(&nodes, heap_image_resolve(image, root->value, root_allows_interior(root)));
        // At most half of the nodes are roots, so that workers have nodes to find.
        if (node != NO_INDEX && (node < before || node < (nodes.limit + 1) / 2))
            heap->roots[heap->root_count++] = (uint8_t)node;
        else
            nodes.count = before;
    }
    for (uint32_t i = 0; i < nodes.count; i++) {
        ExploreNode *record = &heap->nodes[i];
        uint64_t words;
        const uint8_t *bytes = words_of(image, nodes.references[i], &words);
        record->is_block = nodes.references[i].kind == REFERENCE_BLOCK;
        for (uint64_t word = 0; word < words && record->edge_count < EXPLORE_MAX_EDGES; word++) {
            uint32_t node =
                node_of(&nodes, heap_image_resolve(image, load_u64(bytes + 8 * word), false));
            if (node != NO_INDEX)
                record->edges[record->edge_count++] = (uint8_t)node;
        }
    }
    heap->node_count = nodes.count;
}
