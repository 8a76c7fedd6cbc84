// PageHeaderCheck: every check says what it found and what it expected, and all of them together
// agree with page_header_read().

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "snapshot/heap/page_header_check.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/xorshift.h"

static void make_page(const HeapLayout *layout, uint8_t *page, uint32_t block_size,
                      uint32_t header_size, uint32_t count)
{
    memset(page, 0, layout->page_header_bytes);
    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, block_size);
    heap_layout_write(page, layout->header_size, header_size);
    heap_layout_write(page, layout->object_count, count);
    heap_layout_write(page, layout->owner_thread, layout->min_owner_thread);
}

static void expect_text(const HeapLayout *layout, const uint8_t *page, const char *expected)
{
    char text[PAGE_HEADER_CHECK_CHARS];

    page_header_explain(layout, page, 8192, text, sizeof text);
    cr_expect_str_eq(text, expected);
}

Test(page_header_check, the_first_fault_is_told_with_its_field_its_value_and_what_was_expected)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    static uint8_t page[4096];

    make_page(&layout, page, 64, 1600, 39);
    expect_text(&layout, page, "");
    heap_layout_write(page, layout.object_count, 38);
    expect_text(&layout, page, "object_count (offset 8) is 38, expected 39, for slots of 64 bytes");
    heap_layout_write(page, layout.header_size, 1576);
    expect_text(&layout, page,
                "header_size (offset 10) is 1576, expected 1600, for slots of 64 bytes");
    heap_layout_write(page, layout.block_size, 48);
    expect_text(&layout, page,
                "block_size (offset 4) is 48, expected a power of two from 16 to 2048");
    heap_layout_write(page, layout.owner_thread, 0);
    expect_text(&layout, page, "owner_thread (offset 16) is 0, expected 1 to 999999");
    heap_layout_write(page, layout.generation, 9);
    expect_text(&layout, page, "generation (offset 12) is 9, expected at most 1");
    heap_layout_write(page, layout.flags, 0xe0);
    expect_text(&layout, page, "flags (offset 13) is 224, expected no bits but those of 31");
    heap_layout_write(page, layout.magic, 0x47);
    expect_text(&layout, page, "magic (offset 0) is 0x47, expected 0x52554447");
}

Test(page_header_check, large_objects_and_steps_have_expectations_of_their_own)
{
    HeapLayout layout = *heap_layout_rudo_gc_0_8();
    static uint8_t page[4096];

    make_page(&layout, page, 9000, 1584, 1);
    heap_layout_write(page, layout.flags, layout.flag_large);
    expect_text(&layout, page,
                "block_size (offset 4) is 9000, expected at most 6608, the memory from here on");
    heap_layout_write(page, layout.block_size, 2048);
    expect_text(&layout, page,
                "block_size (offset 4) is 2048, expected more than 2048, as a large object has");
    layout.block_size_step = 16;
    layout.first_slot_step = 8;
    make_page(&layout, page, 40, 1576, 63);
    expect_text(&layout, page,
                "block_size (offset 4) is 40, expected a multiple of 16 from 16 to 2048 that fits "
                "the page");
    make_page(&layout, page, 48, 1572, 52);
    expect_text(&layout, page,
                "header_size (offset 10) is 1572, expected a multiple of 8 from 1576 to 4048");
}

// Headers with none, one or several wrong fields.
static void spoil(Xorshift *random, const HeapLayout *layout, uint8_t *page)
{
    const LayoutField fields[] = {layout->magic,        layout->flags,      layout->generation,
                                  layout->owner_thread, layout->block_size, layout->header_size,
                                  layout->object_count};

    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (xorshift_percent(random, 15))
            heap_layout_write(page, fields[i],
                              xorshift_percent(random, 50) ? xorshift_next(random)
                                                           : heap_layout_read(page, fields[i]) + 8 -
                                                                 xorshift_below(random, 17));
}

Test(page_header_check, all_checks_together_are_what_page_header_read_does)
{
    uint64_t first = test_seed(1), valid = 0;
    static uint8_t page[LAYOUT_MAX_PAGE_SIZE];

    for (uint64_t i = 0; i < test_dose(3000); i++) {
        Xorshift random = xorshift_seeded(first + i);
        HeapLayout layout = random_heap_layout(&random);
        uint32_t size = layout.max_block_size;
        uint32_t slot = heap_layout_small_header_size(&layout, size);
        uint64_t available = layout.page_size * xorshift_between(&random, 1, 4);
        PageHeaderCheck checks[PAGE_HEADER_CHECKS];
        PageHeaderFault fault, wanted = PAGE_HEADER_VALID;
        PageHeader header;
        uint32_t count;

        make_page(&layout, page, size, slot, (layout.page_size - slot) / size);
        if (xorshift_percent(&random, 30)) {
            make_page(&layout, page, size + 8 * (uint32_t)xorshift_below(&random, 2000),
                      layout.page_header_bytes + layout.large_header_alignment, 1);
            heap_layout_write(page, layout.flags, layout.flag_large);
        }
        spoil(&random, &layout, page);
        fault = page_header_read(&layout, page, available, &header);
        count = page_header_check_all(&layout, page, available, checks);
        cr_assert_leq(count, PAGE_HEADER_CHECKS);
        for (uint32_t c = count; c-- > 0;) {
            char text[PAGE_HEADER_CHECK_CHARS];

            if (!checks[c].is_right)
                wanted = checks[c].fault;
            cr_expect_lt(page_header_check_text(&checks[c], text, sizeof text), sizeof text - 1,
                         "%s", text);
        }
        cr_assert_eq(fault, wanted, "TEST_SEED=%" PRIu64 ": %d, not %d", first + i, (int)fault,
                     (int)wanted);
        valid += fault == PAGE_HEADER_VALID;
    }
    cr_expect_gt(valid, 0u);
}
