// PageRecords: what a record says of a page, and where its bits are.

#include "snapshot/heap/page_record.h"

#include <criterion/criterion.h>
#include <string.h>

#include "tests/support/made_heap.h"

#define PAGE 4096u
#define BASE UINT64_C(0x200000000000)

static uint8_t pages[6 * PAGE];
static PageRecords records;

static void release(void)
{
    page_records_release(&records);
}

TestSuite(page_record, .fini = release);

static void write_page(uint32_t page, uint32_t block_size, uint64_t allocated)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    made_heap_write_header(layout, pages + page * PAGE, block_size, 7);
    heap_layout_write(pages + page * PAGE + layout->allocated_bitmap, (LayoutField){0, 8},
                      allocated);
}

static void set_weak(uint32_t page, uint32_t slot, uint64_t bits)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *bytes = pages + page * PAGE;
    uint64_t at = heap_layout_read(bytes, layout->header_size) +
                  slot * heap_layout_read(bytes, layout->block_size);

    heap_layout_write(bytes + at, layout->weak_count, bits);
}

static void add_run(uint64_t page_count)
{
    Error error;

    cr_assert(
        page_records_add_run(&records, heap_layout_rudo_gc_0_8(), BASE, page_count, pages, &error),
        "%s", error.message);
}

Test(page_record, says_what_the_header_says)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    const PageRecord *record;

    write_page(0, 64, 1);
    heap_layout_write(pages, layout->generation, 1);
    add_run(1);
    cr_assert_eq(records.count, 1);
    record = &records.items[0];
    cr_expect_eq(record->address, BASE);
    cr_expect_eq(record->block_size, 64);
    cr_expect_eq(record->header_size, 1600);
    cr_expect_eq(record->slot_count, 39);
    cr_expect_eq(record->page_count, 1);
    cr_expect_eq(record->owner_thread, 7);
    cr_expect_eq(record->generation, 1);
    cr_expect_not(record->is_large);
    cr_expect_not(record->has_dead);
    cr_expect_not(record->has_under_construction);
}

Test(page_record, a_large_object_is_one_record_with_all_of_its_pages)
{
    write_page(0, 2 * PAGE, 1);
    write_page(1, 64, 1); // the object's own bytes
    write_page(3, 128, 1);
    add_run(4);
    cr_assert_eq(records.count, 2);
    cr_expect(records.items[0].is_large);
    cr_expect_eq(records.items[0].page_count, 3);
    cr_expect_eq(records.items[0].slot_count, 1);
    cr_expect_eq(records.items[1].address, BASE + 3 * PAGE);
}

Test(page_record, bits_behind_the_last_slot_are_cut_off)
{
    write_page(0, 64, UINT64_MAX);
    write_page(1, 1024, UINT64_MAX);
    add_run(2);
    cr_expect_eq(page_record_bits(&records, &records.items[0])->allocated, (UINT64_C(1) << 39) - 1);
    cr_expect_eq(page_record_bits(&records, &records.items[1])->allocated, 3);
    cr_expect_eq(page_records_count_live(&records), 41);
}

Test(page_record, pages_of_many_slots_have_several_words)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    write_page(0, 16, 5);
    heap_layout_write(pages + layout->allocated_bitmap + 16, (LayoutField){0, 8}, UINT64_MAX);
    write_page(1, 64, 2);
    add_run(2);
    cr_assert_eq(records.bits_count, 3);
    cr_expect_eq(page_record_bits(&records, &records.items[0])[0].allocated, 5);
    cr_expect_eq(page_record_bits(&records, &records.items[0])[1].allocated, 0);
    cr_expect_eq(page_record_bits(&records, &records.items[0])[2].allocated,
                 (UINT64_C(1) << 29) - 1);
    cr_expect_eq(page_record_bits(&records, &records.items[1])->allocated, 2);
}

Test(page_record, the_dead_are_allocated_and_not_live)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    write_page(0, 64, 6);
    set_weak(0, 1, layout->dead_bit | 1);
    set_weak(0, 5, layout->dead_bit | 1); // a free slot, with what its object left there
    add_run(1);
    cr_expect(records.items[0].has_dead);
    cr_expect_eq(page_record_bits(&records, records.items)->allocated, 6);
    cr_expect_eq(page_record_bits(&records, records.items)->dead, 2);
    cr_expect_eq(page_records_count_live(&records), 1);
}

Test(page_record, slots_without_an_object_header_are_never_dead)
{
    write_page(0, 32, UINT64_MAX);
    memset(pages + 1600, 0xff, PAGE - 1600);
    add_run(1);
    cr_expect_not(records.items[0].has_dead);
    cr_expect_not(records.items[0].has_under_construction);
}

Test(page_record, only_live_objects_are_under_construction)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    for (uint32_t page = 0; page < 3; page++)
        write_page(page, 64, 6);
    set_weak(0, 0, layout->under_construction_bit);                    // free
    set_weak(1, 1, layout->under_construction_bit | layout->dead_bit); // DEAD
    set_weak(2, 2, layout->under_construction_bit);
    add_run(3);
    cr_expect_not(records.items[0].has_under_construction);
    cr_expect_not(records.items[1].has_under_construction);
    cr_expect(records.items[2].has_under_construction);
}

Test(page_record, a_page_without_a_valid_header_is_refused_and_named)
{
    Error error = {0};

    write_page(0, 64, 1);
    memset(pages + PAGE, 0, PAGE);
    cr_expect_not(
        page_records_add_run(&records, heap_layout_rudo_gc_0_8(), BASE, 2, pages, &error));
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_str_eq(error.message,
                     "the page at 0x200000001000 is not a page of layout 'rudo-gc-0.8': magic "
                     "(offset 0) is 0x0, expected 0x52554447");
}

static PageHeader header_of(const HeapLayout *layout, uint32_t page)
{
    PageHeader header;

    cr_assert_eq(page_header_read(layout, pages + page * PAGE, PAGE, &header), PAGE_HEADER_VALID);
    return header;
}

Test(page_record, places_are_empty_until_they_are_filled)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    PageHeader header;
    Error error;

    cr_assert(page_records_reserve(&records, layout, 4, &error));
    write_page(0, 64, 9);
    header = header_of(layout, 0);
    page_records_fill(&records, 3, layout, &header, pages);
    page_records_fill(&records, 1, layout, &header, pages);
    for (uint32_t place = 0; place < 4; place++)
        cr_expect_eq(records.items[place].page_count, place % 2);
    cr_expect_eq(page_record_bits(&records, &records.items[1])->allocated, 9);
}

Test(page_record, pages_of_many_slots_without_object_headers_are_completed)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    PageHeader header;
    Error error;

    cr_assert(page_records_reserve(&records, layout, 2, &error));
    write_page(0, 16, 9);
    header = header_of(layout, 0);
    page_records_fill(&records, 1, layout, &header, pages);
    cr_expect_eq(records.items[1].page_count, 0);
    for (uint32_t place = 0; place < 2; place++)
        cr_assert(page_records_complete(&records, place, layout, &header, pages, &error));
    for (uint32_t place = 0; place < 2; place++) {
        cr_expect_eq(records.items[place].slot_count, 157);
        cr_expect_eq(page_record_bits(&records, &records.items[place])->allocated, 9);
    }
    cr_expect_neq(records.items[0].first_bits, records.items[1].first_bits);
}

Test(page_record, pages_of_many_slots_with_object_headers_are_filled)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    PageHeader header;
    Error error;

    layout.object_header_bytes = 16;
    layout.type_word = layout.drop_function = layout.dropping = layout.object_generation =
        (LayoutField){0};
    cr_assert(page_records_reserve(&records, &layout, 3, &error));
    write_page(0, 16, 6);
    heap_layout_write(pages + heap_layout_small_header_size(&layout, 16) + 16, layout.weak_count,
                      layout.dead_bit);
    header = header_of(&layout, 0);
    page_records_fill(&records, 2, &layout, &header, pages);
    cr_assert_eq(records.items[2].page_count, 1);
    cr_expect_eq(page_record_bits(&records, &records.items[2])->allocated, 6);
    cr_expect_eq(page_record_bits(&records, &records.items[2])->dead, 2);
    cr_assert(page_records_complete(&records, 0, &layout, &header, pages, &error));
    cr_expect_eq(page_record_bits(&records, &records.items[0])->dead, 2);
}

Test(page_record, more_places_than_memory_are_an_error)
{
    Error error = {0};

    cr_expect_not(
        page_records_reserve(&records, heap_layout_rudo_gc_0_8(), UINT64_MAX / 64, &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    cr_expect_null(records.items);
}
