// WriteTracking: which pages of this very process count as written, unchanged, or content, after
// each kind of change. The test opens the userfaultfd itself.

#include "snapshot/capture/live/write_tracking_internal.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/copy/proc_files.h"

#define PAGE UINT64_C(4096)
#define BLOCK (UINT64_C(2) << 20)
// An address far from all other memory, so that the place is a run of its own.
#define PLACE UINT64_C(0x600000000000)
#define BLOCKS 8u
#define PLACE_PAGES (BLOCKS * BLOCK / PAGE)

static WriteTracking tracking;
static Error error;
static PageSelection written, unchanged, content;
static uint8_t *memory;
static ProcessMapping mapping;
static PageSource source;

static void map_place(void)
{
    memory = mmap((void *)PLACE, BLOCKS * BLOCK, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    (void)madvise(memory, BLOCKS * BLOCK, MADV_NOHUGEPAGE);
}

static void begin(void)
{
    static char name[] = "";
    int userfault = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);

    memset(&error, 0, sizeof error);
    if (userfault < 0)
        cr_skip_test("no userfaultfd here");
    if (!write_tracking_init(&tracking, getpid(), getpid(), userfault, NULL, &error))
        cr_skip_test("%s", error.message);
    map_place();
    mapping = (ProcessMapping){.start = PLACE,
                               .end = PLACE + BLOCKS * BLOCK,
                               .is_readable = true,
                               .is_writable = true,
                               .is_private = true,
                               .name = name};
    source =
        (PageSource){.pid = getpid(), .tid = getpid(), .mappings = &mapping, .mapping_count = 1};
}

static void end(void)
{
    write_tracking_release(&tracking);
    page_selection_release(&written);
    page_selection_release(&unchanged);
    page_selection_release(&content);
}

TestSuite(write_tracking, .init = begin, .fini = end, .timeout = 60);

static void touch(uint64_t page, uint8_t value)
{
    *(volatile uint8_t *)(memory + page * PAGE) = value;
}

static void protect(void)
{
    cr_assert(write_tracking_protect(&tracking, &source, &written, &error), "%s", error.message);
}

static void collect(void)
{
    write_tracking_begin_collect(&tracking);
    cr_assert(write_tracking_collect(&tracking, &source, &unchanged, &content, &error), "%s",
              error.message);
}

static bool has(const PageSelection *set, uint64_t page)
{
    uint64_t address = PLACE + page * PAGE, at = page_set_find(set, address);

    return at < set->count && set->ranges[at].address <= address;
}

// The pages of the set, counted from the place, as "0-9 1030".
static const char *pages_of(const PageSelection *set)
{
    static char text[1000];
    size_t length = 0;

    text[0] = '\0';
    for (uint64_t i = 0; i < set->count && length < sizeof text - 50; i++) {
        uint64_t first = (set->ranges[i].address - PLACE) / PAGE;
        uint64_t last = first + set->ranges[i].bytes / PAGE - 1;

        length += (size_t)snprintf(text + length, sizeof text - length,
                                   first == last ? "%s%llu" : "%s%llu-%llu", i > 0 ? " " : "",
                                   (unsigned long long)first, (unsigned long long)last);
    }
    return text;
}

static void set_up_pages(void)
{
    for (uint64_t i = 0; i < 10; i++)
        touch(i, 1);
    touch(1030, 1);
    // The zero page.
    (void)*(volatile uint8_t *)(memory + 20 * PAGE);
}

Test(write_tracking, the_first_round_finds_all_pages_with_content)
{
    set_up_pages();
    protect();
    cr_expect_str_eq(pages_of(&written), "0-9 1030");
    protect();
    cr_expect_str_eq(pages_of(&written), "");
}

Test(write_tracking, written_pages_are_found_once)
{
    set_up_pages();
    protect();
    touch(3, 2);
    touch(100, 2);
    touch(2000, 2);
    touch(20, 2);
    protect();
    cr_expect_str_eq(pages_of(&written), "3 20 100 2000");
    protect();
    cr_expect_str_eq(pages_of(&written), "");
    collect();
    cr_expect_str_eq(pages_of(&content), "");
    cr_expect(has(&unchanged, 3) && has(&unchanged, 20) && has(&unchanged, 2000));
}

Test(write_tracking, at_the_end_written_pages_are_content)
{
    set_up_pages();
    protect();
    touch(3, 2);
    touch(100, 2);
    touch(2000, 2);
    collect();
    cr_expect_str_eq(pages_of(&content), "3 100 2000");
    cr_expect_not(has(&unchanged, 3));
    cr_expect(has(&unchanged, 4));
    // Collecting changes nothing.
    collect();
    cr_expect_str_eq(pages_of(&content), "3 100 2000");
}

// More regions than one request finds.
Test(write_tracking, every_other_page)
{
    for (uint64_t i = 0; i < PLACE_PAGES; i += 2)
        touch(i, 1);
    protect();
    cr_expect_eq(written.count, PLACE_PAGES / 2);
    cr_expect_eq(written.bytes, PLACE_PAGES / 2 * PAGE);
    for (uint64_t i = 0; i < PLACE_PAGES; i += 4)
        touch(i, 2);
    collect();
    cr_expect_eq(content.count, PLACE_PAGES / 4);
    cr_expect_eq(content.bytes, PLACE_PAGES / 4 * PAGE);
    cr_expect_eq(unchanged.bytes, (PLACE_PAGES - PLACE_PAGES / 4) * PAGE);
    cr_expect(page_selection_fill(&written, &source, NULL, &error), "%s", error.message);
}

Test(write_tracking, pages_that_are_given_back_are_neither_unchanged_nor_content)
{
    set_up_pages();
    protect();
    (void)madvise(memory + 5 * PAGE, PAGE, MADV_DONTNEED);
    (void)madvise(memory + 2 * BLOCK, BLOCK, MADV_DONTNEED);
    collect();
    cr_expect_str_eq(pages_of(&content), "");
    cr_expect_not(has(&unchanged, 5));
    cr_expect_not(has(&unchanged, 1030));
    cr_expect(has(&unchanged, 4) && has(&unchanged, 6));
    // And touched again.
    touch(5, 7);
    touch(1030, 7);
    collect();
    cr_expect_str_eq(pages_of(&content), "5 1030");
}

Test(write_tracking, a_mapping_in_an_old_place_is_new)
{
    set_up_pages();
    protect();
    map_place();
    touch(1, 3);
    collect();
    cr_expect_str_eq(pages_of(&content), "1");
    cr_expect_str_eq(pages_of(&unchanged), "");
    // The next round tracks it.
    protect();
    cr_expect_str_eq(pages_of(&written), "1");
    collect();
    cr_expect(has(&unchanged, 1));
    cr_expect_not(has(&unchanged, 2) && has(&content, 2));
}

Test(write_tracking, moved_pages_are_content)
{
    uint8_t *aside;

    set_up_pages();
    protect();
    // Moves pages 8 and 9 to where 2 and 3 were.
    aside = mremap(memory + 8 * PAGE, 2 * PAGE, 2 * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
                   memory + 2 * PAGE);
    cr_assert_eq(aside, memory + 2 * PAGE);
    collect();
    cr_expect_str_eq(pages_of(&content), "2-3");
    cr_expect_not(has(&unchanged, 2));
    cr_expect_not(has(&unchanged, 3));
    cr_expect(has(&unchanged, 1) && has(&unchanged, 4));
}

Test(write_tracking, the_kernel_writes_as_well)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);

    set_up_pages();
    protect();
    cr_assert_eq(read(zero, memory + 4 * PAGE, 100), 100);
    (void)close(zero);
    collect();
    cr_expect_str_eq(pages_of(&content), "4");
}

Test(write_tracking, huge_pages)
{
    (void)madvise(memory, BLOCKS * BLOCK, MADV_HUGEPAGE);
    touch(0, 1);
    touch(512, 1);
    touch(1024, 1);
    protect();
    cr_expect(has(&written, 0) && has(&written, 512) && has(&written, 1024));
    touch(1, 2);
    (void)madvise(memory + BLOCK, BLOCK, MADV_DONTNEED);
    collect();
    cr_expect_str_eq(pages_of(&content), "1");
    cr_expect_not(has(&unchanged, 512));
    cr_expect_not(has(&unchanged, 600));
    cr_expect(has(&unchanged, 0) && has(&unchanged, 1024));
}

// A private mapping of a file of `pages` pages, at the place.
static void map_file(uint64_t pages)
{
    static char name[] = "/tmp/file";
    FILE *file = tmpfile();

    cr_assert_not_null(file);
    for (uint64_t i = 0; i < pages * PAGE; i++)
        cr_assert_neq(fputc('f', file), EOF);
    cr_assert_eq(fflush(file), 0);
    (void)munmap(memory, BLOCKS * BLOCK);
    memory = mmap((void *)PLACE, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED,
                  fileno(file), 0);
    cr_assert_neq(memory, MAP_FAILED);
    (void)fclose(file);
    mapping.end = PLACE + pages * PAGE;
    mapping.inode = 1;
    mapping.name = name;
}

Test(write_tracking, of_a_mapped_file_only_private_pages_can_be_unchanged)
{
    map_file(8);
    touch(1, 1);
    touch(2, 1);
    touch(3, 1);
    protect();
    cr_expect_str_eq(pages_of(&written), "1-3");
    touch(2, 2);
    // Page 3 has the content of the file again.
    (void)madvise(memory + 3 * PAGE, PAGE, MADV_DONTNEED);
    (void)*(volatile uint8_t *)(memory + 3 * PAGE);
    (void)*(volatile uint8_t *)(memory + 6 * PAGE);
    collect();
    cr_expect_str_eq(pages_of(&unchanged), "1");
    cr_expect_str_eq(pages_of(&content), "0 2-7");
}

// Written pages that continue from one run into the next.
Test(write_tracking, neighbouring_mappings_of_different_kinds)
{
    static char name[] = "", file_name[] = "/tmp/file";
    ProcessMapping both[2];

    map_file(4);
    cr_assert_neq(mmap((void *)(PLACE + 4 * PAGE), 4 * PAGE, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
                  MAP_FAILED);
    both[0] = both[1] = mapping;
    both[0].name = file_name;
    both[1].start = PLACE + 4 * PAGE;
    both[1].end = PLACE + 8 * PAGE;
    both[1].inode = 0;
    both[1].name = name;
    source.mappings = both;
    source.mapping_count = 2;
    touch(3, 1);
    touch(4, 1);
    touch(5, 1);
    protect();
    cr_expect_str_eq(pages_of(&written), "3-5");
    touch(5, 2);
    collect();
    cr_expect(has(&unchanged, 3) && has(&unchanged, 4));
    cr_expect_str_eq(pages_of(&content), "0-2 5");
}

static uint64_t flagged_mappings(void)
{
    char *text = proc_file_read("/proc/self/smaps"), *line = text;
    uint64_t count = 0;

    cr_assert_not_null(text);
    for (; (line = strstr(line, "\nVmFlags:")) != NULL; line++) {
        char *flag = strstr(line, " uw");

        count += flag != NULL && flag < strchr(line + 1, '\n');
    }
    free(text);
    return count;
}

Test(write_tracking, nothing_stays_protected)
{
    set_up_pages();
    protect();
    cr_expect_gt(flagged_mappings(), 0);
    write_tracking_release(&tracking);
    cr_expect_eq(flagged_mappings(), 0);
    cr_expect_eq(memory[3 * PAGE], 1);
    touch(3, 9);
    cr_expect_eq(memory[3 * PAGE], 9);
}

// Address space that is only reserved costs nothing.
Test(write_tracking, a_terabyte_with_three_pages)
{
    uint64_t bytes = UINT64_C(1) << 40;
    uint8_t *space = mmap((void *)(PLACE * 2 / 3), bytes, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0);

    if (space == MAP_FAILED)
        cr_skip_test("a terabyte of addresses is not available");
    mapping.start = (uint64_t)(uintptr_t)space;
    mapping.end = mapping.start + bytes;
    space[0] = space[bytes / 2] = space[bytes - 1] = 1;
    protect();
    cr_expect_eq(written.count, 3);
    space[bytes / 2] = 2;
    collect();
    cr_expect_eq(content.count, 1);
    cr_expect_leq(tracking.marked.bytes, 3 * BLOCK);
    write_tracking_release(&tracking);
    cr_expect_eq(flagged_mappings(), 0);
}

Test(write_tracking, it_knows_whether_the_memory_lives)
{
    cr_expect(write_tracking_is_alive(&tracking));
}

// A userfaultfd of another owner that protects the pages from `first` on.
static int track_elsewhere(uint64_t first, uint64_t count)
{
    struct uffdio_api api = {.api = UFFD_API, .features = WRITE_TRACKING_FEATURES};
    struct uffdio_register area = {
        .range = {.start = PLACE + first * PAGE, .len = count * PAGE},
        .mode = UFFDIO_REGISTER_MODE_WP,
    };
    int other = (int)syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | 1);

    cr_assert_geq(other, 0);
    cr_assert_eq(ioctl(other, UFFDIO_API, &api), 0);
    cr_assert_eq(ioctl(other, UFFDIO_REGISTER, &area), 0);
    return other;
}

Test(write_tracking, memory_that_is_tracked_already_is_refused)
{
    int other = track_elsewhere(1000, 1);

    set_up_pages();
    cr_expect_not(write_tracking_protect(&tracking, &source, &written, &error));
    cr_expect_eq(error.code, ERROR_UNSUPPORTED);
    cr_expect_not_null(strstr(error.message, "another process tracks"));
    (void)close(other);
    protect();
    cr_expect_str_eq(pages_of(&written), "0-9 1030");
}

Test(write_tracking, memory_that_is_tracked_between_rounds_is_refused)
{
    int other;

    set_up_pages();
    protect();
    // New memory, and so not registered.
    map_place();
    other = track_elsewhere(500, 100);
    cr_expect_not(write_tracking_register(&tracking, &source, &error));
    cr_expect_eq(error.code, ERROR_UNSUPPORTED);
    (void)close(other);
    memset(&error, 0, sizeof error);
    cr_expect(write_tracking_register(&tracking, &source, &error), "%s", error.message);
}
