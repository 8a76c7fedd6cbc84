// How many CPUs this process may use: see base/machine/cpu_count.h.

#include "base/machine/cpu_count.h"

#include <inttypes.h>
#include <sched.h>
#include <stdio.h>

const CpuLimits system_cpu_limits = {
    .groups = {.own_groups = "/proc/self/cgroup", .root = "/sys/fs/cgroup"},
    .old_groups = {.own_groups = "/proc/self/cgroup",
                   .root = "/sys/fs/cgroup/cpu",
                   .controller = "cpu"},
};

uint32_t cpu_count_allowed(void)
{
    cpu_set_t cpus;
    int count;

    CPU_ZERO(&cpus);
    // It fails where the machine has more CPUs than the set has room for.
    if (sched_getaffinity(0, sizeof cpus, &cpus) != 0)
        return CPU_SETSIZE;
    count = CPU_COUNT(&cpus);
    return count > 0 ? (uint32_t)count : 1;
}

// ---- quotas ----

// Lowers `*granted` to quota / period, rounded up.
static void take_quota(uint32_t *granted, uint64_t quota, uint64_t period)
{
    uint64_t count = period == 0 ? UINT32_MAX : quota / period + (quota % period != 0);

    count = count > 0 ? count : 1;
    if (count < *granted)
        *granted = (uint32_t)count;
}

// "50000 100000", or "max 100000".
static void visit_group(void *context, const char *folder)
{
    char text[CONTROL_GROUP_TEXT_BYTES];
    uint64_t quota, period;

    if (control_group_read(folder, "cpu.max", text) &&
        sscanf(text, "%" SCNu64 " %" SCNu64, &quota, &period) == 2)
        take_quota(context, quota, period);
}

// A quota of -1 means none.
static void visit_old_group(void *context, const char *folder)
{
    char quota_text[CONTROL_GROUP_TEXT_BYTES], period_text[CONTROL_GROUP_TEXT_BYTES];
    int64_t quota;
    uint64_t period;

    if (control_group_read(folder, "cpu.cfs_quota_us", quota_text) &&
        control_group_read(folder, "cpu.cfs_period_us", period_text) &&
        sscanf(quota_text, "%" SCNd64, &quota) == 1 && quota > 0 &&
        sscanf(period_text, "%" SCNu64, &period) == 1)
        take_quota(context, (uint64_t)quota, period);
}

uint32_t cpu_count_granted(const CpuLimits *limits)
{
    uint32_t granted = UINT32_MAX;

    control_groups_visit(&limits->groups, visit_group, &granted);
    control_groups_visit(&limits->old_groups, visit_old_group, &granted);
    return granted;
}

uint32_t cpu_count(void)
{
    uint32_t allowed = cpu_count_allowed(), granted;

    if (allowed == 1)
        return 1;
    granted = cpu_count_granted(&system_cpu_limits);
    return granted < allowed ? granted : allowed;
}
