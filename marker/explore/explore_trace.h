// Steps of a run for people: what happened, a line for what one worker did until somebody else came
// in between; each call of a queue has a line of its own. Starting and ending threads is left out.

#ifndef MARKER_EXPLORE_EXPLORE_TRACE_H
#define MARKER_EXPLORE_EXPLORE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "marker/explore/explore_search.h"
#include "marker/explore/sim/sim_run.h"

#define TRACE_LINE_CHARS 2048u

typedef struct TraceLine {
    uint32_t number; // from 1; 0: no step, but what is left out behind the last one
    uint32_t worker;
    bool is_flush;    // it is about its store buffer, not about what it does
    const char *text; // "steal_queue_pop: queue->top is 1, ..."
} TraceLine;

typedef void TraceSink(void *context, const TraceLine *line);

// Runs the subject by the choices and hands out its lines, without those before the workers are
// started. sink: NULL: they are only counted, those of a mark until preemption makes no difference
// any more. Returns the number of lines; `*result` is what the run came to. NULL memory: 0 lines.
uint32_t explore_trace(SimRun *run, const ExploreSubject *subject, SimModel model,
                       const ChoiceList *choices, TraceSink *sink, void *context, CaseRun *result);

#endif
