// The deterministic driver: runs the workers of a parallel mark as virtual workers on one thread,
// in the order that a MarkSchedule says.
//
// It is the counterpart of the threads in parallel_mark_coordinator.c and calls the same functions:
// a virtual worker starts, works, looks around when it is idle, lies down, and is woken by others.
// Barriers cost virtual time only.

#ifndef MARKER_SCHEDULE_SCHEDULED_MARK_H
#define MARKER_SCHEDULE_SCHEDULED_MARK_H

#include "marker/schedule/mark_schedule.h"
#include "marker/parallel_mark_coordinator.h"
#include "base/error.h"

// Runs all workers until each is finished, and fills in the statistics that are about the
// schedule. Errors: what observer and source say; system (no worker can go on, which is an error
// in the marker); corrupt (the source names a worker that cannot make a step, or
// an impossible quantum).
NODISCARD bool scheduled_mark_run(ParallelMarkCoordinator *coordinator,
                                  const MarkSchedule *schedule, MarkResult *result, Error *error);

#endif
