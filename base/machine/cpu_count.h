// How many CPUs this process may use.

#ifndef BASE_MACHINE_CPU_COUNT_H
#define BASE_MACHINE_CPU_COUNT_H

#include <stdint.h>

#include "base/machine/control_groups.h"

// The control groups that may limit CPU time, version 2 and 1.
typedef struct CpuLimits {
    ControlGroups groups;
    ControlGroups old_groups;
} CpuLimits;

extern const CpuLimits system_cpu_limits;

// The CPUs that the process may run on, at least 1: a container or taskset may allow fewer than the
// machine has.
uint32_t cpu_count_allowed(void);

// The CPUs whose time the control groups grant: the quota over the period, rounded up, at least 1.
// UINT32_MAX: they set no limit.
uint32_t cpu_count_granted(const CpuLimits *limits);

// The number of threads that can work all the time: the smaller one of the two. Reads a few small
// files, about 50 us.
uint32_t cpu_count(void);

#endif
