// The deterministic driver: runs the workers of a parallel mark as virtual workers on one thread,
// in the order that a MarkSchedule gives.
//
// It is the counterpart of the threads in parallel_mark_coordinator.c and calls the same functions:
// a virtual worker starts, works, looks for work when it is idle, lies down, and is woken by
// others. Barriers cost virtual time only.

#ifndef MARKER_SCHEDULE_SCHEDULED_MARK_H
#define MARKER_SCHEDULE_SCHEDULED_MARK_H

#include "marker/mark_driver.h"

// The driver of a MarkSchedule, which it is the first member of. Errors: usage (an impossible
// schedule); those of observer and source; system (no worker can go on: an error in the marker);
// corrupt (the source names a worker that cannot make a step, or an impossible quantum).
extern const MarkDriver scheduled_mark_driver;

#endif
