// HeapReplay: see analysis/replay/heap_replay.h.

#include "analysis/replay/heap_replay.h"

#include <string.h>

#include "marker/schedule/mark_schedule.h"

#define SMALLEST_CAPACITY 2u // of a StealQueue
#define WAYS_OF_SEEDS 4u

void replay_way_choose(ReplayWay *way, uint64_t seed)
{
    way->queue_capacity = seed % 2 == 0 ? QUEUE_CAPACITY : SMALLEST_CAPACITY;
    way->kind = seed % WAYS_OF_SEEDS < WAYS_OF_SEEDS / 2 ? MARK_MAJOR : MARK_MINOR;
}

// How often something was done, by any worker: the same for every number of them.
static MarkWorkerStatistics sums_of(const MarkResult *result)
{
    MarkWorkerStatistics sums = {0};

    for (uint32_t i = 0; i < result->statistics.worker_count; i++) {
        sums.marked += result->statistics.workers[i].marked;
        sums.scanned_words += result->statistics.workers[i].scanned_words;
        sums.edges += result->statistics.workers[i].edges;
    }
    return sums;
}

static bool has_same_sums(const MarkResult *left, const MarkResult *right)
{
    const MarkWorkerStatistics a = sums_of(left), b = sums_of(right);

    return a.marked == b.marked && a.scanned_words == b.scanned_words && a.edges == b.edges;
}

static bool has_same_totals(const MarkTotals *left, const MarkTotals *right)
{
    for (uint32_t kind = 0; kind < ROOT_KIND_COUNT; kind++)
        if (left->roots[kind] != right->roots[kind])
            return false;
    return left->marked_objects == right->marked_objects &&
           left->marked_bytes == right->marked_bytes &&
           left->marked_blocks == right->marked_blocks &&
           left->marked_block_bytes == right->marked_block_bytes &&
           left->invalid_references == right->invalid_references;
}

// Marks one way and compares the result.
static bool mark_one_way(const HeapImage *image, const ReplayPlan *plan, const ReplayWay *way,
                         HeapReplay *out, Error *error)
{
    MarkOptions options = mark_options_default();
    MarkSchedule schedule = mark_schedule_default();
    const MarkResult *serial = way->kind == MARK_MINOR ? out->serial_minor : out->serial;
    MarkResult *result;

    if (!cancel_check(&plan->cancel, error))
        return false;
    options.workers = way->workers;
    options.policy = way->policy;
    options.kind = way->kind;
    options.queue_capacity = way->queue_capacity;
    schedule.seed = way->seed;
    if (way->is_scheduled)
        options.driver = &schedule.driver;
    if (!mark_reachable(image, &options, &result, error))
        return false;
    if (way->workers - result->statistics.worker_count > out->lacking_threads)
        out->lacking_threads = way->workers - result->statistics.worker_count;
    if (way->is_scheduled) {
        out->marks++;
        out->steps += result->statistics.schedule.steps;
    }
    out->differs_in_totals =
        !has_same_totals(&serial->totals, &result->totals) || !has_same_sums(serial, result);
    if (!mark_difference_of_results(image, serial, result, &out->difference) ||
        out->differs_in_totals) {
        out->has_difference = true;
        out->way = *way;
    }
    mark_result_free(result);
    return true;
}

static bool mark_all_ways(const HeapImage *image, const ReplayPlan *plan, bool is_scheduled,
                          HeapReplay *out, Error *error)
{
    // Threads have no seeds, but all the ways that seeds choose from.
    uint64_t first_seed = is_scheduled ? plan->first_seed : 0;
    uint64_t last_seed = is_scheduled ? plan->last_seed : WAYS_OF_SEEDS - 1;

    for (uint32_t policy = 0; policy < plan->policy_count; policy++)
        for (uint32_t i = 0; i < plan->worker_count; i++)
            for (uint64_t seed = first_seed; seed <= last_seed; seed++) {
                ReplayWay way = {.workers = plan->workers[i],
                                 .policy = plan->policies[policy],
                                 .is_scheduled = is_scheduled,
                                 .seed = seed};
                replay_way_choose(&way, seed);
                if (!mark_one_way(image, plan, &way, out, error))
                    return false;
                if (out->has_difference)
                    return true;
            }
    return true;
}

bool heap_replay_run(const HeapImage *image, const ReplayPlan *plan, HeapReplay *out, Error *error)
{
    memset(out, 0, sizeof *out);
    // Schedules first: a difference that they find is reproducible.
    if (mark_reachable_serial(image, MARK_MAJOR, &out->serial, error) &&
        mark_reachable_serial(image, MARK_MINOR, &out->serial_minor, error) &&
        mark_all_ways(image, plan, true, out, error) &&
        (out->has_difference || mark_all_ways(image, plan, false, out, error)))
        return true;
    heap_replay_release(out);
    return false;
}

void heap_replay_release(HeapReplay *replay)
{
    mark_result_free(replay->serial);
    mark_result_free(replay->serial_minor);
    replay->serial = NULL;
    replay->serial_minor = NULL;
}
