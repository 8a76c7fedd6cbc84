// Isolation: runs in a child process, because the code under test may end its process, or never
// come back. What the child found, and the choices that it made so far, lie in shared memory.

#ifndef MARKER_EXPLORE_EXPLORE_ISOLATION_H
#define MARKER_EXPLORE_EXPLORE_ISOLATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "marker/explore/explore_case.h"
#include "marker/explore/explore_schedule.h"

// Shared by parent and child. Everything but the mirror is left by a child that came to its end.
typedef struct IsolatedArea {
    ChoiceMirror mirror;
    bool is_done; // the body has returned
    // Of one run.
    CaseRun result;
    OperationChooser chooser; // its state after the run; the pointers are the child's
    // Of a search.
    uint64_t number; // of the schedule; written before each run
    uint64_t schedules;
    uint64_t steps;
    bool has_found;
    bool has_failed;
    Error error; // when it has
} IsolatedArea;

// NULL: memory is short. The caller frees it with isolated_area_free().
IsolatedArea *isolated_area_new(void);
void isolated_area_free(IsolatedArea *area);

// Runs body(context) in a child of this process, which must have no other threads. True when it
// returned. Else `*violation` says how the child ended: by a signal, or because no shared operation
// happened for ten seconds. Where no child can be had, the body runs here.
bool isolated_run(IsolatedArea *area, void (*body)(void *context), void *context,
                  Violation *violation);

#endif
