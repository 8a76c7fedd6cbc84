// Timelines: see formats/trace_events.h.

#include "formats/trace_events.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static bool put(TraceEvents *trace, Error *error, const char *format, ...) PRINTF_LIKE(3, 4);

static bool put(TraceEvents *trace, Error *error, const char *format, ...)
{
    char text[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return trace->sink.write(trace->sink.context, text, strlen(text), error);
}

static bool separate(TraceEvents *trace, Error *error)
{
    const char *separator = trace->has_events ? ",\n" : "\n";

    trace->has_events = true;
    return put(trace, error, "%s", separator);
}

bool trace_events_begin(TraceEvents *trace, JsonSink sink, uint32_t workers, Error *error)
{
    memset(trace, 0, sizeof *trace);
    trace->sink = sink;
    trace->workers = workers;
    if (!put(trace, error, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":["))
        return false;
    for (uint32_t i = 0; i < workers; i++)
        if (!separate(trace, error) ||
            !put(trace, error,
                 "{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":1,\"tid\":%" PRIu32
                 ",\"args\":{\"name\":\"worker %" PRIu32 "\"}}",
                 i, i))
            return false;
    return true;
}

static const char *name_of(StepOutcome outcome)
{
    switch (outcome) {
    case STEP_STARTED:
        return "roots";
    case STEP_WORKED:
    case STEP_IDLED:
        return "marking";
    case STEP_FOUND:
        return "got work";
    case STEP_LOOKED:
        return "looking for work";
    case STEP_SLEPT:
        return "lying down";
    default:
        return "finished";
    }
}

static bool flush(TraceEvents *trace, uint32_t worker, Error *error)
{
    TraceSpan *span = &trace->spans[worker];
    uint64_t took = span->end_ns - span->start_ns;

    if (span->name == NULL)
        return true;
    // Times are in microseconds.
    if (!separate(trace, error) ||
        !put(trace, error,
             "{\"name\":\"%s\",\"ph\":\"X\",\"pid\":1,\"tid\":%" PRIu32 ",\"ts\":%" PRIu64
             ".%03" PRIu64 ",\"dur\":%" PRIu64 ".%03" PRIu64 ",\"args\":{\"steps\":%" PRIu64
             ",\"claimed\":%" PRIu64 ",\"words\":%" PRIu64 ",\"edges\":%" PRIu64,
             span->name, worker, span->start_ns / 1000, span->start_ns % 1000, took / 1000,
             took % 1000, span->steps, span->claimed, span->words, span->edges))
        return false;
    if (span->victim != NO_INDEX && !put(trace, error, ",\"from\":%" PRIu32, span->victim))
        return false;
    return put(trace, error, "}}");
}

bool trace_events_add(TraceEvents *trace, const ScheduleStep *step, Error *error)
{
    TraceSpan *span = &trace->spans[step->worker];
    const char *name = name_of(step->outcome);
    bool goes_on = span->name != NULL && strcmp(span->name, name) == 0 &&
                   span->end_ns == step->start_ns && step->victim == NO_INDEX &&
                   span->victim == NO_INDEX;

    if (!goes_on) {
        if (!flush(trace, step->worker, error))
            return false;
        *span = (TraceSpan){.name = name, .start_ns = step->start_ns, .victim = step->victim};
    }
    span->end_ns = step->end_ns;
    span->steps++;
    span->claimed += step->claimed;
    span->words += step->scanned_words;
    span->edges += step->edges;
    return true;
}

bool trace_events_end(TraceEvents *trace, Error *error)
{
    for (uint32_t i = 0; i < trace->workers; i++)
        if (!flush(trace, i, error))
            return false;
    return put(trace, error, "\n]}\n");
}
