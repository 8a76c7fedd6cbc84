// Steps of a scheduled mark as a timeline: Chrome trace-event JSON, which Perfetto and
// chrome://tracing open. One track a worker; times are virtual. Streamed, without keeping steps.
// Format: "Trace Event Format", complete events ("ph": "X").

#ifndef FORMATS_TRACE_EVENTS_H
#define FORMATS_TRACE_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "formats/json/json_writer.h"
#include "marker/schedule/mark_schedule.h"

// The current event of one track; steps of the same kind without a gap become one event.
typedef struct TraceSpan {
    const char *name; // NULL: none yet
    uint64_t start_ns;
    uint64_t end_ns;
    uint64_t steps;
    uint64_t claimed;
    uint64_t words;
    uint64_t edges;
    uint32_t victim; // NO_INDEX: none
} TraceSpan;

typedef struct TraceEvents {
    JsonSink sink;
    bool has_events;
    uint32_t workers;
    TraceSpan spans[MAX_VIRTUAL_WORKERS];
} TraceEvents;

// Errors of all: those of the sink.
NODISCARD bool trace_events_begin(TraceEvents *trace, JsonSink sink, uint32_t workers,
                                  Error *error);
NODISCARD bool trace_events_add(TraceEvents *trace, const ScheduleStep *step, Error *error);
NODISCARD bool trace_events_end(TraceEvents *trace, Error *error);

#endif
