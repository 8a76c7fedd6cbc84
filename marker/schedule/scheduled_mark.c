// The deterministic driver: see marker/schedule/scheduled_mark.h.

#include "marker/schedule/scheduled_mark.h"

#include <stddef.h>

#include "marker/parallel_mark_coordinator.h"
#include "marker/schedule/mark_schedule.h"
#include "marker/schedule/schedule_policy.h"
#include "marker/schedule/schedule_recording.h"
#include "base/checksum.h"

// Steps that are put into the digest at once.
#define DIGESTED_STEPS 64u
#define PS_PER_NS 1000u

typedef enum VirtualState {
    VIRTUAL_NEW,
    VIRTUAL_AWAKE,
    VIRTUAL_TIRED, // found no work; lies down next
    VIRTUAL_ASLEEP,
    VIRTUAL_FINISHED,
} VirtualState;

// The counts of a worker that a step adds to.
typedef struct WorkerCounts {
    MarkWorkerStatistics statistics;
    ScannedPlaces places;
    uint64_t complex_references;
    uint32_t scanned_items; // modulo 2^32
} WorkerCounts;

typedef struct ScheduledMark {
    ParallelMarkCoordinator *coordinator;
    const MarkSchedule *schedule;
    MarkResult *result;
    SchedulePolicyState policy;
    VirtualState states[MAX_VIRTUAL_WORKERS];
    uint64_t runnable_mask;
    uint64_t asleep_mask;
    uint64_t hungry_mask;
    uint64_t last_steps[MAX_VIRTUAL_WORKERS];
    uint64_t clocks[MAX_VIRTUAL_WORKERS];
    uint64_t busy_ns[MAX_VIRTUAL_WORKERS];
    uint64_t step_counts[MAX_VIRTUAL_WORKERS];
    uint64_t step;
    Digest128 digest;
    RecordedStep digested[DIGESTED_STEPS]; // little-endian on every machine we build for
} ScheduledMark;

static uint64_t bit_of(uint32_t worker)
{
    return UINT64_C(1) << worker;
}

// ---- choosing ----

static bool is_anything_stealable(const ScheduledMark *mark)
{
    for (uint32_t i = 0; i < mark->coordinator->worker_count; i++)
        if (per_thread_mark_queue_is_stealable(mark->coordinator->workers[i]->queue))
            return true;
    return false;
}

static bool choose(ScheduledMark *mark, ScheduledChoice *choice, Error *error)
{
    const ScheduleSource *source = &mark->schedule->source;
    ScheduleView view = {
        .step = mark->step,
        .worker_count = mark->coordinator->worker_count,
        .runnable_mask = mark->runnable_mask,
        .hungry_mask = mark->hungry_mask & mark->runnable_mask,
        .last_steps = mark->last_steps,
        .clocks = mark->clocks,
    };

    if (source->next == NULL) {
        view.is_stealable = mark->schedule->policy == SCHEDULE_THIEF && is_anything_stealable(mark);
        *choice = schedule_policy_choose(&mark->policy, &view);
        return true;
    }
    if (!source->next(source->context, mark->step, mark->runnable_mask, choice, error))
        return false;
    if (choice->worker >= view.worker_count || (mark->runnable_mask >> choice->worker & 1) == 0)
        return error_set(error, ERROR_CORRUPT, "worker %u cannot make step %llu of the schedule",
                         choice->worker, (unsigned long long)mark->step);
    if (choice->quantum < 1 || choice->quantum > MAX_QUANTUM)
        return error_set(error, ERROR_CORRUPT, "step %llu of the schedule has quantum %u",
                         (unsigned long long)mark->step, choice->quantum);
    return true;
}

// ---- steps ----

static void set_state(ScheduledMark *mark, uint32_t worker, VirtualState state)
{
    uint64_t bit = bit_of(worker);

    mark->states[worker] = state;
    mark->asleep_mask &= ~bit;
    mark->runnable_mask |= bit;
    if (state == VIRTUAL_ASLEEP)
        mark->asleep_mask |= bit;
    if (state == VIRTUAL_ASLEEP || state == VIRTUAL_FINISHED)
        mark->runnable_mask &= ~bit;
    mark->hungry_mask &= ~bit;
    if (mark->coordinator->workers[worker]->is_idle)
        mark->hungry_mask |= bit;
}

static StepOutcome lie_down(ScheduledMark *mark, uint32_t index)
{
    MarkWorker *worker = mark->coordinator->workers[index];

    if (coordinator_lie_down(mark->coordinator, worker)) {
        set_state(mark, index, VIRTUAL_ASLEEP);
        return STEP_SLEPT;
    }
    coordinator_get_up(mark->coordinator, worker);
    set_state(mark, index, VIRTUAL_AWAKE);
    return STEP_LOOKED;
}

static StepOutcome make_step(ScheduledMark *mark, uint32_t index, uint32_t quantum)
{
    MarkWorker *worker = mark->coordinator->workers[index];
    bool was_idle = worker->is_idle;

    if (mark->states[index] == VIRTUAL_NEW) {
        mark_worker_start(worker);
        set_state(mark, index, VIRTUAL_AWAKE);
        return STEP_STARTED;
    }
    if (mark->states[index] == VIRTUAL_TIRED)
        return lie_down(mark, index);
    switch (mark_worker_step(worker, quantum)) {
    case MARK_STEP_IDLE:
        set_state(mark, index, VIRTUAL_TIRED);
        return STEP_LOOKED;
    case MARK_STEP_FINISHED:
        set_state(mark, index, VIRTUAL_FINISHED);
        return STEP_FINISHED;
    case MARK_STEP_WORKED:
        break;
    }
    set_state(mark, index, VIRTUAL_AWAKE);
    if (was_idle)
        return STEP_FOUND;
    return worker->is_idle ? STEP_IDLED : STEP_WORKED;
}

// Wakes the sleeping workers that the step unparked. Returns them as a mask.
static uint64_t wake_sleepers(ScheduledMark *mark, uint64_t now)
{
    ParallelMarkCoordinator *coordinator = mark->coordinator;
    uint64_t woken = 0;

    for (uint64_t mask = mark->asleep_mask; mask != 0; mask &= mask - 1) {
        uint32_t index = (uint32_t)__builtin_ctzll(mask);
        if (!shared_parker_take(&coordinator->parkers[index]))
            continue;
        woken |= bit_of(index);
        coordinator_get_up(coordinator, coordinator->workers[index]);
        set_state(mark, index, VIRTUAL_AWAKE);
        if (mark->clocks[index] < now)
            mark->clocks[index] = now;
        mark->clocks[index] += mark->schedule->costs.wake / PS_PER_NS;
    }
    return woken;
}

static WorkerCounts counts_of(const MarkWorker *worker)
{
    return (WorkerCounts){.statistics = worker->statistics,
                          .places = worker->places,
                          .complex_references = worker->complex_references,
                          .scanned_items = worker->pipe_head};
}

static void fill_counts(ScheduleStep *step, const WorkerCounts *before, const WorkerCounts *after)
{
    const MarkWorkerStatistics *old = &before->statistics, *new = &after->statistics;

    step->claimed = (uint32_t)(new->marked - old->marked);
    step->scanned_items = after->scanned_items - before->scanned_items;
    step->far_lines = (uint32_t)(after->places.far_lines - before->places.far_lines);
    step->near_items = (uint32_t)(after->places.near_items - before->places.near_items);
    step->lone_far_items = (uint32_t)(after->places.lone_far_items - before->places.lone_far_items);
    step->lone_near_items =
        (uint32_t)(after->places.lone_near_items - before->places.lone_near_items);
    step->scanned_words = (uint32_t)(new->scanned_words - old->scanned_words);
    step->complex_references = (uint32_t)(after->complex_references - before->complex_references);
    step->edges = (uint32_t)(new->edges - old->edges);
    step->steals_tried = (uint32_t)(new->steals_tried - old->steals_tried);
    step->steals_won = (uint32_t)(new->steals_won - old->steals_won);
    step->chunks_sent = (uint32_t)(new->chunks_sent - old->chunks_sent);
    step->chunks_received = (uint32_t)(new->chunks_received - old->chunks_received);
}

static uint64_t cost_of(const ScheduleStep *step, const ScheduleCosts *costs, bool is_shared)
{
    uint64_t batches = (step->scanned_items + BATCH_ITEMS - 1) / BATCH_ITEMS;
    uint64_t claim = (uint64_t)costs->claim + (is_shared ? costs->shared_claim : 0);
    uint64_t cost = batches * costs->batch + step->claimed * claim +
                    (uint64_t)step->far_lines * costs->far_line +
                    (uint64_t)step->near_items * costs->near_object +
                    (uint64_t)step->lone_far_items * costs->lone_far +
                    (uint64_t)step->lone_near_items * costs->lone_near +
                    (uint64_t)step->scanned_words * costs->word +
                    (uint64_t)step->edges * costs->edge +
                    (uint64_t)step->complex_references * costs->complex +
                    (uint64_t)step->steals_won * costs->steal +
                    (uint64_t)(step->steals_tried - step->steals_won) * costs->failed_steal +
                    ((uint64_t)step->chunks_sent + step->chunks_received) * costs->inbox;

    // Each step costs at least a look for work.
    cost = cost > costs->look ? cost : costs->look;
    return cost >= PS_PER_NS ? cost / PS_PER_NS : 1;
}

static void digest_step(ScheduledMark *mark, const ScheduleStep *step)
{
    uint32_t place = (uint32_t)(step->number % DIGESTED_STEPS);

    mark->digested[place] = recorded_step(step);
    if (place == DIGESTED_STEPS - 1)
        digest128_update(&mark->digest, mark->digested, sizeof mark->digested);
}

static bool run_step(ScheduledMark *mark, Error *error)
{
    const ScheduleObserver *observer = &mark->schedule->observer;
    ScheduledChoice choice;
    ScheduleStep step = {.number = mark->step, .victim = NO_INDEX};

    if (mark->runnable_mask == 0)
        return error_set(error, ERROR_SYSTEM, "the virtual workers wait for each other");
    if (!choose(mark, &choice, error))
        return false;
    const MarkWorker *worker = mark->coordinator->workers[choice.worker];
    WorkerCounts before = counts_of(worker);
    step.worker = choice.worker;
    step.quantum = choice.quantum;
    step.start_ns = mark->clocks[choice.worker];
    step.outcome = make_step(mark, choice.worker, choice.quantum);
    WorkerCounts after = counts_of(worker);
    fill_counts(&step, &before, &after);
    if (step.steals_won > 0)
        step.victim = worker->next_victim;
    step.end_ns =
        step.start_ns + cost_of(&step, &mark->schedule->costs, mark->coordinator->worker_count > 1);
    mark->clocks[choice.worker] = step.end_ns;
    mark->busy_ns[choice.worker] += step.end_ns - step.start_ns;
    step.woken_mask = wake_sleepers(mark, step.end_ns);
    mark->last_steps[choice.worker] = ++mark->step;
    mark->step_counts[choice.worker]++;
    digest_step(mark, &step);
    schedule_policy_saw(&mark->policy, choice.worker, step.outcome);
    return observer->saw_step == NULL || observer->saw_step(observer->context, &step, error);
}

// ---- the mark ----

static uint64_t expected_steps(const ScheduledMark *mark, const HeapImage *image)
{
    uint64_t objects = 0;
    uint64_t batches;

    for (uint64_t word = 0; word < image->word_count; word++)
        objects += (uint64_t)__builtin_popcountll(image->live[word]);
    batches = (objects + image->block_count) / BATCH_ITEMS;
    return batches / mark->schedule->quantum + 4 * (uint64_t)mark->coordinator->worker_count;
}

static void fill_statistics(ScheduledMark *mark)
{
    ScheduleStatistics *statistics = &mark->result->statistics.schedule;
    uint32_t count = mark->coordinator->worker_count;
    uint64_t end = 0;

    for (uint32_t i = 0; i < count; i++)
        if (mark->clocks[i] > end)
            end = mark->clocks[i];
    end += mark->schedule->costs.barrier / PS_PER_NS;
    digest128_update(&mark->digest, mark->digested,
                     mark->step % DIGESTED_STEPS * sizeof mark->digested[0]);
    statistics->is_scheduled = true;
    statistics->policy =
        mark->schedule->source.next != NULL ? "file" : schedule_policy_name(mark->schedule->policy);
    statistics->seed = mark->schedule->seed;
    statistics->steps = mark->step;
    statistics->virtual_ns = end;
    digest128_text(&mark->digest, statistics->digest);
    for (uint32_t i = 0; i < count; i++) {
        MarkWorkerStatistics *worker = &mark->coordinator->workers[i]->statistics;
        worker->steps = mark->step_counts[i];
        worker->busy_virtual_ns = mark->busy_ns[i];
        worker->idle_virtual_ns = end - mark->busy_ns[i];
    }
}

static const MarkSchedule *schedule_of(const MarkDriver *driver)
{
    _Static_assert(offsetof(MarkSchedule, driver) == 0, "the driver is the first member");
    return (const MarkSchedule *)(const void *)driver;
}

static bool run_on_schedule(const MarkDriver *driver, ParallelMarkCoordinator *coordinator,
                            MarkResult *result, Error *error)
{
    const MarkSchedule *schedule = schedule_of(driver);
    ScheduledMark mark = {.coordinator = coordinator, .schedule = schedule, .result = result};
    uint32_t count = coordinator->worker_count;
    uint64_t all = count == 64 ? UINT64_MAX : bit_of(count) - 1;
    uint64_t finished = 0;

    digest128_init(&mark.digest);
    mark.runnable_mask = all;
    for (uint32_t i = 0; i < count; i++)
        mark.clocks[i] = schedule->costs.barrier / PS_PER_NS;
    schedule_policy_init(&mark.policy, schedule, count,
                         expected_steps(&mark, coordinator->workers[0]->image));
    while (finished != all) {
        if (!run_step(&mark, error))
            return false;
        finished = all & ~mark.runnable_mask & ~mark.asleep_mask;
    }
    fill_statistics(&mark);
    return true;
}

static bool check_schedule(const MarkDriver *driver, Error *error)
{
    const MarkSchedule *schedule = schedule_of(driver);

    if ((unsigned)schedule->policy >= SCHEDULE_POLICY_COUNT)
        return error_set(error, ERROR_USAGE, "there is no schedule policy %d",
                         (int)schedule->policy);
    if (schedule->quantum < 1 || schedule->quantum > MAX_QUANTUM)
        return error_set(error, ERROR_USAGE, "quantum %u is not from 1 to %u", schedule->quantum,
                         MAX_QUANTUM);
    if (schedule->depth < 1 || schedule->depth > MAX_SCHEDULE_DEPTH)
        return error_set(error, ERROR_USAGE, "depth %u is not from 1 to %u", schedule->depth,
                         MAX_SCHEDULE_DEPTH);
    if (schedule->preemptions > MAX_SCHEDULE_DEPTH)
        return error_set(error, ERROR_USAGE, "%u preemptions are more than %u",
                         schedule->preemptions, MAX_SCHEDULE_DEPTH);
    return true;
}

const MarkDriver scheduled_mark_driver = {.check = check_schedule, .run = run_on_schedule};
