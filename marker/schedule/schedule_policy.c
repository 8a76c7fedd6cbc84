// Schedule policies: see marker/schedule/schedule_policy.h.

#include "marker/schedule/schedule_policy.h"

#include <stdlib.h>
#include <string.h>

uint64_t schedule_random_next(ScheduleRandom *random)
{
    uint64_t value = random->state += UINT64_C(0x9e3779b97f4a7c15);

    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

uint64_t schedule_random_below(ScheduleRandom *random, uint64_t limit)
{
    return (schedule_random_next(random) >> 11) % limit;
}

static int compare_points(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

    return a < b ? -1 : a > b;
}

static void place_changes(SchedulePolicyState *state, uint32_t count, uint64_t expected_steps)
{
    state->change_count = count;
    for (uint32_t i = 0; i < count; i++)
        state->change_points[i] = schedule_random_below(&state->random, expected_steps);
    qsort(state->change_points, count, sizeof state->change_points[0], compare_points);
}

void schedule_policy_init(SchedulePolicyState *state, const MarkSchedule *schedule,
                          uint32_t worker_count, uint64_t expected_steps)
{
    memset(state, 0, sizeof *state);
    state->policy = schedule->policy;
    state->quantum = schedule->quantum;
    state->is_first = true;
    state->random.state = schedule->seed;
    state->lowest = MAX_VIRTUAL_WORKERS;
    if (expected_steps == 0)
        expected_steps = 1;
    // A random order of priorities, all above `lowest`.
    for (uint32_t i = 0; i < worker_count; i++) {
        uint32_t other = (uint32_t)schedule_random_below(&state->random, i + 1);
        state->priorities[i] = state->priorities[other];
        state->priorities[other] = MAX_VIRTUAL_WORKERS + 1 + i;
    }
    if (schedule->policy == SCHEDULE_PCT)
        place_changes(state, schedule->depth - 1, expected_steps);
    else if (schedule->policy == SCHEDULE_PREEMPTION)
        place_changes(state, schedule->preemptions, expected_steps);
}

// ---- choices ----

static uint32_t nth_worker(uint64_t mask, uint64_t number)
{
    for (; number > 0; number--)
        mask &= mask - 1;
    return (uint32_t)__builtin_ctzll(mask);
}

static uint32_t any_of(SchedulePolicyState *state, uint64_t mask)
{
    return nth_worker(mask,
                      schedule_random_below(&state->random, (uint64_t)__builtin_popcountll(mask)));
}

// The first worker of `mask` after the one that ran last.
static uint32_t next_in_turn(const SchedulePolicyState *state, uint64_t mask)
{
    uint64_t behind =
        state->is_first || state->last == 63 ? 0 : mask & UINT64_MAX << (state->last + 1);

    return (uint32_t)__builtin_ctzll(behind != 0 ? behind : mask);
}

static uint32_t with_least(uint64_t mask, const uint64_t *values)
{
    uint32_t best = (uint32_t)__builtin_ctzll(mask);

    for (; mask != 0; mask &= mask - 1) {
        uint32_t worker = (uint32_t)__builtin_ctzll(mask);
        if (values[worker] < values[best])
            best = worker;
    }
    return best;
}

static bool is_change_point(SchedulePolicyState *state, uint64_t step)
{
    bool is_here = false;

    while (state->next_change < state->change_count &&
           state->change_points[state->next_change] <= step) {
        state->next_change++;
        is_here = true;
    }
    return is_here;
}

static uint32_t highest(const SchedulePolicyState *state, uint64_t mask)
{
    uint32_t best = (uint32_t)__builtin_ctzll(mask);

    for (; mask != 0; mask &= mask - 1) {
        uint32_t worker = (uint32_t)__builtin_ctzll(mask);
        if (state->priorities[worker] > state->priorities[best])
            best = worker;
    }
    return best;
}

// Lowers a worker's priority below all others. When numbers run out, all are raised first.
static void demote(SchedulePolicyState *state, uint32_t worker)
{
    if (state->lowest == 0) {
        for (uint32_t i = 0; i < MAX_VIRTUAL_WORKERS; i++)
            state->priorities[i] += UINT32_MAX;
        state->lowest = UINT32_MAX;
    }
    state->priorities[worker] = --state->lowest;
}

static uint32_t choose_by_priority(SchedulePolicyState *state, const ScheduleView *view)
{
    if (is_change_point(state, view->step) && !state->is_first)
        demote(state, state->last);
    return highest(state, view->runnable_mask);
}

static uint32_t choose_to_stay(SchedulePolicyState *state, const ScheduleView *view)
{
    bool is_preempted = is_change_point(state, view->step);
    uint64_t others = view->runnable_mask & ~(UINT64_C(1) << state->last);

    if (state->is_first || others == 0)
        return any_of(state, view->runnable_mask);
    if (is_preempted || state->has_given_way || (view->runnable_mask >> state->last & 1) == 0)
        return any_of(state, others);
    return state->last;
}

static uint32_t choose_thief(const SchedulePolicyState *state, const ScheduleView *view)
{
    uint64_t busy = view->runnable_mask & ~view->hungry_mask;

    if (view->hungry_mask != 0 && (view->is_stealable || busy == 0))
        return next_in_turn(state, view->hungry_mask);
    return next_in_turn(state, busy);
}

ScheduledChoice schedule_policy_choose(SchedulePolicyState *state, const ScheduleView *view)
{
    ScheduledChoice choice = {.quantum = state->quantum};

    switch (state->policy) {
    case SCHEDULE_ROUND_ROBIN:
        choice.worker = next_in_turn(state, view->runnable_mask);
        break;
    case SCHEDULE_PCT:
        choice.worker = choose_by_priority(state, view);
        break;
    case SCHEDULE_PREEMPTION:
        choice.worker = choose_to_stay(state, view);
        break;
    case SCHEDULE_LONGEST_IDLE:
        choice.worker = with_least(view->runnable_mask, view->last_steps);
        break;
    case SCHEDULE_THIEF:
        // Short steps, so that there is much to steal from.
        choice.worker = choose_thief(state, view);
        choice.quantum = 1;
        break;
    case SCHEDULE_CLOCK:
        choice.worker = with_least(view->runnable_mask, view->clocks);
        break;
    case SCHEDULE_RANDOM:
    default:
        choice.worker = any_of(state, view->runnable_mask);
        choice.quantum = 1 + (uint32_t)schedule_random_below(&state->random, MAX_QUANTUM);
        break;
    }
    return choice;
}

void schedule_policy_saw(SchedulePolicyState *state, uint32_t worker, StepOutcome outcome)
{
    state->last = worker;
    state->is_first = false;
    state->has_given_way = outcome == STEP_LOOKED || outcome == STEP_SLEPT;
    // A worker that waits lets the others run.
    if (state->policy == SCHEDULE_PCT && state->has_given_way)
        demote(state, worker);
}
