// More roots than a worker's queue takes, each to an object of its own: what roots claim spills as
// everything else does.

#include <criterion/criterion.h>
#include <string.h>

#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/made_heap.h"

#define BASE UINT64_C(0x10000000)
#define BLOCK 64u
#define OBJECTS 12000u // more than the 8,192 items of the largest stack

static HeapImage *make_heap(bool is_relocated)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t page = 0;
    uint32_t slot = 0;

    for (uint64_t i = 0; i < OBJECTS; i++, slot++) {
        if (page == 0 || slot == made_heap_slots(heap, page)) {
            page = made_heap_page(heap, BASE + i * 4096, BLOCK, (uint32_t)(1 + i % 3));
            slot = 0;
        }
        made_heap_root(heap, ROOT_GLOBAL, made_heap_object(heap, page, slot));
    }

    HeapImage *image = made_heap_image(heap, is_relocated);
    made_heap_free(heap);
    return image;
}

static void expect_all(const HeapImage *image, const MarkOptions *options)
{
    MarkResult *result;
    Error error;

    cr_assert(mark_reachable(image, options, &result, &error), "%s", error.message);
    cr_expect_eq(result->totals.marked_objects, OBJECTS, "%llu objects with %u workers",
                 (unsigned long long)result->totals.marked_objects, options->workers);
    mark_result_free(result);
}

Test(many_roots, more_roots_than_a_queue_takes_are_all_marked, .timeout = 120)
{
    HeapImage *image = make_heap(true);

    for (int policy = 0; policy < 2; policy++) {
        for (uint32_t capacity = 2; capacity <= 1024; capacity *= 512) {
            for (uint32_t workers = 1; workers <= 3; workers++) {
                MarkOptions options = mark_options_default();
                options.workers = workers;
                options.queue_capacity = capacity;
                options.policy = policy == 0 ? MARK_POLICY_STEAL : MARK_POLICY_OWNER;
                expect_all(image, &options);
            }
        }
    }
    heap_image_free(image);
}
