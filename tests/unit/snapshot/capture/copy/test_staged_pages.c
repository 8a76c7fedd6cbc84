// StagedPages: a page that is copied again goes to the same place.

#include "snapshot/capture/copy/staged_pages.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/copy/page_sets.h"

#define PAGE UINT64_C(4096)
#define PAGES 1024u

static StagedPages staged;
static PageSelection wanted, pieces, unread;
static uint8_t *memory;
static Error error;

static void begin(void)
{
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    for (uint64_t i = 0; i < PAGES; i++)
        memset(memory + i * PAGE, (int)(i % 251), PAGE);
    cr_assert(staging_memory_prepare(&staged.area.memory, PAGE, NULL, &error), "%s", error.message);
}

static void end(void)
{
    staging_memory_release(&staged.area.memory);
    staged_pages_release(&staged);
    page_selection_release(&wanted);
    page_selection_release(&pieces);
    page_selection_release(&unread);
    (void)munmap(memory, PAGES * PAGE);
}

TestSuite(staged_pages, .init = begin, .fini = end, .timeout = 60);

static void want(uint64_t first, uint64_t count)
{
    uint64_t start = (uint64_t)(uintptr_t)memory + first * PAGE;

    cr_assert(page_set_add(&wanted, start, start + count * PAGE, &error));
}

static void copy_wanted(void)
{
    cr_assert(staged_pages_place(&staged, &wanted, &pieces, &error), "%s", error.message);
    cr_assert(page_copying_pieces(&pieces, getpid(), getpid(), &staged.area.memory, NULL, &unread,
                                  &error),
              "%s", error.message);
    cr_assert(staged_pages_add(&staged, &pieces, &error));
    page_set_clear(&wanted);
}

static uint64_t wrong_pages(void)
{
    uint64_t wrong = 0;

    for (uint64_t i = 0; i < staged.pages.count; i++) {
        const ProcessRange *range = &staged.pages.ranges[i];
        const uint8_t *original = memory + (range->address - (uint64_t)(uintptr_t)memory);

        for (uint64_t at = 0; at < range->bytes; at += PAGE)
            wrong += memcmp(original + at, range->data + at, PAGE) != 0;
    }
    return wrong;
}

Test(staged_pages, written_pages_go_where_they_were_and_new_ones_behind_all_others)
{
    want(0, 10);
    want(20, 10);
    copy_wanted();
    cr_expect_eq(staged.used_bytes, 20 * PAGE);
    memory[5 * PAGE] = 0xee;
    memory[25 * PAGE] = 0xee;
    cr_expect_eq(wrong_pages(), 2);
    // Some known, some not, across the border of ranges.
    want(5, 20);
    copy_wanted();
    cr_expect_eq(staged.used_bytes, 30 * PAGE);
    cr_expect_eq(staged.pages.bytes, 30 * PAGE);
    cr_expect_eq(wrong_pages(), 1);
    want(25, 1);
    copy_wanted();
    cr_expect_eq(wrong_pages(), 0);
    cr_expect_eq(staged.used_bytes, 30 * PAGE);
}

Test(staged_pages, copies_stay_right_when_the_staging_memory_grows)
{
    for (uint64_t i = 0; i < PAGES; i += 2)
        want(i, 1);
    copy_wanted();
    for (uint64_t i = 1; i < PAGES; i += 2)
        want(i, 1);
    copy_wanted();
    cr_expect_eq(staged.pages.bytes, PAGES * PAGE);
    cr_expect_geq(staged.area.memory.bytes, PAGES * PAGE);
    cr_expect_eq(wrong_pages(), 0);
}

Test(staged_pages, memory_that_is_only_reserved_is_supplied_as_it_is_filled)
{
    StagingMemory *area = &staged.area.memory;
    unsigned char state = 0;

    staging_memory_release(area);
    cr_assert(staging_memory_reserve(area, UINT64_C(16) << 20, &error), "%s", error.message);
    want(0, 10);
    copy_wanted();
    cr_expect_eq(wrong_pages(), 0);
    cr_expect_eq(area->supplied_bytes, 0);
    cr_assert_eq(mincore(area->base + area->bytes - PAGE, PAGE, &state), 0);
    cr_expect_eq(state & 1, 0, "memory is supplied that nothing was copied to");
}

Test(staged_pages, pages_that_are_not_kept_are_gone)
{
    PageSelection kept = {0};
    uint64_t start = (uint64_t)(uintptr_t)memory;

    want(0, 100);
    copy_wanted();
    cr_assert(page_set_add(&kept, start + 10 * PAGE, start + 20 * PAGE, &error));
    cr_assert(page_set_add(&kept, start + 90 * PAGE, start + 200 * PAGE, &error));
    cr_assert(staged_pages_keep(&staged, &kept, &error));
    cr_expect_eq(staged.pages.bytes, 20 * PAGE);
    cr_expect_eq(wrong_pages(), 0);
    page_selection_release(&kept);
}

Test(staged_pages, pages_that_cannot_be_read_are_listed_and_zero)
{
    cr_assert_eq(mprotect(memory + 3 * PAGE, 2 * PAGE, PROT_NONE), 0);
    want(0, 10);
    copy_wanted();
    cr_expect_eq(unread.count, 1);
    cr_expect_eq(unread.bytes, 2 * PAGE);
    cr_expect_eq(staged.pages.ranges[0].data[3 * PAGE], 0);
}
