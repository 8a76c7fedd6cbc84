// CopyCheck: a copy that differs from the memory of the process is noticed. The process is this
// one.

#include "snapshot/capture/live/copy_check_internal.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/copy/page_sets.h"

#define PAGE UINT64_C(4096)
#define PAGES UINT64_C(64)

static CopyCheck *check;
static uint8_t *memory, *copied;
static PageSelection copy, none;
static Error error;

static uint8_t *map_pages(void)
{
    void *pages =
        mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    cr_assert_neq(pages, MAP_FAILED);
    return pages;
}

static void begin(void)
{
    check = calloc(1, sizeof *check);
    cr_assert_not_null(check);
    memory = map_pages();
    copied = map_pages();
    for (uint64_t i = 0; i < PAGES; i++)
        memset(memory + i * PAGE, (int)i, PAGE);
    memcpy(copied, memory, PAGES * PAGE);
    cr_assert(page_set_add_data(&copy,
                                &(ProcessRange){.address = (uint64_t)(uintptr_t)memory,
                                                .bytes = PAGES * PAGE,
                                                .data = copied},
                                &error));
}

static void end(void)
{
    free(check);
    page_selection_release(&copy);
    (void)munmap(memory, PAGES * PAGE);
    (void)munmap(copied, PAGES * PAGE);
}

TestSuite(copy_check, .init = begin, .fini = end);

Test(copy_check, a_copy_that_equals_the_memory_passes)
{
    copy_check_choose(check, &copy, &none, 7);
    copy_check_run(check, getpid(), &copy);
    cr_expect_eq(check->compared, COPY_CHECK_PAGES);
    cr_expect_eq(check->differing, 0);
}

Test(copy_check, every_chosen_page_that_differs_is_counted)
{
    copy_check_choose(check, &copy, &none, 7);
    for (uint64_t i = 0; i < PAGES; i++)
        memory[i * PAGE + 100] ^= 1;
    copy_check_run(check, getpid(), &copy);
    cr_expect_eq(check->compared, COPY_CHECK_PAGES);
    cr_expect_eq(check->differing, COPY_CHECK_PAGES);
}

Test(copy_check, only_unchanged_pages_are_compared)
{
    copy_check_choose(check, &copy, &none, 7);
    memset(memory, 0xff, PAGES * PAGE);
    copy_check_run(check, getpid(), &none);
    cr_expect_eq(check->compared, 0);
    cr_expect_eq(check->differing, 0);
}

Test(copy_check, pages_with_a_later_version_are_not_chosen)
{
    copy_check_choose(check, &copy, &copy, 7);
    cr_expect_eq(check->chosen, 0);
}
