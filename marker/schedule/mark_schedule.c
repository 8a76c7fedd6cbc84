// Names and defaults of schedules and costs: see marker/schedule/mark_schedule.h.

#include "marker/schedule/mark_schedule.h"

#include <stddef.h>

#include "marker/schedule/scheduled_mark.h"

const char *schedule_policy_name(SchedulePolicy policy)
{
    static const char *const names[SCHEDULE_POLICY_COUNT] = {
        [SCHEDULE_RANDOM] = "random",
        [SCHEDULE_ROUND_ROBIN] = "round-robin",
        [SCHEDULE_PCT] = "pct",
        [SCHEDULE_PREEMPTION] = "preemption",
        [SCHEDULE_LONGEST_IDLE] = "longest-idle",
        [SCHEDULE_THIEF] = "thief",
        [SCHEDULE_CLOCK] = "clock",
    };

    return (unsigned)policy < SCHEDULE_POLICY_COUNT ? names[policy] : "unknown";
}

ScheduleCosts schedule_costs_default(void)
{
    return (ScheduleCosts){
        .batch = 10000,
        .claim = 100,
        .shared_claim = 3000,
        .far_line = 5200,
        .near_object = 200,
        .lone_far = 144000,
        .lone_near = 5400,
        .word = 3000,
        .edge = 3750,
        .complex = 80000,
        .steal = 400000,
        .failed_steal = 150000,
        .inbox = 250000,
        .look = 60000,
        .wake = 5000000,
        .barrier = 10000000,
    };
}

#define COST(name)                                                                                 \
    {                                                                                              \
#name, offsetof(ScheduleCosts, name)                                                       \
    }

static const struct {
    const char *name;
    size_t offset;
} cost_fields[SCHEDULE_COST_COUNT] = {
    COST(batch),       COST(claim),    COST(shared_claim), COST(far_line),
    COST(near_object), COST(lone_far), COST(lone_near),    COST(word),
    COST(edge),        COST(complex),  COST(steal),        COST(failed_steal),
    COST(inbox),       COST(look),     COST(wake),         COST(barrier),
};

_Static_assert(sizeof(ScheduleCosts) == SCHEDULE_COST_COUNT * sizeof(uint32_t),
               "each field has a name");

const char *schedule_cost_name(uint32_t index)
{
    return cost_fields[index].name;
}

uint32_t *schedule_cost_at(ScheduleCosts *costs, uint32_t index)
{
    return (uint32_t *)(void *)((char *)costs + cost_fields[index].offset);
}

uint32_t schedule_cost_value(const ScheduleCosts *costs, uint32_t index)
{
    ScheduleCosts copy = *costs;

    return *schedule_cost_at(&copy, index);
}

MarkSchedule mark_schedule_default(void)
{
    return (MarkSchedule){
        .driver = scheduled_mark_driver,
        .policy = SCHEDULE_RANDOM,
        .seed = 1,
        .quantum = 8,
        .depth = 3,
        .preemptions = 2,
        .costs = schedule_costs_default(),
    };
}
