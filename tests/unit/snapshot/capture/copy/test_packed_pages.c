// PackedPages: compressed pages read as they were, however small the cache is.

#include "snapshot/capture/copy/packed_pages.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/copy/packed_frame_internal.h"
#include "snapshot/capture/copy/page_sets.h"
#include "base/parallel_for.h"
#include "tests/support/xorshift.h"

#define PAGE UINT64_C(4096)
// 16 MiB, more than the cache holds.
#define PAGES UINT64_C(4096)

static uint8_t *memory;
static PackedPages *packed;
static PageSelection pages, unread;
static Error error;

static void begin(void)
{
    const PackedPagesOptions options = {.cache_bytes = 1, .max_threads = 2};
    Xorshift random = {.state = 42};

    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    for (uint64_t at = 0; at < PAGES * PAGE; at += 8) {
        uint64_t word = xorshift_next(&random) & 0xff00ff;

        memcpy(memory + at, &word, sizeof word);
    }
    if (!packed_pages_new(&options, &packed, &error) &&
        strstr(error.message, "userfaultfd") != NULL)
        cr_skip_test("there is no userfaultfd here");
    cr_assert_not_null(packed);
}

static void end(void)
{
    packed_pages_free(packed);
    page_selection_release(&pages);
    page_selection_release(&unread);
    (void)munmap(memory, PAGES * PAGE);
}

TestSuite(packed_pages, .init = begin, .fini = end, .timeout = 60);

static uint64_t address_of(uint64_t page)
{
    return (uint64_t)(uintptr_t)memory + page * PAGE;
}

static void add(PackedPages *to)
{
    cr_assert(packed_pages_add(to, &pages, getpid(), getpid(), NULL, &unread, &error), "%s",
              error.message);
}

static bool is_right(const ProcessRange *range, uint64_t offset)
{
    const uint8_t *original = memory + (range->address - address_of(0));

    return memcmp(original + offset, range->data + offset, PAGE) == 0;
}

static uint64_t wrong_pages(void)
{
    uint64_t wrong = 0;

    for (uint64_t i = 0; i < pages.count; i++)
        for (uint64_t at = 0; at < pages.ranges[i].bytes; at += PAGE)
            wrong += !is_right(&pages.ranges[i], at);
    return wrong;
}

Test(packed_pages, all_pages_read_as_they_were_again_and_again)
{
    cr_assert(page_set_add(&pages, address_of(0), address_of(PAGES), &error));
    add(packed);
    cr_expect_lt(packed_pages_packed_bytes(packed), PAGES * PAGE / 2);
    cr_expect_eq(wrong_pages(), 0);
    cr_expect_eq(wrong_pages(), 0);
    cr_expect(packed_pages_check(packed, &error));
}

Test(packed_pages, pages_here_and_there_and_more_of_them_later)
{
    PageSelection first;

    for (uint64_t i = 0; i < PAGES; i += 3)
        cr_assert(page_set_add(&pages, address_of(i), address_of(i + 1), &error));
    add(packed);
    cr_expect_eq(wrong_pages(), 0);
    first = pages;
    pages = (PageSelection){0};
    for (uint64_t i = 1; i + 1 < PAGES; i += 3)
        cr_assert(page_set_add(&pages, address_of(i), address_of(i + 2), &error));
    add(packed);
    cr_expect_eq(wrong_pages(), 0);
    // A later version does not change earlier ones.
    memory[0] ^= 1;
    cr_expect_neq(first.ranges[0].data[0], memory[0]);
    page_selection_release(&first);
}

typedef struct Readers {
    uint64_t wrong[PARALLEL_FOR_MAX_THREADS];
} Readers;

static bool read_anywhere(void *context, uint32_t worker, uint64_t item, Error *ignored)
{
    Readers *readers = context;
    Xorshift random = {.state = item + 1};

    (void)ignored;
    for (unsigned i = 0; i < 200; i++)
        readers->wrong[worker] +=
            !is_right(&pages.ranges[0], xorshift_next(&random) % PAGES * PAGE);
    return true;
}

Test(packed_pages, many_threads_read_more_than_the_cache_holds)
{
    Readers readers = {{0}};

    cr_assert(page_set_add(&pages, address_of(0), address_of(PAGES), &error));
    add(packed);
    cr_assert(parallel_for(64, PARALLEL_FOR_MAX_THREADS, read_anywhere, &readers, &error));
    for (unsigned i = 0; i < PARALLEL_FOR_MAX_THREADS; i++)
        cr_expect_eq(readers.wrong[i], 0);
}

Test(packed_pages, pages_that_cannot_be_read_are_listed_and_zero)
{
    cr_assert_eq(mprotect(memory + 70 * PAGE, 2 * PAGE, PROT_NONE), 0);
    cr_assert(page_set_add(&pages, address_of(0), address_of(200), &error));
    add(packed);
    cr_expect_eq(unread.bytes, 2 * PAGE);
    cr_expect_eq(unread.ranges[0].address, address_of(70));
    cr_expect_eq(pages.ranges[0].data[70 * PAGE + 8], 0);
    cr_expect_eq(memcmp(pages.ranges[0].data, memory, 70 * PAGE), 0);
}

// Overwrites bytes of the spool file, as a broken disk would.
static void damage_spool(void)
{
    DIR *folder = opendir("/proc/self/fd");
    char path[300], name[100];
    struct dirent *entry;

    cr_assert_not_null(folder);
    while ((entry = readdir(folder)) != NULL) {
        ssize_t length;

        (void)snprintf(path, sizeof path, "/proc/self/fd/%s", entry->d_name);
        length = readlink(path, name, sizeof name - 1);
        name[length > 0 ? length : 0] = '\0';
        if (strncmp(name, "/memfd:rudo-snap", 16) == 0)
            cr_assert_eq(pwrite(atoi(entry->d_name), "damage", 6, 5000), 6);
    }
    (void)closedir(folder);
}

Test(packed_pages, a_damaged_file_is_noticed)
{
    cr_assert(page_set_add(&pages, address_of(0), address_of(200), &error));
    add(packed);
    damage_spool();
    cr_expect(packed_pages_check(packed, &error), "nothing has been read yet");
    cr_expect_gt(wrong_pages(), 0);
    cr_expect_not(packed_pages_check(packed, &error));
    cr_expect_eq(error.code, ERROR_SYSTEM);
}

Test(packed_pages, more_than_is_allowed_in_memory_is_refused)
{
    const PackedPagesOptions options = {.max_packed_bytes = 100000, .max_threads = 1};
    PackedPages *small = NULL;

    cr_assert(packed_pages_new(&options, &small, &error), "%s", error.message);
    cr_assert(page_set_add(&pages, address_of(0), address_of(PAGES), &error));
    cr_expect_not(packed_pages_add(small, &pages, getpid(), getpid(), NULL, &unread, &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    packed_pages_free(small);
}
