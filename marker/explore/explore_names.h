// Names of shared cells in the steps of a run: "queue[1]->top", "slots[0]", "parkers[2]".
//
// The source text of its first access names a cell: `queue->top`. Several cells of a kind are
// numbered by the worker that each belongs to: the only one that pushes to that queue, empties that
// inbox, or sleeps there. So names exist only after all events of a run have been seen.

#ifndef MARKER_EXPLORE_EXPLORE_NAMES_H
#define MARKER_EXPLORE_EXPLORE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/sim/sim_run.h"

#define LOCATION_NAME_CHARS 64u
#define NO_OWNER UINT32_MAX

typedef struct LocationName {
    const SimCell *cell;
    const char *text; // as written in the marker's source; NULL: never accessed
    uint32_t owner;   // worker, or NO_OWNER
    bool is_slot;     // of a queue
    char shown[LOCATION_NAME_CHARS];
} LocationName;

typedef struct LocationNames {
    LocationName names[SIM_MAX_LOCATIONS];
} LocationNames;

// To be called for every event of a run, in order.
void location_names_see(LocationNames *names, const SimRun *run, const SimEvent *event);

// To be called after all of them: fills in `shown`.
void location_names_settle(LocationNames *names);

#endif
