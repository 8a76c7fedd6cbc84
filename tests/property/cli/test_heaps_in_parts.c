// Heaps of which only a few chunks are resident give the results of whole ones: marks of both
// kinds, with DEAD objects and objects under construction, blocks, interior roots, exact and
// precise rules; words that are zeroed and given back; and the same from several threads at once.
//
// timeout: 300

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/memory/page_faults.h"
#include "marker/mark.h"
#include "marker/mark_in_passes.h"
#include "snapshot/file/snapshot_file.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/random_types.h"
#include "tests/support/xorshift.h"

static HeapImage *read_heap(const char *path, bool is_precise, const HeapPagerOptions *paging)
{
    SnapshotReadOptions options = {
        .is_precise = is_precise, .paging = paging, .proves_layout = true};
    HeapImage *image = NULL;
    Error error;

    cr_assert(snapshot_read(path, &options, &image, &error), "%s", error.message);
    cr_assert_eq(image->pager != NULL, paging != NULL && image->page_count > 0);
    return image;
}

static void expect_same_marks(const HeapImage *whole, const HeapImage *parts, MarkKind kind,
                              uint64_t seed)
{
    MarkOptions options = {.workers = 0, .kind = kind};
    MarkResult *wanted, *got;
    Error error;

    cr_assert(mark_reachable_serial(whole, kind, &wanted, &error), "%s", error.message);
    cr_assert(mark_reachable(parts, &options, &got, &error), "%s", error.message);
    cr_assert_eq(got->word_count, wanted->word_count);
    cr_expect(memcmp(got->marked, wanted->marked, got->word_count * 8) == 0 &&
                  memcmp(got->marked_blocks, wanted->marked_blocks, got->block_word_count * 8) == 0,
              "seed %llu, kind %d: marks differ", (unsigned long long)seed, (int)kind);
    cr_expect(memcmp(&got->totals, &wanted->totals, sizeof got->totals) == 0,
              "seed %llu, kind %d: totals differ (objects %llu/%llu, invalid %llu/%llu)",
              (unsigned long long)seed, (int)kind, (unsigned long long)got->totals.marked_objects,
              (unsigned long long)wanted->totals.marked_objects,
              (unsigned long long)got->totals.invalid_references,
              (unsigned long long)wanted->totals.invalid_references);
    mark_result_free(wanted);
    mark_result_free(got);
}

static void expect_same_bytes(const HeapImage *whole, const HeapImage *parts, uint64_t seed)
{
    Error error;

    cr_assert_eq(whole->page_count, parts->page_count);
    for (uint32_t page = 0; page < whole->page_count; page++)
        cr_expect(memcmp(heap_image_page_bytes(whole, page), heap_image_page_bytes(parts, page),
                         heap_image_run_pages(whole, page) << whole->page_shift) == 0,
                  "seed %llu, page %u", (unsigned long long)seed, page);
    cr_assert(heap_image_check(parts, &error), "%s", error.message);
}

// Zeroes words of both images, and gives some of them back.
static void change_both(HeapImage *whole, HeapImage *parts, Xorshift *random)
{
    Error error;

    for (int i = 0; i < 50 && whole->page_count > 0; i++) {
        uint32_t page = (uint32_t)xorshift_below(random, whole->page_count);
        uint64_t offset = whole->pages[page].header_size +
                          xorshift_below(random, whole->pages[page].block_size / 8) * 8;
        const uint8_t *at = heap_image_page_bytes(whole, page) + offset;
        const uint8_t *same = heap_image_page_bytes(parts, page) + offset;
        uint64_t value = load_u64(at);

        cr_assert(heap_image_clear(whole, at, 8, &error));
        cr_assert(heap_image_clear(parts, same, 8, &error));
        if (value != 0 && i % 2 == 0) {
            heap_image_restore(whole, at, value);
            heap_image_restore(parts, same, value);
        }
    }
}

static uint64_t count_references(const HeapImage *image, uint64_t address, const uint8_t *bytes,
                                 uint64_t length)
{
    uint64_t count = 0;

    for (uint64_t offset = (8 - address % 8) % 8; offset + 8 <= length; offset += 8) {
        Reference reference = heap_image_resolve(image, load_u64(bytes + offset), false);

        count += reference.kind != REFERENCE_NONE && reference.kind != REFERENCE_DEAD;
    }
    return count;
}

// Small heaps are counted in full: all live objects and blocks, and the references that they hold.
static void expect_need(const HeapImage *image, uint64_t seed)
{
    uint64_t nodes = image->block_count, references = 0;
    PassesNeed need, none = {0};
    Error error;

    for (uint32_t page = 0; page < image->page_count; page++)
        for (uint32_t slot = 0; slot < image->pages[page].slot_count; slot++) {
            uint32_t size = image->pages[page].block_size;
            uint32_t payload = heap_image_payload_offset(image, size);

            if ((image->live[heap_image_first_word(image, page) + slot / 64] >> slot % 64 & 1) == 0)
                continue;
            nodes++;
            if (!heap_image_is_under_construction(image, page, slot))
                references += count_references(
                    image, heap_image_object_address(image, page, slot) + payload,
                    heap_image_object_bytes(image, page, slot) + payload, size - payload);
        }
    for (uint32_t i = 0; i < image->block_count; i++)
        references += count_references(image, image->blocks[i].address,
                                       image->foreign_bytes + image->blocks[i].offset,
                                       image->blocks[i].bytes);
    cr_assert(mark_in_passes_need(image, &need, &error), "%s", error.message);
    cr_expect_eq(need.nodes, nodes, "seed %llu: %llu nodes, not %llu", (unsigned long long)seed,
                 (unsigned long long)need.nodes, (unsigned long long)nodes);
    cr_expect_eq(need.references, references, "seed %llu: %llu references, not %llu",
                 (unsigned long long)seed, (unsigned long long)need.references,
                 (unsigned long long)references);
    // Four bytes for each, and not many more.
    cr_expect_geq(mark_in_passes_bytes(image, &need), 4 * (nodes + references));
    cr_expect_lt(mark_in_passes_bytes(image, &need) - mark_in_passes_bytes(image, &none),
                 5 * (nodes + references) + 64);
}

static void check_heap(uint64_t seed)
{
    RandomHeapOptions heap_options = random_heap_options(seed, seed % 16 == 0 ? 8000 : 800);
    HeapPagerOptions paging = {.catcher = &page_faults};
    Xorshift random = xorshift_seeded(seed);
    bool is_precise = xorshift_percent(&random, 40);
    HeapLayout layout = random_heap_layout(&random);
    char path[] = "/tmp/rudo-snap-parts-XXXXXX";
    SnapshotWriteOptions write_options = {.replaces = true};
    RandomHeap *heap;
    RandomTypes *made = calloc(1, sizeof *made);
    SnapshotContents contents;
    SnapshotDetails details;
    HeapImage *whole, *parts;
    Error error;

    heap_options.layout = is_precise ? NULL : &layout;
    heap = random_heap_new(&heap_options);
    contents = *random_heap_contents(heap);
    details = *contents.details;
    if (is_precise) {
        HeapImage *plain = random_heap_image(heap, true);

        random_types_make(made, plain, &random);
        heap_image_free(plain);
        details.data_types = made->types;
        details.data_type_count = made->count;
        contents.details = &details;
    }
    paging.chunk_bytes = UINT64_C(4096) << xorshift_below(&random, 3);
    if (paging.chunk_bytes < contents.layout.page_size)
        paging.chunk_bytes = contents.layout.page_size;
    cr_assert_geq(mkstemp(path), 0);
    cr_assert(snapshot_write(path, &contents, &write_options, NULL, &error), "%s", error.message);
    whole = read_heap(path, is_precise, NULL);
    parts = read_heap(path, is_precise, &paging);
    cr_expect_eq(whole->details->metadata.references_overlooked,
                 parts->details->metadata.references_overlooked);
    cr_expect_eq(whole->imprecise_objects, parts->imprecise_objects);
    expect_same_bytes(whole, parts, seed);
    expect_same_marks(whole, parts, MARK_MAJOR, seed);
    expect_same_marks(whole, parts, MARK_MINOR, seed);
    change_both(whole, parts, &random);
    expect_same_bytes(whole, parts, seed);
    expect_same_marks(whole, parts, MARK_MAJOR, seed);
    expect_need(parts, seed);
    (void)unlink(path);
    heap_image_free(whole);
    heap_image_free(parts);
    free(made);
    random_heap_free(heap);
}

Test(heaps_in_parts, heaps_in_parts_give_the_results_of_whole_ones, .timeout = 300)
{
    uint64_t first = test_seed(1);
    uint64_t count = test_dose(8);

    if (!heap_pager_is_supported())
        cr_skip_test("this kernel cannot hold a part of a heap (before Linux 5.7)");
    for (uint64_t i = 0; i < count; i++)
        check_heap(first + i);
}
