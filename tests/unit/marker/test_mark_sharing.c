// Promises of mark_reachable() beyond the marks: each object is claimed once, the work is
// shared, queues overflow without loss, statistics add up, impossible options are refused.

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/made_heap.h"
#include "tests/support/random_heap.h"

#define BASE UINT64_C(0x200000000000)
#define PAGE UINT64_C(4096)

static const MarkPolicy policies[] = {MARK_POLICY_STEAL, MARK_POLICY_OWNER};

static MarkResult *mark(const HeapImage *image, MarkOptions options)
{
    MarkResult *result;
    Error error = {0};

    cr_assert(mark_reachable(image, &options, &result, &error), "%s", error.message);
    return result;
}

static MarkResult *mark_serial(const HeapImage *image)
{
    MarkResult *result;
    Error error = {0};

    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &result, &error), "%s", error.message);
    return result;
}

static MarkWorkerStatistics sum(const MarkResult *result)
{
    MarkWorkerStatistics all = {0};

    for (uint32_t i = 0; i < result->statistics.worker_count; i++) {
        const MarkWorkerStatistics *worker = &result->statistics.workers[i];
        all.marked += worker->marked;
        all.scanned_words += worker->scanned_words;
        all.edges += worker->edges;
        all.overflow_segments += worker->overflow_segments;
    }
    return all;
}

static void expect_equal(const MarkResult *got, const MarkResult *wanted, const char *who)
{
    cr_expect_eq(memcmp(got->marked, wanted->marked, wanted->word_count * 8), 0, "%s", who);
    cr_expect_eq(memcmp(got->marked_blocks, wanted->marked_blocks, wanted->block_word_count * 8), 0,
                 "%s", who);
    cr_expect_eq(memcmp(&got->totals, &wanted->totals, sizeof got->totals), 0, "%s", who);
    cr_expect_eq(sum(got).marked, got->totals.marked_objects, "%s: %llu claims of %llu objects",
                 who, (unsigned long long)sum(got).marked,
                 (unsigned long long)got->totals.marked_objects);
    cr_expect_eq(sum(got).scanned_words, sum(wanted).scanned_words, "%s", who);
    cr_expect_eq(sum(got).edges, sum(wanted).edges, "%s", who);
}

// ---- heaps ----

// `count` objects of the class, page by page from `address`; their addresses, to be freed.
static uint64_t *add_objects(MadeHeap *heap, uint64_t address, uint32_t block_size, uint32_t count)
{
    uint64_t *objects = malloc(count * sizeof *objects);
    uint64_t page = address;
    uint32_t slot = 0, slots = 0;

    cr_assert_not_null(objects);
    for (uint32_t i = 0; i < count; i++, slot++) {
        if (slot == slots) {
            page = made_heap_page(heap, address, block_size, 1 + (uint32_t)(address / PAGE % 7));
            slots = made_heap_slots(heap, page);
            address += PAGE;
            slot = 0;
        }
        objects[i] = made_heap_object(heap, page, slot);
    }
    return objects;
}

// One array with `references` references to a quarter as many objects, each of which refers to
// its neighbour.
static HeapImage *array_image(uint32_t references, uint32_t block_size)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint32_t count = references / 4;
    uint64_t array = made_heap_object(
        heap, made_heap_page(heap, BASE - (UINT64_C(1) << 30), 48 + 8 * references, 1), 0);
    uint64_t *objects = add_objects(heap, BASE, block_size, count);
    HeapImage *image;

    for (uint32_t i = 0; i < references; i++)
        made_heap_refer(heap, array, i, objects[(uint64_t)i * 7919 % count]);
    for (uint32_t i = 0; i < count; i++)
        made_heap_refer(heap, objects[i], 1, objects[i ^ 1]);
    made_heap_root(heap, ROOT_GLOBAL, array);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    free(objects);
    return image;
}

static HeapImage *list_image(uint32_t count, uint32_t block_size)
{
    MadeHeap *heap = made_heap_new(NULL);
    uint64_t *objects = add_objects(heap, BASE, block_size, count);
    HeapImage *image;

    for (uint32_t i = 0; i + 1 < count; i++)
        made_heap_refer(heap, objects[i], 1, objects[i + 1]);
    made_heap_root(heap, ROOT_GLOBAL, objects[0]);
    image = made_heap_image(heap, false);
    made_heap_free(heap);
    free(objects);
    return image;
}

// ---- claims and statistics ----

Test(mark_sharing, each_object_is_claimed_exactly_once)
{
    for (uint64_t seed = 100; seed < 130; seed++) {
        RandomHeapOptions options = random_heap_options(seed, 5000);
        RandomHeap *heap = random_heap_new(&options);
        HeapImage *image = random_heap_image(heap, false);
        MarkResult *wanted = mark_serial(image);
        for (uint32_t workers = 1; workers <= MAX_WORKERS; workers += 3)
            for (size_t i = 0; i < 2; i++) {
                MarkResult *got = mark(
                    image,
                    (MarkOptions){.workers = workers, .policy = policies[i], .queue_capacity = 4});
                expect_equal(got, wanted, i == 0 ? "steal" : "owner");
                mark_result_free(got);
            }
        mark_result_free(wanted);
        heap_image_free(image);
        random_heap_free(heap);
    }
}

Test(mark_sharing, statistics_are_consistent)
{
    HeapImage *image = array_image(40000, 64);

    for (uint32_t workers = 1; workers <= MAX_WORKERS; workers++) {
        uint64_t start_ns = clock_monotonic_ns();
        MarkResult *result =
            mark(image, (MarkOptions){.workers = workers, .policy = policies[workers % 2]});
        uint64_t outside_ns = clock_monotonic_ns() - start_ns;
        const MarkStatistics *statistics = &result->statistics;
        cr_expect_eq(statistics->worker_count, workers);
        cr_expect(statistics->elapsed_ns > 0 && statistics->elapsed_ns <= outside_ns);
        for (uint32_t i = 0; i < MAX_WORKERS; i++) {
            const MarkWorkerStatistics *worker = &statistics->workers[i];
            const MarkWorkerStatistics nothing = {0};
            cr_expect_leq(worker->steals_won, worker->steals_tried);
            cr_expect_leq(worker->idle_ns, outside_ns);
            cr_expect(worker->marked == 0 || worker->cpu_ns > 0);
            if (i >= workers)
                cr_expect_eq(memcmp(worker, &nothing, sizeof nothing), 0, "no such worker");
            if (workers == 1)
                cr_expect(worker->steals_tried == 0 && worker->idle_ns == 0);
        }
        // The array, and 10,000 objects with two words each.
        cr_expect_eq(sum(result).marked, 10001);
        cr_expect_eq(sum(result).scanned_words, 40000 + 20000);
        cr_expect_eq(sum(result).edges, 40000 + 10000);
        mark_result_free(result);
    }
    heap_image_free(image);
}

// ---- the shapes that are hard to share ----

static uint32_t busy_workers(const MarkResult *result)
{
    uint32_t busy = 0;

    for (uint32_t i = 0; i < result->statistics.worker_count; i++)
        busy += result->statistics.workers[i].marked > 0;
    return busy;
}

Test(mark_sharing, one_giant_array_gives_work_to_several_workers, .timeout = 120)
{
    uint32_t references = test_is_sanitized() ? 250000 : 1000000;
    HeapImage *image = array_image(references, 64);
    MarkResult *wanted = mark_serial(image);
    uint32_t most_busy[2] = {0};

    cr_expect_eq(wanted->totals.marked_objects, references / 4 + 1);
    for (uint32_t workers = 2; workers <= MAX_WORKERS; workers *= 2)
        for (size_t i = 0; i < 2; i++) {
            MarkResult *got = mark(image, (MarkOptions){.workers = workers, .policy = policies[i]});
            expect_equal(got, wanted, i == 0 ? "steal" : "owner");
            if (busy_workers(got) > most_busy[i])
                most_busy[i] = busy_workers(got);
            mark_result_free(got);
        }
    mark_result_free(wanted);
    // On a busy machine one worker may be through before another gets a CPU.
    for (int attempt = 0; attempt < 50 && most_busy[0] < 2; attempt++) {
        MarkResult *got = mark(image, (MarkOptions){.workers = 2, .policy = MARK_POLICY_STEAL});
        most_busy[0] = busy_workers(got);
        mark_result_free(got);
    }
    heap_image_free(image);
    cr_expect_gt(most_busy[1], 1, "each owner marks in its own pages");
    if (mark_default_workers() < 2)
        cr_skip_test("with one CPU, one worker may be through before another steals");
    cr_expect_gt(most_busy[0], 1);
}

// A marker that calls itself would need some hundred megabytes of stack.
Test(mark_sharing, a_list_of_two_million_objects_needs_neither_stack_nor_queue, .timeout = 120)
{
    uint32_t count = test_is_sanitized() ? 500000 : 2000000;
    HeapImage *image = list_image(count, 16);
    MarkResult *wanted = mark_serial(image);

    cr_expect_eq(wanted->totals.marked_objects, count);
    for (uint32_t workers = 1; workers <= 4; workers += 3)
        for (size_t i = 0; i < 2; i++) {
            MarkResult *got = mark(image, (MarkOptions){.workers = workers, .policy = policies[i]});
            expect_equal(got, wanted, i == 0 ? "steal" : "owner");
            cr_expect_eq(sum(got).overflow_segments, 0);
            mark_result_free(got);
        }
    mark_result_free(wanted);
    heap_image_free(image);
}

Test(mark_sharing, small_queues_overflow_and_lose_nothing, .timeout = 120)
{
    HeapImage *image = array_image(100000, 16);
    MarkResult *wanted = mark_serial(image);

    for (uint32_t workers = 1; workers <= MAX_WORKERS; workers += 5)
        for (size_t i = 0; i < 2; i++) {
            MarkResult *got =
                mark(image,
                     (MarkOptions){.workers = workers, .policy = policies[i], .queue_capacity = 2});
            expect_equal(got, wanted, i == 0 ? "steal" : "owner");
            cr_expect_gt(sum(got).overflow_segments, 0, "%u workers", workers);
            mark_result_free(got);
        }
    mark_result_free(wanted);
    heap_image_free(image);
}

// ---- several marks at once ----

typedef struct SideMark {
    const HeapImage *image;
    MarkPolicy policy;
    MarkResult *result;
    Error error;
} SideMark;

static void *mark_aside(void *argument)
{
    SideMark *side = argument;
    MarkOptions options = {.workers = 3, .policy = side->policy, .queue_capacity = 8};

    for (int i = 0; i < 5; i++) {
        mark_result_free(side->result);
        if (!mark_reachable(side->image, &options, &side->result, &side->error))
            return NULL;
    }
    return NULL;
}

Test(mark_sharing, one_image_can_be_marked_several_times_at_once)
{
    HeapImage *image = array_image(20000, 64);
    MarkResult *wanted = mark_serial(image);
    SideMark sides[4] = {{0}};
    pthread_t threads[4];

    for (size_t i = 0; i < 4; i++) {
        sides[i] = (SideMark){.image = image, .policy = policies[i % 2]};
        cr_assert_eq(pthread_create(&threads[i], NULL, mark_aside, &sides[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        cr_assert_eq(pthread_join(threads[i], NULL), 0);
        cr_assert_not_null(sides[i].result, "%s", sides[i].error.message);
        expect_equal(sides[i].result, wanted, "aside");
        mark_result_free(sides[i].result);
    }
    mark_result_free(wanted);
    heap_image_free(image);
}

// ---- options ----

static void expect_refused(const HeapImage *image, MarkOptions options)
{
    MarkResult *result = (MarkResult *)&options;
    Error error = {0};

    cr_expect_not(mark_reachable(image, &options, &result, &error));
    cr_expect_eq(error.code, ERROR_USAGE, "%s", error.message);
    cr_expect_neq(error.message[0], '\0');
    cr_expect_null(result);
}

Test(mark_sharing, options_that_are_not_possible_are_refused)
{
    HeapImage *image = list_image(10, 64);

    expect_refused(image, (MarkOptions){.workers = MAX_WORKERS + 1});
    expect_refused(image, (MarkOptions){.workers = UINT32_MAX});
    expect_refused(image, (MarkOptions){.queue_capacity = 1});
    expect_refused(image, (MarkOptions){.queue_capacity = 3});
    expect_refused(image, (MarkOptions){.queue_capacity = 1000});
    expect_refused(image, (MarkOptions){.kind = (MarkKind)2});
    expect_refused(image, (MarkOptions){.policy = (MarkPolicy)3});
    heap_image_free(image);
}

Test(mark_sharing, the_defaults_are_a_major_mark_with_one_worker_a_cpu)
{
    HeapImage *image = list_image(1000, 64);
    MarkResult *wanted = mark_serial(image), *got = mark(image, mark_options_default());

    cr_expect(mark_default_workers() >= 1 && mark_default_workers() <= MAX_WORKERS);
    cr_expect_eq(got->statistics.worker_count, mark_default_workers());
    cr_expect_eq(got->kind, MARK_MAJOR);
    expect_equal(got, wanted, "defaults");
    cr_expect_str_eq(mark_kind_name(MARK_MAJOR), "major");
    cr_expect_str_eq(mark_kind_name(MARK_MINOR), "minor");
    mark_result_free(got);
    mark_result_free(wanted);
    mark_result_free(NULL);
    heap_image_free(image);
}

// ---- is_fully_marked() ----

Test(mark_sharing, a_page_is_fully_marked_when_all_its_live_objects_are)
{
    const uint32_t sizes[] = {16, 32, 64, 1024, 9000};
    const HeapLayout *layout = heap_layout_rudo_gc_0_8();

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        MadeHeap *heap = made_heap_new(NULL);
        uint64_t full = made_heap_page(heap, BASE, sizes[i], 1);
        uint64_t partly = made_heap_page(heap, BASE + 8 * PAGE, sizes[i], 1);
        uint64_t empty = made_heap_page(heap, BASE + 16 * PAGE, sizes[i], 1);
        uint32_t slots = made_heap_slots(heap, full);
        HeapImage *image;
        MarkResult *result;
        for (uint32_t slot = 0; slot < slots; slot++) {
            uint64_t first = made_heap_object(heap, full, slot);
            uint64_t second = made_heap_object(heap, partly, slot);
            // DEAD objects need not be marked.
            if (slot == 1 && sizes[i] >= layout->object_header_bytes)
                made_heap_set_weak(heap, first, layout->dead_bit);
            made_heap_root(heap, ROOT_GLOBAL, first);
            if (slot + 1 < slots)
                made_heap_root(heap, ROOT_GLOBAL, second);
        }
        image = made_heap_image(heap, false);
        result = mark(image, (MarkOptions){.workers = 2});
        cr_expect(is_fully_marked(result, image, heap_image_find_page(image, full)));
        cr_expect_not(is_fully_marked(result, image, heap_image_find_page(image, partly)));
        cr_expect(is_fully_marked(result, image, heap_image_find_page(image, empty)));
        mark_result_free(result);
        heap_image_free(image);
        made_heap_free(heap);
    }
}
