// HeapLayout: which layouts are possible, and which page headers are valid.

#include "snapshot/heap/heap_layout.h"

#include <criterion/criterion.h>
#include <string.h>

// ---- fields ----

Test(heap_layout, fields_are_little_endian_and_need_no_alignment)
{
    const uint8_t bytes[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99};

    cr_expect_eq(heap_layout_read(bytes, (LayoutField){1, 1}), 0x22u);
    cr_expect_eq(heap_layout_read(bytes, (LayoutField){1, 2}), 0x3322u);
    cr_expect_eq(heap_layout_read(bytes, (LayoutField){1, 4}), 0x55443322u);
    cr_expect_eq(heap_layout_read(bytes, (LayoutField){1, 8}), UINT64_C(0x9988776655443322));
}

Test(heap_layout, an_absent_field_reads_as_zero_and_is_not_written)
{
    uint8_t bytes[16], before[16];

    memset(bytes, 0xaa, sizeof bytes);
    memcpy(before, bytes, sizeof bytes);
    cr_expect_eq(heap_layout_read(bytes, (LayoutField){3, 0}), 0u);
    heap_layout_write(bytes, (LayoutField){3, 0}, 99);
    cr_expect_eq(memcmp(bytes, before, sizeof bytes), 0);
}

Test(heap_layout, what_is_written_is_read_again_and_neighbours_stay)
{
    const uint16_t widths[] = {1, 2, 4, 8};
    const uint64_t value = UINT64_C(0xf1e2d3c4b5a69788);

    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        uint8_t bytes[16] = {0};
        LayoutField field = {5, widths[i]};
        uint64_t mask = widths[i] == 8 ? UINT64_MAX : (UINT64_C(1) << (8 * widths[i])) - 1;
        heap_layout_write(bytes, field, value);
        cr_expect_eq(heap_layout_read(bytes, field), value & mask);
        cr_expect_eq(bytes[4], 0);
        cr_expect_eq(bytes[5 + widths[i]], 0);
    }
}

Test(heap_layout, bitmap_words_are_found_by_index)
{
    uint8_t page[4096] = {0};

    page[1056 + 8 + 1] = 0x80; // bit 15 of word 1
    cr_expect_eq(heap_layout_bitmap_word(page, 1056, 0), 0u);
    cr_expect_eq(heap_layout_bitmap_word(page, 1056, 1), UINT64_C(1) << 15);
}

// ---- the built-in layout: numbers measured on live processes ----

Test(heap_layout, rudo_gc_size_classes_have_the_measured_header_sizes_and_slots)
{
    const uint32_t expected[][3] = {{16, 1584, 157}, {32, 1600, 78}, {64, 1600, 39},
                                    {128, 1664, 19}, {256, 1792, 9}, {512, 2048, 4},
                                    {1024, 2048, 2}, {2048, 2048, 1}};
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        uint32_t header = heap_layout_small_header_size(layout, expected[i][0]);
        cr_expect_eq(header, expected[i][1], "class %u", expected[i][0]);
        cr_expect_eq((layout->page_size - header) / expected[i][0], expected[i][2], "class %u",
                     expected[i][0]);
    }
}

Test(heap_layout, objects_smaller_than_the_object_header_have_none)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_not(heap_layout_has_object_header(layout, 16));
    cr_expect_not(heap_layout_has_object_header(layout, 32));
    cr_expect(heap_layout_has_object_header(layout, 64));
    cr_expect(heap_layout_has_object_header(layout, 100000));
}

Test(heap_layout, the_built_in_layout_is_possible)
{
    Error error;

    cr_expect(heap_layout_check(heap_layout_rudo_gc_0_8(), &error));
}

// ---- layouts that come from a file ----

static void expect_impossible(const HeapLayout *layout, const char *what)
{
    Error error = {0};

    cr_expect_not(heap_layout_check(layout, &error), "%s", what);
    cr_expect_eq(error.code, ERROR_CORRUPT, "%s", what);
    cr_expect_gt(strlen(error.message), 0u, "%s", what);
}

// The built-in layout with one thing changed. The setting is any assignment to `l.`.
#define EXPECT_IMPOSSIBLE(...)                                                                     \
    do {                                                                                           \
        HeapLayout l = *heap_layout_rudo_gc_0_8();                                                 \
        __VA_ARGS__;                                                                               \
        expect_impossible(&l, #__VA_ARGS__);                                                       \
    } while (0)

Test(heap_layout, a_layout_needs_a_terminated_name)
{
    EXPECT_IMPOSSIBLE(l.name[0] = '\0');
    EXPECT_IMPOSSIBLE(memset(l.name, 'x', sizeof l.name));
}

Test(heap_layout, page_sizes_are_powers_of_two_within_bounds)
{
    EXPECT_IMPOSSIBLE(l.page_size = 0);
    EXPECT_IMPOSSIBLE(l.page_size = 2048);
    EXPECT_IMPOSSIBLE(l.page_size = 5000);
    EXPECT_IMPOSSIBLE(l.page_size = 131072);
    EXPECT_IMPOSSIBLE(l.page_size = UINT32_C(1) << 31);
}

Test(heap_layout, fields_must_lie_inside_the_page_header)
{
    EXPECT_IMPOSSIBLE(l.magic.offset = 1573);
    EXPECT_IMPOSSIBLE(l.block_size.offset = 1573);
    EXPECT_IMPOSSIBLE(l.object_count.offset = 1575);
    EXPECT_IMPOSSIBLE(l.header_size.offset = UINT16_MAX);
    EXPECT_IMPOSSIBLE(l.generation.offset = 1576);
    EXPECT_IMPOSSIBLE(l.flags.offset = 1576);
    EXPECT_IMPOSSIBLE(l.owner_thread.offset = 1569);
    EXPECT_IMPOSSIBLE(l.dead_count.offset = 1575);
    EXPECT_IMPOSSIBLE(l.free_list_head.offset = 1575);
    EXPECT_IMPOSSIBLE(l.page_header_bytes = 1569);
    EXPECT_IMPOSSIBLE(l.page_header_bytes = 4096);
    EXPECT_IMPOSSIBLE(l.page_header_bytes = UINT32_MAX);
}

Test(heap_layout, fields_have_a_known_width)
{
    EXPECT_IMPOSSIBLE(l.magic.width = 3);
    EXPECT_IMPOSSIBLE(l.owner_thread.width = 16);
    EXPECT_IMPOSSIBLE(l.weak_count.width = 7);
}

Test(heap_layout, what_finds_pages_and_slots_must_not_be_absent)
{
    EXPECT_IMPOSSIBLE(l.magic.width = 0);
    EXPECT_IMPOSSIBLE(l.block_size.width = 0);
    EXPECT_IMPOSSIBLE(l.object_count.width = 0);
    EXPECT_IMPOSSIBLE(l.header_size.width = 0);
}

Test(heap_layout, other_fields_may_be_absent)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    Error error;

    layout.generation.width = layout.owner_thread.width = layout.dead_count.width = 0;
    layout.weak_count.width = layout.type_word.width = layout.free_list_head.width = 0;
    layout.min_owner_thread = 0;
    cr_expect(heap_layout_check(&layout, &error));
}

Test(heap_layout, bitmaps_must_lie_inside_the_page_header_and_be_long_enough)
{
    EXPECT_IMPOSSIBLE(l.mark_bitmap = 33);
    EXPECT_IMPOSSIBLE(l.dirty_bitmap = 1072);
    EXPECT_IMPOSSIBLE(l.allocated_bitmap = UINT32_MAX - 7);
    EXPECT_IMPOSSIBLE(l.bitmap_words = 0);
    EXPECT_IMPOSSIBLE(l.bitmap_words = 66);
    EXPECT_IMPOSSIBLE(l.bitmap_words = UINT32_MAX);
    EXPECT_IMPOSSIBLE(l.bitmap_words = 2); // 157 slots of 16 bytes
}

Test(heap_layout, size_classes_are_powers_of_two_that_fit_a_page)
{
    EXPECT_IMPOSSIBLE(l.min_block_size = 0);
    EXPECT_IMPOSSIBLE(l.min_block_size = 4);
    EXPECT_IMPOSSIBLE(l.min_block_size = 24);
    EXPECT_IMPOSSIBLE(l.min_block_size = 4096);
    EXPECT_IMPOSSIBLE(l.max_block_size = 0);
    EXPECT_IMPOSSIBLE(l.max_block_size = 2000);
    EXPECT_IMPOSSIBLE(l.max_block_size = 4096);
    EXPECT_IMPOSSIBLE(l.max_block_size = UINT32_C(1) << 31);
    EXPECT_IMPOSSIBLE(l.page_header_bytes = 2056); // the largest class no longer fits
}

Test(heap_layout, large_object_alignment_is_a_power_of_two_up_to_a_page)
{
    EXPECT_IMPOSSIBLE(l.large_header_alignment = 0);
    EXPECT_IMPOSSIBLE(l.large_header_alignment = 4);
    EXPECT_IMPOSSIBLE(l.large_header_alignment = 24);
    EXPECT_IMPOSSIBLE(l.large_header_alignment = 8192);
}

Test(heap_layout, values_must_fit_where_pages_keep_them)
{
    EXPECT_IMPOSSIBLE(l.max_owner_thread = UINT64_C(1) << 32);
    EXPECT_IMPOSSIBLE(l.max_generation = 256);
    EXPECT_IMPOSSIBLE(l.flag_large = 0x100);
    EXPECT_IMPOSSIBLE(l.flag_dirty_listed = 0x100);
}

Test(heap_layout, object_fields_must_lie_inside_the_object_header)
{
    EXPECT_IMPOSSIBLE(l.reference_count.offset = 41);
    EXPECT_IMPOSSIBLE(l.weak_count.offset = 41);
    EXPECT_IMPOSSIBLE(l.drop_function.offset = 41);
    EXPECT_IMPOSSIBLE(l.type_word.offset = 48);
    EXPECT_IMPOSSIBLE(l.dropping.offset = 41);
    EXPECT_IMPOSSIBLE(l.object_generation.offset = 45);
    EXPECT_IMPOSSIBLE(l.object_header_bytes = 44);
    EXPECT_IMPOSSIBLE(l.object_header_bytes = 2056);
    EXPECT_IMPOSSIBLE(l.free_link_bytes = 17);
}

// ---- page headers ----

// A valid page of class 64, or a large object of 5000 bytes.
static void make_page(uint8_t *page, bool is_large)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    memset(page, 0, layout->page_size);
    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->owner_thread, 7);
    heap_layout_write(page, layout->flags, is_large ? layout->flag_large : 0);
    heap_layout_write(page, layout->block_size, is_large ? 5000 : 64);
    heap_layout_write(page, layout->object_count, is_large ? 1 : 39);
    heap_layout_write(page, layout->header_size, is_large ? 1584 : 1600);
}

static PageHeaderFault read_with(bool is_large, LayoutField field, uint64_t value,
                                 uint64_t available)
{
    uint8_t page[4096];
    PageHeader header;

    make_page(page, is_large);
    heap_layout_write(page, field, value);
    return page_header_read(heap_layout_rudo_gc_0_8(), page, available, &header);
}

Test(page_header, a_valid_small_page_is_read_out)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t page[4096];
    PageHeader header;

    make_page(page, false);
    heap_layout_write(page, layout->generation, 1);
    heap_layout_write(page, layout->flags, layout->flag_orphan | layout->flag_dirty_listed);
    cr_assert_eq(page_header_read(layout, page, 4096, &header), PAGE_HEADER_VALID);
    cr_expect_eq(header.block_size, 64u);
    cr_expect_eq(header.header_size, 1600u);
    cr_expect_eq(header.slot_count, 39u);
    cr_expect_eq(header.page_count, 1u);
    cr_expect_eq(header.owner_thread, 7u);
    cr_expect_eq(header.generation, 1u);
    cr_expect_eq(header.flags, 0x12u);
    cr_expect_not(header.is_large);
}

Test(page_header, a_valid_large_object_spans_its_pages)
{
    uint8_t page[4096];
    PageHeader header;

    make_page(page, true);
    cr_assert_eq(page_header_read(heap_layout_rudo_gc_0_8(), page, 8192, &header),
                 PAGE_HEADER_VALID);
    cr_expect(header.is_large);
    cr_expect_eq(header.block_size, 5000u);
    cr_expect_eq(header.page_count, 2u); // 1584 + 5000 bytes
}

Test(page_header, a_large_object_that_ends_with_its_page_needs_no_further_one)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t page[4096];
    PageHeader header;

    make_page(page, true);
    heap_layout_write(page, layout->block_size, 2 * 4096 - 1584);
    cr_expect_eq(page_header_read(layout, page, 8192, &header), PAGE_HEADER_VALID);
    cr_expect_eq(header.page_count, 2u);
    heap_layout_write(page, layout->block_size, 2 * 4096 - 1584 + 1);
    cr_expect_eq(page_header_read(layout, page, 8192, &header), PAGE_HEADER_RUN_TOO_SHORT);
    cr_expect_eq(page_header_read(layout, page, 12288, &header), PAGE_HEADER_VALID);
    cr_expect_eq(header.page_count, 3u);
}

Test(page_header, a_large_object_may_be_pushed_back_by_its_alignment)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_eq(read_with(true, layout->header_size, 4096, 12288), PAGE_HEADER_VALID);
    cr_expect_eq(read_with(true, layout->header_size, 1592, 12288), PAGE_HEADER_VALID);
}

Test(page_header, data_without_the_magic_is_no_page)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_eq(read_with(false, layout->magic, 0x52554446, 4096), PAGE_HEADER_NO_MAGIC);
    cr_expect_eq(read_with(false, layout->magic, 0, 4096), PAGE_HEADER_NO_MAGIC);
}

Test(page_header, unknown_flags_are_refused)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    for (uint64_t flags = 0x20; flags <= 0x80; flags *= 2)
        cr_expect_eq(read_with(false, layout->flags, flags, 4096), PAGE_HEADER_BAD_FLAGS);
}

Test(page_header, generations_beyond_the_last_are_refused)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_eq(read_with(false, layout->generation, 1, 4096), PAGE_HEADER_VALID);
    cr_expect_eq(read_with(false, layout->generation, 2, 4096), PAGE_HEADER_BAD_GENERATION);
}

Test(page_header, owner_threads_out_of_range_are_refused)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_eq(read_with(false, layout->owner_thread, 0, 4096), PAGE_HEADER_BAD_OWNER);
    cr_expect_eq(read_with(false, layout->owner_thread, 999999, 4096), PAGE_HEADER_VALID);
    cr_expect_eq(read_with(false, layout->owner_thread, 1000000, 4096), PAGE_HEADER_BAD_OWNER);
    cr_expect_eq(read_with(false, layout->owner_thread, UINT64_MAX, 4096), PAGE_HEADER_BAD_OWNER);
}

Test(page_header, block_sizes_that_are_no_size_class_are_refused)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    const uint64_t sizes[] = {0, 1, 8, 15, 24, 63, 65, 4096, 5000, UINT32_MAX};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        cr_expect_eq(read_with(false, layout->block_size, sizes[i], 4096),
                     PAGE_HEADER_BAD_BLOCK_SIZE, "size %llu", (unsigned long long)sizes[i]);
    cr_expect_eq(read_with(true, layout->block_size, 2048, 8192), PAGE_HEADER_BAD_BLOCK_SIZE,
                 "a small object is not large");
}

Test(page_header, header_sizes_that_do_not_fit_the_class_are_refused)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_eq(read_with(false, layout->header_size, 1584, 4096), PAGE_HEADER_BAD_HEADER_SIZE);
    cr_expect_eq(read_with(false, layout->header_size, 1664, 4096), PAGE_HEADER_BAD_HEADER_SIZE);
    cr_expect_eq(read_with(true, layout->header_size, 1576, 8192), PAGE_HEADER_BAD_HEADER_SIZE);
    cr_expect_eq(read_with(true, layout->header_size, 1588, 8192), PAGE_HEADER_BAD_HEADER_SIZE);
}

Test(page_header, object_counts_that_do_not_fit_the_page_are_refused)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_eq(read_with(false, layout->object_count, 38, 4096), PAGE_HEADER_BAD_OBJECT_COUNT);
    cr_expect_eq(read_with(false, layout->object_count, 40, 4096), PAGE_HEADER_BAD_OBJECT_COUNT);
    cr_expect_eq(read_with(false, layout->object_count, 65535, 4096), PAGE_HEADER_BAD_OBJECT_COUNT);
    cr_expect_eq(read_with(true, layout->object_count, 2, 8192), PAGE_HEADER_BAD_OBJECT_COUNT);
}

Test(page_header, large_objects_must_end_inside_the_memory_they_are_in)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    cr_expect_eq(read_with(true, layout->block_size, 5000, 4096), PAGE_HEADER_RUN_TOO_SHORT);
    cr_expect_eq(read_with(true, layout->block_size, UINT32_MAX, 8192), PAGE_HEADER_RUN_TOO_SHORT);
    cr_expect_eq(read_with(true, layout->block_size, UINT32_MAX, UINT64_MAX), PAGE_HEADER_VALID);
}

Test(page_header, fields_wider_than_what_they_may_hold_are_bounded)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    uint8_t page[4096];
    PageHeader header;
    Error error;

    // The owner's place is free for wide fields; bytes 16..23.
    layout.owner_thread.width = 0;
    layout.min_owner_thread = 0;
    layout.block_size = (LayoutField){16, 8};
    cr_assert(heap_layout_check(&layout, &error));
    make_page(page, false);
    heap_layout_write(page, layout.block_size, (UINT64_C(1) << 32) + 64);
    cr_expect_eq(page_header_read(&layout, page, 4096, &header), PAGE_HEADER_BAD_BLOCK_SIZE);

    layout.block_size = (LayoutField){4, 4};
    layout.object_count = (LayoutField){16, 8};
    make_page(page, false);
    heap_layout_write(page, layout.object_count, (UINT64_C(1) << 32) + 39);
    cr_expect_eq(page_header_read(&layout, page, 4096, &header), PAGE_HEADER_BAD_OBJECT_COUNT);

    layout.object_count = (LayoutField){8, 2};
    layout.header_size = (LayoutField){16, 8};
    make_page(page, false);
    heap_layout_write(page, layout.header_size, (UINT64_C(1) << 32) + 1600);
    cr_expect_eq(page_header_read(&layout, page, 4096, &header), PAGE_HEADER_BAD_HEADER_SIZE);
}

// ---- slots of any size, from anywhere ----

static HeapLayout stepped_layout(uint32_t block_step, uint32_t first_step)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();

    layout.block_size_step = block_step;
    layout.first_slot_step = first_step;
    layout.min_block_size = 48;
    layout.max_block_size = 2000;
    return layout;
}

static PageHeaderFault read_slots(const HeapLayout *layout, uint32_t block_size, uint32_t first,
                                  uint32_t count)
{
    static uint8_t page[4096];
    PageHeader header;
    PageHeaderFault fault;

    make_page(page, false);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->header_size, first);
    heap_layout_write(page, layout->object_count, count);
    fault = page_header_read(layout, page, 4096, &header);
    if (fault == PAGE_HEADER_VALID) {
        cr_expect_eq(header.block_size, block_size);
        cr_expect_eq(header.header_size, first);
        cr_expect_eq(header.slot_count, count);
        cr_expect_eq(header.page_count, 1);
    }
    return fault;
}

Test(heap_layout, steps_are_multiples_of_eight_and_sizes_multiples_of_the_step)
{
    Error error;
    HeapLayout layout = stepped_layout(16, 8);

    cr_expect(heap_layout_check(&layout, &error), "%s", error.message);
    layout = stepped_layout(16, 0);
    cr_expect(heap_layout_check(&layout, &error), "%s", error.message);
    layout = stepped_layout(0, 8); // then sizes are powers of two
    cr_expect_not(heap_layout_check(&layout, &error));
    layout.min_block_size = 64;
    layout.max_block_size = 1024;
    cr_expect(heap_layout_check(&layout, &error), "%s", error.message);
    layout = stepped_layout(12, 8);
    cr_expect_not(heap_layout_check(&layout, &error));
    layout = stepped_layout(16, 4);
    cr_expect_not(heap_layout_check(&layout, &error));
    layout = stepped_layout(32, 8); // 48 is not a multiple of it
    cr_expect_not(heap_layout_check(&layout, &error));
    layout = stepped_layout(8, 8);
    layout.max_block_size = 2528; // 1,576 and this are more than a page
    cr_expect_not(heap_layout_check(&layout, &error));
    layout.max_block_size = 2520;
    cr_expect(heap_layout_check(&layout, &error), "%s", error.message);
}

Test(page_header, slots_of_any_size_begin_behind_the_header)
{
    HeapLayout layout = stepped_layout(16, 8);

    cr_expect_eq(read_slots(&layout, 48, 1576, 52), PAGE_HEADER_VALID);
    cr_expect_eq(read_slots(&layout, 80, 1608, 31), PAGE_HEADER_VALID);
    cr_expect_eq(read_slots(&layout, 64, 1600, 39), PAGE_HEADER_VALID);
    cr_expect_eq(read_slots(&layout, 48, 4048, 1), PAGE_HEADER_VALID);
    cr_expect_eq(read_slots(&layout, 48, 4056, 0), PAGE_HEADER_BAD_HEADER_SIZE);
    cr_expect_eq(read_slots(&layout, 48, 1568, 52), PAGE_HEADER_BAD_HEADER_SIZE);
    cr_expect_eq(read_slots(&layout, 48, 1580, 52), PAGE_HEADER_BAD_HEADER_SIZE);
    cr_expect_eq(read_slots(&layout, 48, 1576, 51), PAGE_HEADER_BAD_OBJECT_COUNT);
    cr_expect_eq(read_slots(&layout, 56, 1576, 45), PAGE_HEADER_BAD_BLOCK_SIZE);
    cr_expect_eq(read_slots(&layout, 32, 1576, 78), PAGE_HEADER_BAD_BLOCK_SIZE);
}

Test(page_header, without_a_step_the_first_slot_is_at_a_multiple_of_the_size_that_fits)
{
    HeapLayout layout = stepped_layout(8, 0);

    cr_expect_eq(read_slots(&layout, 48, 1584, 52), PAGE_HEADER_VALID);
    cr_expect_eq(read_slots(&layout, 80, 1600, 31), PAGE_HEADER_VALID);
    cr_expect_eq(read_slots(&layout, 80, 1576, 31), PAGE_HEADER_BAD_HEADER_SIZE);
    // The first multiple behind the header is 2,800: no slot fits.
    cr_expect_eq(read_slots(&layout, 1400, 2800, 0), PAGE_HEADER_BAD_BLOCK_SIZE);
}
