// Marks where the system refuses threads: fewer workers mark, with the same result.
//
// Linked with --wrap for pthread_create (tests/tests.mk).

#include "marker/parallel_mark_coordinator.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "tests/support/random_heap.h"

// Threads that may run beside this one, those that do, and by how many each refusal lowers the
// limit.
static int limit, running, lowers_by;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument);
int __real_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_join(pthread_t thread, void **result);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes,
                          void *(*start)(void *), void *argument)
{
    if (running >= limit) {
        limit -= lowers_by;
        return EAGAIN;
    }
    running++;
    return __real_pthread_create(thread, attributes, start, argument);
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    running--;
    return __real_pthread_join(thread, result);
}

static void expect_same(const HeapImage *image, MarkPolicy policy, int threads, uint32_t had)
{
    MarkOptions options = mark_options_default();
    char got[MARK_DIGEST_CHARS], wanted[MARK_DIGEST_CHARS];
    MarkResult *result, *serial;
    Error error = {0};

    options.workers = 16;
    options.policy = policy;
    limit = threads;
    cr_assert(mark_reachable(image, &options, &result, &error), "%s", error.message);
    cr_assert(mark_reachable_serial(image, MARK_MAJOR, &serial, &error), "%s", error.message);
    mark_result_digest(result, image, got);
    mark_result_digest(serial, image, wanted);
    cr_expect_str_eq(got, wanted);
    cr_expect_eq(memcmp(&result->totals, &serial->totals, sizeof result->totals), 0);
    cr_expect_eq(result->statistics.worker_count, had, "%u workers with %d threads",
                 result->statistics.worker_count, threads);
    cr_expect_eq(result->statistics.wanted_workers, 16);
    mark_result_free(result);
    mark_result_free(serial);
}

Test(parallel_mark_coordinator, fewer_workers_mark_where_threads_are_refused)
{
    RandomHeapOptions options = random_heap_options(7, 2000);
    RandomHeap *heap = random_heap_new(&options);
    HeapImage *image = random_heap_image(heap, false);

    for (MarkPolicy policy = MARK_POLICY_STEAL; policy <= MARK_POLICY_OWNER; policy++) {
        lowers_by = 0;
        expect_same(image, policy, 1000, 16);
        expect_same(image, policy, 15, 16);
        expect_same(image, policy, 14, 15);
        expect_same(image, policy, 3, 4);
        expect_same(image, policy, 1, 2);
        expect_same(image, policy, 0, 1);
        // Other processes take threads meanwhile.
        lowers_by = 1;
        expect_same(image, policy, 14, 1);
        cr_expect_eq(running, 0);
    }
    heap_image_free(image);
    random_heap_free(heap);
}
