// PinnedMemory: finds the memory that io_urings of this very process have pinned.

#include "snapshot/capture/live/pinned_memory_internal.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/capture/copy/page_sets.h"
#include "snapshot/capture/copy/proc_files.h"
#include "tests/support/pinning_ring.h"

#define PAGE ((size_t)4096)
#define PAGES 64u

static PinnedMemory pinned;
static Error error;
static uint8_t *memory;

static void map_memory(void)
{
    memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    (void)madvise(memory, PAGES * PAGE, MADV_NOHUGEPAGE);
}

static void open_ring(PinningRing *ring, PinningRingKind kind, size_t from, size_t to)
{
    const char *reason;

    if (!pinning_ring_open(ring, kind, memory + from, to - from, &reason))
        cr_skip_test("no such io_uring here: %s", reason);
}

static bool look(void)
{
    PageSource source = {.pid = getpid(), .tid = getpid()};
    ProcessMapping *mappings;
    bool is_ok;

    cr_assert(proc_mappings_read(source.pid, source.tid, &mappings, &source.mapping_count));
    source.mappings = mappings;
    is_ok = pinned_memory_look(&pinned, &source, &error);
    proc_mappings_free(mappings, source.mapping_count);
    return is_ok;
}

// Checks that [from, to) is all of the pinned memory.
static void expect_pages(size_t from, size_t to)
{
    cr_expect_eq(pinned.pages.count, 1);
    cr_assert_geq(pinned.pages.count, 1);
    cr_expect_eq(pinned.pages.ranges[0].address, (uintptr_t)memory + from);
    cr_expect_eq(pinned.pages.bytes, to - from);
}

static void tear_down(void)
{
    pinned_memory_release(&pinned);
}

TestSuite(pinned_memory, .init = map_memory, .fini = tear_down);

Test(pinned_memory, a_process_without_rings_has_none)
{
    for (int i = 0; i < 2; i++)
        cr_expect(look(), "%s", error.message);
    cr_expect_eq(pinned.pages.count, 0);
}

Test(pinned_memory, a_buffer_is_all_pages_that_it_touches)
{
    PinningRing ring;

    open_ring(&ring, RING_LISTED, PAGE + 100, 3 * PAGE + 1);
    cr_assert(look(), "%s", error.message);
    expect_pages(PAGE, 4 * PAGE);
}

Test(pinned_memory, buffers_that_overlap_are_one_range)
{
    PinningRing rings[4];

    open_ring(&rings[0], RING_LISTED, 8 * PAGE, 32 * PAGE);
    open_ring(&rings[1], RING_LISTED, 4 * PAGE, 16 * PAGE);
    open_ring(&rings[2], RING_LISTED, 10 * PAGE, 12 * PAGE);
    open_ring(&rings[3], RING_LISTED, 32 * PAGE, 33 * PAGE);
    cr_assert(look(), "%s", error.message);
    expect_pages(4 * PAGE, 33 * PAGE);
}

Test(pinned_memory, memory_that_was_found_once_stays)
{
    PinningRing ring, later;

    open_ring(&ring, RING_LISTED, 0, 2 * PAGE);
    cr_assert(look(), "%s", error.message);
    pinning_ring_close(&ring);
    open_ring(&later, RING_LISTED, 2 * PAGE, 4 * PAGE);
    cr_assert(look(), "%s", error.message);
    expect_pages(0, 4 * PAGE);
}

Test(pinned_memory, a_ring_that_came_after_the_first_look_is_found)
{
    PinningRing ring;

    cr_assert(look(), "%s", error.message);
    open_ring(&ring, RING_LISTED, PAGE, 2 * PAGE);
    cr_assert(look(), "%s", error.message);
    expect_pages(PAGE, 2 * PAGE);
}

static void *put_all_the_time(void *context)
{
    PinningRing *ring = context;

    for (uint64_t i = 0; i < 200000; i++)
        pinning_ring_put(ring, (uint64_t *)(void *)memory, i);
    return NULL;
}

Test(pinned_memory, a_busy_ring_is_read_again)
{
    pthread_t thread;
    PinningRing ring;

    open_ring(&ring, RING_LISTED, 0, PAGE);
    cr_assert_eq(pthread_create(&thread, NULL, put_all_the_time, &ring), 0);
    for (int i = 0; i < 50; i++) {
        cr_assert(look(), "%s", error.message);
        expect_pages(0, PAGE);
        pinned_memory_release(&pinned);
        memset(&pinned, 0, sizeof pinned);
    }
    (void)pthread_join(thread, NULL);
}

static void expect_unlisted(PinningRingKind kind)
{
    PinningRing listed, ring;

    open_ring(&listed, RING_LISTED, 2 * PAGE, 4 * PAGE);
    open_ring(&ring, kind, 0, PAGE);
    cr_expect_not(look());
    cr_expect_eq(error.code, ERROR_UNSUPPORTED);
    cr_expect(strstr(error.message, "pinned memory that the kernel does not list") != NULL, "%s",
              error.message);
}

Test(pinned_memory, a_ring_without_a_descriptor_lists_nothing)
{
    expect_unlisted(RING_CLOSED);
}

Test(pinned_memory, a_ring_in_memory_of_the_program_is_written_unseen)
{
    expect_unlisted(RING_UNMAPPED);
}
