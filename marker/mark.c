// mark_reachable(): checks the options and chooses the marker.

#include "marker/mark.h"

#include "marker/mark_driver.h"
#include "marker/mark_in_passes.h"
#include "marker/mark_internal.h"
#include "marker/mark_words.h"
#include "marker/mark_worker.h"
#include "marker/parallel_mark_coordinator.h"
#include "base/machine/cpu_count.h"

uint32_t mark_default_workers(void)
{
    uint32_t count = cpu_count();

    return count < MAX_WORKERS ? count : MAX_WORKERS;
}

MarkOptions mark_options_default(void)
{
    return (MarkOptions){
        .workers = 0,
        .kind = MARK_MAJOR,
        .policy = MARK_POLICY_DEFAULT,
        .queue_capacity = 0,
    };
}

static bool check_options(const MarkOptions *options, Error *error)
{
    uint32_t capacity = options->queue_capacity;
    uint32_t most = options->driver != NULL ? MAX_VIRTUAL_WORKERS : MAX_WORKERS;

    if (options->workers > most)
        return error_set(error, ERROR_USAGE, "%u workers are more than %u", options->workers, most);
    if (options->driver != NULL && !options->driver->check(options->driver, error))
        return false;
    if (capacity != 0 && (capacity < 2 || (capacity & (capacity - 1)) != 0))
        return error_set(error, ERROR_USAGE, "queue capacity %u is not a power of two from 2",
                         capacity);
    if (options->kind != MARK_MAJOR && options->kind != MARK_MINOR)
        return error_set(error, ERROR_USAGE, "there is no mark kind %d", (int)options->kind);
    if (options->policy != MARK_POLICY_DEFAULT && options->policy != MARK_POLICY_STEAL &&
        options->policy != MARK_POLICY_OWNER)
        return error_set(error, ERROR_USAGE, "there is no mark policy %d", (int)options->policy);
    return true;
}

// Fills in the options that the caller left open.
static MarkOptions resolve_options(const MarkOptions *options)
{
    MarkOptions resolved = *options;

    if (resolved.workers == 0)
        resolved.workers = mark_default_workers();
    if (resolved.queue_capacity == 0)
        resolved.queue_capacity = QUEUE_CAPACITY;
    if (resolved.policy == MARK_POLICY_DEFAULT)
        resolved.policy = MARK_POLICY_STEAL;
    return resolved;
}

// One worker alone: no threads, no atomics.
static bool mark_alone(const HeapImage *image, const MarkOptions *options, MarkTarget target,
                       MarkResult *result, Error *error)
{
    MarkWorkerOptions worker_options = {
        .image = image,
        .worker_count = 1,
        .mode = MARK_ALONE,
        .kind = options->kind,
        .queue_capacity = options->queue_capacity,
        .target = target,
    };
    uint64_t started_ns, cpu_ns;
    MarkWorker *worker;
    bool ok;

    if (!mark_worker_new(&worker_options, &worker, error))
        return false;
    started_ns = shared_clock_ns();
    cpu_ns = shared_cpu_clock_ns();
    mark_worker_start(worker);
    while (mark_worker_step(worker, UINT32_MAX) != MARK_STEP_FINISHED)
        continue;
    worker->statistics.cpu_ns = shared_cpu_clock_ns() - cpu_ns;
    result->statistics.elapsed_ns = shared_clock_ns() - started_ns;
    result->statistics.worker_count = 1;
    mark_worker_report(worker, result);
    ok = !worker->has_failed;
    if (!ok)
        error_set_memory(error, SEGMENT_ITEMS * sizeof(uint64_t), "a mark segment");
    mark_worker_free(worker);
    return ok;
}

// Where the system grants fewer threads (a limit of processes), fewer workers mark: the result does
// not depend on their number.
static bool mark_with_workers(const HeapImage *image, const MarkOptions *options, MarkTarget target,
                              MarkResult *result, Error *error)
{
    MarkOptions possible = *options;

    while (possible.workers > 1 || possible.driver != NULL) {
        uint32_t started;

        if (!parallel_mark_coordinator_mark(image, &possible, target, result, &started, error))
            return false;
        if (started == possible.workers)
            return true;
        possible.workers = started;
    }
    return mark_alone(image, &possible, target, result, error);
}

bool mark_reachable(const HeapImage *image, const MarkOptions *options, MarkResult **out,
                    Error *error)
{
    MarkOptions resolved;
    MarkTarget target = {0};
    MarkResult *result;
    bool ok;

    *out = NULL;
    if (!check_options(options, error))
        return false;
    if (image->pager != NULL && options->driver == NULL)
        return mark_in_passes(image, options, out, error);
    resolved = resolve_options(options);
    if (!mark_result_new(image, resolved.kind, &result, error))
        return false;
    ok = mark_words_start(result, image, &target, error) &&
         mark_with_workers(image, &resolved, target, result, error);
    result->statistics.wanted_workers = options->workers;
    mark_words_finish(result, image, &target);
    if (!ok) {
        mark_result_free(result);
        return false;
    }
    mark_result_count(result, image);
    *out = result;
    return true;
}
