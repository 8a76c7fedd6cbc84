// MarkDriver: runs the workers of a parallel mark in another way than on threads.
//
// The marker knows its drivers by this interface only. The one driver that there is runs virtual
// workers on one thread, in the order that a schedule gives: marker/schedule/mark_schedule.h.

#ifndef MARKER_MARK_DRIVER_H
#define MARKER_MARK_DRIVER_H

#include <stdbool.h>

#include "marker/mark.h"
#include "base/error.h"

struct ParallelMarkCoordinator;

// A driver with settings of its own has this as its first member.
struct MarkDriver {
    // Checks the settings. Errors: usage.
    bool (*check)(const MarkDriver *driver, Error *error);
    // Runs all workers of `coordinator` on the calling thread, one at a time, until each is
    // finished, and fills in result->statistics.schedule. The marker checks afterwards that no work
    // is left.
    bool (*run)(const MarkDriver *driver, struct ParallelMarkCoordinator *coordinator,
                MarkResult *result, Error *error);
};

#endif
