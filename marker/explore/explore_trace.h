// Steps of a run as text: one line for the operations of one worker until another worker runs; each
// call of a queue has a line of its own. Starting and ending threads is left out.

#ifndef MARKER_EXPLORE_EXPLORE_TRACE_H
#define MARKER_EXPLORE_EXPLORE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/explore_search.h"
#include "marker/explore/sim/sim_run.h"

#define TRACE_LINE_CHARS 2048u

typedef struct TraceLine {
    uint32_t number; // from 1; 0: a remark about steps that are left out at the end
    uint32_t worker;
    bool is_flush;    // stores of the worker's buffer reach memory; else: operations of the worker
    const char *text; // "steal_queue_pop: queue->top is 1, ..."
} TraceLine;

typedef void TraceSink(void *context, const TraceLine *line);

// Runs the subject by the choices and passes its lines to `sink`, without those before the workers
// are started. sink NULL: the lines are only counted, those of a mark up to the last preemption.
// Returns the number of lines, 0 when memory is short; `*result` is the result of the run.
uint32_t explore_trace(SimRun *run, const ExploreSubject *subject, SimModel model,
                       const ChoiceList *choices, TraceSink *sink, void *context, CaseRun *result);

#endif
