// Calibration of virtual time: see marker/schedule/schedule_calibration.h.

#include "marker/schedule/schedule_calibration.h"

#include "shared_memory.h"

#define REAL_MARKS 5u
#define ROUND_TRIPS 200u
#define MAX_COST_PS UINT32_C(1000000000)

// ---- between threads ----

typedef struct Partner {
    SharedParker here;
    SharedParker there;
    SharedBarrier barrier;
} Partner;

static void *answer(void *argument)
{
    Partner *partner = argument;

    for (uint32_t i = 0; i < ROUND_TRIPS; i++) {
        shared_park(&partner->there);
        shared_unpark(&partner->here);
    }
    for (uint32_t i = 0; i < ROUND_TRIPS; i++)
        shared_barrier_wait(&partner->barrier);
    return NULL;
}

static uint32_t as_cost(uint64_t ps)
{
    return ps < 1 ? 1 : ps > MAX_COST_PS ? MAX_COST_PS : (uint32_t)ps;
}

// Takes the shortest of many times, which other load of the machine disturbs least. Where the
// system refuses a second thread, the costs stay as they are.
static bool measure_threads(ScheduleCosts *costs, bool *has_threads, Error *error)
{
    Partner partner;
    SharedThread thread;
    uint64_t wake_ns = UINT64_MAX, barrier_ns = UINT64_MAX;

    shared_parker_init(&partner.here);
    shared_parker_init(&partner.there);
    if (!shared_barrier_init(&partner.barrier, 2))
        return error_set(error, ERROR_SYSTEM, "cannot make a barrier");
    *has_threads = shared_thread_start(&thread, answer, &partner) == 0;
    if (!*has_threads) {
        shared_barrier_release(&partner.barrier);
        return true;
    }
    for (uint32_t i = 0; i < ROUND_TRIPS; i++) {
        uint64_t start = shared_clock_ns(), took;
        shared_unpark(&partner.there);
        shared_park(&partner.here);
        took = (shared_clock_ns() - start) / 2;
        wake_ns = took < wake_ns ? took : wake_ns;
    }
    for (uint32_t i = 0; i < ROUND_TRIPS; i++) {
        uint64_t start = shared_clock_ns(), took;
        shared_barrier_wait(&partner.barrier);
        took = shared_clock_ns() - start;
        barrier_ns = took < barrier_ns ? took : barrier_ns;
    }
    shared_thread_join(&thread);
    shared_barrier_release(&partner.barrier);
    costs->wake = as_cost(wake_ns * 1000);
    costs->barrier = as_cost(barrier_ns * 1000);
    return true;
}

// ---- the work itself ----

// Nanoseconds that one worker takes; in virtual time if `schedule` is not NULL.
static bool mark_once(const HeapImage *image, const MarkSchedule *schedule, uint64_t *ns,
                      Error *error)
{
    MarkOptions options = mark_options_default();
    MarkResult *result;

    options.workers = 1;
    options.driver = schedule != NULL ? &schedule->driver : NULL;
    if (!mark_reachable(image, &options, &result, error))
        return false;
    *ns = schedule != NULL ? result->statistics.workers[0].busy_virtual_ns
                           : result->statistics.workers[0].cpu_ns;
    mark_result_free(result);
    return true;
}

bool schedule_calibrate(const HeapImage *image, ScheduleCosts *costs, bool *has_threads,
                        Error *error)
{
    MarkSchedule schedule = mark_schedule_default();
    const uint32_t wake = costs->wake, barrier = costs->barrier;
    uint64_t real_ns = UINT64_MAX, virtual_ns;

    schedule.policy = SCHEDULE_CLOCK;
    schedule.costs = *costs;
    if (!mark_once(image, &schedule, &virtual_ns, error))
        return false;
    for (uint32_t i = 0; i < REAL_MARKS; i++) {
        uint64_t ns;
        if (!mark_once(image, NULL, &ns, error))
            return false;
        real_ns = ns < real_ns ? ns : real_ns;
    }
    if (virtual_ns > 0)
        for (uint32_t i = 0; i < SCHEDULE_COST_COUNT; i++) {
            uint32_t *cost = schedule_cost_at(costs, i);
            *cost = as_cost((uint64_t)((double)*cost * (double)real_ns / (double)virtual_ns));
        }
    costs->wake = wake;
    costs->barrier = barrier;
    return measure_threads(costs, has_threads, error);
}
