// What can be said of a schedule without running it: see marker/mark_schedule.h.

#include "marker/mark_schedule.h"

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
        .batch = 20,
        .claim = 3,
        .object = 9,
        .word = 1,
        .edge = 4,
        .steal = 400,
        .failed_steal = 150,
        .inbox = 250,
        .look = 60,
        .wake = 5000,
        .barrier = 10000,
    };
}

MarkSchedule mark_schedule_default(void)
{
    return (MarkSchedule){
        .policy = SCHEDULE_RANDOM,
        .seed = 1,
        .quantum = 8,
        .depth = 3,
        .preemptions = 2,
        .costs = schedule_costs_default(),
    };
}

bool mark_schedule_check(const MarkSchedule *schedule, Error *error)
{
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
