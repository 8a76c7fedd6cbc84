// RandomHeap: see tests/support/random_heap.h.
//
// Three passes, because references need targets: addresses of all pages and blocks first, then
// headers and bitmaps, then the words.

#include "snapshot/heap/snapshot_lookup.h"
#include "tests/support/random_heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/snapshot_streams.h"
#include "tests/support/xorshift.h"
#include "snapshot/heap/snapshot_lookup.h"

#define FAR_PAGE_ADDRESS UINT64_C(0x100000000000)
#define FIRST_ADDRESS UINT64_C(0x300000000000)
#define BLOCK_ADDRESS UINT64_C(0x2f0000000000)
#define MODULE_ADDRESS UINT64_C(0x555555554000)
#define TYPE_COUNT 7u
#define DROP_COUNT 4u
#define VARIABLE_COUNT 6u
#define THREAD_COUNT 3u

typedef struct PlannedPage {
    uint64_t address;
    uint64_t offset; // of its bytes in RandomHeap.page_bytes
    uint32_t pages;
    uint32_t block_size;
    uint32_t header_size;
    uint32_t slots;
} PlannedPage;

struct RandomHeap {
    RandomHeapOptions options;
    const HeapLayout *layout;
    HeapLayout own_layout;
    Xorshift random;

    PlannedPage *planned;
    uint64_t planned_count;
    uint8_t *page_bytes;
    uint64_t page_byte_count;
    uint64_t *objects; // addresses of all allocated slots, ascending
    uint64_t object_count;
    uint64_t *free_slots; // addresses of the others
    uint64_t free_count;

    SnapshotPages *runs;
    PageRecords records;
    SnapshotBlock *blocks;
    uint8_t *block_bytes;
    Root *roots;
    SnapshotContents contents;
};

static void *must(void *memory)
{
    if (memory == NULL) {
        fprintf(stderr, "random_heap: out of memory\n");
        abort();
    }
    return memory;
}

// ---- options ----

// Often one of the extremes, because bugs live there.
static uint32_t random_share(Xorshift *random, uint32_t most)
{
    switch (xorshift_below(random, 4)) {
    case 0:
        return 0;
    case 1:
        return most;
    default:
        return (uint32_t)xorshift_between(random, 0, most);
    }
}

RandomHeapOptions random_heap_options(uint64_t seed, uint32_t objects)
{
    Xorshift random = xorshift_seeded(seed ^ UINT64_C(0x6f7074696f6e73));
    RandomHeapOptions options = {.seed = seed};

    options.objects = (uint32_t)xorshift_between(&random, objects / 8, objects);
    if (xorshift_percent(&random, 2))
        options.objects = 0;
    options.blocks =
        xorshift_percent(&random, 30) ? 0 : (uint32_t)xorshift_below(&random, objects / 4 + 2);
    options.roots = xorshift_percent(&random, 5)
                        ? 0
                        : (uint32_t)xorshift_below(
                              &random, xorshift_percent(&random, 50) ? 8 : objects / 4 + 8);
    options.classes = xorshift_percent(&random, 50) ? 0 : (uint32_t)xorshift_next(&random);
    options.owners = (uint32_t)xorshift_between(&random, 1, 20);
    options.has_far_page = xorshift_percent(&random, 50);
    options.roots_are_exact = xorshift_percent(&random, 20);
    options.occupancy = 100 - random_share(&random, 90);
    options.dead = random_share(&random, 40);
    options.under_construction = random_share(&random, 20);
    options.old = random_share(&random, 100);
    options.dirty = random_share(&random, 100);
    options.holes = random_share(&random, 100);
    options.reference = random_share(&random, 100);
    options.broken = random_share(&random, 60);
    options.chain = random_share(&random, 100);
    options.local = random_share(&random, 100);
    return options;
}

RandomHeapOptions random_heap_options_any(uint64_t seed, uint32_t objects)
{
    RandomHeapOptions options = random_heap_options(seed, objects);

    options.has_any_layout = seed % 2 == 0;
    return options;
}

HeapLayout random_heap_layout(Xorshift *random)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    Error error;

    if (xorshift_below(random, 3) == 0)
        return layout;
    do {
        layout = *heap_layout_rudo_gc_0_8();
        layout.page_size = LAYOUT_MIN_PAGE_SIZE << xorshift_below(random, 5);
        layout.page_header_bytes += 8 * (uint32_t)xorshift_below(random, 100);
        layout.min_block_size = 8u << xorshift_below(random, 5);
        layout.max_block_size = layout.min_block_size << xorshift_below(random, 12);
        layout.object_header_bytes += 8 * (uint32_t)xorshift_below(random, 10);
        layout.large_header_alignment = 8u << xorshift_below(random, 6);
        if (xorshift_percent(random, 50)) {
            layout.block_size_step = 8u << xorshift_below(random, 3);
            layout.min_block_size =
                layout.block_size_step * (uint32_t)xorshift_between(random, 1, 12);
            layout.max_block_size = layout.min_block_size +
                                    layout.block_size_step * (uint32_t)xorshift_below(random, 300);
        }
        layout.first_slot_step = xorshift_percent(random, 50) ? 8u << xorshift_below(random, 4) : 0;
    } while (!heap_layout_check(&layout, &error));
    return layout;
}

// ---- pass 1: addresses ----

static uint32_t class_count(const HeapLayout *layout)
{
    uint32_t count = 1;

    while (count < 16 && layout->min_block_size << (count - 1) < layout->max_block_size)
        count++;
    return count;
}

// Most pages are of few classes, as in real heaps.
static uint32_t choose_odd_size(const HeapLayout *layout, Xorshift *random)
{
    uint32_t step = layout->block_size_step;
    uint32_t count = (layout->max_block_size - layout->min_block_size) / step + 1, size;

    do {
        size = layout->min_block_size +
               step * (uint32_t)(xorshift_below(random, count) /
                                 (xorshift_percent(random, 70) ? count / 4 + 1 : 1));
    } while (!heap_layout_is_class(layout, size));
    return size;
}

static void choose_size(RandomHeap *heap, PlannedPage *page)
{
    const HeapLayout *layout = heap->layout;
    Xorshift *random = &heap->random;
    uint32_t small_classes = class_count(layout);
    uint32_t wanted = heap->options.classes;
    uint32_t size_class;
    bool is_large;

    wanted &= (1u << small_classes) - 1 + RANDOM_HEAP_LARGE;
    if (wanted == 0)
        wanted = (1u << small_classes) - 1 + RANDOM_HEAP_LARGE;
    is_large = (wanted & RANDOM_HEAP_LARGE) != 0 && layout->flag_large != 0 &&
               (wanted == RANDOM_HEAP_LARGE || xorshift_percent(random, 10));
    if (is_large) {
        uint32_t header = layout->page_header_bytes + layout->large_header_alignment - 1;
        page->header_size = header - header % layout->large_header_alignment;
        // A type with page alignment pushes its object to the second page.
        if (xorshift_percent(random, 10) && layout->page_size <= UINT16_MAX)
            page->header_size = layout->page_size;
        page->block_size =
            layout->max_block_size +
            8 * (uint32_t)xorshift_between(random, 1, xorshift_percent(random, 20) ? 4000 : 400);
        page->slots = 1;
    } else {
        if ((wanted & ~RANDOM_HEAP_LARGE) == 0)
            wanted = 1;
        do {
            size_class = (uint32_t)xorshift_below(random, small_classes);
        } while ((wanted >> size_class & 1) == 0);
        page->block_size = layout->min_block_size << size_class;
        if (layout->block_size_step > 0)
            page->block_size = choose_odd_size(layout, random);
        page->header_size = heap_layout_small_header_size(layout, page->block_size);
        if (layout->first_slot_step > 0 && xorshift_percent(random, 50))
            page->header_size +=
                (uint32_t)xorshift_below(
                    random, (layout->page_size - page->block_size - page->header_size) /
                                    layout->first_slot_step +
                                1) *
                layout->first_slot_step;
        page->slots = (layout->page_size - page->header_size) / page->block_size;
    }
    page->pages = (page->header_size + page->slots * page->block_size + layout->page_size - 1) /
                  layout->page_size;
}

static uint64_t choose_gap(RandomHeap *heap)
{
    Xorshift *random = &heap->random;
    uint64_t gap = xorshift_between(random, 1, 16);

    if (xorshift_percent(random, 5))
        gap = xorshift_between(random, 16, 5000);
    // Wider than what one window covers.
    if (xorshift_percent(random, 1))
        gap = (UINT64_C(2) << 30) / heap->layout->page_size;
    return gap * heap->layout->page_size;
}

static void plan_pages(RandomHeap *heap)
{
    uint64_t capacity = 0, slots = 0, offset = 0;
    uint64_t next = heap->options.has_far_page ? FAR_PAGE_ADDRESS : FIRST_ADDRESS;
    uint32_t occupancy = heap->options.occupancy > 0 ? heap->options.occupancy : 1;

    while (slots * occupancy / 100 < heap->options.objects) {
        PlannedPage page = {0};
        if (heap->planned_count == capacity) {
            capacity = capacity * 2 + 16;
            heap->planned = must(realloc(heap->planned, capacity * sizeof *heap->planned));
        }
        choose_size(heap, &page);
        page.address = next;
        page.offset = offset;
        heap->planned[heap->planned_count++] = page;
        slots += page.slots;
        offset += (uint64_t)page.pages * heap->layout->page_size;
        next += (uint64_t)page.pages * heap->layout->page_size;
        if (heap->planned_count == 1 && heap->options.has_far_page)
            next = FIRST_ADDRESS;
        else if (xorshift_percent(&heap->random, heap->options.holes))
            next += choose_gap(heap);
    }
    heap->page_byte_count = offset;
    heap->page_bytes = must(calloc(1, offset + 1));
}

static void make_runs(RandomHeap *heap)
{
    uint64_t count = 0;

    heap->runs = must(calloc(heap->planned_count + 1, sizeof *heap->runs));
    for (uint64_t i = 0; i < heap->planned_count; i++) {
        const PlannedPage *page = &heap->planned[i];
        SnapshotPages *last = count > 0 ? &heap->runs[count - 1] : NULL;
        // Now and then two runs touch: readers join them.
        if (last != NULL &&
            last->address + last->page_count * heap->layout->page_size == page->address &&
            !xorshift_percent(&heap->random, 3))
            last->page_count += page->pages;
        else
            heap->runs[count++] =
                (SnapshotPages){page->address, page->pages, heap->page_bytes + page->offset};
    }
    heap->contents.runs = heap->runs;
    heap->contents.run_count = count;
}

static int compare_blocks(const void *left, const void *right)
{
    const SnapshotBlock *a = left, *b = right;

    return a->address < b->address ? -1 : a->address > b->address;
}

// User ranges of malloc chunks: 16-aligned, 24 bytes and more, most of them close together,
// some alone in a gap between GC pages.
static void plan_blocks(RandomHeap *heap)
{
    Xorshift *random = &heap->random;
    uint64_t next = BLOCK_ADDRESS, total = 0, gap_page = 0;
    uint32_t count = heap->options.blocks;

    heap->blocks = must(calloc((size_t)count + 1, sizeof *heap->blocks));
    for (uint32_t i = 0; i < count; i++) {
        SnapshotBlock *block = &heap->blocks[i];
        block->bytes =
            8 + 16 * xorshift_between(random, 1, xorshift_percent(random, 10) ? 600 : 12);
        // Behind page `gap_page`, when there is a hole.
        while (gap_page + 1 < heap->planned_count && xorshift_percent(random, 50)) {
            const PlannedPage *page = &heap->planned[gap_page++];
            uint64_t end = page->address + (uint64_t)page->pages * heap->layout->page_size;
            if (page[1].address - end > block->bytes + 64) {
                block->address = end + 16;
                break;
            }
        }
        if (block->address == 0) {
            block->address = next + 16;
            next += block->bytes + 8;
            if (xorshift_percent(random, 20))
                next += 16 * xorshift_between(random, 1, 2000);
            if (xorshift_percent(random, 1))
                next += UINT64_C(3) << 30;
        }
        total += block->bytes;
    }
    qsort(heap->blocks, count, sizeof *heap->blocks, compare_blocks);
    heap->block_bytes = must(calloc(1, total + 1));
    total = 0;
    for (uint32_t i = 0; i < count; i++) {
        heap->blocks[i].data = heap->block_bytes + total;
        total += heap->blocks[i].bytes;
    }
    heap->contents.blocks = heap->blocks;
    heap->contents.block_count = count;
}

// ---- pass 2: headers, bitmaps, object headers, free lists ----

static void set_bit(uint8_t *page, uint32_t bitmap, uint32_t bit)
{
    page[bitmap + bit / 8] |= (uint8_t)(1u << (bit % 8));
}

static uint64_t random_type_word(RandomHeap *heap)
{
    return MODULE_ADDRESS + 0x1000 + 0x40 * xorshift_below(&heap->random, TYPE_COUNT + 1);
}

static void fill_object_header(RandomHeap *heap, uint8_t *object)
{
    const HeapLayout *layout = heap->layout;
    uint64_t weak = 1;

    if (xorshift_percent(&heap->random, heap->options.dead))
        weak |= layout->dead_bit;
    if (xorshift_percent(&heap->random, heap->options.under_construction))
        weak |= layout->under_construction_bit;
    // No count: references are made at random later. The number drawn for it keeps the heaps of
    // recorded seeds as they were.
    (void)xorshift_below(&heap->random, 5);
    heap_layout_write(object, layout->weak_count, weak);
    heap_layout_write(object, layout->drop_function,
                      MODULE_ADDRESS + 0x800 + 0x20 * xorshift_below(&heap->random, DROP_COUNT));
    heap_layout_write(object, layout->type_word, random_type_word(heap));
    heap_layout_write(object, layout->object_generation, 1);
}

static void fill_page_header(RandomHeap *heap, const PlannedPage *page, uint8_t *bytes)
{
    const HeapLayout *layout = heap->layout;
    uint64_t flags = 0;

    if (page->block_size > layout->max_block_size)
        flags |= layout->flag_large;
    if (xorshift_percent(&heap->random, 10))
        flags |= layout->flag_orphan;
    if (xorshift_percent(&heap->random, 10))
        flags |= layout->flag_needs_sweep;
    heap_layout_write(bytes, layout->magic, layout->magic_value);
    heap_layout_write(bytes, layout->block_size, page->block_size);
    heap_layout_write(bytes, layout->object_count, page->slots);
    heap_layout_write(bytes, layout->header_size, page->header_size);
    heap_layout_write(bytes, layout->generation,
                      xorshift_percent(&heap->random, heap->options.old) ? 1 : 0);
    heap_layout_write(bytes, layout->flags, flags);
    heap_layout_write(bytes, layout->owner_thread,
                      layout->min_owner_thread +
                          xorshift_below(&heap->random, heap->options.owners));
}

// Slots are offered from the last to the first, so that the list runs upwards.
static void fill_slots(RandomHeap *heap, const PlannedPage *page, uint8_t *bytes)
{
    const HeapLayout *layout = heap->layout;
    const LayoutField link = {0, 4};
    uint64_t free_head = layout->free_list_none;

    for (uint32_t slot = page->slots; slot-- > 0;) {
        uint64_t address = page->address + page->header_size + (uint64_t)slot * page->block_size;
        uint8_t *object = bytes + page->header_size + (uint64_t)slot * page->block_size;
        if (xorshift_percent(&heap->random, 50))
            set_bit(bytes, layout->mark_bitmap, slot); // stale: must not be believed
        if (xorshift_percent(&heap->random, heap->options.dirty))
            set_bit(bytes, layout->dirty_bitmap, slot);
        if (heap_layout_has_object_header(layout, page->block_size))
            fill_object_header(heap, object);
        if (xorshift_percent(&heap->random, heap->options.occupancy)) {
            set_bit(bytes, layout->allocated_bitmap, slot);
            heap->objects[heap->object_count++] = address;
            continue;
        }
        heap->free_slots[heap->free_count++] = address;
        // Some free slots are in no list: the part of a page that was never handed out.
        if (xorshift_percent(&heap->random, 20))
            continue;
        heap_layout_write(object, link,
                          free_head == layout->free_list_none ? 0 : 1 | free_head << 16);
        free_head = slot;
    }
    heap_layout_write(bytes, layout->free_list_head, free_head);
    // Bits beyond the last slot mean nothing.
    if (xorshift_percent(&heap->random, 20))
        for (uint32_t bit = page->slots; bit < 64 * layout->bitmap_words; bit += 1 + bit % 7) {
            set_bit(bytes, layout->allocated_bitmap, bit);
            set_bit(bytes, layout->mark_bitmap, bit);
            set_bit(bytes, layout->dirty_bitmap, bit);
        }
}

static int compare_addresses(const void *left, const void *right)
{
    uint64_t a, b;

    memcpy(&a, left, sizeof a);
    memcpy(&b, right, sizeof b);
    return a < b ? -1 : a > b;
}

static void fill_headers(RandomHeap *heap)
{
    uint64_t slots = 0;

    for (uint64_t i = 0; i < heap->planned_count; i++)
        slots += heap->planned[i].slots;
    heap->objects = must(calloc(slots + 1, sizeof *heap->objects));
    heap->free_slots = must(calloc(slots + 1, sizeof *heap->free_slots));
    for (uint64_t i = 0; i < heap->planned_count; i++) {
        uint8_t *bytes = heap->page_bytes + heap->planned[i].offset;
        fill_page_header(heap, &heap->planned[i], bytes);
        fill_slots(heap, &heap->planned[i], bytes);
    }
    qsort(heap->objects, heap->object_count, sizeof *heap->objects, compare_addresses);
}

// ---- pass 3: words ----

static uint64_t broken_word(const RandomHeap *heap, Xorshift *random)
{
    const PlannedPage *page;
    uint64_t object = 0;

    if (heap->object_count > 0)
        object = heap->objects[xorshift_below(random, heap->object_count)];
    if (heap->planned_count == 0)
        return xorshift_next(random);
    page = &heap->planned[xorshift_below(random, heap->planned_count)];
    switch (xorshift_below(random, 10)) {
    case 0:
        return 0;
    case 1: // inside an object, aligned or not
        return object + xorshift_between(random, 1, 15);
    case 2:
        return page->address + 8 * xorshift_below(random, page->header_size / 8);
    case 3: // anywhere in a page or its tail, and a little behind
        return page->address +
               xorshift_below(random, (uint64_t)page->pages * heap->layout->page_size + 64);
    case 4: // the unused end of the last page
        return page->address + (uint64_t)page->pages * heap->layout->page_size - 8;
    case 5:
        return heap->free_count > 0 ? heap->free_slots[xorshift_below(random, heap->free_count)]
                                    : 1;
    case 6: // tagged in the high bits, non-canonical
        return object | xorshift_next(random) << 48;
    case 7: // small integers
        return xorshift_below(random, 100000);
    case 8:
        return UINT64_MAX - xorshift_below(random, 16);
    default:
        return xorshift_next(random);
    }
}

static uint64_t block_word(const RandomHeap *heap, Xorshift *random)
{
    const SnapshotBlock *block = &heap->blocks[xorshift_below(random, heap->contents.block_count)];

    switch (xorshift_below(random, 8)) {
    case 0: // one past the end: not this block
        return block->address + block->bytes;
    case 1:
        return block->address - 1;
    case 2:
    case 3:
        return block->address + xorshift_below(random, block->bytes);
    default:
        return block->address;
    }
}

static uint64_t any_reference(const RandomHeap *heap, Xorshift *random, uint64_t near)
{
    if (xorshift_percent(random, heap->options.broken))
        return broken_word(heap, random);
    if (heap->contents.block_count > 0 && (heap->object_count == 0 || xorshift_percent(random, 15)))
        return block_word(heap, random);
    if (heap->object_count == 0)
        return 0;
    if (xorshift_percent(random, heap->options.local))
        near += heap->object_count - 8 % heap->object_count + xorshift_below(random, 17);
    else
        near = xorshift_below(random, heap->object_count);
    return heap->objects[near % heap->object_count];
}

uint64_t random_heap_word(const RandomHeap *heap, struct Xorshift *random)
{
    if (!xorshift_percent(random, heap->options.reference))
        return xorshift_percent(random, 50) ? 0 : broken_word(heap, random);
    return any_reference(heap, random, xorshift_below(random, heap->object_count + 1));
}

static void fill_words(RandomHeap *heap, uint8_t *bytes, uint64_t count, uint64_t near)
{
    for (uint64_t i = 0; i < count; i++) {
        uint64_t word = 0;
        // Large objects and blocks: mostly nothing, or the heap would be one knot.
        if (i < 64 || xorshift_percent(&heap->random, 5)) {
            if (xorshift_percent(&heap->random, heap->options.reference))
                word = any_reference(heap, &heap->random, near);
            else if (xorshift_percent(&heap->random, 30))
                word = xorshift_next(&heap->random);
        }
        memcpy(bytes + 8 * i, &word, sizeof word);
    }
}

// A tail page of a large object is user data, and may look like a page.
static void imitate_pages(RandomHeap *heap, const PlannedPage *page, uint8_t *bytes)
{
    uint64_t end = (uint64_t)page->header_size + page->block_size;

    for (uint32_t tail = 1; tail < page->pages; tail++) {
        uint64_t offset = (uint64_t)tail * heap->layout->page_size;
        if (offset >= page->header_size && offset + heap->layout->page_header_bytes <= end &&
            xorshift_percent(&heap->random, 30))
            memcpy(bytes + offset, heap->page_bytes + heap->planned[0].offset,
                   heap->layout->page_header_bytes);
    }
}

static void fill_payloads(RandomHeap *heap)
{
    const HeapLayout *layout = heap->layout;
    uint64_t near = 0;

    for (uint64_t i = 0; i < heap->planned_count; i++) {
        const PlannedPage *page = &heap->planned[i];
        uint8_t *bytes = heap->page_bytes + page->offset;
        for (uint32_t slot = 0; slot < page->slots; slot++) {
            uint64_t offset = page->header_size + (uint64_t)slot * page->block_size;
            uint64_t address = page->address + offset;
            uint32_t skipped = heap_layout_has_object_header(layout, page->block_size)
                                   ? layout->object_header_bytes
                                   : 0;
            bool is_object = near < heap->object_count && heap->objects[near] == address;
            if (is_object)
                near++;
            else if (skipped == 0)
                skipped = 8; // the link of a free slot
            fill_words(heap, bytes + offset + skipped, (page->block_size - skipped) / 8, near);
            if (is_object && near < heap->object_count && page->block_size >= skipped + 8 &&
                xorshift_percent(&heap->random, heap->options.chain))
                memcpy(bytes + offset + skipped, &heap->objects[near], 8);
        }
        imitate_pages(heap, page, bytes);
    }
    for (uint32_t i = 0; i < heap->contents.block_count; i++)
        fill_words(heap, heap->block_bytes + (heap->blocks[i].data - heap->block_bytes),
                   heap->blocks[i].bytes / 8, xorshift_below(&heap->random, near + 1));
}

static void make_roots(RandomHeap *heap)
{
    Xorshift *random = &heap->random;

    heap->roots = must(calloc((size_t)heap->options.roots + 1, sizeof *heap->roots));
    for (uint32_t i = 0; i < heap->options.roots; i++) {
        Root *root = &heap->roots[i];
        root->kind = (uint8_t)xorshift_below(random, ROOT_KIND_COUNT);
        root->thread = (uint32_t)xorshift_below(random, THREAD_COUNT + 1);
        if (root->thread == THREAD_COUNT)
            root->thread = NO_INDEX;
        root->address = root->kind == ROOT_REGISTER ? xorshift_below(random, 40)
                                                    : UINT64_C(0x7ffe00000000) + 8 * i;
        root->is_exact = heap->options.roots_are_exact || xorshift_percent(random, 30);
        root->value = any_reference(heap, random, xorshift_below(random, heap->object_count + 1));
    }
    heap->contents.roots = heap->roots;
    heap->contents.root_count = heap->options.roots;
}

// ---- details ----

static char *copy_string(const char *text)
{
    return must(strdup(text));
}

static void fill_drops(SnapshotDetails *details)
{
    details->drops = must(calloc(DROP_COUNT, sizeof *details->drops));
    details->drop_count = DROP_COUNT;
    for (uint32_t i = 0; i < DROP_COUNT; i++) {
        SnapshotType *drop = &details->drops[i];
        char name[64];
        drop->type_word = MODULE_ADDRESS + 0x800 + 0x20 * i;
        drop->module = i == 0 ? UINT32_MAX : 0;
        drop->module_offset = i == 0 ? 0 : 0x800 + 0x20 * i;
        drop->symbol_count = i == 0 ? 0 : 1;
        drop->symbols = must(calloc(1, sizeof *drop->symbols));
        snprintf(name, sizeof name, "sample::drop_%u", i);
        if (i > 0)
            drop->symbols[0] = copy_string(name);
    }
}

static void fill_stacks(SnapshotDetails *details)
{
    details->stacks = must(calloc(THREAD_COUNT, sizeof *details->stacks));
    for (uint32_t i = 0; i < THREAD_COUNT; i += 2) { // not every thread has one
        SnapshotStack *stack = &details->stacks[details->stack_count++];
        uint64_t start = details->threads[i].stack_pointer;
        stack->thread = i;
        stack->end = (uint8_t)(i % STACK_END_COUNT);
        stack->frame_count = i + 1;
        stack->frames = must(calloc(stack->frame_count, sizeof *stack->frames));
        for (uint32_t f = 0; f < stack->frame_count; f++)
            stack->frames[f] = (SnapshotFrame){
                .program_counter = MODULE_ADDRESS + 0x2000 + 0x10 * f,
                .is_interrupted = f == 0,
                .start = start + 0x100 * f,
                .end = start + 0x100 * (f + 1),
                .function_offset = f % 2 == 0 ? 0x10 * f : 0,
                .function = f % 2 == 0 ? copy_string("sample::function") : NULL,
            };
    }
}

static void fill_variables(SnapshotDetails *details)
{
    details->variables = must(calloc(VARIABLE_COUNT, sizeof *details->variables));
    details->variable_count = VARIABLE_COUNT;
    for (uint32_t i = 0; i < VARIABLE_COUNT; i++) {
        char name[64];
        snprintf(name, sizeof name, "sample::VARIABLE_%u", i);
        details->variables[i] = (SnapshotVariable){
            .address = i < 3 ? MODULE_ADDRESS + 0x8000 + 0x10 * i : UINT64_MAX - 0x10 * (9 - i),
            .bytes = 24, // more than the distance: they overlap
            .is_thread_local = i >= 3,
            .name = copy_string(name),
        };
    }
}

static void fill_types(SnapshotDetails *details)
{
    details->types = must(calloc(TYPE_COUNT, sizeof *details->types));
    details->type_count = TYPE_COUNT;
    for (uint32_t i = 0; i < TYPE_COUNT; i++) {
        SnapshotType *type = &details->types[i];
        char name[64];
        type->type_word = MODULE_ADDRESS + 0x1000 + 0x40 * i;
        type->module = 0;
        type->module_offset = 0x1000 + 0x40 * i;
        type->symbol_count = i % 3; // none, one, two that were merged
        type->symbols = must(calloc(3, sizeof *type->symbols));
        for (uint32_t s = 0; s < type->symbol_count; s++) {
            snprintf(name, sizeof name, "sample::Type%u::trace<\xc3\xa9\"\\%u>", i, s);
            type->symbols[s] = copy_string(name);
        }
    }
}

// From a seed of its own, so that heaps are what they were before there was a certificate.
static void fill_certificate(PauseCertificate *certificate, uint64_t seed)
{
    Xorshift random = xorshift_seeded(seed ^ UINT64_C(0x7061757365));
    uint64_t stops = xorshift_below(&random, PAUSE_MAX_STOPS + 1);
    uint64_t rounds = stops == 0 ? 0 : xorshift_below(&random, PAUSE_MAX_ROUNDS + 1);

    for (uint64_t i = 0; i < stops; i++)
        pause_certificate_add_stop(
            certificate, &(PauseStop){.phase = "last",
                                      .thread_count = (uint32_t)xorshift_below(&random, 100),
                                      .page_count = xorshift_below(&random, UINT64_C(1) << 60),
                                      .stopping_ns = xorshift_below(&random, 1000000),
                                      .working_ns = xorshift_below(&random, 1000000),
                                      .resuming_ns = xorshift_below(&random, 1000000)});
    for (uint64_t i = 0; i < rounds; i++)
        pause_certificate_add_round(certificate, xorshift_below(&random, 100000), i);
    if (stops == 0)
        return;
    certificate->collection = (CollectionState)xorshift_below(&random, COLLECTION_STATE_COUNT);
    certificate->compared_pages = xorshift_below(&random, 1000);
    certificate->differing_pages = xorshift_below(&random, 2);
    snprintf(certificate->method_note, sizeof certificate->method_note, "no reason");
    certificate->moment = (SnapshotMoment)xorshift_below(&random, SNAPSHOT_MOMENT_COUNT);
    if (certificate->moment == MOMENT_UNKNOWN)
        return;
    certificate->sharing_processes = (uint32_t)xorshift_below(&random, 5);
    certificate->sharing_stopped = certificate->sharing_processes;
    snprintf(certificate->sharing_note, sizeof certificate->sharing_note, "processes 4243");
}

static void fill_details(RandomHeap *heap, SnapshotDetails *details)
{
    SnapshotMetadata *metadata = &details->metadata;

    snprintf(metadata->tool_version, sizeof metadata->tool_version, "test");
    snprintf(metadata->executable, sizeof metadata->executable, "random-heap");
    snprintf(metadata->build_id, sizeof metadata->build_id, "%016llx",
             (unsigned long long)heap->options.seed);
    snprintf(metadata->method, sizeof metadata->method, "stop");
    metadata->pid = (uint32_t)xorshift_between(&heap->random, 1, 4000000);
    metadata->captured_at_ns = INT64_C(1790000000123456789);
    metadata->pause_ns = xorshift_below(&heap->random, 1000000000);
    fill_certificate(&metadata->certificate, heap->options.seed);
    metadata->keeps_free_slots = true;
    metadata->resident_bytes = heap->page_byte_count;
    snprintf(metadata->names_note, sizeof metadata->names_note, "some names\nother names");

    details->threads = must(calloc(THREAD_COUNT, sizeof *details->threads));
    details->thread_count = THREAD_COUNT;
    for (uint32_t i = 0; i < THREAD_COUNT; i++) {
        details->threads[i] = (SnapshotThread){
            .tid = metadata->pid + i,
            .stack_pointer = UINT64_C(0x7ffe00000000) + i * UINT64_C(0x100000),
            .program_counter = MODULE_ADDRESS + 0x2000,
            .control_block = UINT64_C(0x7ff000000000) + i * UINT64_C(0x10000),
        };
        snprintf(details->threads[i].name, sizeof details->threads[i].name, "worker-%u", i);
    }
    details->modules = must(calloc(1, sizeof *details->modules));
    details->module_count = 1;
    details->modules[0] = (SnapshotModule){copy_string("random-heap"), copy_string("0123abcd"),
                                           MODULE_ADDRESS, MODULE_ADDRESS + 0x10000};
    details->mappings = must(calloc(2, sizeof *details->mappings));
    details->mapping_count = 2;
    details->mappings[0] = (SnapshotMapping){MODULE_ADDRESS, MODULE_ADDRESS + 0x10000, 0x1000,
                                             "r-xp", copy_string("/opt/random heap/random-heap")};
    details->mappings[1] = (SnapshotMapping){UINT64_C(0x7ffe00000000), UINT64_C(0x7ffe00100000), 0,
                                             "rw-p", copy_string("")};
    fill_types(details);
    fill_drops(details);
    fill_stacks(details);
    fill_variables(details);
}

static SnapshotDetails *new_details(const RandomHeap *heap)
{
    SnapshotDetails *details = must(snapshot_details_new());
    RandomHeap copy = *heap; // its numbers must not depend on how often we are called

    copy.random = xorshift_seeded(heap->options.seed);
    fill_details(&copy, details);
    return details;
}

// ---- all of it ----

RandomHeap *random_heap_new(const RandomHeapOptions *options)
{
    RandomHeap *heap = must(calloc(1, sizeof *heap));

    heap->options = *options;
    if (heap->options.owners == 0)
        heap->options.owners = 1;
    heap->layout = options->layout != NULL ? options->layout : heap_layout_rudo_gc_0_8();
    heap->random = xorshift_seeded(options->seed);
    if (options->has_any_layout) {
        heap->own_layout = random_heap_layout(&heap->random);
        heap->layout = &heap->own_layout;
    }
    heap->contents.layout = *heap->layout;
    plan_pages(heap);
    make_runs(heap);
    plan_blocks(heap);
    fill_headers(heap);
    fill_payloads(heap);
    make_roots(heap);
    heap->contents.details = new_details(heap);
    heap->records = records_of(&heap->contents);
    heap->contents.pages = &heap->records;
    return heap;
}

void random_heap_free(RandomHeap *heap)
{
    if (heap == NULL)
        return;
    free(heap->planned);
    free(heap->page_bytes);
    free(heap->objects);
    free(heap->free_slots);
    free(heap->runs);
    page_records_release(&heap->records);
    free(heap->blocks);
    free(heap->block_bytes);
    free(heap->roots);
    snapshot_details_free((SnapshotDetails *)(uintptr_t)heap->contents.details);
    free(heap);
}

const SnapshotContents *random_heap_contents(const RandomHeap *heap)
{
    return &heap->contents;
}

static bool give_pages(HeapImageBuilder *builder, const SnapshotContents *contents, Error *error)
{
    PageRun *runs = must(calloc(contents->run_count + 1, sizeof *runs));
    bool ok;

    for (uint64_t i = 0; i < contents->run_count; i++)
        runs[i] = (PageRun){contents->runs[i].address, contents->runs[i].page_count};
    ok = heap_image_builder_reserve(builder, runs, contents->run_count, error);
    free(runs);
    for (uint64_t i = 0; ok && i < contents->run_count; i++) {
        uint64_t bytes = contents->runs[i].page_count * contents->layout.page_size;
        memcpy(must(heap_image_builder_bytes(builder, contents->runs[i].address, bytes)),
               contents->runs[i].bytes, bytes);
    }
    return ok;
}

static void give_roots_and_blocks(HeapImageBuilder *builder, const SnapshotContents *contents)
{
    Root *roots = must(malloc((contents->root_count + 1) * sizeof *roots));
    ForeignBlock *blocks = must(malloc((contents->block_count + 1) * sizeof *blocks));
    uint8_t *bytes;
    uint64_t total = 0;

    if (contents->root_count > 0)
        memcpy(roots, contents->roots, contents->root_count * sizeof *roots);
    heap_image_builder_take_roots(builder, roots, contents->root_count);
    for (uint64_t i = 0; i < contents->block_count; i++)
        total += (contents->blocks[i].bytes + 7) / 8 * 8;
    bytes = must(calloc(1, total + 1));
    total = 0;
    for (uint64_t i = 0; i < contents->block_count; i++) {
        const SnapshotBlock *block = &contents->blocks[i];
        blocks[i] = (ForeignBlock){block->address, block->bytes, total};
        memcpy(bytes + total, block->data, block->bytes);
        total += (block->bytes + 7) / 8 * 8;
    }
    heap_image_builder_take_blocks(builder, blocks, (uint32_t)contents->block_count, bytes, total);
}

bool heap_image_from_contents(const SnapshotContents *contents, bool force_relocation,
                              HeapImage **out, Error *error)
{
    HeapImageOptions options = {.force_relocation = force_relocation};
    HeapImageBuilder *builder = NULL;
    bool ok;

    *out = NULL;
    if (!heap_image_builder_new(&contents->layout, &options, &builder, error))
        return false;
    ok = give_pages(builder, contents, error);
    if (ok) {
        give_roots_and_blocks(builder, contents);
        ok = heap_image_builder_finish(&builder, out, error);
    }
    heap_image_builder_free(builder);
    return ok;
}

HeapImage *random_heap_image(const RandomHeap *heap, bool force_relocation)
{
    HeapImage *image = NULL;
    Error error;

    if (!heap_image_from_contents(&heap->contents, force_relocation, &image, &error)) {
        fprintf(stderr, "random_heap: seed %llu: %s\n", (unsigned long long)heap->options.seed,
                error.message);
        abort();
    }
    // Tests may compare details, too; `heap` keeps its own.
    snapshot_details_free((SnapshotDetails *)(uintptr_t)image->details);
    image->details = new_details(heap);
    if (!snapshot_details_index((SnapshotDetails *)(uintptr_t)image->details, &error))
        abort();
    return image;
}
