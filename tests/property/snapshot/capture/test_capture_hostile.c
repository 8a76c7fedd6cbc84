// The capture analysis on processes made of anything: it must neither crash nor run for long,
// and whatever it finds must hang together, so that it can be written, read and marked.
//
// Seeds are printed on failure; TEST_SEED=N runs one.

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"
#include "snapshot/capture/find/heap_search.h"
#include "tests/support/dose.h"
#include "tests/support/made_process.h"
#include "tests/support/xorshift.h"

#define ROUNDS 100u
#define MAX_AREAS 12u

typedef struct Area {
    uint64_t start;
    uint64_t bytes;
} Area;

typedef struct Maker {
    Xorshift random;
    MadeProcess *process;
    Area areas[MAX_AREAS];
    uint32_t area_count;
} Maker;

static uint64_t some_address(Maker *maker)
{
    const Area *area = &maker->areas[xorshift_below(&maker->random, maker->area_count)];
    uint64_t offset = xorshift_below(&maker->random, area->bytes);

    return area->start + (xorshift_percent(&maker->random, 80) ? offset & ~UINT64_C(15) : offset);
}

// A word as heaps, stacks and allocators hold them, or as an enemy would.
static uint64_t some_word(Maker *maker)
{
    switch (xorshift_below(&maker->random, 10)) {
    case 0:
        return xorshift_below(&maker->random, 64) * 16 + xorshift_below(&maker->random, 8);
    case 1:
        return xorshift_below(&maker->random, 16) * 4096 + 2;
    case 2:
        return UINT64_C(0x52554447) | xorshift_next(&maker->random) << 32;
    case 3:
        return xorshift_next(&maker->random);
    case 4:
        return UINT64_MAX - xorshift_below(&maker->random, 64);
    case 5:
        return 0;
    default:
        return some_address(maker);
    }
}

static void add_area(Maker *maker, uint64_t start, uint64_t bytes, const char *permissions,
                     const char *name)
{
    made_process_map(maker->process, start, bytes, permissions, name);
    if (permissions[1] == 'w')
        maker->areas[maker->area_count++] = (Area){start, bytes};
}

static void make_areas(Maker *maker)
{
    const uint64_t arena = UINT64_C(0x7f0010000000);

    add_area(maker, UINT64_C(0x560000000000), 0x1000, "r-xp", "/lib/made");
    add_area(maker, UINT64_C(0x560000001000), 0x2000, "rw-p", "/lib/made");
    add_area(maker, UINT64_C(0x560000003000), 0x2000, "rw-p", "");
    add_area(maker, UINT64_C(0x560000010000), 0x4000, "rw-p", "[heap]");
    add_area(maker, UINT64_C(0x600000000000), 0x3000, "rw-p", "");
    add_area(maker, arena, 0x6000, "rw-p", "");
    add_area(maker, arena + 0x6000, 0x1000, "---p", "");
    add_area(maker, arena + 0x7000, 0x6000, "rw-p", "");
    add_area(maker, UINT64_C(0x7ffe00000000), 0x3000, "rw-p", "[stack]");
    // Near the end of all addresses.
    if (xorshift_percent(&maker->random, 30))
        add_area(maker, UINT64_MAX - 0x2fff, 0x2000, "rw-p", "");
    if (xorshift_percent(&maker->random, 30))
        add_area(maker, UINT64_C(0xffff00000000), 0x3000, "rw-p", "");
}

static void make_chain(Maker *maker, const Area *area)
{
    uint64_t start = area->start + 16 * xorshift_below(&maker->random, 64);

    while (start + 64 < area->start + area->bytes) {
        uint64_t size = 32 + 16 * xorshift_below(&maker->random, 20);
        made_process_set(maker->process, start + 8, size | xorshift_percent(&maker->random, 80));
        if (xorshift_percent(&maker->random, 2))
            size += 16;
        start += size;
    }
}

static void fill_areas(Maker *maker)
{
    uint32_t words = (uint32_t)xorshift_below(&maker->random, 3000);

    for (uint32_t i = 0; i < maker->area_count; i++) {
        const Area *area = &maker->areas[i];
        if (xorshift_percent(&maker->random, 40))
            make_chain(maker, area);
        for (uint64_t page = 0; page < area->bytes / 4096; page++)
            if (xorshift_percent(&maker->random, 25))
                made_process_page(maker->process, area->start + page * 4096,
                                  16u << xorshift_below(&maker->random, 8),
                                  xorshift_next(&maker->random));
            else if (xorshift_percent(&maker->random, 10))
                made_process_large_object(maker->process, area->start + page * 4096,
                                          (uint32_t)xorshift_between(&maker->random, 2049, 20000));
    }
    for (uint32_t i = 0; i < words; i++)
        made_process_set(maker->process, some_address(maker) & ~UINT64_C(7), some_word(maker));
}

static void make_threads(Maker *maker)
{
    uint32_t count = (uint32_t)xorshift_below(&maker->random, 5);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t thread = made_process_thread(maker->process, some_word(maker), some_word(maker));
        for (uint32_t r = 0; r < 4; r++)
            made_process_register(maker->process, thread, r, some_word(maker));
    }
}

static bool is_in_runs(const SnapshotContents *contents, uint64_t address)
{
    for (uint64_t i = 0; i < contents->run_count; i++)
        if (address - contents->runs[i].address < contents->runs[i].page_count * 4096)
            return true;
    return false;
}

static bool is_in_blocks(const SnapshotContents *contents, uint64_t address)
{
    for (uint64_t i = 0; i < contents->block_count; i++)
        if (address - contents->blocks[i].address < contents->blocks[i].bytes)
            return true;
    return false;
}

static void check_roots(const ProcessCopy *copy, const SnapshotContents *contents, uint64_t seed)
{
    for (uint64_t i = 0; i < contents->root_count; i++) {
        const Root *root = &contents->roots[i];
        cr_assert(is_in_runs(contents, root->value) || is_in_blocks(contents, root->value),
                  "seed %llu", (unsigned long long)seed);
        if (root->kind == ROOT_REGISTER)
            continue;
        const uint8_t *place = process_copy_bytes(copy, root->address, 8);
        cr_assert_not_null(place, "seed %llu", (unsigned long long)seed);
        cr_assert_eq(load_u64(place), root->value, "seed %llu", (unsigned long long)seed);
        // Each word has one kind, and is not also heap or block.
        cr_assert_not(is_in_runs(contents, root->address), "seed %llu", (unsigned long long)seed);
        cr_assert_not(is_in_blocks(contents, root->address), "seed %llu", (unsigned long long)seed);
        // The parts find words region by region, in ascending order.
        if (i > 0 && contents->roots[i - 1].kind != ROOT_REGISTER)
            cr_assert_lt(contents->roots[i - 1].address, root->address, "seed %llu",
                         (unsigned long long)seed);
    }
}

// The image gets copies of all blocks, one behind the other.
static void take_blocks(const SnapshotContents *contents, HeapImageBuilder *builder)
{
    ForeignBlock *blocks = calloc(contents->block_count + 1, sizeof *blocks);
    uint64_t bytes = 0;
    uint8_t *data;

    cr_assert_not_null(blocks);
    for (uint64_t i = 0; i < contents->block_count; i++) {
        blocks[i] = (ForeignBlock){contents->blocks[i].address, contents->blocks[i].bytes, bytes};
        bytes += (contents->blocks[i].bytes + 7) & ~UINT64_C(7);
    }
    data = calloc(1, bytes + 8);
    cr_assert_not_null(data);
    for (uint64_t i = 0; i < contents->block_count; i++)
        memcpy(data + blocks[i].offset, contents->blocks[i].data, blocks[i].bytes);
    heap_image_builder_take_blocks(builder, blocks, (uint32_t)contents->block_count, data, bytes);
}

// Builds an image as the reader of a snapshot would, and marks it.
static void check_image(const SnapshotContents *contents, uint64_t seed)
{
    HeapImageOptions options = {.force_relocation = true};
    HeapImageBuilder *builder = NULL;
    HeapImage *image = NULL;
    MarkResult *result = NULL;
    Error error = {0};
    PageRun *runs = calloc(contents->run_count + 1, sizeof *runs);
    Root *roots = calloc(contents->root_count + 1, sizeof *roots);

    cr_assert_not_null(runs);
    cr_assert_not_null(roots);
    for (uint64_t i = 0; i < contents->run_count; i++) {
        // Images end at 2^56; the writer leaves the judgement to the reader.
        if (contents->runs[i].address >> 48 != 0) {
            free(runs);
            free(roots);
            return;
        }
        runs[i] = (PageRun){contents->runs[i].address, contents->runs[i].page_count};
    }
    if (contents->root_count > 0)
        memcpy(roots, contents->roots, contents->root_count * sizeof *roots);
    cr_assert(heap_image_builder_new(&contents->layout, &options, &builder, &error));
    cr_assert(heap_image_builder_reserve(builder, runs, contents->run_count, &error),
              "seed %llu: %s", (unsigned long long)seed, error.message);
    for (uint64_t i = 0; i < contents->run_count; i++)
        memcpy(heap_image_builder_bytes(builder, runs[i].address, runs[i].page_count * 4096),
               contents->runs[i].bytes, runs[i].page_count * 4096);
    heap_image_builder_take_roots(builder, roots, contents->root_count);
    take_blocks(contents, builder);
    cr_assert(heap_image_builder_finish(&builder, &image, &error), "seed %llu: %s",
              (unsigned long long)seed, error.message);
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &result, &error));
    mark_result_free(result);
    heap_image_free(image);
    free(runs);
}

static void check_one(uint64_t seed)
{
    Maker maker = {.random = xorshift_seeded(seed), .process = made_process_new()};
    HeapSearchOptions options = {0};
    HeapSearch *search = NULL;
    HeapSearchCounts counts;
    Error error = {0};
    const ProcessCopy *copy;

    make_areas(&maker);
    fill_areas(&maker);
    make_threads(&maker);
    options.foreign_mode = (ForeignMode)xorshift_below(&maker.random, 3);
    copy = made_process_copy(maker.process);
    if (heap_search_new(copy, &options, &search, &counts, &error)) {
        const SnapshotContents *contents = heap_search_contents(search);
        for (uint64_t i = 1; i < contents->run_count; i++)
            cr_assert_geq(contents->runs[i].address,
                          contents->runs[i - 1].address + contents->runs[i - 1].page_count * 4096);
        for (uint64_t i = 0; i < contents->block_count; i++) {
            cr_assert_not(is_in_runs(contents, contents->blocks[i].address));
            cr_assert(i == 0 || contents->blocks[i].address >= contents->blocks[i - 1].address +
                                                                   contents->blocks[i - 1].bytes);
        }
        check_roots(copy, contents, seed);
        check_image(contents, seed);
        heap_search_free(search);
    } else {
        cr_assert_eq(error.code, ERROR_NO_HEAP, "seed %llu: %s", (unsigned long long)seed,
                     error.message);
    }
    made_process_free(maker.process);
}

Test(capture_hostile, anything_is_analysed_and_hangs_together)
{
    uint64_t first = test_seed(1);

    for (uint64_t i = 0; i < test_dose(ROUNDS); i++)
        check_one(first + i);
}
