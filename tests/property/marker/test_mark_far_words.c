// Pages far away from the others. Objects full of words that look like addresses there: a scan of
// them stops early, again and again, while references keep coming. And one reference to such a
// page: nothing may be lost on the way.

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/made_heap.h"
#include "tests/support/xorshift.h"

#define FAR UINT64_C(0x10000000)
#define NEAR UINT64_C(0x7f0000000000)
#define PAGES 4000u
#define BLOCK 2048u
#define HEADER 2048u
#define HUBS 20u

static void make_page(uint8_t *page)
{
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();
    uint64_t allocated = 1;

    heap_layout_write(page, layout->magic, layout->magic_value);
    heap_layout_write(page, layout->block_size, BLOCK);
    heap_layout_write(page, layout->object_count, 1);
    heap_layout_write(page, layout->header_size, HEADER);
    heap_layout_write(page, layout->owner_thread, 1);
    heap_layout_write(page, layout->free_list_head, layout->free_list_none);
    memcpy(page + layout->allocated_bitmap, &allocated, sizeof allocated);
}

static uint64_t object_address(uint64_t index)
{
    return NEAR + index * 4096 + HEADER;
}

// The first objects are all references, so that many wait; of the others, two words are.
static void fill_object(uint8_t *object, bool is_hub, Xorshift *random)
{
    for (uint32_t offset = 48; offset < BLOCK; offset += 8) {
        uint64_t word = is_hub || offset == 48 || offset == 1000
                            ? object_address(xorshift_below(random, PAGES))
                            : FAR + 1 + 2 * xorshift_below(random, 2000);
        memcpy(object + offset, &word, sizeof word);
    }
}

static HeapImage *make_heap(uint64_t seed)
{
    const PageRun runs[] = {{FAR, 1}, {NEAR, PAGES}};
    HeapImageOptions options = {.force_relocation = true};
    Xorshift random = xorshift_seeded(seed);
    HeapImageBuilder *builder;
    HeapImage *image;
    Root *roots = calloc(1, sizeof *roots);
    Error error = {0};

    cr_assert_not_null(roots);
    cr_assert(heap_image_builder_new(heap_layout_rudo_gc_0_8(), &options, &builder, &error));
    cr_assert(heap_image_builder_reserve(builder, runs, 2, &error));
    make_page(heap_image_builder_bytes(builder, FAR, 4096));
    for (uint64_t i = 0; i < PAGES; i++) {
        uint8_t *page = heap_image_builder_bytes(builder, NEAR + i * 4096, 4096);
        make_page(page);
        fill_object(page + HEADER, i < HUBS, &random);
    }
    *roots =
        (Root){.address = 8, .value = object_address(0), .thread = NO_INDEX, .kind = ROOT_GLOBAL};
    heap_image_builder_take_roots(builder, roots, 1);
    cr_assert(heap_image_builder_finish(&builder, &image, &error), "%s", error.message);
    return image;
}

// Marks with 1 to 4 workers and demands the serial marker's marks. Frees the image.
static void expect_serial_marks(HeapImage *image, MarkPolicy policy, uint64_t seed)
{
    MarkResult *expected = NULL;
    Error error = {0};

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &expected, &error));
    for (uint32_t workers = 1; workers <= 4; workers++) {
        MarkOptions options = mark_options_default();
        MarkResult *result = NULL;
        options.workers = workers;
        options.policy = policy;
        cr_assert(mark_reachable(image, &options, &result, &error));
        cr_expect_eq(memcmp(result->marked, expected->marked,
                            expected->word_count * sizeof *expected->marked),
                     0, "seed %llu, %u workers: %llu objects instead of %llu",
                     (unsigned long long)seed, workers,
                     (unsigned long long)result->totals.marked_objects,
                     (unsigned long long)expected->totals.marked_objects);
        mark_result_free(result);
    }
    mark_result_free(expected);
    heap_image_free(image);
}

Test(mark_far_words, nothing_is_lost_when_scans_stop_early)
{
    uint64_t first = test_seed(1);

    for (uint64_t seed = first; seed < first + test_dose(4); seed++)
        expect_serial_marks(make_heap(seed), seed % 2 == 0 ? MARK_POLICY_OWNER : MARK_POLICY_STEAL,
                            seed);
}

// Small objects, which are scanned without a loop, and no malloc'd blocks, so that nothing but the
// far page makes the marker look far away. All are roots, so that they are scanned in batches: a
// lone object is followed by other code.
static HeapImage *make_heap_with_far_object(bool is_relocated)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t far = made_heap_object(heap, made_heap_page(heap, FAR, 64, 1), 0);
    uint64_t first = 0;

    for (uint64_t i = 0; i < PAGES; i++) {
        uint64_t object = made_heap_object(heap, made_heap_page(heap, NEAR + i * 4096, 64, 1), 0);
        first = i == 0 ? object : first;
        made_heap_root(heap, ROOT_GLOBAL, object);
    }
    made_heap_refer(heap, first, 0, far);

    HeapImage *image = made_heap_image(heap, is_relocated);
    made_heap_free(heap);
    return image;
}

Test(mark_far_words, a_far_page_that_only_an_object_refers_to_is_reached)
{
    for (int relocated = 0; relocated < 2; relocated++) {
        expect_serial_marks(make_heap_with_far_object(relocated != 0), MARK_POLICY_STEAL, 1);
        expect_serial_marks(make_heap_with_far_object(relocated != 0), MARK_POLICY_OWNER, 1);
    }
}
