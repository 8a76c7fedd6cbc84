// StagingMemory: the kernel supplies it where it was asked to; and how much an area may take.

#include "snapshot/capture/copy/staging_memory_internal.h"

#include <criterion/criterion.h>
#include <string.h>
#include <sys/mman.h>

#include "snapshot/capture/copy/staging_area.h"

#define PAGE UINT64_C(4096)
#define BYTES (UINT64_C(16) << 20)

static StagingMemory memory;
static Error error;

static void release(void)
{
    staging_memory_release(&memory);
}

TestSuite(staging_memory, .fini = release, .timeout = 60);

static void reserve(void)
{
    cr_assert(staging_memory_reserve(&memory, BYTES, &error), "%s", error.message);
}

// Has the kernel supplied the page?
static bool is_supplied(uint64_t offset)
{
    unsigned char state = 0;

    cr_assert_eq(mincore(memory.base + offset, PAGE, &state), 0);
    return (state & 1) != 0;
}

Test(staging_memory, reserved_memory_is_supplied_on_request)
{
    reserve();
    cr_expect_eq(memory.supplied_bytes, 0);
    cr_expect_not(is_supplied(0));
    cr_assert(staging_memory_supply(&memory, BYTES / 2, NULL, &error), "%s", error.message);
    cr_expect_eq(memory.supplied_bytes, BYTES / 2);
    cr_expect(is_supplied(BYTES / 2 - PAGE));
    cr_expect_not(is_supplied(BYTES - PAGE));
    // More than there is.
    cr_assert(staging_memory_supply(&memory, 2 * BYTES, NULL, &error), "%s", error.message);
    cr_expect_eq(memory.supplied_bytes, BYTES);
    cr_expect(is_supplied(BYTES - PAGE));
}

Test(staging_memory, supplying_keeps_the_bytes_that_are_there)
{
    reserve();
    memset(memory.base, 0x5a, 3 * PAGE);
    cr_assert(staging_memory_supply(&memory, BYTES, NULL, &error), "%s", error.message);
    cr_expect_eq(memory.base[0], 0x5a);
    cr_expect_eq(memory.base[3 * PAGE - 1], 0x5a);
}

static bool is_cancelled(void *context)
{
    (void)context;
    return true;
}

Test(staging_memory, supplying_can_be_cancelled)
{
    const Cancel cancel = {.is_cancelled = is_cancelled};

    reserve();
    cr_expect_not(staging_memory_supply(&memory, BYTES, &cancel, &error));
    cr_expect_eq(error.code, ERROR_INTERRUPTED);
}

Test(staging_memory, memory_that_cannot_be_supplied_is_an_error)
{
    reserve();
    cr_assert_eq(munmap(memory.base + BYTES / 4, BYTES / 4), 0);
    cr_expect_not(
        staging_memory_supply_part(&memory, memory.base + BYTES / 4 - PAGE, 2 * PAGE, &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    // Where it is known to be supplied, the kernel is not asked.
    staging_memory_note_filled(&memory, BYTES);
    cr_expect(
        staging_memory_supply_part(&memory, memory.base + BYTES / 4 - PAGE, 2 * PAGE, &error));
}

Test(staging_memory, it_grows_with_its_bytes_and_shrinks)
{
    reserve();
    memory.base[PAGE] = 7;
    cr_assert(staging_memory_extend(&memory, 2 * BYTES + 1, &error), "%s", error.message);
    cr_expect_gt(memory.bytes, 2 * BYTES);
    cr_expect_eq(memory.base[PAGE], 7);
    memory.base[2 * BYTES] = 8;
    staging_memory_note_filled(&memory, 2 * BYTES + 1);
    staging_memory_trim(&memory, PAGE);
    cr_expect_lt(memory.bytes, BYTES);
    cr_expect_leq(memory.supplied_bytes, memory.bytes);
    cr_expect_eq(memory.base[PAGE], 7);
}

Test(staging_memory, more_than_the_machine_has_is_refused)
{
    cr_expect_not(staging_memory_reserve(&memory, UINT64_C(1) << 60, &error));
    cr_expect_eq(error.code, ERROR_MEMORY);
    cr_expect_null(memory.base);
}

// ---- areas ----

Test(staging_area, pages_are_compressed_only_beyond_the_allowed_memory)
{
    const ProcessCopyOptions any = {0}, little = {.staging_bytes = CAPTURE_LEAST_STAGING};

    cr_expect_eq(staging_area_limit(&any, PAGE), 0);
    cr_expect_eq(staging_area_limit(&little, CAPTURE_LEAST_STAGING), 0);
    cr_expect_eq(staging_area_limit(&little, CAPTURE_LEAST_STAGING + 1), CAPTURE_LEAST_STAGING);
    // Larger than the machine: half of the available memory.
    cr_expect_gt(staging_area_limit(&any, UINT64_C(1) << 60), 0);
}

Test(staging_area, an_area_that_is_handed_over_is_empty_afterwards)
{
    const ProcessCopyOptions any = {0};
    PageSelection pages = {0};
    StagingArea area;
    ProcessCopy out = {0};

    cr_assert(staging_area_prepare(&area, BYTES, &any, &error), "%s", error.message);
    cr_expect_null(area.packed);
    cr_expect_eq(area.memory.supplied_bytes, BYTES);
    staging_area_give(&area, PAGE, &pages, &out);
    cr_expect_null(area.memory.base);
    cr_expect_not_null(out.staging);
    cr_expect_lt(out.staging_bytes, BYTES);
    staging_area_release(&area);
    process_copy_release(&out);
}
