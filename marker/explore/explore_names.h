// What shared cells are called in the steps of a run: "queue[1]->top", "slots[0]", "parkers[2]".
//
// The marker's own words name a cell where it is touched first: `queue->top`. When there are
// several of the kind, the worker that it belongs to tells them apart: the one that alone pushes to
// that queue, looks into that inbox, or sleeps there. So all of a run must have been seen before
// anything of it has a name.

#ifndef MARKER_EXPLORE_EXPLORE_NAMES_H
#define MARKER_EXPLORE_EXPLORE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/sim/sim_run.h"

#define LOCATION_NAME_CHARS 64u
#define NO_OWNER UINT32_MAX

typedef struct LocationName {
    const SimCell *cell;
    const char *text; // as written in the marker; NULL: never touched
    uint32_t owner;   // worker, or NO_OWNER
    bool is_slot;     // of a queue
    char shown[LOCATION_NAME_CHARS];
} LocationName;

typedef struct LocationNames {
    LocationName names[SIM_MAX_LOCATIONS];
} LocationNames;

// Every event of a run, in order.
void location_names_see(LocationNames *names, const SimRun *run, const SimEvent *event);

// After all of them: fills in `shown`.
void location_names_settle(LocationNames *names);

#endif
