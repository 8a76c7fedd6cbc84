// MarkSimulation: see analysis/replay/mark_simulation.h.

#include "analysis/replay/mark_simulation.h"

#include <string.h>

// Batches of a step; few, so that the clocks of workers stay close to each other.
#define SIMULATED_QUANTUM 4u

typedef struct Simulation {
    const ScheduleObserver *observer;
    SimulatedMark *mark;
    uint64_t last_ends[MAX_VIRTUAL_WORKERS]; // of the worker's last step
    bool is_asleep[MAX_VIRTUAL_WORKERS];
} Simulation;

static bool see_step(void *context, const ScheduleStep *step, Error *error)
{
    Simulation *simulation = context;
    SimulatedTime *time = &simulation->mark->time;
    uint64_t took = step->end_ns - step->start_ns;
    uint64_t since = step->start_ns - simulation->last_ends[step->worker];

    // A worker's clock advances between its steps only while it sleeps, or waits at the barrier.
    if (simulation->is_asleep[step->worker])
        time->sleeping_ns += since;
    else
        time->barrier_ns += since;
    simulation->is_asleep[step->worker] = step->outcome == STEP_SLEPT;
    simulation->last_ends[step->worker] = step->end_ns;
    switch (step->outcome) {
    case STEP_STARTED:
    case STEP_WORKED:
    case STEP_IDLED:
        time->marking_ns += took;
        break;
    case STEP_FOUND:
        time->stealing_ns += took;
        break;
    default:
        time->searching_ns += took;
        break;
    }
    return simulation->observer == NULL ||
           simulation->observer->saw_step(simulation->observer->context, step, error);
}

static void take_result(Simulation *simulation, const HeapImage *image, const MarkResult *result)
{
    SimulatedMark *mark = simulation->mark;
    const MarkStatistics *statistics = &result->statistics;

    mark->virtual_ns = statistics->schedule.virtual_ns;
    mark->steps = statistics->schedule.steps;
    mark->marked_objects = result->totals.marked_objects;
    for (uint32_t i = 0; i < mark->workers; i++) {
        mark->steals_tried += statistics->workers[i].steals_tried;
        mark->steals_won += statistics->workers[i].steals_won;
        // After its last step a worker waits for the others, asleep or not.
        mark->time.barrier_ns += mark->virtual_ns - simulation->last_ends[i];
    }
    memcpy(mark->schedule_digest, statistics->schedule.digest, sizeof mark->schedule_digest);
    mark_result_digest(result, image, mark->digest);
}

bool mark_simulate(const HeapImage *image, const SimulationOptions *options, uint32_t workers,
                   const ScheduleObserver *observer, SimulatedMark *out, Error *error)
{
    Simulation simulation = {.observer = observer, .mark = out};
    MarkSchedule schedule = mark_schedule_default();
    MarkOptions mark_options = mark_options_default();
    MarkResult *result;

    memset(out, 0, sizeof *out);
    out->workers = workers;
    schedule.policy = SCHEDULE_CLOCK;
    schedule.quantum = SIMULATED_QUANTUM;
    schedule.costs = options->costs;
    schedule.observer = (ScheduleObserver){see_step, &simulation};
    mark_options.workers = workers;
    mark_options.kind = options->kind;
    mark_options.policy = options->policy;
    mark_options.driver = &schedule.driver;
    if (!mark_reachable(image, &mark_options, &result, error))
        return false;
    take_result(&simulation, image, result);
    mark_result_free(result);
    return true;
}
