// ParallelMarkCoordinator: see marker/parallel_mark_coordinator.h.

#include "marker/parallel_mark_coordinator.h"

#include <stdlib.h>
#include <string.h>

#include "marker/mark_driver.h"
#include "marker/mark_words.h"

// Batches of one step; many, because a step reads `attention` after every batch itself.
#define BATCHES_PER_STEP 256u

// ---- for the workers ----

static void end_mark(ParallelMarkCoordinator *coordinator)
{
    // Release: idle workers only need to see the bit.
    (void)shared_u32_fetch_or(&coordinator->attention, ATTENTION_OVER, SHARED_RELEASE);
    for (uint32_t i = 0; i < coordinator->worker_count; i++)
        shared_unpark(&coordinator->parkers[i]);
}

void coordinator_became_idle(ParallelMarkCoordinator *coordinator)
{
    // Relaxed: a hint for busy workers.
    (void)shared_u32_fetch_add(&coordinator->attention, 1, SHARED_RELAXED);
    coordinator_count_off(coordinator);
}

void coordinator_count_off(ParallelMarkCoordinator *coordinator)
{
    // Acq_rel: see Note [Termination].
    if (shared_u32_fetch_sub(&coordinator->outstanding, 1, SHARED_ACQ_REL) == 1)
        end_mark(coordinator);
}

void coordinator_count_on(ParallelMarkCoordinator *coordinator)
{
    // Acq_rel: the attempt to take something must not overtake it; partner is the same cell
    // in coordinator_count_off().
    (void)shared_u32_fetch_add(&coordinator->outstanding, 1, SHARED_ACQ_REL);
}

void coordinator_found_work(ParallelMarkCoordinator *coordinator)
{
    (void)shared_u32_fetch_sub(&coordinator->attention, 1, SHARED_RELAXED);
}

void coordinator_wake(ParallelMarkCoordinator *coordinator, uint32_t index)
{
    uint64_t bit = UINT64_C(1) << index;

    // Acq_rel: see Note [No lost wake-up]; partner is coordinator_lie_down().
    if ((shared_u64_fetch_and(&coordinator->sleeping, ~bit, SHARED_ACQ_REL) & bit) != 0)
        shared_unpark(&coordinator->parkers[index]);
}

void coordinator_wake_one(ParallelMarkCoordinator *coordinator)
{
    // Acq_rel, and a read-modify-write: see Note [No lost wake-up]; partner is
    // coordinator_lie_down().
    uint64_t sleeping = shared_u64_fetch_or(&coordinator->sleeping, 0, SHARED_ACQ_REL);

    while (sleeping != 0) {
        uint32_t index = (uint32_t)__builtin_ctzll(sleeping);
        uint64_t bit = UINT64_C(1) << index;
        uint64_t before = shared_u64_fetch_and(&coordinator->sleeping, ~bit, SHARED_ACQ_REL);
        if ((before & bit) != 0) {
            shared_unpark(&coordinator->parkers[index]);
            return;
        }
        // Another worker has woken that one.
        sleeping = before;
    }
}

void coordinator_give_up(ParallelMarkCoordinator *coordinator)
{
    end_mark(coordinator);
}

bool coordinator_lie_down(ParallelMarkCoordinator *coordinator, const MarkWorker *worker)
{
    // Acq_rel: see Note [No lost wake-up]; partners are coordinator_wake() and _wake_one().
    (void)shared_u64_fetch_or(&coordinator->sleeping, UINT64_C(1) << worker->index, SHARED_ACQ_REL);
    return !mark_worker_sees_work(worker) &&
           (coordinator_attention(coordinator) & ATTENTION_OVER) == 0;
}

void coordinator_get_up(ParallelMarkCoordinator *coordinator, const MarkWorker *worker)
{
    (void)shared_u64_fetch_and(&coordinator->sleeping, ~(UINT64_C(1) << worker->index),
                               SHARED_ACQ_REL);
}

// ---- threads ----

static void work(MarkWorker *worker)
{
    ParallelMarkCoordinator *coordinator = worker->coordinator;
    uint32_t idle_steps = 0;
    uint64_t idle_since = 0;

    mark_worker_start(worker);
    for (;;) {
        MarkStep step = mark_worker_step(worker, BATCHES_PER_STEP);
        if (worker->is_idle && idle_since == 0)
            idle_since = shared_clock_ns();
        if (!worker->is_idle || step == MARK_STEP_FINISHED) {
            if (idle_since != 0)
                worker->statistics.idle_ns += shared_clock_ns() - idle_since;
            idle_since = 0;
            idle_steps = 0;
        }
        if (step == MARK_STEP_FINISHED)
            return;
        if (step != MARK_STEP_IDLE)
            continue;
        if (++idle_steps < SHARED_IDLE_STEPS) {
            shared_pause();
            continue;
        }
        if (coordinator_lie_down(coordinator, worker))
            shared_park(&coordinator->parkers[worker->index]);
        coordinator_get_up(coordinator, worker);
        idle_steps = 0;
    }
}

static void run_worker(MarkWorker *worker)
{
    ParallelMarkCoordinator *coordinator = worker->coordinator;
    uint64_t cpu_ns;

    shared_barrier_wait(&coordinator->start_barrier);
    cpu_ns = shared_cpu_clock_ns();
    if (worker->index == 0)
        coordinator->started_ns = shared_clock_ns();
    work(worker);
    worker->statistics.cpu_ns = shared_cpu_clock_ns() - cpu_ns;
    shared_barrier_wait(&coordinator->end_barrier);
    if (worker->index == 0)
        coordinator->finished_ns = shared_clock_ns();
}

static void *run_thread(void *argument)
{
    MarkWorker *worker = argument;

    // Sleeps until all threads have started or one has failed to: only then is the barrier
    // complete.
    shared_park(&worker->coordinator->parkers[worker->index]);
    if (!worker->coordinator->is_cancelled)
        run_worker(worker);
    return NULL;
}

// Runs all workers as threads, worker 0 on the calling one. False: only `*started` workers had a
// thread, and nothing was done.
static bool run_threads(ParallelMarkCoordinator *coordinator, uint32_t *started)
{
    SharedThread threads[MAX_WORKERS];

    for (*started = 1; *started < coordinator->worker_count; ++*started)
        if (shared_thread_start(&threads[*started], run_thread, coordinator->workers[*started]) !=
            0)
            break;
    coordinator->is_cancelled = *started < coordinator->worker_count;
    for (uint32_t i = 1; i < *started; i++)
        shared_unpark(&coordinator->parkers[i]);
    if (!coordinator->is_cancelled)
        run_worker(coordinator->workers[0]);
    for (uint32_t i = 1; i < *started; i++)
        shared_thread_join(&threads[i]);
    return !coordinator->is_cancelled;
}

// Checks after the end that no worker left while there was work. That would be an error in the
// marker, and an error message is better than a wrong result.
static bool check_nothing_left(const ParallelMarkCoordinator *coordinator, Error *error)
{
    for (uint32_t i = 0; i < coordinator->worker_count; i++)
        if (!mark_worker_is_done(coordinator->workers[i]))
            return error_set(error, ERROR_SYSTEM,
                             "worker %u left while there was work: an error in the marker", i);
    return true;
}

// `*started` is the number of workers unless it comes back smaller: then too few threads could be
// started.
static bool run_all(ParallelMarkCoordinator *coordinator, const MarkDriver *driver,
                    MarkResult *result, uint32_t *started, Error *error)
{
    result->statistics.worker_count = coordinator->worker_count;
    *started = coordinator->worker_count;
    if (driver != NULL && !driver->run(driver, coordinator, result, error))
        return false;
    if (driver == NULL && !run_threads(coordinator, started))
        return true;
    for (uint32_t i = 0; i < coordinator->worker_count; i++)
        if (coordinator->workers[i]->has_failed)
            return error_set_memory(error, SEGMENT_ITEMS * sizeof(uint64_t), "a mark segment");
    return check_nothing_left(coordinator, error);
}

// ---- life ----

static void coordinator_free(ParallelMarkCoordinator *coordinator)
{
    for (uint32_t i = 0; i < coordinator->worker_count; i++)
        mark_worker_free(coordinator->workers[i]);
    chunk_pool_release(&coordinator->pool);
    shared_barrier_release(&coordinator->start_barrier);
    shared_barrier_release(&coordinator->end_barrier);
    free(coordinator);
}

static MarkMode mode_of(const MarkOptions *options)
{
    return options->policy == MARK_POLICY_OWNER ? MARK_OWNED : MARK_SHARED;
}

static bool coordinator_new(const HeapImage *image, const MarkOptions *options,
                            ParallelMarkCoordinator **out, Error *error)
{
    uint32_t worker_count = options->workers;
    ParallelMarkCoordinator *coordinator = aligned_alloc(SHARED_LINE_BYTES, sizeof *coordinator);

    if (coordinator == NULL)
        return error_set_memory(error, sizeof *coordinator, "a mark coordinator");
    memset(coordinator, 0, sizeof *coordinator);
    // Relaxed, all: no other worker exists yet.
    shared_u32_store(&coordinator->outstanding, worker_count, SHARED_RELAXED);
    shared_u32_store(&coordinator->attention, 0, SHARED_RELAXED);
    shared_u64_store(&coordinator->sleeping, 0, SHARED_RELAXED);
    for (uint32_t i = 0; i < MAX_VIRTUAL_WORKERS; i++)
        shared_parker_init(&coordinator->parkers[i]);
    coordinator->worker_count = worker_count;
    if (!shared_barrier_init(&coordinator->start_barrier, worker_count)) {
        free(coordinator);
        return error_set(error, ERROR_SYSTEM, "cannot make a barrier");
    }
    if (!shared_barrier_init(&coordinator->end_barrier, worker_count)) {
        shared_barrier_release(&coordinator->start_barrier);
        free(coordinator);
        return error_set(error, ERROR_SYSTEM, "cannot make a barrier");
    }
    if (!page_ownership_init(&coordinator->ownership, image, worker_count, error) ||
        (mode_of(options) == MARK_OWNED &&
         !mark_worker_pool_init(&coordinator->pool, worker_count, options->queue_capacity,
                                error))) {
        coordinator_free(coordinator);
        return false;
    }
    *out = coordinator;
    return true;
}

static bool make_workers(ParallelMarkCoordinator *coordinator, const HeapImage *image,
                         const MarkOptions *options, MarkTarget target, Error *error)
{
    for (uint32_t i = 0; i < coordinator->worker_count; i++) {
        MarkWorkerOptions worker_options = {
            .image = image,
            .index = i,
            .worker_count = coordinator->worker_count,
            .mode = mode_of(options),
            .kind = options->kind,
            .queue_capacity = options->queue_capacity,
            .target = target,
            .pool = &coordinator->pool,
            .ownership = &coordinator->ownership,
            .coordinator = coordinator,
            .outstanding = &coordinator->outstanding,
            .counts_places = options->driver != NULL,
        };
        if (!mark_worker_new(&worker_options, &coordinator->workers[i], error))
            return false;
    }
    return true;
}

bool parallel_mark_coordinator_mark(const HeapImage *image, const MarkOptions *options,
                                    MarkTarget target, MarkResult *result, uint32_t *started,
                                    Error *error)
{
    ParallelMarkCoordinator *coordinator = NULL;
    bool ok;

    if (!coordinator_new(image, options, &coordinator, error))
        return false;
    ok = make_workers(coordinator, image, options, target, error) &&
         run_all(coordinator, options->driver, result, started, error);
    if (ok && *started == options->workers) {
        result->statistics.elapsed_ns = coordinator->finished_ns - coordinator->started_ns;
        for (uint32_t i = 0; i < coordinator->worker_count; i++)
            mark_worker_report(coordinator->workers[i], result);
    }
    coordinator_free(coordinator);
    return ok;
}
