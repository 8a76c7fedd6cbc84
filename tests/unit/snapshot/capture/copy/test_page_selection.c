// Which pages of this very process are selected to be copied.

#include "snapshot/capture/copy/page_selection.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/copy/page_sets.h"

#define PAGE UINT64_C(4096)
#define PAGES UINT64_C(64)

static PageSelection selection;
static ProcessMapping mappings[3];
static char no_name[] = "", file_name[] = "/tmp/file", device_name[] = "/dev/mem",
            zero_name[] = "/dev/zero";
static uint8_t *memory;
static Error error;

static ProcessMapping mapping_of(uint64_t first, uint64_t end, char *name)
{
    return (ProcessMapping){.start = (uint64_t)(uintptr_t)memory + first * PAGE,
                            .end = (uint64_t)(uintptr_t)memory + end * PAGE,
                            .inode = name[0] == '/' ? 1 : 0,
                            .is_readable = true,
                            .is_writable = true,
                            .is_private = true,
                            .name = name};
}

static void begin(void)
{
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    (void)madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE);
}

static void end(void)
{
    page_selection_release(&selection);
}

TestSuite(page_selection, .init = begin, .fini = end);

static void touch(uint64_t page)
{
    *(volatile uint8_t *)(memory + page * PAGE) = 1;
}

static void select_in(uint32_t count)
{
    const PageSource source = {
        .pid = getpid(), .tid = getpid(), .mappings = mappings, .mapping_count = count};

    cr_assert(page_selection_fill(&selection, &source, NULL, &error), "%s", error.message);
}

// The selected pages, as "0-9 13".
static const char *selected(void)
{
    static char text[400];
    size_t length = 0;

    text[0] = '\0';
    for (uint64_t i = 0; i < selection.count && length < sizeof text - 50; i++) {
        uint64_t first = (selection.ranges[i].address - (uint64_t)(uintptr_t)memory) / PAGE;
        uint64_t last = first + selection.ranges[i].bytes / PAGE - 1;

        length += (size_t)snprintf(text + length, sizeof text - length,
                                   first == last ? "%s%llu" : "%s%llu-%llu", i > 0 ? " " : "",
                                   (unsigned long long)first, (unsigned long long)last);
    }
    return text;
}

Test(page_selection, written_pages_of_anonymous_memory_are_selected)
{
    touch(3);
    touch(4);
    touch(9);
    mappings[0] = mapping_of(0, PAGES, no_name);
    select_in(1);
    cr_expect_str_eq(selected(), "3-4 9");
    cr_expect_eq(selection.bytes, 3 * PAGE);
    // What it held before is dropped.
    mappings[0] = mapping_of(9, 10, no_name);
    select_in(1);
    cr_expect_str_eq(selected(), "9");
}

Test(page_selection, of_a_mapped_file_all_pages_are_selected)
{
    touch(2);
    mappings[0] = mapping_of(0, 4, no_name);
    mappings[1] = mapping_of(4, 8, file_name);
    select_in(2);
    cr_expect_str_eq(selected(), "2 4-7");
}

Test(page_selection, private_mappings_of_dev_zero_are_anonymous_memory)
{
    touch(1);
    mappings[0] = mapping_of(0, 4, zero_name);
    select_in(1);
    cr_expect_str_eq(selected(), "1");
}

Test(page_selection, shared_read_only_and_device_memory_is_not_selected)
{
    for (uint64_t i = 0; i < 12; i++)
        touch(i);
    mappings[0] = mapping_of(0, 4, no_name);
    mappings[0].is_private = false;
    mappings[1] = mapping_of(4, 8, no_name);
    mappings[1].is_writable = false;
    mappings[2] = mapping_of(8, 12, device_name);
    select_in(3);
    cr_expect_str_eq(selected(), "");
    cr_expect_eq(selection.bytes, 0);
}

Test(page_selection, pages_of_neighbouring_mappings_become_one_range)
{
    for (uint64_t i = 2; i < 6; i++)
        touch(i);
    mappings[0] = mapping_of(0, 4, no_name);
    mappings[1] = mapping_of(4, 8, no_name);
    select_in(2);
    cr_expect_str_eq(selected(), "2-5");
}

// More regions than the kernel lists in one go.
Test(page_selection, every_other_page)
{
    const uint64_t pages = 20000;
    uint8_t *many =
        mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(many, MAP_FAILED);
    (void)madvise(many, pages * PAGE, MADV_NOHUGEPAGE);
    memory = many;
    for (uint64_t i = 0; i < pages; i += 2)
        touch(i);
    mappings[0] = mapping_of(0, pages, no_name);
    select_in(1);
    cr_expect_eq(selection.count, pages / 2);
    for (uint64_t i = 0; i < selection.count; i++)
        cr_assert_eq(selection.ranges[i].address, (uint64_t)(uintptr_t)many + 2 * i * PAGE);
}
