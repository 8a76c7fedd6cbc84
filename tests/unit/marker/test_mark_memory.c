// A mark gives back all that it took: memory, locks and barriers, when it succeeds and wherever it
// fails. Linked with --wrap for the functions below (tests/tests.mk): calls from our code are
// counted, and one of them may be made to fail.

#include <criterion/criterion.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "marker/mark.h"
#include "marker/schedule/mark_schedule.h"
#include "tests/support/random_heap.h"

// Read and written by all workers.
static atomic_long live;            // what was taken and not yet given back
static atomic_long calls_left = -1; // calls that still succeed; negative: all do

static bool fails_now(void)
{
    return atomic_load(&calls_left) >= 0 && atomic_fetch_sub(&calls_left, 1) == 0;
}

#define TAKES(name, parameters, arguments)                                                         \
    void *__real_##name parameters;                                                                \
    void *__wrap_##name parameters;                                                                \
    void *__wrap_##name parameters                                                                 \
    {                                                                                              \
        void *memory = fails_now() ? NULL : __real_##name arguments;                               \
        atomic_fetch_add(&live, memory != NULL);                                                   \
        return memory;                                                                             \
    }

#define INITIALISES(name, parameters, arguments)                                                   \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        int status = fails_now() ? ENOMEM : __real_##name arguments;                               \
        atomic_fetch_add(&live, status == 0);                                                      \
        return status;                                                                             \
    }

#define FREES(name, parameters, arguments)                                                         \
    void __real_##name parameters;                                                                 \
    void __wrap_##name parameters;                                                                 \
    void __wrap_##name parameters                                                                  \
    {                                                                                              \
        atomic_fetch_sub(&live, memory != NULL);                                                   \
        __real_##name arguments;                                                                   \
    }

#define DESTROYS(name, parameters, arguments)                                                      \
    int __real_##name parameters;                                                                  \
    int __wrap_##name parameters;                                                                  \
    int __wrap_##name parameters                                                                   \
    {                                                                                              \
        atomic_fetch_sub(&live, 1);                                                                \
        return __real_##name arguments;                                                            \
    }

TAKES(malloc, (size_t size), (size))
TAKES(calloc, (size_t count, size_t size), (count, size))
TAKES(aligned_alloc, (size_t alignment, size_t size), (alignment, size))
TAKES(side_table_new, (size_t size), (size))

// Of memory that was there before, what is taken does not change.
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size)
{
    bool is_new = memory == NULL;
    void *grown = fails_now() ? NULL : __real_realloc(memory, size);

    atomic_fetch_add(&live, is_new && grown != NULL);
    return grown;
}

FREES(free, (void *memory), (memory))
FREES(side_table_free, (const void *memory, size_t size), (memory, size))
INITIALISES(pthread_mutex_init, (pthread_mutex_t * mutex, const pthread_mutexattr_t *attributes),
            (mutex, attributes))
DESTROYS(pthread_mutex_destroy, (pthread_mutex_t * mutex), (mutex))
INITIALISES(pthread_barrier_init,
            (pthread_barrier_t * barrier, const pthread_barrierattr_t *attributes, unsigned count),
            (barrier, attributes, count))
DESTROYS(pthread_barrier_destroy, (pthread_barrier_t * barrier), (barrier))

typedef struct Way {
    MarkOptions options;
    bool is_scheduled;
    bool is_serial;
} Way;

static bool mark(const HeapImage *image, const Way *way, MarkResult **result, Error *error)
{
    MarkSchedule schedule = mark_schedule_default();
    MarkOptions options = way->options;

    if (way->is_serial)
        return mark_reachable_serial(image, options.kind, result, error);
    if (way->is_scheduled)
        options.driver = &schedule.driver;
    return mark_reachable(image, &options, result, error);
}

// Fails each call in turn, until a mark needs fewer.
static void check_way(const HeapImage *image, const Way *way, MarkTotals *expected)
{
    bool is_done = false;

    for (long n = 0; !is_done; n++) {
        MarkResult *result = NULL;
        Error error = {.code = ERROR_NONE};

        cr_assert_lt(n, 2000, "a mark needs no end of calls");
        atomic_store(&live, 0);
        atomic_store(&calls_left, n);
        is_done = mark(image, way, &result, &error);
        is_done = is_done && atomic_load(&calls_left) > 0;
        atomic_store(&calls_left, -1);
        if (result != NULL) {
            if (expected->marked_objects == 0)
                *expected = result->totals;
            cr_expect_eq(result->totals.marked_objects, expected->marked_objects);
        } else {
            cr_expect(error.code == ERROR_MEMORY || error.code == ERROR_SYSTEM, "call %ld: %d", n,
                      (int)error.code);
        }
        mark_result_free(result);
        cr_expect_eq(atomic_load(&live), 0, "%u workers, policy %d: call %ld leaves %ld behind",
                     way->options.workers, (int)way->options.policy, n, atomic_load(&live));
    }
}

Test(mark_memory, a_mark_gives_back_all_that_it_took)
{
    const Way ways[] = {
        {.is_serial = true},
        {.options = {.workers = 1, .queue_capacity = 2}},
        {.options = {.workers = 3, .policy = MARK_POLICY_STEAL, .queue_capacity = 2}},
        {.options = {.workers = 3, .policy = MARK_POLICY_OWNER, .queue_capacity = 2}},
        {.options = {.workers = 5, .policy = MARK_POLICY_OWNER, .queue_capacity = 4},
         .is_scheduled = true},
    };
    RandomHeapOptions options = random_heap_options(21, 3000);
    RandomHeap *heap = random_heap_new(&options);
    HeapImage *image = random_heap_image(heap, false);
    MarkTotals expected = {0};

    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
        check_way(image, &ways[i], &expected);
    cr_expect_gt(expected.marked_objects, 500);
    heap_image_free(image);
    random_heap_free(heap);
}
