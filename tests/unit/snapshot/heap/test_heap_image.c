// HeapImage: rule conservative/1 spelt out on one small heap, case by case. That lookups are
// right on any heap is tests/property/snapshot/heap/test_heap_image_lookup.c's to show.

#include "snapshot/heap/heap_image.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 4096u
#define BASE UINT64_C(0x200000000000)
#define SMALL BASE               // class 64
#define WIDE (BASE + PAGE)       // class 16: 157 slots
#define LARGE (BASE + 2 * PAGE)  // 2 pages, one object of 5000 bytes
#define OLD (BASE + 5 * PAGE)    // class 2048 behind a hole, generation 1
#define BLOCKS (BASE + 4 * PAGE) // in the hole

static const LayoutField word_field = {0, 8};

static uint8_t *make_page(HeapImageBuilder *builder, uint64_t address, uint32_t block_size)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    bool is_large = block_size > layout->max_block_size;
    uint32_t header = is_large ? 1584 : heap_layout_small_header_size(layout, block_size);
    uint8_t *page = heap_image_builder_bytes(builder, address, PAGE);

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->owner_thread, 3);
    heap_layout_write(page, layout->flags, is_large ? layout->flag_large : 0);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->header_size, header);
    heap_layout_write(page, layout->object_count, is_large ? 1 : (PAGE - header) / block_size);
    return page;
}

// Class 64: slot 0 live, 1 free, 2 DEAD, 3 UNDER_CONSTRUCTION, 38 live. Class 16: slots 0, 64
// and 156. The large object is live. Class 2048: slot 0 live and dirty.
static void fill_pages(HeapImageBuilder *builder)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *page = make_page(builder, SMALL, 64);

    heap_layout_write(page + layout->allocated_bitmap, word_field, 0xd | UINT64_C(1) << 38);
    heap_layout_write(page + layout->mark_bitmap, word_field, UINT64_MAX);
    heap_layout_write(page + 1600 + 2 * 64, layout->weak_count, layout->dead_bit | 1);
    heap_layout_write(page + 1600 + 3 * 64, layout->weak_count, layout->under_construction_bit | 1);
    heap_layout_write(page + 1600, layout->type_word, 0x5555);
    page = make_page(builder, WIDE, 16);
    heap_layout_write(page + layout->allocated_bitmap, word_field, 1);
    heap_layout_write(page + layout->allocated_bitmap + 8, word_field, 1);
    heap_layout_write(page + layout->allocated_bitmap + 16, word_field,
                      UINT64_C(1) << 28 | UINT64_C(1) << 29); // 156, and one that is not a slot
    // All ones where a larger object has its weak count: payload here.
    memset(page + 1584, 0xff, 16);
    page = make_page(builder, LARGE, 5000);
    heap_layout_write(page + layout->allocated_bitmap, word_field, 1);
    page = make_page(builder, OLD, 2048);
    heap_layout_write(page, layout->generation, 1);
    heap_layout_write(page + layout->allocated_bitmap, word_field, 1);
    heap_layout_write(page + layout->dirty_bitmap, word_field, 1);
}

static HeapImage *make_image(bool is_relocated)
{
    HeapImageOptions options = {.force_relocation = is_relocated};
    const PageRun runs[] = {{SMALL, 4}, {OLD, 1}};
    ForeignBlock *blocks = malloc(2 * sizeof *blocks);
    HeapImageBuilder *builder = NULL;
    HeapImage *image = NULL;
    Error error;

    cr_assert(heap_image_builder_new(heap_layout_rudo_gc_0_8(), &options, &builder, &error));
    cr_assert(heap_image_builder_reserve(builder, runs, 2, &error));
    fill_pages(builder);
    blocks[0] = (ForeignBlock){BLOCKS + 16, 40, 0};
    blocks[1] = (ForeignBlock){BLOCKS + 4064, 24, 40}; // ends 8 bytes before the next page
    heap_image_builder_take_blocks(builder, blocks, 2, calloc(1, 64), 64);
    cr_assert(heap_image_builder_finish(&builder, &image, &error), "%s", error.message);
    return image;
}

static void expect_object(const HeapImage *image, uint64_t word, bool allow_interior,
                          ReferenceKind kind, uint64_t page_address, uint32_t slot)
{
    Reference got = heap_image_resolve(image, word, allow_interior);

    cr_expect_eq(got.kind, kind, "word 0x%llx: %d", (unsigned long long)word, (int)got.kind);
    if (got.kind == REFERENCE_OBJECT || got.kind == REFERENCE_DEAD) {
        cr_expect_eq(image->pages[got.page].address, page_address);
        cr_expect_eq(got.slot, slot);
    }
}

static void expect_kind(const HeapImage *image, uint64_t word, bool allow_interior,
                        ReferenceKind kind)
{
    expect_object(image, word, allow_interior, kind, 0, 0);
}

Test(heap_image, the_start_of_an_allocated_slot_is_a_reference)
{
    for (int relocated = 0; relocated < 2; relocated++) {
        HeapImage *image = make_image(relocated != 0);
        expect_object(image, SMALL + 1600, false, REFERENCE_OBJECT, SMALL, 0);
        expect_object(image, SMALL + 1600 + 38 * 64, false, REFERENCE_OBJECT, SMALL, 38);
        expect_object(image, WIDE + 1584, false, REFERENCE_OBJECT, WIDE, 0);
        expect_object(image, WIDE + 1584 + 64 * 16, false, REFERENCE_OBJECT, WIDE, 64);
        expect_object(image, WIDE + 1584 + 156 * 16, false, REFERENCE_OBJECT, WIDE, 156);
        expect_object(image, LARGE + 1584, false, REFERENCE_OBJECT, LARGE, 0);
        expect_object(image, OLD + 2048, false, REFERENCE_OBJECT, OLD, 0);
        heap_image_free(image);
    }
}

Test(heap_image, the_inside_of_an_object_counts_from_stacks_and_registers_only)
{
    HeapImage *image = make_image(false);

    expect_object(image, SMALL + 1600 + 1, true, REFERENCE_OBJECT, SMALL, 0);
    expect_object(image, SMALL + 1600 + 63, true, REFERENCE_OBJECT, SMALL, 0);
    expect_kind(image, SMALL + 1600 + 1, false, REFERENCE_INVALID);
    expect_kind(image, SMALL + 1600 + 48, false, REFERENCE_INVALID);
    // The tail of a large object is its inside.
    expect_object(image, LARGE + PAGE, true, REFERENCE_OBJECT, LARGE, 0);
    expect_kind(image, LARGE + PAGE, false, REFERENCE_INVALID);
    expect_object(image, LARGE + 1584 + 4999, true, REFERENCE_OBJECT, LARGE, 0);
    heap_image_free(image);
}

Test(heap_image, which_kinds_of_roots_may_point_inside)
{
    for (unsigned kind = 0; kind < ROOT_KIND_COUNT; kind++) {
        Root root = {.kind = (uint8_t)kind};
        cr_expect_eq(root_allows_interior(&root), kind == ROOT_STACK || kind == ROOT_REGISTER, "%s",
                     root_kind_name((RootKind)kind));
    }
}

Test(heap_image, words_in_a_page_that_are_no_allocated_slot_are_invalid)
{
    HeapImage *image = make_image(false);

    for (int interior = 0; interior < 2; interior++) {
        expect_kind(image, SMALL, interior, REFERENCE_INVALID);             // page header
        expect_kind(image, SMALL + 1599, interior, REFERENCE_INVALID);      // just before slot 0
        expect_kind(image, SMALL + 1600 + 64, interior, REFERENCE_INVALID); // free slot
        expect_kind(image, WIDE + 1584 + 157 * 16, interior, REFERENCE_INVALID); // behind the last
        expect_kind(image, LARGE, interior, REFERENCE_INVALID);
        expect_kind(image, LARGE + 1584 + 5000, interior, REFERENCE_INVALID); // rest of its tail
        expect_kind(image, LARGE + 2 * PAGE - 1, interior, REFERENCE_INVALID);
    }
    heap_image_free(image);
}

Test(heap_image, dead_objects_are_told_apart_and_not_live)
{
    HeapImage *image = make_image(false);

    expect_object(image, SMALL + 1600 + 128, false, REFERENCE_DEAD, SMALL, 2);
    expect_object(image, SMALL + 1600 + 130, true, REFERENCE_DEAD, SMALL, 2);
    cr_expect(heap_image_is_allocated(image, 0, 2));
    cr_expect_not(heap_image_is_live(image, 0, 2));
    cr_expect_not(heap_image_is_allocated(image, 0, 1));
    heap_image_free(image);
}

Test(heap_image, objects_smaller_than_an_object_header_are_never_dead_and_have_no_type)
{
    HeapImage *image = make_image(false);
    uint32_t wide = heap_image_find_page(image, WIDE);

    cr_expect(heap_image_is_live(image, wide, 0));
    cr_expect_not(heap_image_is_under_construction(image, wide, 0));
    cr_expect_eq(heap_image_type_word(image, wide, 0), 0u);
    cr_expect_eq(heap_image_payload_offset(image, 16), 0u);
    cr_expect_eq(heap_image_payload_offset(image, 64), 48u);
    heap_image_free(image);
}

Test(heap_image, objects_under_construction_are_live_and_known)
{
    HeapImage *image = make_image(false);

    cr_expect(image->has_under_construction);
    cr_expect(heap_image_is_live(image, 0, 3));
    cr_expect(heap_image_is_under_construction(image, 0, 3));
    cr_expect_not(heap_image_is_under_construction(image, 0, 0));
    cr_expect_eq(heap_image_type_word(image, 0, 0), 0x5555u);
    heap_image_free(image);
}

Test(heap_image, blocks_are_found_by_any_address_inside_them)
{
    HeapImage *image = make_image(false);

    cr_expect_eq(heap_image_resolve(image, BLOCKS + 16, false).kind, REFERENCE_BLOCK);
    cr_expect_eq(heap_image_resolve(image, BLOCKS + 55, false).block, 0u);
    cr_expect_eq(heap_image_resolve(image, BLOCKS + 4087, false).block, 1u);
    expect_kind(image, BLOCKS + 15, true, REFERENCE_NONE);
    expect_kind(image, BLOCKS + 56, true, REFERENCE_NONE);
    expect_kind(image, BLOCKS + 4088, true, REFERENCE_NONE);
    heap_image_free(image);
}

Test(heap_image, words_that_are_not_about_this_heap_are_nothing)
{
    const uint64_t words[] = {0,         1,          BASE - 1,          OLD + PAGE,
                              INT64_MAX, UINT64_MAX, UINT64_C(1) << 63, BASE | UINT64_C(1) << 60};
    HeapImage *image = make_image(false);

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        expect_kind(image, words[i], true, REFERENCE_NONE);
    heap_image_free(image);
}

Test(heap_image, bits_beyond_the_last_slot_are_cut_off)
{
    HeapImage *image = make_image(false);
    uint32_t wide = heap_image_find_page(image, WIDE);

    cr_expect_eq(heap_image_page_words(image, wide), 3u);
    cr_expect_eq(heap_image_allocated_word(image, wide, 2), UINT64_C(1) << 28);
    cr_expect_eq(heap_image_allocated_word(image, wide, 3), 0u);
    cr_expect_eq(heap_image_allocated_word(image, wide, UINT32_MAX), 0u);
    heap_image_free(image);
}

Test(heap_image, generations_and_dirty_bits_are_read_from_the_page)
{
    HeapImage *image = make_image(false);
    uint32_t old = heap_image_find_page(image, OLD);

    cr_expect_eq(heap_image_generation(image, 0), 0u);
    cr_expect_eq(heap_image_generation(image, old), 1u);
    cr_expect_eq(heap_image_dirty_word(image, old, 0), 1u);
    cr_expect_eq(heap_image_dirty_word(image, 0, 0), 0u);
    heap_image_free(image);
}

Test(heap_image, root_kinds_have_names)
{
    cr_expect_str_eq(root_kind_name(ROOT_STACK), "stack");
    cr_expect_str_eq(root_kind_name(ROOT_EXPLICIT), "explicit");
    cr_expect_str_eq(root_kind_name(ROOT_KIND_COUNT), "unknown");
    for (unsigned kind = 0; kind < ROOT_KIND_COUNT; kind++)
        cr_expect_str_neq(root_kind_name((RootKind)kind), "unknown");
}
