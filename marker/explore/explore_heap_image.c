// Images and snapshots of small heaps: see marker/explore/explore_heap.h.
//
// Nodes keep their places in a heap that is built again, as long as the graph is the same.

#include <stdlib.h>
#include <string.h>

#include "marker/explore/explore_heap.h"
#include "snapshot/file/snapshot_file.h"

#define HEAP_START UINT64_C(0x10000000)
#define FAR_START UINT64_C(0x700000000000)
#define SPARSE_START UINT64_C(0x11000000)
#define BLOCKS_START UINT64_C(0x50000000)
#define BLOCK_BYTES 96u // EXPLORE_MAX_EDGES words, and some
#define NODES_PER_PAGE 5u
#define TINY_NODES_PER_PAGE 20u
#define OWNERS 3u

enum { TINY, SMALL, LARGE, CLASSES };
static const uint32_t class_bytes[2][CLASSES] = {{16, 64, 128}, {16, 80, 144}};

// The addresses and bytes of all parts of a heap.
typedef struct HeapPlan {
    const ExploreHeap *heap;
    HeapLayout layout;
    uint8_t *bytes;       // of all pages: those near HEAP_START, then those near FAR_START
    uint32_t capacity[2]; // pages
    uint32_t page_count[2];
    uint64_t addresses[EXPLORE_MAX_NODES];
    Root *roots;
    SnapshotBlock blocks[EXPLORE_MAX_NODES];
    uint8_t *block_bytes;
    uint32_t block_count;
    uint64_t block_total; // bytes
} HeapPlan;

static void plan_release(HeapPlan *plan)
{
    free(plan->bytes);
    free(plan->roots);
    free(plan->block_bytes);
}

static HeapLayout layout_of(const ExploreHeap *heap)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();

    if (heap->has_odd_slots)
        layout.block_size_step = layout.first_slot_step = 16;
    return layout;
}

static uint32_t class_of(const ExploreHeap *heap, const ExploreNode *node)
{
    return class_bytes[heap->has_odd_slots][node->edge_count > EXPLORE_SMALL_EDGES ? LARGE
                                            : node->is_tiny                        ? TINY
                                                                                   : SMALL];
}

// The bytes of a node's slot, large object or block.
static uint64_t node_bytes(const HeapPlan *plan, const ExploreNode *node)
{
    if (node->is_block)
        return node->words > 0 ? 8 * (uint64_t)node->words : BLOCK_BYTES;
    return node->words > 0 ? plan->layout.object_header_bytes + 8 * (uint64_t)node->words
                           : class_of(plan->heap, node);
}

// Where a node's reference is, in words of its payload.
static uint64_t edge_word(const ExploreNode *node, uint32_t edge)
{
    return node->words > 0 ? (uint64_t)edge * node->words / node->edge_count : edge;
}

static uint64_t far_start(const HeapPlan *plan)
{
    return plan->heap->is_sparse ? SPARSE_START : FAR_START;
}

static uint64_t page_address(const HeapPlan *plan, uint32_t far, uint32_t page)
{
    return (far ? far_start(plan) : HEAP_START) + (uint64_t)page * plan->layout.page_size;
}

// The bytes of a captured address.
static uint8_t *bytes_at(const HeapPlan *plan, uint64_t address)
{
    if (address < far_start(plan))
        return plan->bytes + (address - HEAP_START);
    return plan->bytes + (size_t)plan->capacity[0] * plan->layout.page_size +
           (address - far_start(plan));
}

static uint32_t header_bytes(const HeapLayout *layout, uint32_t block_size)
{
    return heap_layout_small_header_size(
        layout, block_size > layout->max_block_size ? layout->large_header_alignment : block_size);
}

static void write_header(uint8_t *page, const HeapLayout *layout, uint32_t block_size,
                         uint32_t owner, uint32_t generation)
{
    uint32_t header = header_bytes(layout, block_size);
    bool is_large = block_size > layout->max_block_size;

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->object_count,
                      is_large ? 1 : (layout->page_size - header) / block_size);
    heap_layout_write(page, layout->header_size, header);
    heap_layout_write(page, layout->flags, is_large ? layout->flag_large : 0);
    heap_layout_write(page, layout->owner_thread, owner);
    heap_layout_write(page, layout->generation, generation);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
}

// Adds a run of pages with one header. Returns its captured address.
static uint64_t add_pages(HeapPlan *plan, const ExploreNode *node, uint32_t pages,
                          uint32_t block_size)
{
    uint32_t page = plan->page_count[node->is_far];
    uint64_t address = page_address(plan, node->is_far, page);

    plan->page_count[node->is_far] += pages;
    write_header(bytes_at(plan, address), &plan->layout, block_size, 1 + page % OWNERS,
                 node->is_old);
    return address;
}

static void place_arrays(HeapPlan *plan)
{
    for (uint32_t i = 0; i < plan->heap->node_count; i++) {
        const ExploreNode *node = &plan->heap->nodes[i];
        uint32_t bytes = (uint32_t)node_bytes(plan, node);
        uint32_t header = header_bytes(&plan->layout, bytes);
        if (!node->is_block && node->words > 0)
            plan->addresses[i] =
                add_pages(plan, node,
                          (header + bytes + plan->layout.page_size - 1) / plan->layout.page_size,
                          bytes) +
                header;
    }
}

// Gives each object of a kind a slot: they share pages.
static void place_kind(HeapPlan *plan, uint32_t block_size, bool is_old, bool is_far)
{
    uint32_t header = header_bytes(&plan->layout, block_size);
    uint32_t slots = (plan->layout.page_size - header) / block_size;
    bool is_tiny = block_size == class_bytes[0][TINY];
    // Those of the smallest class are spread over the page.
    uint32_t most = is_tiny ? TINY_NODES_PER_PAGE : NODES_PER_PAGE;
    uint32_t step = is_tiny ? slots / most : 1, used = most;
    uint64_t page = 0;

    for (uint32_t i = 0; i < plan->heap->node_count; i++) {
        const ExploreNode *node = &plan->heap->nodes[i];
        if (node->is_block || node->words > 0 || node->is_old != is_old || node->is_far != is_far ||
            class_of(plan->heap, node) != block_size)
            continue;
        if (used == most) {
            page = add_pages(plan, node, 1, block_size);
            used = 0;
        }
        plan->addresses[i] = page + header + (uint64_t)(used++ * step) * block_size;
    }
}

static void set_bit(uint8_t *page, uint32_t bitmap, uint32_t bit)
{
    page[bitmap + bit / 8] |= (uint8_t)(1u << (bit % 8));
}

static void write_object(HeapPlan *plan, uint32_t node)
{
    const ExploreNode *record = &plan->heap->nodes[node];
    const HeapLayout *layout = &plan->layout;
    uint32_t block_size = (uint32_t)node_bytes(plan, record);
    uint64_t offset = plan->addresses[node] % layout->page_size;
    uint8_t *page = bytes_at(plan, plan->addresses[node] - offset);
    uint32_t slot = (uint32_t)(offset - header_bytes(layout, block_size)) / block_size;
    bool has_header = block_size >= layout->object_header_bytes;

    if (!record->is_free)
        set_bit(page, layout->allocated_bitmap, slot);
    if (record->is_old)
        set_bit(page, layout->dirty_bitmap, slot);
    if (has_header) {
        heap_layout_write(page + offset, layout->weak_count,
                          1 | (record->is_open ? layout->under_construction_bit : 0));
        heap_layout_write(page + offset, layout->reference_count, 1);
    }
    for (uint32_t i = 0; i < record->edge_count; i++) {
        uint64_t target = plan->addresses[record->edges[i]];
        // Not a multiple of any slot's size behind the header.
        if (i == 0 && node % 3 == 0 && plan->heap->has_stray)
            target += 8;
        memcpy(page + offset + (has_header ? layout->object_header_bytes : 0) +
                   8 * edge_word(record, i),
               &target, 8);
    }
}

static void place_blocks(HeapPlan *plan)
{
    uint64_t address = BLOCKS_START;

    for (uint32_t i = 0; i < plan->heap->node_count; i++) {
        const ExploreNode *node = &plan->heap->nodes[i];
        if (!node->is_block)
            continue;
        plan->addresses[i] = address;
        plan->blocks[plan->block_count++] =
            (SnapshotBlock){.address = address, .bytes = node_bytes(plan, node)};
        plan->block_total += node_bytes(plan, node);
        address += 2 * node_bytes(plan, node);
    }
}

static void write_blocks(HeapPlan *plan)
{
    uint8_t *bytes = plan->block_bytes;
    uint32_t block = 0;

    for (uint32_t i = 0; i < plan->heap->node_count; i++) {
        const ExploreNode *node = &plan->heap->nodes[i];
        if (!node->is_block)
            continue;
        for (uint32_t edge = 0; edge < node->edge_count; edge++)
            memcpy(bytes + 8 * edge_word(node, edge), &plan->addresses[node->edges[edge]], 8);
        plan->blocks[block++].data = bytes;
        bytes += node_bytes(plan, node);
    }
}

// Errors: memory. Release in any case.
static bool plan_new(HeapPlan *plan, const ExploreHeap *heap, Error *error)
{
    *plan = (HeapPlan){.heap = heap, .layout = layout_of(heap)};
    for (uint32_t i = 0; i < heap->node_count; i++)
        plan->capacity[heap->nodes[i].is_far] +=
            1 + (uint32_t)((node_bytes(plan, &heap->nodes[i]) +
                            plan->layout.large_header_alignment + plan->layout.page_header_bytes) /
                           plan->layout.page_size);
    place_blocks(plan);
    size_t bytes = (size_t)(plan->capacity[0] + plan->capacity[1] + 1) * plan->layout.page_size;
    plan->bytes = calloc(1, bytes);
    plan->block_bytes = calloc(1, plan->block_total + 1);
    plan->roots = malloc((heap->root_count + 1) * sizeof *plan->roots);
    if (plan->bytes == NULL || plan->block_bytes == NULL || plan->roots == NULL)
        return error_set_memory(error, bytes, "a heap to explore");
    place_arrays(plan);
    for (uint32_t kind = 0; kind < 4; kind++)
        for (uint32_t class = 0; class < CLASSES; class ++)
            place_kind(plan, class_bytes[heap->has_odd_slots][class], kind / 2 != 0, kind % 2 != 0);
    for (uint32_t i = 0; i < heap->node_count; i++)
        if (!heap->nodes[i].is_block)
            write_object(plan, i);
    write_blocks(plan);
    for (uint32_t i = 0; i < heap->root_count; i++)
        plan->roots[i] = (Root){.address = HEAP_START / 2 + 8 * (uint64_t)i,
                                .value = plan->addresses[heap->roots[i]],
                                .thread = NO_INDEX,
                                .kind = ROOT_GLOBAL};
    return true;
}

uint32_t explore_heap_node_at(const ExploreHeap *heap, uint64_t address)
{
    HeapPlan plan;
    Error error;
    uint32_t found = EXPLORE_MAX_NODES;

    if (plan_new(&plan, heap, &error))
        for (uint32_t i = heap->node_count; i-- > 0;)
            if (address - plan.addresses[i] < node_bytes(&plan, &heap->nodes[i]))
                found = i;
    plan_release(&plan);
    return found;
}

// The runs of pages, ascending. Returns their number.
static uint32_t runs_of(const HeapPlan *plan, PageRun runs[2])
{
    uint32_t count = 0;

    for (uint32_t far = 0; far < 2; far++)
        if (plan->page_count[far] > 0)
            runs[count++] = (PageRun){page_address(plan, far, 0), plan->page_count[far]};
    return count;
}

static bool build_image(HeapImageBuilder **builder, const HeapPlan *plan, HeapImage **out,
                        Error *error)
{
    const ExploreHeap *heap = plan->heap;
    PageRun runs[2];
    uint32_t run_count = runs_of(plan, runs);
    Root *roots = malloc((heap->root_count + 1) * sizeof *roots);
    ForeignBlock *blocks = malloc((plan->block_count + 1) * sizeof *blocks);
    uint8_t *block_bytes = malloc(plan->block_total + 1);
    uint64_t offset = 0;

    if (roots == NULL || blocks == NULL || block_bytes == NULL ||
        !heap_image_builder_reserve(*builder, runs, run_count, error)) {
        free(roots);
        free(blocks);
        free(block_bytes);
        return error_set_memory(error, plan->block_total, "a heap to explore");
    }
    for (uint32_t i = 0; i < run_count; i++) {
        uint64_t bytes = (uint64_t)runs[i].page_count * plan->layout.page_size;
        memcpy(heap_image_builder_bytes(*builder, runs[i].address, bytes),
               bytes_at(plan, runs[i].address), bytes);
    }
    memcpy(roots, plan->roots, heap->root_count * sizeof *roots);
    heap_image_builder_take_roots(*builder, roots, heap->root_count);
    for (uint32_t i = 0; i < plan->block_count; i++) {
        blocks[i] = (ForeignBlock){plan->blocks[i].address, plan->blocks[i].bytes, offset};
        offset += plan->blocks[i].bytes;
    }
    memcpy(block_bytes, plan->block_bytes, plan->block_total);
    heap_image_builder_take_blocks(*builder, blocks, plan->block_count, block_bytes,
                                   plan->block_total);
    return heap_image_builder_finish(builder, out, error);
}

bool explore_heap_image(const ExploreHeap *heap, HeapImage **out, Error *error)
{
    // The place of the image makes no difference, and a relocated one always finds room.
    HeapImageOptions options = {.force_relocation = true};
    HeapImageBuilder *builder = NULL;
    HeapPlan plan;
    bool ok;

    *out = NULL;
    ok = plan_new(&plan, heap, error) &&
         heap_image_builder_new(&plan.layout, &options, &builder, error) &&
         build_image(&builder, &plan, out, error);
    heap_image_builder_free(builder);
    plan_release(&plan);
    return ok;
}

static bool write_snapshot(const HeapPlan *plan, SnapshotDetails *details, const char *path,
                           bool replaces, Error *error)
{
    SnapshotWriteOptions options = {.replaces = replaces};
    SnapshotWriteResult written;
    PageRun runs[2];
    SnapshotPages pages_of_runs[2];
    PageRecords pages = {0};
    SnapshotContents contents = {.layout = plan->layout,
                                 .run_count = runs_of(plan, runs),
                                 .runs = pages_of_runs,
                                 .pages = &pages,
                                 .root_count = plan->heap->root_count,
                                 .roots = plan->roots,
                                 .block_count = plan->block_count,
                                 .blocks = plan->blocks,
                                 .details = details};
    bool ok = true;

    for (uint32_t i = 0; ok && i < contents.run_count; i++) {
        pages_of_runs[i] =
            (SnapshotPages){runs[i].address, runs[i].page_count, bytes_at(plan, runs[i].address)};
        ok = page_records_add_run(&pages, &plan->layout, runs[i].address, runs[i].page_count,
                                  pages_of_runs[i].bytes, error);
    }
    ok = ok && snapshot_write(path, &contents, &options, &written, error);
    page_records_release(&pages);
    return ok;
}

bool explore_heap_write(const ExploreHeap *heap, const char *path, bool replaces, Error *error)
{
    SnapshotDetails *details = snapshot_details_new();
    HeapPlan plan;
    bool ok;

    if (details == NULL)
        return error_set_memory(error, sizeof *details, "a heap to explore");
    ok = plan_new(&plan, heap, error) && write_snapshot(&plan, details, path, replaces, error);
    snapshot_details_free(details);
    plan_release(&plan);
    return ok;
}
