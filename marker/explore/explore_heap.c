// Small heaps to explore: see marker/explore/explore_heap.h.

#include "marker/explore/explore_heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/file/snapshot_file.h"

#define HEAP_START UINT64_C(0x10000000)
#define BLOCKS_START UINT64_C(0x50000000)
#define BLOCK_BYTES 96u // EXPLORE_MAX_EDGES words, and some
#define SMALL_CLASS 64u
#define LARGE_CLASS 128u
#define SMALL_EDGES 2u
#define NODES_PER_PAGE 5u
#define OWNERS 3u

// ---- graphs ----

static void add_edges(ExploreHeap *heap, ScheduleRandom *random, uint32_t node, bool is_wide)
{
    ExploreNode *record = &heap->nodes[node];
    uint32_t most = is_wide ? EXPLORE_MAX_EDGES : SMALL_EDGES;
    uint32_t count = (uint32_t)schedule_random_below(random, most + 1);

    while (record->edge_count < count)
        record->edges[record->edge_count++] =
            (uint8_t)schedule_random_below(random, heap->node_count);
}

void explore_heap_generate(ExploreHeap *heap, ScheduleRandom *random, uint32_t low, uint32_t high)
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

// ---- bytes ----

// The addresses and bytes of all parts of a heap.
typedef struct HeapPlan {
    uint32_t page_count;
    uint8_t *bytes; // of all pages
    uint32_t page_of[EXPLORE_MAX_NODES];
    uint64_t addresses[EXPLORE_MAX_NODES];
    Root roots[EXPLORE_MAX_NODES];
    SnapshotBlock blocks[EXPLORE_MAX_NODES];
    uint64_t block_words[EXPLORE_MAX_NODES][BLOCK_BYTES / 8];
    uint32_t block_count;
} HeapPlan;

static void write_header(uint8_t *page, const HeapLayout *layout, uint32_t block_size,
                         uint32_t owner, uint32_t generation)
{
    uint32_t header = heap_layout_small_header_size(layout, block_size);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->object_count, (layout->page_size - header) / block_size);
    heap_layout_write(page, layout->header_size, header);
    heap_layout_write(page, layout->owner_thread, owner);
    heap_layout_write(page, layout->generation, generation);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
}

// Gives each object a slot: those of one kind share pages.
static void place_objects(HeapPlan *plan, const ExploreHeap *heap, const HeapLayout *layout)
{
    for (uint32_t kind = 0; kind < 4; kind++) {
        uint32_t block_size = kind % 2 == 0 ? SMALL_CLASS : LARGE_CLASS;
        bool is_old = kind >= 2;
        uint32_t used = NODES_PER_PAGE;
        for (uint32_t i = 0; i < heap->node_count; i++) {
            const ExploreNode *node = &heap->nodes[i];
            if (node->is_block || node->is_old != is_old ||
                (node->edge_count <= SMALL_EDGES) != (block_size == SMALL_CLASS))
                continue;
            if (used == NODES_PER_PAGE) {
                uint8_t *page = plan->bytes + (size_t)plan->page_count * layout->page_size;
                write_header(page, layout, block_size, 1 + plan->page_count % OWNERS, is_old);
                plan->page_count++;
                used = 0;
            }
            plan->page_of[i] = plan->page_count - 1;
            plan->addresses[i] = HEAP_START + (uint64_t)plan->page_of[i] * layout->page_size +
                                 heap_layout_small_header_size(layout, block_size) +
                                 used++ * block_size;
        }
    }
}

static void set_bit(uint8_t *page, uint32_t bitmap, uint32_t bit)
{
    page[bitmap + bit / 8] |= (uint8_t)(1u << (bit % 8));
}

static void write_object(HeapPlan *plan, const ExploreHeap *heap, const HeapLayout *layout,
                         uint32_t node)
{
    const ExploreNode *record = &heap->nodes[node];
    uint8_t *page = plan->bytes + (size_t)plan->page_of[node] * layout->page_size;
    uint64_t offset = (plan->addresses[node] - HEAP_START) % layout->page_size;
    uint32_t block_size = record->edge_count <= SMALL_EDGES ? SMALL_CLASS : LARGE_CLASS;
    uint32_t slot =
        (uint32_t)(offset - heap_layout_small_header_size(layout, block_size)) / block_size;

    set_bit(page, layout->allocated_bitmap, slot);
    if (record->is_old)
        set_bit(page, layout->dirty_bitmap, slot);
    heap_layout_write(page + offset, layout->weak_count, 1);
    heap_layout_write(page + offset, layout->reference_count, 1);
    for (uint32_t i = 0; i < record->edge_count; i++)
        memcpy(page + offset + layout->object_header_bytes + 8 * (uint64_t)i,
               &plan->addresses[record->edges[i]], 8);
}

static void place_blocks(HeapPlan *plan, const ExploreHeap *heap)
{
    for (uint32_t i = 0; i < heap->node_count; i++)
        if (heap->nodes[i].is_block) {
            plan->addresses[i] = BLOCKS_START + (uint64_t)plan->block_count * 2 * BLOCK_BYTES;
            plan->blocks[plan->block_count] =
                (SnapshotBlock){.address = plan->addresses[i],
                                .bytes = BLOCK_BYTES,
                                .data = (const uint8_t *)plan->block_words[plan->block_count]};
            plan->block_count++;
        }
}

// Errors: memory. Release with free(plan->bytes).
static bool plan_heap(HeapPlan *plan, const ExploreHeap *heap, const HeapLayout *layout,
                      Error *error)
{
    size_t bytes = (size_t)(EXPLORE_MAX_NODES + 4) * layout->page_size;
    uint32_t block = 0;

    memset(plan, 0, sizeof *plan);
    plan->bytes = calloc(1, bytes);
    if (plan->bytes == NULL)
        return error_set_memory(error, bytes, "a heap to explore");
    place_objects(plan, heap, layout);
    place_blocks(plan, heap);
    for (uint32_t i = 0; i < heap->node_count; i++) {
        const ExploreNode *node = &heap->nodes[i];
        if (!node->is_block) {
            write_object(plan, heap, layout, i);
            continue;
        }
        for (uint32_t edge = 0; edge < node->edge_count; edge++)
            plan->block_words[block][edge] = plan->addresses[node->edges[edge]];
        block++;
    }
    for (uint32_t i = 0; i < heap->root_count; i++)
        plan->roots[i] = (Root){.address = HEAP_START / 2 + 8 * (uint64_t)i,
                                .value = plan->addresses[heap->roots[i]],
                                .thread = NO_INDEX,
                                .kind = ROOT_GLOBAL};
    return true;
}

static void give_blocks(HeapImageBuilder *builder, const HeapPlan *plan, ForeignBlock *blocks,
                        uint8_t *bytes)
{
    for (uint32_t i = 0; i < plan->block_count; i++) {
        blocks[i] = (ForeignBlock){plan->blocks[i].address, BLOCK_BYTES, i * BLOCK_BYTES};
        memcpy(bytes + i * BLOCK_BYTES, plan->blocks[i].data, BLOCK_BYTES);
    }
    heap_image_builder_take_blocks(builder, blocks, plan->block_count, bytes,
                                   plan->block_count * BLOCK_BYTES);
}

uint32_t explore_heap_node_at(const ExploreHeap *heap, uint64_t address)
{
    HeapPlan plan;
    Error error;

    if (!plan_heap(&plan, heap, heap_layout_rudo_gc_0_8(), &error))
        return EXPLORE_MAX_NODES;
    free(plan.bytes);
    for (uint32_t i = 0; i < heap->node_count; i++) {
        const ExploreNode *node = &heap->nodes[i];
        uint64_t bytes = node->is_block                    ? BLOCK_BYTES
                         : node->edge_count <= SMALL_EDGES ? SMALL_CLASS
                                                           : LARGE_CLASS;
        if (address - plan.addresses[i] < bytes)
            return i;
    }
    return EXPLORE_MAX_NODES;
}

static bool build_image(HeapImageBuilder **builder, const HeapPlan *plan, const ExploreHeap *heap,
                        const HeapLayout *layout, HeapImage **out, Error *error)
{
    PageRun run = {HEAP_START, plan->page_count};
    uint64_t bytes = (uint64_t)plan->page_count * layout->page_size;
    Root *roots = malloc((heap->root_count + 1) * sizeof *roots);
    ForeignBlock *blocks = malloc((plan->block_count + 1) * sizeof *blocks);
    uint8_t *block_bytes = malloc((size_t)plan->block_count * BLOCK_BYTES + 1);

    if (roots == NULL || blocks == NULL || block_bytes == NULL ||
        !heap_image_builder_reserve(*builder, &run, plan->page_count > 0, error)) {
        free(roots);
        free(blocks);
        free(block_bytes);
        return error_set_memory(error, bytes, "a heap to explore");
    }
    if (plan->page_count > 0)
        memcpy(heap_image_builder_bytes(*builder, HEAP_START, bytes), plan->bytes, bytes);
    memcpy(roots, plan->roots, heap->root_count * sizeof *roots);
    heap_image_builder_take_roots(*builder, roots, heap->root_count);
    give_blocks(*builder, plan, blocks, block_bytes);
    return heap_image_builder_finish(builder, out, error);
}

bool explore_heap_image(const ExploreHeap *heap, HeapImage **out, Error *error)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    // The place of the image makes no difference, and a relocated one always finds room.
    HeapImageOptions options = {.force_relocation = true};
    HeapImageBuilder *builder = NULL;
    HeapPlan plan;
    bool ok;

    *out = NULL;
    if (!plan_heap(&plan, heap, layout, error))
        return false;
    ok = heap_image_builder_new(layout, &options, &builder, error) &&
         build_image(&builder, &plan, heap, layout, out, error);
    heap_image_builder_free(builder);
    free(plan.bytes);
    return ok;
}

bool explore_heap_write(const ExploreHeap *heap, const char *path, bool replaces, Error *error)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    SnapshotWriteOptions options = {.replaces = replaces};
    SnapshotWriteResult written;
    SnapshotDetails *details = snapshot_details_new();
    HeapPlan plan;
    bool ok;

    if (details == NULL)
        return error_set_memory(error, sizeof *details, "a heap to explore");
    if (!plan_heap(&plan, heap, layout, error)) {
        snapshot_details_free(details);
        return false;
    }
    SnapshotPages run = {HEAP_START, plan.page_count, plan.bytes};
    PageRecords pages = {0};
    SnapshotContents contents = {.layout = *layout,
                                 .run_count = plan.page_count > 0,
                                 .runs = &run,
                                 .pages = &pages,
                                 .root_count = heap->root_count,
                                 .roots = plan.roots,
                                 .block_count = plan.block_count,
                                 .blocks = plan.blocks,
                                 .details = details};
    ok = page_records_add_run(&pages, layout, run.address, run.page_count, run.bytes, error) &&
         snapshot_write(path, &contents, &options, &written, error);
    page_records_release(&pages);
    snapshot_details_free(details);
    free(plan.bytes);
    return ok;
}
