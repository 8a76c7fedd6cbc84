// Reads the table of virtual time from a file that `simulate --json` wrote, on this machine or
// another.

#ifndef FORMATS_SIMULATION_COSTS_H
#define FORMATS_SIMULATION_COSTS_H

#include "marker/schedule/mark_schedule.h"
#include "base/error.h"

// Reads the member "costs" of a document of schema rudo-snap/simulation/1, or of an object with
// only this member; missing costs stay as they are in `*costs`. Errors: system, corrupt, memory.
NODISCARD bool simulation_costs_read(const char *path, ScheduleCosts *costs, Error *error);

#endif
