// HeapImageBuilder: what it refuses, and where it puts things.

#include "snapshot/heap/heap_image.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/support/dose.h"
#include "tests/support/made_heap.h"

#define BASE UINT64_C(0x200000000000)
#define PAGE 4096u

static HeapImageBuilder *new_builder(bool force_relocation)
{
    HeapImageOptions options = {.force_relocation = force_relocation};
    HeapImageBuilder *builder = NULL;
    Error error;

    cr_assert(heap_image_builder_new(heap_layout_rudo_gc_0_8(), &options, &builder, &error));
    return builder;
}

static void write_page(HeapImageBuilder *builder, uint64_t address, uint32_t block_size)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint8_t *page = heap_image_builder_bytes(builder, address, PAGE);

    cr_assert_not_null(page);
    made_heap_write_header(layout, page, block_size, 1);
    page[layout->allocated_bitmap] = 1;
}

static HeapImage *finish(HeapImageBuilder *builder)
{
    HeapImage *image = NULL;
    Error error;

    cr_assert(heap_image_builder_finish(&builder, &image, &error), "%s", error.message);
    cr_expect_null(builder, "a builder that finished is consumed");
    return image;
}

static void expect_refused_finish(HeapImageBuilder *builder, const char *part_of_message)
{
    HeapImage *image = (HeapImage *)&image;
    Error error = {0};

    cr_expect_not(heap_image_builder_finish(&builder, &image, &error));
    cr_expect_null(image);
    cr_expect_eq(error.code, ERROR_CORRUPT);
    cr_expect_not_null(strstr(error.message, part_of_message), "%s", error.message);
    heap_image_builder_free(builder);
}

// ---- page runs ----

Test(heap_image_builder, memory_that_cannot_be_had_is_an_error)
{
    if (getenv("TEST_EMULATED") != NULL)
        cr_skip_test("an emulator keeps books on each of its pages");
    // 2^31 pages are within the index and beyond every address space limit we can set.
    HeapImageBuilder *builder = new_builder(true);
    PageRun run = {BASE, (UINT64_C(1) << 32) - 2};
    Error error = {0};

    if (!heap_image_builder_reserve(builder, &run, 1, &error))
        cr_expect_eq(error.code, ERROR_MEMORY, "%s", error.message);
    heap_image_builder_free(builder);
}

Test(heap_image_builder, runs_that_touch_become_one)
{
    HeapImageBuilder *builder = new_builder(false);
    PageRun runs[] = {{BASE, 1}, {BASE + PAGE, 2}, {BASE + 4 * PAGE, 1}};
    HeapImage *image;
    Error error;

    cr_assert(heap_image_builder_reserve(builder, runs, 3, &error));
    cr_expect_not_null(heap_image_builder_bytes(builder, BASE, 3 * PAGE));
    // One large object over the border between two of the given runs.
    write_page(builder, BASE, 64);
    write_page(builder, BASE + PAGE, 5000);
    write_page(builder, BASE + 4 * PAGE, 64);
    image = finish(builder);
    cr_expect_eq(image->run_count, 2u);
    cr_expect_eq(image->runs[0].page_count, 3u);
    cr_expect_eq(image->page_count, 3u);
    heap_image_free(image);
}

Test(heap_image_builder, bytes_are_given_out_inside_one_run_only)
{
    for (int relocated = 0; relocated < 2; relocated++) {
        HeapImageBuilder *builder = new_builder(relocated != 0);
        PageRun runs[] = {{BASE, 2}, {BASE + 4 * PAGE, 1}};
        uint8_t *first;
        Error error;

        cr_expect_null(heap_image_builder_bytes(builder, BASE, 1), "nothing is reserved yet");
        cr_assert(heap_image_builder_reserve(builder, runs, 2, &error));
        first = heap_image_builder_bytes(builder, BASE, 2 * PAGE);
        cr_expect_not_null(first);
        cr_expect_eq(heap_image_builder_bytes(builder, BASE + 100, 8), first + 100);
        cr_expect_null(heap_image_builder_bytes(builder, BASE - 1, 1));
        cr_expect_null(heap_image_builder_bytes(builder, BASE, 2 * PAGE + 1));
        cr_expect_null(heap_image_builder_bytes(builder, BASE + PAGE, UINT64_MAX));
        cr_expect_null(heap_image_builder_bytes(builder, BASE + 2 * PAGE, 1));
        cr_expect_not_null(heap_image_builder_bytes(builder, BASE + 4 * PAGE, PAGE));
        cr_expect_null(heap_image_builder_bytes(builder, BASE + 5 * PAGE, 1));
        cr_expect_null(heap_image_builder_bytes(builder, UINT64_MAX, 1));
        heap_image_builder_free(builder);
    }
}

Test(heap_image_builder, reserved_memory_is_zeroed)
{
    HeapImageBuilder *builder = new_builder(false);
    PageRun run = {BASE, 3};
    const uint8_t *bytes;
    Error error;

    cr_assert(heap_image_builder_reserve(builder, &run, 1, &error));
    bytes = heap_image_builder_bytes(builder, BASE, 3 * PAGE);
    for (size_t i = 0; i < 3 * PAGE; i++)
        cr_assert_eq(bytes[i], 0);
    heap_image_builder_free(builder);
}

// ---- placement ----

Test(heap_image_builder, pages_lie_at_their_captured_addresses)
{
    HeapImageBuilder *builder = new_builder(false);
    PageRun run = {BASE, 1};
    HeapImage *image;
    Error error;

    if (test_is_sanitized())
        cr_skip_test("sanitizers own the address space");
    cr_assert(heap_image_builder_reserve(builder, &run, 1, &error));
    write_page(builder, BASE, 64);
    image = finish(builder);
    cr_expect_not(image->is_relocated);
    cr_expect_eq((uint64_t)(uintptr_t)heap_image_page_bytes(image, 0), BASE);
    heap_image_free(image);
}

// Relocated, with the page at its place in the arena.
static void expect_relocated(const PageRun *runs, uint64_t count)
{
    HeapImageBuilder *builder = new_builder(false);
    HeapImage *image;
    Error error;

    cr_assert(heap_image_builder_reserve(builder, runs, count, &error), "%s", error.message);
    for (uint64_t i = 0; i < count; i++)
        write_page(builder, runs[i].address, 64);
    image = finish(builder);
    cr_expect(image->is_relocated);
    cr_expect_eq(image->page_count, count);
    for (uint32_t i = 0; i < image->page_count; i++) {
        cr_expect_eq(image->pages[i].address, runs[i].address);
        cr_expect_eq(heap_image_find_page(image, runs[i].address + 5), i);
    }
    heap_image_free(image);
}

Test(heap_image_builder, an_address_that_is_taken_relocates_the_whole_image)
{
    void *ours = mmap(NULL, 4 * PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t taken = (uint64_t)(uintptr_t)ours;

    cr_assert_neq(ours, MAP_FAILED);
    if (taken > BASE)
        expect_relocated((PageRun[]){{BASE, 1}, {taken, 1}}, 2);
    else // the address space of an emulated process is small
        expect_relocated((PageRun[]){{taken, 1}, {BASE, 1}}, 2);
    // The run that could be had before the other failed must be given back.
    if (!test_is_sanitized()) {
        void *again = mmap((void *)(uintptr_t)BASE, PAGE, PROT_READ,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        cr_expect_eq((uint64_t)(uintptr_t)again, BASE);
        (void)munmap(again, PAGE);
    }
    (void)munmap(ours, 4 * PAGE);
}

Test(heap_image_builder, addresses_that_no_process_of_ours_can_have_relocate)
{
    expect_relocated((PageRun[]){{UINT64_C(0x00ffffffffff0000), 1}}, 1); // five-level paging only
}

Test(heap_image_builder, pages_are_not_put_where_our_stack_may_grow)
{
    uint64_t here = (uint64_t)(uintptr_t)__builtin_frame_address(0) & ~(uint64_t)(PAGE - 1);

    expect_relocated((PageRun[]){{here - (UINT64_C(32) << 20), 1}}, 1);
}

Test(heap_image_builder, very_many_runs_go_into_one_arena)
{
    const uint64_t count = 10001;
    PageRun *runs = malloc(count * sizeof *runs);

    for (uint64_t i = 0; i < count; i++)
        runs[i] = (PageRun){BASE + 2 * i * PAGE, 1};
    expect_relocated(runs, count);
    free(runs);
}

// ---- pages ----

Test(heap_image_builder, a_heap_without_pages_is_an_image)
{
    HeapImageBuilder *builder = new_builder(false);
    HeapImage *image;
    Error error;

    cr_assert(heap_image_builder_reserve(builder, NULL, 0, &error));
    image = finish(builder);
    cr_expect_eq(image->page_count, 0u);
    cr_expect_eq(heap_image_find_page(image, BASE), NO_INDEX);
    cr_expect_eq(heap_image_find_page(image, UINT64_MAX), NO_INDEX);
    cr_expect_eq(heap_image_find_block(image, 0), NO_INDEX);
    cr_expect_eq(heap_image_resolve(image, BASE, true).kind, REFERENCE_NONE);
    cr_expect_not_null(image->details);
    heap_image_free(image);
}

Test(heap_image_builder, a_page_without_a_valid_header_is_refused_and_named)
{
    HeapImageBuilder *builder = new_builder(false);
    PageRun run = {BASE, 2};
    Error error;

    cr_assert(heap_image_builder_reserve(builder, &run, 1, &error));
    write_page(builder, BASE, 64);
    expect_refused_finish(builder,
                          "page 0x200000001000: magic (offset 0) is 0x0, expected 0x52554447");
}

Test(heap_image_builder, a_large_object_that_leaves_its_run_is_refused)
{
    HeapImageBuilder *builder = new_builder(false);
    PageRun runs[] = {{BASE, 1}, {BASE + 2 * PAGE, 1}};
    Error error;

    cr_assert(heap_image_builder_reserve(builder, runs, 2, &error));
    write_page(builder, BASE, 5000);
    write_page(builder, BASE + 2 * PAGE, 64);
    expect_refused_finish(builder,
                          "block_size (offset 4) is 5000, expected at most 2512, the memory");
}

Test(heap_image_builder, tails_of_large_objects_are_user_data_even_with_the_magic)
{
    HeapImageBuilder *builder = new_builder(false);
    PageRun run = {BASE, 4};
    HeapImage *image;
    Error error;

    cr_assert(heap_image_builder_reserve(builder, &run, 1, &error));
    write_page(builder, BASE, 2 * PAGE);
    write_page(builder, BASE + PAGE, 64); // inside the large object
    write_page(builder, BASE + 3 * PAGE, 128);
    image = finish(builder);
    cr_expect_eq(image->page_count, 2u);
    cr_expect_eq(heap_image_find_page(image, BASE + PAGE), 0u);
    cr_expect_eq(heap_image_find_page(image, BASE + 3 * PAGE - 1), 0u);
    cr_expect_eq(heap_image_find_page(image, BASE + 3 * PAGE), 1u);
    heap_image_free(image);
}

// ---- roots and blocks ----

Test(heap_image_builder, roots_are_sorted)
{
    const Root given[] = {
        {.kind = ROOT_EXPLICIT, .thread = 0, .address = 1},
        {.kind = ROOT_STACK, .thread = NO_INDEX, .address = 2},
        {.kind = ROOT_STACK, .thread = 1, .address = 9},
        {.kind = ROOT_STACK, .thread = 1, .address = 3, .value = 8},
        {.kind = ROOT_STACK, .thread = 1, .address = 3, .value = 7},
    };
    Root *roots = malloc(sizeof given);
    HeapImageBuilder *builder = new_builder(false);
    HeapImage *image;
    Error error;

    memcpy(roots, given, sizeof given);
    heap_image_builder_take_roots(builder, roots, 5);
    cr_assert(heap_image_builder_reserve(builder, NULL, 0, &error));
    image = finish(builder);
    cr_expect_eq(image->roots[0].value, 7u);
    cr_expect_eq(image->roots[1].value, 8u);
    cr_expect_eq(image->roots[2].address, 9u);
    cr_expect_eq(image->roots[3].thread, NO_INDEX);
    cr_expect_eq(image->roots[4].kind, ROOT_EXPLICIT);
    heap_image_free(image);
}

Test(heap_image_builder, taking_again_replaces_what_was_taken)
{
    HeapImageBuilder *builder = new_builder(false);
    HeapImage *image;
    Error error;

    heap_image_builder_take_roots(builder, calloc(5, sizeof(Root)), 5);
    heap_image_builder_take_roots(builder, calloc(1, sizeof(Root)), 1);
    heap_image_builder_take_blocks(builder, calloc(3, sizeof(ForeignBlock)), 3, calloc(1, 9), 9);
    heap_image_builder_take_blocks(builder, NULL, 0, NULL, 0);
    heap_image_builder_take_details(builder, snapshot_details_new());
    cr_assert(heap_image_builder_reserve(builder, NULL, 0, &error));
    image = finish(builder);
    cr_expect_eq(image->root_count, 1u);
    cr_expect_eq(image->block_count, 0u);
    heap_image_free(image);
}

Test(heap_image_builder, blocks_may_touch)
{
    const ForeignBlock given[] = {{BASE, 24, 0}, {BASE + 24, 16, 24}, {BASE + 40, 1, 40}};
    ForeignBlock *blocks = malloc(sizeof given);
    HeapImageBuilder *builder = new_builder(false);
    HeapImage *image;

    memcpy(blocks, given, sizeof given);
    heap_image_builder_take_blocks(builder, blocks, 3, calloc(1, 41), 41);
    image = finish(builder);
    for (uint32_t i = 0; i < 41; i++)
        cr_expect_eq(heap_image_find_block(image, BASE + i), i < 24 ? 0u : i < 40 ? 1u : 2u);
    cr_expect_eq(heap_image_find_block(image, BASE - 1), NO_INDEX);
    cr_expect_eq(heap_image_find_block(image, BASE + 41), NO_INDEX);
    heap_image_free(image);
}

// Blocks within a bucket, across the border of two, and over several; gaps wider than a bucket.
Test(heap_image_builder, each_address_of_a_block_is_found_whatever_the_buckets)
{
    enum { COUNT = 96 };
    ForeignBlock *blocks = calloc(COUNT, sizeof *blocks);
    ForeignBlock given[COUNT];
    HeapImageBuilder *builder = new_builder(false);
    uint64_t address = BASE + 40, bytes = 0;

    for (uint32_t i = 0; i < COUNT; i++) {
        blocks[i] = (ForeignBlock){address, i % 7 == 0 ? 904 : 16 + i % 5 * 24, bytes};
        bytes += blocks[i].bytes;
        address += blocks[i].bytes + (i % 11 == 0 ? 1000 : i % 3 * 16);
    }
    memcpy(given, blocks, sizeof given);
    heap_image_builder_take_blocks(builder, blocks, COUNT, calloc(1, bytes), bytes);
    HeapImage *image = finish(builder);
    cr_expect_lt(image->block_window.shift, 12u);
    for (uint64_t at = BASE; at < address + 200; at++) {
        uint32_t expected = NO_INDEX;
        for (uint32_t i = 0; i < COUNT; i++)
            if (at >= given[i].address && at - given[i].address < given[i].bytes)
                expected = i;
        cr_expect(heap_image_find_block(image, at) == expected);
    }
    heap_image_free(image);
}

Test(heap_image_builder, freeing_nothing_is_allowed)
{
    heap_image_builder_free(NULL);
    heap_image_free(NULL);
}
