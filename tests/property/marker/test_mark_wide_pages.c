// Pages without headers (Note [Wide pages] in marker/mark_words.h): every way to mark equals the
// serial marker, on random heaps with slots of every multiple of 16 bytes, large objects, holes,
// dead objects, and words that are references, broken references or none.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/xorshift.h"

#define BASE UINT64_C(0x7f3000000000)
#define PAGE UINT64_C(4096)
#define MOST_RUNS 6u

typedef struct Heap {
    SnapshotDetails *details;
    PageRun runs[MOST_RUNS];
    uint64_t run_count;
    uint64_t end;
} Heap;

static uint64_t random_size(Xorshift *random)
{
    static const uint64_t usual[] = {16, 32, 48, 64, 96, 256, 2048};

    switch (xorshift_below(random, 8)) {
    case 0:
    case 1:
        return 16 * xorshift_between(random, 1, 128);
    case 2:
        return 2056 + 8 * xorshift_below(random, 1500); // a large object
    default:
        return usual[xorshift_below(random, sizeof usual / sizeof usual[0])];
    }
}

static uint64_t add_page(Heap *heap, Xorshift *random, uint64_t address)
{
    SnapshotPage *page = &heap->details->pages[heap->details->page_count++];
    uint64_t bytes = random_size(random);
    bool is_whole = xorshift_percent(random, 50);

    *page = (SnapshotPage){
        .address = address,
        .block_size = bytes,
        .read_bytes = bytes,
        .slot_count = bytes > 2048 ? 1 : (uint32_t)(PAGE / bytes),
        .kind = 1,
    };
    PageBits *bits = &page->bits;
    if (page->slot_count > 64)
        bits = page->more = calloc((page->slot_count + 63) / 64, sizeof *bits);
    for (uint32_t slot = 0; slot < page->slot_count; slot++) {
        uint64_t bit = UINT64_C(1) << slot % 64;

        if (is_whole || xorshift_percent(random, 70))
            bits[slot / 64].allocated |= bit;
        if ((bits[slot / 64].allocated & bit) != 0 && !is_whole && xorshift_percent(random, 10))
            bits[slot / 64].dead |= bit;
    }
    return address + (bytes + PAGE - 1) / PAGE * PAGE;
}

static Heap random_heap(Xorshift *random)
{
    Heap heap = {.details = snapshot_details_new(), .end = BASE};
    uint64_t runs = xorshift_between(random, 1, MOST_RUNS);

    cr_assert_not_null(heap.details);
    heap.details->pages = calloc(MOST_RUNS * 8, sizeof *heap.details->pages);
    for (uint64_t run = 0; run < runs; run++) {
        uint64_t start = heap.end;

        for (uint64_t pages = xorshift_between(random, 1, 8); pages > 0; pages--)
            heap.end = add_page(&heap, random, heap.end);
        heap.runs[heap.run_count++] = (PageRun){start, (heap.end - start) / PAGE};
        // The last one may lie far behind, outside of the window.
        heap.end += PAGE * xorshift_between(random, 1, 5);
        if (run + 2 == runs && xorshift_percent(random, 30))
            heap.end += UINT64_C(1) << 40;
    }
    return heap;
}

// A reference to a slot of some page, to its inside, or any word.
static uint64_t random_word(const Heap *heap, Xorshift *random)
{
    const SnapshotPage *page =
        &heap->details->pages[xorshift_below(random, heap->details->page_count)];
    uint64_t slot = xorshift_below(random, page->slot_count);

    switch (xorshift_below(random, 20)) {
    case 0:
        return xorshift_next(random);
    case 1:
        return BASE + xorshift_below(random, heap->end - BASE);
    case 2:
        return page->address + xorshift_below(random, PAGE);
    case 3:
        return page->address + 16 * xorshift_below(random, PAGE / 16);
    default:
        return page->address + slot * page->block_size;
    }
}

static HeapImage *new_image(Heap *heap, Xorshift *random)
{
    HeapImageOptions options = {.force_relocation = xorshift_percent(random, 50)};
    uint64_t root_count = xorshift_between(random, 0, 6);
    Root *roots = calloc(root_count + 1, sizeof *roots);
    HeapImageBuilder *builder;
    HeapImage *image;
    Error error = {0};

    cr_assert(heap_image_builder_new(heap_layout_boehm(), &options, &builder, &error));
    cr_assert(heap_image_builder_reserve(builder, heap->runs, heap->run_count, &error), "%s",
              error.message);
    for (uint64_t run = 0; run < heap->run_count; run++) {
        uint64_t bytes = heap->runs[run].page_count * PAGE;
        uint8_t *data = heap_image_builder_bytes(builder, heap->runs[run].address, bytes);

        for (uint64_t at = 0; at < bytes; at += 8) {
            uint64_t word = xorshift_percent(random, 40) ? random_word(heap, random) : 0;
            memcpy(data + at, &word, sizeof word);
        }
    }
    for (uint64_t i = 0; i < root_count; i++)
        roots[i] = (Root){.value = random_word(heap, random),
                          .thread = NO_INDEX,
                          .kind = xorshift_percent(random, 50) ? ROOT_GLOBAL : ROOT_STACK};
    heap_image_builder_take_roots(builder, roots, root_count);
    heap_image_builder_take_details(builder, heap->details);
    cr_assert(heap_image_builder_finish(&builder, &image, &error), "%s", error.message);
    return image;
}

static void expect_same(const HeapImage *image, const MarkResult *wanted, MarkOptions options,
                        uint64_t seed)
{
    MarkResult *got;
    Error error;

    cr_assert(mark_reachable(image, &options, &got, &error), "%s", error.message);
    cr_expect(memcmp(got->marked, wanted->marked, image->word_count * 8) == 0,
              "seed %llu, %u workers: marks differ", (unsigned long long)seed, options.workers);
    cr_expect(memcmp(&got->totals, &wanted->totals, sizeof got->totals) == 0,
              "seed %llu, %u workers: totals differ (objects %llu/%llu, invalid %llu/%llu)",
              (unsigned long long)seed, options.workers,
              (unsigned long long)got->totals.marked_objects,
              (unsigned long long)wanted->totals.marked_objects,
              (unsigned long long)got->totals.invalid_references,
              (unsigned long long)wanted->totals.invalid_references);
    mark_result_free(got);
}

Test(mark_wide_pages, every_way_to_mark_equals_the_serial_marker)
{
    uint64_t first = test_seed(1), wide = 0, marked = 0;

    for (uint64_t seed = first; seed < first + test_dose(150); seed++) {
        Xorshift random = xorshift_seeded(seed);
        Heap heap = random_heap(&random);
        HeapImage *image = new_image(&heap, &random);

        for (MarkKind kind = MARK_MAJOR; kind <= MARK_MINOR; kind++) {
            MarkResult *wanted;
            Error error;

            cr_assert(mark_reachable_serial(image, kind, &wanted, &error), "%s", error.message);
            expect_same(image, wanted, (MarkOptions){.workers = 1, .kind = kind}, seed);
            expect_same(image, wanted,
                        (MarkOptions){.workers = (uint32_t)xorshift_between(&random, 2, 8),
                                      .kind = kind,
                                      .policy = (MarkPolicy)xorshift_between(
                                          &random, MARK_POLICY_DEFAULT, MARK_POLICY_OWNER),
                                      .queue_capacity = 2u << xorshift_below(&random, 10)},
                        seed);
            marked += wanted->totals.marked_objects;
            mark_result_free(wanted);
        }
        wide += image->wide_count > 0;
        heap_image_free(image);
    }
    cr_expect_gt(wide, 0u);
    cr_expect_gt(marked, 0u);
}
