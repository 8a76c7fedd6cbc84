// ReferenceCheck: which heaps prove their layout, and which do not.

#include <criterion/criterion.h>

#include "snapshot/heap/reference_check.h"
#include "tests/support/made_heap.h"

#define PAGE UINT64_C(0x10000000)
#define FAR_PAGE UINT64_C(0x7f0000000000)
#define BLOCK UINT64_C(0x555500000000)

static MadeHeap *heap;

static ReferenceCheck checked(void)
{
    HeapImage *image = made_heap_image(heap, false);
    ReferenceCheck check;
    Error error;

    cr_assert(reference_check_image(image, &check, &error), "%s", error.message);
    heap_image_free(image);
    made_heap_free(heap);
    return check;
}

static uint64_t object_with(uint64_t page, uint32_t slot, uint64_t references)
{
    uint64_t object = made_heap_object(heap, page, slot);

    made_heap_set_references(heap, object, references);
    return object;
}

static void make_pages(const HeapLayout *layout)
{
    heap = made_heap_new(layout);
    (void)made_heap_page(heap, PAGE, 128, 1);
    (void)made_heap_page(heap, FAR_PAGE, 128, 1);
}

Test(reference_check, words_of_objects_blocks_and_roots_count)
{
    ReferenceCheck check;
    uint64_t target, other;

    make_pages(NULL);
    target = object_with(PAGE, 0, 3);
    other = object_with(FAR_PAGE, 1, 0);
    made_heap_refer(heap, other, 0, target);
    made_heap_root(heap, ROOT_GLOBAL, target);
    made_heap_block_word(heap, made_heap_block(heap, BLOCK, 64), 8, target);
    check = checked();
    cr_expect(check.is_known);
    cr_expect_eq(check.counted, 1);
    cr_expect_eq(check.overlooked, 0);
    cr_expect_eq(check.first, 0);
}

Test(reference_check, an_object_with_fewer_words_than_its_count_is_overlooked)
{
    ReferenceCheck check;
    uint64_t target, other;

    make_pages(NULL);
    target = object_with(FAR_PAGE, 3, 2);
    other = object_with(PAGE, 5, 1);
    made_heap_refer(heap, other, 0, target);
    made_heap_refer(heap, target, 0, other);
    check = checked();
    cr_expect_eq(check.counted, 2);
    cr_expect_eq(check.overlooked, 1);
    cr_expect_eq(check.first, target);
}

Test(reference_check, words_into_the_inside_count_from_stacks_alone)
{
    uint64_t target, other;

    make_pages(NULL);
    target = object_with(PAGE, 0, 1);
    other = object_with(PAGE, 1, 1);
    made_heap_root(heap, ROOT_STACK, target + 24);
    made_heap_root(heap, ROOT_GLOBAL, other + 24);
    cr_expect_eq(checked().overlooked, 1);
}

Test(reference_check, dead_objects_have_neither_words_nor_a_count)
{
    uint64_t dead, target;

    make_pages(NULL);
    dead = object_with(PAGE, 0, 1);
    target = object_with(PAGE, 1, 1);
    made_heap_refer(heap, dead, 0, target);
    made_heap_set_weak(heap, dead, heap_layout_rudo_gc_0_8()->dead_bit);
    cr_expect_eq(checked().overlooked, 1);
}

Test(reference_check, a_large_object_is_found_by_its_address_and_from_a_stack_by_its_last_page)
{
    uint64_t large;

    heap = made_heap_new(NULL);
    (void)made_heap_page(heap, PAGE, 20000, 1);
    large = object_with(PAGE, 0, 2);
    made_heap_root(heap, ROOT_GLOBAL, large);
    made_heap_root(heap, ROOT_STACK, large + 19992);
    cr_expect_eq(checked().overlooked, 0);
}

Test(reference_check, counts_above_255_need_255_words)
{
    uint64_t target, other;

    make_pages(NULL);
    target = object_with(PAGE, 0, 100000);
    other = made_heap_block(heap, BLOCK, 8 * 255);
    for (uint64_t i = 0; i < 255; i++)
        made_heap_block_word(heap, other, 8 * i, target);
    cr_expect_eq(checked().overlooked, 0);
}

Test(reference_check, a_layout_without_a_reference_count_proves_nothing)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    ReferenceCheck check;

    layout.reference_count = (LayoutField){0, 0};
    make_pages(&layout);
    (void)made_heap_object(heap, PAGE, 0);
    check = checked();
    cr_expect_not(check.is_known);
    cr_expect_eq(check.overlooked, 0);
}

Test(reference_check, a_header_that_is_8_bytes_too_long_hides_the_first_word)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    uint64_t target, other;

    layout.object_header_bytes = 40;
    layout.object_generation = (LayoutField){0, 0};
    heap = made_heap_new(&layout);
    (void)made_heap_page(heap, PAGE, 128, 1);
    target = object_with(PAGE, 0, 1);
    other = object_with(PAGE, 1, 0);
    made_heap_refer(heap, other, 0, target);
    HeapImage *image = made_heap_image(heap, false);
    ReferenceCheck check;
    Error error;
    cr_assert(reference_check_image(image, &check, &error));
    cr_expect_eq(check.overlooked, 0);
    // The same bytes, read with the header of later versions.
    image->layout.object_header_bytes = 48;
    cr_assert(reference_check_image(image, &check, &error));
    cr_expect_eq(check.overlooked, 1);
    cr_expect_eq(check.first, target);
    heap_image_free(image);
    made_heap_free(heap);
}
