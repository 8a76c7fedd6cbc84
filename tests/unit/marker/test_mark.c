// Marking by hand-made heaps: each rule of conservative/1 that a marker could get wrong, checked
// against numbers worked out on paper, for the serial marker and for every other way to mark.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"

#define PAGE 4096u
#define BASE UINT64_C(0x200000000000)
#define HEADER 48u

static const LayoutField word_field = {0, 8};

typedef struct MadeHeap {
    HeapImageBuilder *builder;
    Root roots[16];
    uint64_t root_count;
} MadeHeap;

static MadeHeap made_heap(uint64_t page_count)
{
    MadeHeap heap = {0};
    PageRun run = {BASE, page_count};
    Error error;

    cr_assert(heap_image_builder_new(heap_layout_rudo_gc_0_8(), NULL, &heap.builder, &error));
    cr_assert(heap_image_builder_reserve(heap.builder, &run, page_count > 0, &error), "%s",
              error.message);
    return heap;
}

// A page of one class with all slots allocated; a large object when the size is no class.
static uint8_t *make_page(MadeHeap *heap, uint64_t page, uint32_t block_size)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    bool is_large = block_size > layout->max_block_size;
    uint32_t header = is_large ? 1584 : heap_layout_small_header_size(layout, block_size);
    uint32_t slots = is_large ? 1 : (PAGE - header) / block_size;
    uint8_t *bytes = heap_image_builder_bytes(heap->builder, BASE + page * PAGE, PAGE);

    heap_layout_write(bytes, layout->magic, layout->magic_value);
    heap_layout_write(bytes, layout->owner_thread, 1 + page % 3);
    heap_layout_write(bytes, layout->flags, is_large ? layout->flag_large : 0);
    heap_layout_write(bytes, layout->block_size, block_size);
    heap_layout_write(bytes, layout->header_size, header);
    heap_layout_write(bytes, layout->object_count, slots);
    for (uint32_t slot = 0; slot < slots; slot++)
        bytes[layout->allocated_bitmap + slot / 8] |= (uint8_t)(1u << (slot % 8));
    return bytes;
}

static uint64_t slot_address(uint64_t page, uint32_t block_size, uint32_t slot)
{
    uint32_t header = block_size > 2048
                          ? 1584
                          : heap_layout_small_header_size(heap_layout_rudo_gc_0_8(), block_size);

    return BASE + page * PAGE + header + (uint64_t)slot * block_size;
}

static void write_word(MadeHeap *heap, uint64_t address, uint64_t value)
{
    heap_layout_write(heap_image_builder_bytes(heap->builder, address, 8), word_field, value);
}

static void add_root(MadeHeap *heap, RootKind kind, uint64_t value)
{
    heap->roots[heap->root_count] = (Root){
        .address = 8 * heap->root_count, .value = value, .thread = NO_INDEX, .kind = (uint8_t)kind};
    heap->root_count++;
}

static HeapImage *finish(MadeHeap *heap)
{
    Root *roots = malloc(sizeof heap->roots);
    HeapImage *image;
    Error error;

    memcpy(roots, heap->roots, sizeof heap->roots);
    heap_image_builder_take_roots(heap->builder, roots, heap->root_count);
    cr_assert(heap_image_builder_finish(&heap->builder, &image, &error), "%s", error.message);
    return image;
}

// Marks in every way, all equal; returns the serial marker's result.
static MarkResult *mark_all_ways(const HeapImage *image, MarkKind kind)
{
    static const uint32_t workers[] = {1, 2, 3, 16};
    MarkResult *wanted, *got;
    Error error;

    cr_assert(mark_reachable_serial(image, kind, &wanted, &error), "%s", error.message);
    for (size_t i = 0; i < sizeof workers / sizeof workers[0]; i++) {
        for (int policy = MARK_POLICY_STEAL; policy <= MARK_POLICY_OWNER; policy++) {
            MarkOptions options = {
                .workers = workers[i], .kind = kind, .policy = (MarkPolicy)policy};
            cr_assert(mark_reachable(image, &options, &got, &error), "%s", error.message);
            cr_expect(memcmp(got->marked, wanted->marked, got->word_count * 8) == 0,
                      "%u workers, policy %d", workers[i], policy);
            cr_expect(memcmp(&got->totals, &wanted->totals, sizeof got->totals) == 0,
                      "%u workers, policy %d", workers[i], policy);
            mark_result_free(got);
        }
    }
    return wanted;
}

Test(mark, a_heap_without_pages_has_an_empty_result)
{
    MadeHeap heap = made_heap(0);
    char digest[MARK_DIGEST_CHARS];

    add_root(&heap, ROOT_STACK, BASE);
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->totals.marked_objects, 0);
    cr_expect_eq(result->totals.roots[ROOT_STACK], 0);
    // XXH3-128 of nothing, as `xxhsum -H128 /dev/null` prints it.
    mark_result_digest(result, image, digest);
    cr_expect_str_eq(digest, "xxh3-128:99aa06d3014798d86001c324468d497f");
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, no_roots_mark_nothing)
{
    MadeHeap heap = made_heap(1);

    make_page(&heap, 0, 64);
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->totals.marked_objects, 0);
    cr_expect_not(is_fully_marked(result, image, 0));
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, the_digest_is_that_of_page_address_and_mark_words)
{
    MadeHeap heap = made_heap(2);
    char digest[MARK_DIGEST_CHARS];

    make_page(&heap, 0, 64);
    make_page(&heap, 1, 16);
    add_root(&heap, ROOT_GLOBAL, slot_address(0, 64, 1));
    add_root(&heap, ROOT_GLOBAL, slot_address(1, 16, 156));
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    // xxhsum -H128 of: u64 0x200000000000, u64 2, u64 0x200000001000, u64 0, u64 0, u64 1 << 28.
    mark_result_digest(result, image, digest);
    cr_expect_str_eq(digest, "xxh3-128:894e074e9389a59538203f5d0ab0d985");
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, interior_pointers_count_from_stacks_and_registers_only)
{
    MadeHeap heap = made_heap(1);

    make_page(&heap, 0, 128);
    for (uint32_t kind = 0; kind < ROOT_KIND_COUNT; kind++)
        add_root(&heap, (RootKind)kind, slot_address(0, 128, kind) + 56);
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->marked[heap_image_first_word(image, 0)],
                 1u << ROOT_STACK | 1u << ROOT_REGISTER);
    cr_expect_eq(result->totals.invalid_references, ROOT_KIND_COUNT - 2);
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, broken_references_are_counted_once_per_word)
{
    MadeHeap heap = made_heap(1);
    uint64_t first = slot_address(0, 256, 0) + HEADER;

    uint8_t *page = make_page(&heap, 0, 256);
    page[heap_layout_rudo_gc_0_8()->allocated_bitmap] = 0x7f;  // slots 7 and 8 are free
    write_word(&heap, first, slot_address(0, 256, 1) + 8);     // inside an object
    write_word(&heap, first + 8, slot_address(0, 256, 1) + 1); // crooked
    write_word(&heap, first + 16, BASE);                       // page header
    write_word(&heap, first + 24, slot_address(0, 256, 7));    // free slot
    write_word(&heap, first + 32, slot_address(0, 256, 7));    // the same again
    write_word(&heap, first + 40, slot_address(0, 256, 2));    // sound
    write_word(&heap, first + 48, BASE + PAGE);                // no page
    add_root(&heap, ROOT_EXPLICIT, slot_address(0, 256, 0));
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->marked[0], 0x5);
    cr_expect_eq(result->totals.invalid_references, 5);
    cr_expect_eq(result->statistics.workers[0].edges, 1);
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, dead_objects_are_never_marked_and_those_under_construction_never_scanned)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    MadeHeap heap = made_heap(1);

    uint8_t *page = make_page(&heap, 0, 64);
    heap_layout_write(page + 1600 + 64, layout->weak_count, layout->dead_bit);
    heap_layout_write(page + 1600 + 128, layout->weak_count, layout->under_construction_bit);
    write_word(&heap, slot_address(0, 64, 0) + HEADER, slot_address(0, 64, 1));
    write_word(&heap, slot_address(0, 64, 0) + HEADER + 8, slot_address(0, 64, 2));
    write_word(&heap, slot_address(0, 64, 1) + HEADER, slot_address(0, 64, 3));
    write_word(&heap, slot_address(0, 64, 2) + HEADER, slot_address(0, 64, 4));
    add_root(&heap, ROOT_STACK, slot_address(0, 64, 0));
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->marked[0], 0x5);
    cr_expect_eq(result->totals.invalid_references, 0);
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, slots_smaller_than_an_object_header_are_payload_from_the_start)
{
    MadeHeap heap = made_heap(2);

    make_page(&heap, 0, 16);
    make_page(&heap, 1, 32);
    // A chain through both words of slots far up in the page: bits in all three mark words.
    write_word(&heap, slot_address(0, 16, 70), slot_address(0, 16, 150));
    write_word(&heap, slot_address(0, 16, 150) + 8, slot_address(1, 32, 77));
    write_word(&heap, slot_address(1, 32, 77) + 24, slot_address(0, 16, 0));
    add_root(&heap, ROOT_TLS, slot_address(0, 16, 70));
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->totals.marked_objects, 4);
    cr_expect(mark_result_is_marked(result, image, 0, 150));
    cr_expect(mark_result_is_marked(result, image, 1, 77));
    cr_expect_eq(result->totals.marked_bytes, 3 * 16 + 32);
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, a_minor_mark_starts_from_dirty_old_objects_and_marks_young_ones_only)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    MadeHeap heap = made_heap(2);

    uint8_t *old = make_page(&heap, 0, 64);
    make_page(&heap, 1, 64);
    heap_layout_write(old, layout->generation, 1);
    heap_layout_write(old + layout->dirty_bitmap, word_field, 0x2); // slot 1
    write_word(&heap, slot_address(0, 64, 0) + HEADER, slot_address(1, 64, 0));
    write_word(&heap, slot_address(0, 64, 1) + HEADER, slot_address(1, 64, 1));
    write_word(&heap, slot_address(1, 64, 1) + HEADER, slot_address(0, 64, 2));
    write_word(&heap, slot_address(0, 64, 2) + HEADER, slot_address(1, 64, 2));
    write_word(&heap, slot_address(1, 64, 1) + HEADER + 8, slot_address(1, 64, 3));
    add_root(&heap, ROOT_STACK, slot_address(0, 64, 0)); // old and clean: leads nowhere
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MINOR);
    cr_expect_eq(result->marked[heap_image_first_word(image, 0)], 0);
    cr_expect_eq(result->marked[heap_image_first_word(image, 1)], 1 << 1 | 1 << 3);
    cr_expect_eq(result->totals.roots[ROOT_STACK], 1);
    mark_result_free(result);
    result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->totals.marked_objects, 2);
    mark_result_free(result);
    heap_image_free(image);
}

// Pages that hold `objects` slots of class 64.
static uint64_t pages_for(uint64_t objects)
{
    return (objects + 38) / 39;
}

static uint64_t object_address(uint64_t first_page, uint64_t object)
{
    return slot_address(first_page + object / 39, 64, (uint32_t)(object % 39));
}

Test(mark, one_giant_array_is_marked_whole)
{
    const uint64_t leaves = 200000;
    const uint32_t bytes = HEADER + 8 * 200000;
    const uint64_t array_pages = (1584 + bytes + PAGE - 1) / PAGE;
    MadeHeap heap = made_heap(array_pages + pages_for(leaves));

    make_page(&heap, 0, bytes);
    for (uint64_t page = 0; page < pages_for(leaves); page++)
        make_page(&heap, array_pages + page, 64);
    for (uint64_t leaf = 0; leaf < leaves; leaf++)
        write_word(&heap, slot_address(0, bytes, 0) + HEADER + 8 * leaf,
                   object_address(array_pages, leaf * 7919 % leaves));
    add_root(&heap, ROOT_HANDLE, slot_address(0, bytes, 0));
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->totals.marked_objects, leaves + 1);
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, a_list_of_a_million_needs_no_recursion)
{
    const uint64_t objects = 1000000;
    MadeHeap heap = made_heap(pages_for(objects));

    for (uint64_t page = 0; page < pages_for(objects); page++)
        make_page(&heap, page, 64);
    for (uint64_t object = 0; object + 1 < objects; object++)
        write_word(&heap, object_address(0, object) + HEADER, object_address(0, object + 1));
    add_root(&heap, ROOT_GLOBAL, object_address(0, 0));
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->totals.marked_objects, objects);
    cr_expect(is_fully_marked(result, image, 0));
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, foreign_blocks_are_traced_from_any_pointer_into_them)
{
    const uint64_t block_address = BASE + 16 * PAGE;
    const uint32_t words = 5000; // more than one piece
    MadeHeap heap = made_heap(1);
    ForeignBlock *block = malloc(sizeof *block);
    uint8_t *bytes = calloc(words, 8);
    uint64_t last = slot_address(0, 64, 5);

    make_page(&heap, 0, 64);
    write_word(&heap, slot_address(0, 64, 0) + HEADER, block_address + 8 * words - 1);
    *block = (ForeignBlock){block_address, 8 * words, 0};
    memcpy(bytes + 8 * (words - 1), &last, 8);
    heap_image_builder_take_blocks(heap.builder, block, 1, bytes, 8 * words);
    add_root(&heap, ROOT_STACK, slot_address(0, 64, 0));
    HeapImage *image = finish(&heap);
    MarkResult *result = mark_all_ways(image, MARK_MAJOR);
    cr_expect_eq(result->marked[0], 1 | 1 << 5);
    cr_expect_eq(result->totals.marked_blocks, 1);
    cr_expect_eq(result->totals.marked_block_bytes, 8 * words);
    mark_result_free(result);
    heap_image_free(image);
}

Test(mark, impossible_options_are_refused)
{
    static const MarkOptions options[] = {{.workers = MAX_WORKERS + 1},
                                          {.workers = 2, .queue_capacity = 1},
                                          {.workers = 2, .queue_capacity = 1000},
                                          {.workers = 1, .policy = (MarkPolicy)9},
                                          {.workers = 1, .kind = (MarkKind)9}};
    MadeHeap heap = made_heap(0);
    HeapImage *image = finish(&heap);

    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        MarkResult *result;
        Error error;
        cr_expect_not(mark_reachable(image, &options[i], &result, &error));
        cr_expect_eq(error.code, ERROR_USAGE);
        cr_expect_null(result);
    }
    heap_image_free(image);
}
