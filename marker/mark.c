// mark_reachable(): checks the options and chooses the marker.

#include "marker/mark.h"

#include <sched.h>

#include "marker/mark_internal.h"

uint32_t mark_default_workers(void)
{
    cpu_set_t cpus;
    int count;

    CPU_ZERO(&cpus);
    // CPUs that we may run on, which a container or taskset may have cut down.
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
        return 1;
    count = CPU_COUNT(&cpus);
    if (count < 1)
        return 1;
    return (uint32_t)count < MAX_WORKERS ? (uint32_t)count : MAX_WORKERS;
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

    if (options->workers > MAX_WORKERS)
        return error_set(error, ERROR_USAGE, "%u workers are more than %u", options->workers,
                         MAX_WORKERS);
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

bool mark_reachable(const HeapImage *image, const MarkOptions *options, MarkResult **out,
                    Error *error)
{
    *out = NULL;
    if (!check_options(options, error))
        return false;
    return mark_reachable_serial(image, options->kind, out, error);
}
