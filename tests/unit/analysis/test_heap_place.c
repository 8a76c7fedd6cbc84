// Every address has one place, on a small heap with a large object.

#include <criterion/criterion.h>

#include "analysis/heap_place.h"
#include "tests/support/made_heap.h"

#define PAGE UINT64_C(0x10000000)
#define LARGE UINT64_C(0x10002000)
#define BLOCK UINT64_C(0x50000000)
#define SLOT(index) (PAGE + 1600 + 64 * (uint64_t)(index))

static HeapImage *open_heap(void)
{
    MadeHeap *heap = made_heap_new(NULL);
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint64_t page = made_heap_page(heap, PAGE, 64, 7);
    HeapImage *image;

    made_heap_object(heap, page, 3);
    made_heap_set_weak(heap, made_heap_object(heap, page, 4), layout->dead_bit | 6);
    made_heap_set_weak(heap, made_heap_object(heap, page, 5), layout->under_construction_bit | 1);
    made_heap_set_references(heap, SLOT(3), 9);
    made_heap_set_dirty(heap, SLOT(3));
    made_heap_set_generation(heap, page, 1);
    made_heap_object(heap, made_heap_page(heap, LARGE, 5000, 8), 0);
    made_heap_block(heap, BLOCK, 40);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    return image;
}

static void expect_place(const HeapImage *image, uint64_t address, HeapPlaceKind kind,
                         uint64_t start, uint64_t bytes)
{
    HeapPlace place = heap_place_at(image, address);

    cr_expect_eq(place.kind, kind, "0x%llx: %s", (unsigned long long)address,
                 heap_place_kind_name(place.kind));
    cr_expect_eq(place.address, start, "0x%llx", (unsigned long long)place.address);
    cr_expect_eq(place.bytes, bytes, "%llu", (unsigned long long)place.bytes);
    cr_expect_eq(place.offset, address - start);
}

Test(heap_place, every_address_has_one_place)
{
    HeapImage *image = open_heap();

    expect_place(image, SLOT(3), HEAP_PLACE_OBJECT, SLOT(3), 64);
    expect_place(image, SLOT(3) + 63, HEAP_PLACE_OBJECT, SLOT(3), 64);
    expect_place(image, SLOT(4) + 1, HEAP_PLACE_ZOMBIE, SLOT(4), 64);
    expect_place(image, SLOT(0), HEAP_PLACE_FREE_SLOT, SLOT(0), 64);
    expect_place(image, PAGE, HEAP_PLACE_PAGE_HEADER, PAGE, 1600);
    expect_place(image, PAGE + 1599, HEAP_PLACE_PAGE_HEADER, PAGE, 1600);
    expect_place(image, LARGE + 5000, HEAP_PLACE_OBJECT, LARGE + 1584, 5000);
    expect_place(image, LARGE + 8191, HEAP_PLACE_PAGE_END, LARGE + 6584, 8192 - 6584);
    expect_place(image, BLOCK + 39, HEAP_PLACE_BLOCK, BLOCK, 40);
    expect_place(image, BLOCK + 40, HEAP_PLACE_OUTSIDE, BLOCK + 40, 0);
    expect_place(image, 0, HEAP_PLACE_OUTSIDE, 0, 0);
    expect_place(image, UINT64_MAX, HEAP_PLACE_OUTSIDE, UINT64_MAX, 0);
    heap_image_free(image);
}

Test(heap_place, words_are_those_that_may_refer)
{
    HeapImage *image = open_heap();
    HeapPlace object = heap_place_at(image, SLOT(3)), block = heap_place_at(image, BLOCK);
    HeapPlace header = heap_place_at(image, PAGE);

    cr_expect_eq(heap_place_words(image, &object).count, 2);
    cr_expect_eq(heap_place_words(image, &object).offset, 48);
    cr_expect_eq(heap_place_words(image, &block).count, 5);
    cr_expect_eq(heap_place_words(image, &header).count, 0);
    heap_image_free(image);
}

Test(heap_place, bits_and_headers_are_read)
{
    HeapImage *image = open_heap();
    HeapPlace place = heap_place_at(image, SLOT(3));
    PageFacts page = page_facts_of(image, place.page);
    SlotFacts slot = slot_facts_of(image, place.page, 3);

    cr_expect_eq(page.owner_thread, 7);
    cr_expect_eq(page.generation, 1);
    cr_expect_eq(page.live_count, 2);
    cr_expect_eq(page.dead_count, 1);
    cr_expect(slot.is_allocated && slot.is_dirty && !slot.is_dead && slot.has_header);
    cr_expect_eq(slot.references, 9);
    slot = slot_facts_of(image, place.page, 4);
    cr_expect(slot.is_dead && !slot.is_under_construction);
    cr_expect_eq(slot.weak_references, 7);
    slot = slot_facts_of(image, place.page, 5);
    cr_expect(slot.is_under_construction);
    cr_expect_eq(slot.weak_references, 1);
    slot = slot_facts_of(image, place.page, 0);
    cr_expect(!slot.is_allocated && !slot.has_header);
    heap_image_free(image);
}
