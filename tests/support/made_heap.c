// MadeHeap: see tests/support/made_heap.h.

#include "tests/support/made_heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random_heap.h"

typedef struct MadePage {
    uint64_t address;
    uint32_t pages;
    uint32_t block_size;
    uint32_t header_size;
    uint32_t slots;
    uint8_t *bytes;
} MadePage;

typedef struct MadeBlock {
    uint64_t address;
    uint64_t bytes;
    uint8_t *data;
} MadeBlock;

struct MadeHeap {
    HeapLayout layout;
    MadePage *pages; // ascending
    size_t page_count;
    MadeBlock *blocks;
    size_t block_count;
    Root *roots;
    size_t root_count;
};

static void stop(const char *message)
{
    fprintf(stderr, "made_heap: %s\n", message);
    abort();
}

static void *must(void *memory)
{
    if (memory == NULL)
        stop("out of memory");
    return memory;
}

MadeHeap *made_heap_new(const HeapLayout *layout)
{
    MadeHeap *heap = must(calloc(1, sizeof *heap));
    Error error;

    heap->layout = layout != NULL ? *layout : *heap_layout_rudo_gc_0_8();
    if (!heap_layout_check(&heap->layout, &error))
        stop(error.message);
    return heap;
}

void made_heap_free(MadeHeap *heap)
{
    for (size_t i = 0; i < heap->page_count; i++)
        free(heap->pages[i].bytes);
    for (size_t i = 0; i < heap->block_count; i++)
        free(heap->blocks[i].data);
    free(heap->pages);
    free(heap->blocks);
    free(heap->roots);
    free(heap);
}

// The last page that begins at or below `address`.
static MadePage *find_page(const MadeHeap *heap, uint64_t address)
{
    size_t low = 0, high = heap->page_count;
    MadePage *page;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (heap->pages[middle].address <= address)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        stop("there is no such page");
    page = &heap->pages[low - 1];
    if (address - page->address >= (uint64_t)page->pages * heap->layout.page_size)
        stop("there is no such page");
    return page;
}

static MadePage *insert_page(MadeHeap *heap, uint64_t address)
{
    size_t place = heap->page_count;

    heap->pages = must(realloc(heap->pages, (heap->page_count + 1) * sizeof *heap->pages));
    while (place > 0 && heap->pages[place - 1].address > address) {
        heap->pages[place] = heap->pages[place - 1];
        place--;
    }
    heap->page_count++;
    heap->pages[place] = (MadePage){.address = address};
    return &heap->pages[place];
}

static uint32_t header_size_of(const HeapLayout *layout, uint32_t block_size)
{
    bool is_large = block_size > layout->max_block_size;

    return heap_layout_small_header_size(layout,
                                         is_large ? layout->large_header_alignment : block_size);
}

static uint32_t slots_of(const HeapLayout *layout, uint32_t block_size)
{
    bool is_large = block_size > layout->max_block_size;

    return is_large ? 1 : (layout->page_size - header_size_of(layout, block_size)) / block_size;
}

void made_heap_write_header(const HeapLayout *layout, uint8_t *bytes, uint32_t block_size,
                            uint32_t owner_thread)
{
    bool is_large = block_size > layout->max_block_size;

    heap_layout_write(bytes, layout->magic, layout->magic_value);
    heap_layout_write(bytes, layout->block_size, block_size);
    heap_layout_write(bytes, layout->object_count, slots_of(layout, block_size));
    heap_layout_write(bytes, layout->header_size, header_size_of(layout, block_size));
    heap_layout_write(bytes, layout->flags, is_large ? layout->flag_large : 0);
    heap_layout_write(bytes, layout->owner_thread, owner_thread);
    heap_layout_write(bytes, layout->free_list_head, layout->free_list_none);
}

uint64_t made_heap_page(MadeHeap *heap, uint64_t address, uint32_t block_size,
                        uint32_t owner_thread)
{
    const HeapLayout *layout = &heap->layout;
    MadePage *page = insert_page(heap, address);
    uint64_t bytes;

    page->block_size = block_size;
    page->header_size = header_size_of(layout, block_size);
    page->slots = slots_of(layout, block_size);
    bytes = page->header_size + (uint64_t)page->slots * block_size;
    page->pages = (uint32_t)((bytes + layout->page_size - 1) / layout->page_size);
    page->bytes = must(calloc(page->pages, layout->page_size));
    made_heap_write_header(layout, page->bytes, block_size, owner_thread);
    return address;
}

uint32_t made_heap_slots(const MadeHeap *heap, uint64_t page)
{
    return find_page(heap, page)->slots;
}

uint64_t made_heap_slot(const MadeHeap *heap, uint64_t page, uint32_t slot)
{
    const MadePage *record = find_page(heap, page);

    return record->address + record->header_size + (uint64_t)slot * record->block_size;
}

static uint32_t slot_of(const MadePage *page, uint64_t object)
{
    uint64_t offset = object - page->address - page->header_size;
    uint32_t slot = (uint32_t)(offset / page->block_size);

    if (slot >= page->slots || offset % page->block_size != 0)
        stop("there is no such slot");
    return slot;
}

static void set_bit(MadePage *page, uint32_t bitmap, uint32_t bit)
{
    page->bytes[bitmap + bit / 8] |= (uint8_t)(1u << (bit % 8));
}

uint64_t made_heap_object(MadeHeap *heap, uint64_t page, uint32_t slot)
{
    MadePage *record = find_page(heap, page);
    uint64_t object = made_heap_slot(heap, page, slot);

    set_bit(record, heap->layout.allocated_bitmap, slot_of(record, object));
    if (heap_layout_has_object_header(&heap->layout, record->block_size))
        made_heap_set_weak(heap, object, 1);
    return object;
}

void made_heap_refer(MadeHeap *heap, uint64_t object, uint64_t word, uint64_t value)
{
    const HeapLayout *layout = &heap->layout;
    MadePage *page = find_page(heap, object);
    uint64_t offset = 8 * word;

    (void)slot_of(page, object);
    if (heap_layout_has_object_header(layout, page->block_size))
        offset += layout->object_header_bytes;
    if (offset + 8 > page->block_size)
        stop("there is no such payload word");
    memcpy(page->bytes + (object - page->address) + offset, &value, sizeof value);
}

void made_heap_set_weak(MadeHeap *heap, uint64_t object, uint64_t bits)
{
    MadePage *page = find_page(heap, object);
    uint8_t *bytes = page->bytes + (object - page->address);
    LayoutField weak = heap->layout.weak_count;

    heap_layout_write(bytes, weak, heap_layout_read(bytes, weak) | bits);
}

void made_heap_set_type(MadeHeap *heap, uint64_t object, uint64_t type_word)
{
    MadePage *page = find_page(heap, object);

    heap_layout_write(page->bytes + (object - page->address), heap->layout.type_word, type_word);
}

void made_heap_set_uses(MadeHeap *heap, uint64_t object, uint32_t uses)
{
    MadePage *page = find_page(heap, object);

    heap_layout_write(page->bytes + (object - page->address), heap->layout.object_generation, uses);
}

void made_heap_set_references(MadeHeap *heap, uint64_t object, uint64_t references)
{
    MadePage *page = find_page(heap, object);

    heap_layout_write(page->bytes + (object - page->address), heap->layout.reference_count,
                      references);
}

void made_heap_set_generation(MadeHeap *heap, uint64_t page, uint32_t generation)
{
    heap_layout_write(find_page(heap, page)->bytes, heap->layout.generation, generation);
}

void made_heap_set_dirty(MadeHeap *heap, uint64_t object)
{
    MadePage *page = find_page(heap, object);

    set_bit(page, heap->layout.dirty_bitmap, slot_of(page, object));
}

void made_heap_set_stale_marks(MadeHeap *heap, uint64_t page)
{
    memset(find_page(heap, page)->bytes + heap->layout.mark_bitmap, 0xff,
           (size_t)heap->layout.bitmap_words * 8);
}

static void add_root(MadeHeap *heap, RootKind kind, uint64_t value, bool is_exact)
{
    heap->roots = must(realloc(heap->roots, (heap->root_count + 1) * sizeof *heap->roots));
    heap->roots[heap->root_count] = (Root){
        .address = 0x1000 + 8 * heap->root_count,
        .value = value,
        .thread = NO_INDEX,
        .kind = (uint8_t)kind,
        .is_exact = is_exact,
    };
    heap->root_count++;
}

void made_heap_root(MadeHeap *heap, RootKind kind, uint64_t value)
{
    add_root(heap, kind, value, false);
}

void made_heap_exact_root(MadeHeap *heap, RootKind kind, uint64_t value)
{
    add_root(heap, kind, value, true);
}

uint64_t made_heap_block(MadeHeap *heap, uint64_t address, uint64_t bytes)
{
    heap->blocks = must(realloc(heap->blocks, (heap->block_count + 1) * sizeof *heap->blocks));
    heap->blocks[heap->block_count++] =
        (MadeBlock){address, bytes, must(calloc(1, (size_t)bytes + 1))};
    return address;
}

void made_heap_block_word(MadeHeap *heap, uint64_t block, uint64_t offset, uint64_t value)
{
    for (size_t i = 0; i < heap->block_count; i++)
        if (heap->blocks[i].address == block && offset + 8 <= heap->blocks[i].bytes) {
            memcpy(heap->blocks[i].data + offset, &value, sizeof value);
            return;
        }
    stop("there is no such block");
}

static int compare_blocks(const void *left, const void *right)
{
    const SnapshotBlock *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

// Hands the heap's contents to `use`.
static void with_contents(const MadeHeap *heap, void (*use)(const SnapshotContents *, void *),
                          void *context)
{
    SnapshotPages *runs = must(calloc(heap->page_count + 1, sizeof *runs));
    SnapshotBlock *blocks = must(calloc(heap->block_count + 1, sizeof *blocks));
    SnapshotContents contents = {
        .layout = heap->layout,
        .runs = runs,
        .run_count = heap->page_count,
        .roots = heap->roots,
        .root_count = heap->root_count,
        .blocks = blocks,
        .block_count = heap->block_count,
    };

    for (size_t i = 0; i < heap->page_count; i++)
        runs[i] =
            (SnapshotPages){heap->pages[i].address, heap->pages[i].pages, heap->pages[i].bytes};
    for (size_t i = 0; i < heap->block_count; i++)
        blocks[i] = (SnapshotBlock){.address = heap->blocks[i].address,
                                    .bytes = heap->blocks[i].bytes,
                                    .data = heap->blocks[i].data};
    qsort(blocks, heap->block_count, sizeof *blocks, compare_blocks);
    use(&contents, context);
    free(runs);
    free(blocks);
}

typedef struct ImageRequest {
    bool force_relocation;
    HeapImage *image;
} ImageRequest;

static void make_image(const SnapshotContents *contents, void *context)
{
    ImageRequest *request = context;
    Error error;

    if (!heap_image_from_contents(contents, request->force_relocation, &request->image, &error))
        stop(error.message);
}

HeapImage *made_heap_image(const MadeHeap *heap, bool force_relocation)
{
    ImageRequest request = {.force_relocation = force_relocation};

    with_contents(heap, make_image, &request);
    return request.image;
}

void snapshot_write_made(const SnapshotContents *made, const char *path)
{
    const SnapshotWriteOptions options = {.replaces = true};
    SnapshotContents contents = *made;
    PageRecords records = {0};
    SnapshotDetails *details = must(snapshot_details_new());
    SnapshotMetadata *metadata = &details->metadata;
    Root *roots = must(calloc(contents.root_count + 1, sizeof *roots));
    Error error;

    (void)snprintf(metadata->tool_version, sizeof metadata->tool_version, "test");
    (void)snprintf(metadata->executable, sizeof metadata->executable, "made-heap");
    (void)snprintf(metadata->method, sizeof metadata->method, "stop");
    metadata->is_complete = true;
    for (uint64_t i = 0; i < contents.run_count; i++)
        if (!page_records_add_run(&records, &contents.layout, contents.runs[i].address,
                                  contents.runs[i].page_count, contents.runs[i].bytes, &error))
            stop(error.message);
    contents.pages = &records;
    contents.details = details;
    for (uint64_t i = 0; i < contents.root_count; i++) {
        roots[i] = made->roots[i];
        roots[i].thread = NO_INDEX;
    }
    contents.roots = roots;
    if (!snapshot_write(path, &contents, &options, NULL, &error))
        stop(error.message);
    page_records_release(&records);
    snapshot_details_free(details);
    free(roots);
}

static void write_contents(const SnapshotContents *contents, void *path)
{
    snapshot_write_made(contents, path);
}

void made_heap_write(const MadeHeap *heap, const char *path)
{
    char copy[4096];

    (void)snprintf(copy, sizeof copy, "%s", path);
    with_contents(heap, write_contents, copy);
}
