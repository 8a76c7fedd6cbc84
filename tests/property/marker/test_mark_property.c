// Every way to mark equals the serial marker, on random heaps of random layouts: every worker
// count, both policies, both kinds, queues so small that overflow and stealing always happen, in
// place and relocated.
//
// timeout: 600

#include <criterion/criterion.h>
#include <string.h>

#include "marker/mark.h"
#include "tests/support/dose.h"
#include "tests/support/random_heap.h"
#include "tests/support/xorshift.h"

static void expect_same_totals(const MarkResult *got, const MarkResult *wanted, uint64_t seed,
                               const MarkOptions *options)
{
    const MarkTotals *a = &got->totals, *b = &wanted->totals;

    cr_expect(memcmp(a, b, sizeof *a) == 0,
              "seed %llu, %u workers, policy %d, kind %d, capacity %u: totals differ "
              "(objects %llu/%llu, blocks %llu/%llu, invalid %llu/%llu)",
              (unsigned long long)seed, options->workers, (int)options->policy, (int)options->kind,
              options->queue_capacity, (unsigned long long)a->marked_objects,
              (unsigned long long)b->marked_objects, (unsigned long long)a->marked_blocks,
              (unsigned long long)b->marked_blocks, (unsigned long long)a->invalid_references,
              (unsigned long long)b->invalid_references);
}

static MarkWorkerStatistics sum_workers(const MarkResult *result)
{
    MarkWorkerStatistics sum = {0};

    for (uint32_t i = 0; i < result->statistics.worker_count; i++) {
        sum.marked += result->statistics.workers[i].marked;
        sum.scanned_words += result->statistics.workers[i].scanned_words;
        sum.edges += result->statistics.workers[i].edges;
    }
    return sum;
}

static void expect_same(const MarkResult *got, const MarkResult *wanted, uint64_t seed,
                        const MarkOptions *options)
{
    MarkWorkerStatistics a = sum_workers(got), b = sum_workers(wanted);

    cr_assert_eq(got->word_count, wanted->word_count);
    cr_expect(memcmp(got->marked, wanted->marked, got->word_count * 8) == 0,
              "seed %llu, %u workers, policy %d, kind %d, capacity %u: marks differ",
              (unsigned long long)seed, options->workers, (int)options->policy, (int)options->kind,
              options->queue_capacity);
    cr_expect(memcmp(got->marked_blocks, wanted->marked_blocks, got->block_word_count * 8) == 0,
              "seed %llu: marked blocks differ", (unsigned long long)seed);
    expect_same_totals(got, wanted, seed, options);
    cr_expect(a.marked == b.marked && a.scanned_words == b.scanned_words && a.edges == b.edges,
              "seed %llu, %u workers, policy %d: marked %llu/%llu, words %llu/%llu, edges "
              "%llu/%llu",
              (unsigned long long)seed, options->workers, (int)options->policy,
              (unsigned long long)a.marked, (unsigned long long)b.marked,
              (unsigned long long)a.scanned_words, (unsigned long long)b.scanned_words,
              (unsigned long long)a.edges, (unsigned long long)b.edges);
}

static void check_options(const HeapImage *image, const MarkResult *wanted, MarkOptions options,
                          uint64_t seed)
{
    MarkResult *got;
    Error error;

    cr_assert(mark_reachable(image, &options, &got, &error), "%s", error.message);
    expect_same(got, wanted, seed, &options);
    mark_result_free(got);
}

// Many small heaps, where every word counts, and some that keep all workers busy.
static uint32_t heap_size(uint64_t seed)
{
    return seed % 64 == 0 ? 20000 : seed % 4 == 0 ? 1500 : 150;
}

static void check_heap(uint64_t seed)
{
    RandomHeapOptions heap_options = random_heap_options(seed, heap_size(seed));
    Xorshift random = xorshift_seeded(seed);
    HeapLayout layout = random_heap_layout(&random);
    heap_options.layout = &layout;
    RandomHeap *heap = random_heap_new(&heap_options);
    HeapImage *image = random_heap_image(heap, xorshift_percent(&random, 50));

    for (MarkKind kind = MARK_MAJOR; kind <= MARK_MINOR; kind++) {
        MarkResult *wanted;
        Error error;
        cr_assert(mark_reachable_serial(image, kind, &wanted, &error), "%s", error.message);
        check_options(image, wanted, (MarkOptions){.workers = 1, .kind = kind}, seed);
        for (int i = 0; i < 2; i++) {
            MarkOptions options = {
                .workers = (uint32_t)xorshift_between(&random, 1, MAX_WORKERS),
                .kind = kind,
                .policy =
                    (MarkPolicy)xorshift_between(&random, MARK_POLICY_DEFAULT, MARK_POLICY_OWNER),
                .queue_capacity = 2u << xorshift_below(&random, 10),
            };
            check_options(image, wanted, options, seed);
        }
        mark_result_free(wanted);
    }
    heap_image_free(image);
    random_heap_free(heap);
}

Test(mark_property, every_way_to_mark_equals_the_serial_marker, .timeout = 600)
{
    uint64_t first = test_seed(1);
    uint64_t count = test_dose(500);

    for (uint64_t i = 0; i < count; i++)
        check_heap(first + i);
}
