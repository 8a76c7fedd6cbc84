// Steps of a run for people: see marker/explore_trace.h.

#include "marker/explore_trace.h"

#include <stdarg.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// What a location is called: what the marker calls it where it is touched first.
typedef struct LocationName {
    const char *text; // NULL: never touched
    uint32_t ordinal; // among those with the same name
} LocationName;

// Values that a location had: enough to tell whether anything new happens.
#define SEEN_VALUES 16u

typedef struct SeenValues {
    uint32_t count;
    uint64_t values[SEEN_VALUES];
} SeenValues;

typedef struct Trace {
    TraceSink *sink;
    void *context;
    uint32_t lines;
    uint64_t last_news; // step at which a location got a value that it did not have before
    uint64_t last_step; // nothing is shown behind this one
    SeenValues seen[SIM_MAX_LOCATIONS];
    // The line that is being written.
    bool is_open;
    uint32_t entity;
    const char *function;
    uint32_t last_line;
    size_t used;
    char text[TRACE_LINE_CHARS];
    LocationName names[SIM_MAX_LOCATIONS];
} Trace;

static void flush_line(Trace *trace)
{
    TraceLine line = {.number = trace->lines + 1,
                      .worker = trace->entity % SIM_MAX_WORKERS,
                      .is_flush = trace->entity >= SIM_FLUSHER,
                      .text = trace->text};

    if (!trace->is_open)
        return;
    trace->lines++;
    if (trace->sink != NULL)
        trace->sink(trace->context, &line);
    trace->is_open = false;
}

static void PRINTF_LIKE(2, 3) add(Trace *trace, const char *format, ...)
{
    va_list arguments;
    int length;

    if (trace->sink == NULL || trace->used + 1 >= sizeof trace->text)
        return;
    va_start(arguments, format);
    length =
        vsnprintf(trace->text + trace->used, sizeof trace->text - trace->used, format, arguments);
    va_end(arguments);
    trace->used += (size_t)length;
    if (trace->used >= sizeof trace->text)
        trace->used = sizeof trace->text - 1;
}

static void name_location(Trace *trace, uint32_t location, const char *text)
{
    LocationName *name = &trace->names[location];

    if (name->text != NULL)
        return;
    if (text[0] == '&')
        text++;
    name->text = text;
    name->ordinal = 1;
    for (uint32_t i = 0; i < SIM_MAX_LOCATIONS; i++)
        if (i != location && trace->names[i].text != NULL &&
            strcmp(trace->names[i].text, text) == 0)
            name->ordinal++;
}

static void add_name(Trace *trace, uint32_t location)
{
    const LocationName *name = &trace->names[location];

    // "slot_of(queue, bottom)" is a slot.
    if (strncmp(name->text, "slot_of(", 8) == 0)
        add(trace, "slot");
    else
        add(trace, "%s", name->text);
    if (name->ordinal > 1)
        add(trace, "#%" PRIu32, name->ordinal);
}

static void add_number(Trace *trace, uint64_t value)
{
    // Indices may be -1 for a moment.
    if (value > UINT64_MAX - 100)
        add(trace, "%" PRId64, (int64_t)value);
    else if (value < 100000)
        add(trace, "%" PRIu64, value);
    else
        add(trace, "0x%" PRIx64, value);
}

static const char *verb_of(SimKind kind)
{
    switch (kind) {
    case SIM_LOAD:
        return "load";
    case SIM_STORE:
        return "store";
    case SIM_ADD:
    case SIM_SUB:
    case SIM_AND:
    case SIM_OR:
        return "change";
    case SIM_CAS:
        return "exchange";
    case SIM_LOCK:
        return "lock";
    case SIM_UNLOCK:
        return "unlock";
    case SIM_ARRIVE:
        return "arrive at";
    case SIM_PASS:
        return "pass";
    case SIM_PARK:
        return "park on";
    case SIM_UNPARK:
        return "unpark";
    case SIM_FLUSH:
        return "write back";
    default:
        return "";
    }
}

static void add_event(Trace *trace, const SimEvent *event)
{
    const SimOperation *operation = &event->operation;
    SimKind kind = operation->kind;

    if (trace->function != operation->function) {
        add(trace, "%s%s", trace->used > 0 ? "; " : "", operation->function);
        if (operation->function[0] != '\0')
            add(trace, ": ");
    } else if (trace->used > 0) {
        add(trace, ", ");
    }
    trace->function = operation->function;
    add(trace, "%s ", verb_of(kind));
    add_name(trace, operation->location);
    if (kind == SIM_LOCK || kind == SIM_UNLOCK || kind == SIM_ARRIVE || kind == SIM_PASS ||
        kind == SIM_PARK || kind == SIM_UNPARK)
        return;
    if (kind == SIM_CAS && event->has_failed) {
        add(trace, " fails: ");
        add_number(trace, event->value);
    } else if (kind == SIM_LOAD) {
        add(trace, " = ");
        add_number(trace, event->value);
    } else {
        add(trace, " := ");
        add_number(trace, event->value);
    }
    if (event->is_stale)
        add(trace, kind == SIM_STORE ? " (buffered)" : " (not the last)");
}

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

// A call that puts something into a queue or takes something out has a line of its own.
static bool is_queue_call(const char *function)
{
    static const char *const calls[] = {
        "steal_queue_push", "steal_queue_pop",     "steal_queue_steal", "worklist_put",
        "worklist_take",    "owner_inbox_deliver", "owner_inbox_take",  "queue_push",
        "queue_pop",        "queue_steal"};

    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(function, calls[i]) == 0)
            return true;
    return false;
}

static bool has_location(const SimOperation *operation)
{
    return operation->kind != SIM_BEGIN && operation->kind != SIM_YIELD &&
           operation->kind != SIM_JOIN && operation->kind != SIM_CHOOSE;
}

// Starting and ending threads is the same in every run.
static bool is_shown(const SimOperation *operation)
{
    return has_location(operation) && !begins_with(operation->function, "run_thread") &&
           strcmp(operation->function, "run_worker") != 0;
}

static bool continues(const Trace *trace, const SimEvent *event)
{
    const SimOperation *operation = &event->operation;

    if (!trace->is_open || trace->entity != event->entity || event->entity >= SIM_FLUSHER)
        return false;
    if (!is_queue_call(operation->function) && !is_queue_call(trace->function))
        return true;
    // A call goes down in its function; who comes back up, calls again.
    return trace->function == operation->function && operation->line >= trace->last_line;
}

static void note_value(Trace *trace, const SimRun *run, uint32_t location)
{
    SeenValues *seen = &trace->seen[location];
    uint64_t value = sim_value(run, location);

    for (uint32_t i = 0; i < seen->count; i++)
        if (seen->values[i] == value)
            return;
    if (seen->count < SEEN_VALUES)
        seen->values[seen->count++] = value;
    trace->last_news = sim_steps(run);
}

static void see_event(void *context, const SimRun *run, const SimEvent *event)
{
    Trace *trace = context;
    const SimOperation *operation = &event->operation;

    if (has_location(operation)) {
        if (event->entity < SIM_FLUSHER)
            name_location(trace, operation->location, operation->text);
        note_value(trace, run, operation->location);
    }
    // Before the others start, nothing is of interest.
    if (sim_worker_count(run) == 1 || !is_shown(operation) || sim_steps(run) > trace->last_step)
        return;
    if (!continues(trace, event)) {
        flush_line(trace);
        trace->is_open = true;
        trace->used = 0;
        trace->text[0] = '\0';
        trace->entity = event->entity;
        trace->function = NULL;
    }
    trace->last_line = operation->line;
    add_event(trace, event);
    trace->function = operation->function;
}

static void trace_run(Trace *trace, SimRun *run, const ExploreSubject *subject, SimModel model,
                      const ChoiceList *choices, CaseRun *result)
{
    *result = explore_follow(run, subject, model, choices, NULL, see_event, trace);
    flush_line(trace);
}

uint32_t explore_trace(SimRun *run, const ExploreSubject *subject, SimModel model,
                       const ChoiceList *choices, TraceSink *sink, void *context, CaseRun *result)
{
    Trace *trace = calloc(1, sizeof *trace);
    uint32_t lines;

    *result = (CaseRun){.outcome = SIM_NO_MEMORY};
    if (trace == NULL)
        return 0;
    trace->context = context;
    trace->last_step = UINT64_MAX;
    trace_run(trace, run, subject, model, choices, result);
    if (result->outcome == SIM_ENDLESS) {
        // It goes round and round from some step on: that is where it is cut.
        uint64_t last_news = trace->last_news;
        memset(trace, 0, sizeof *trace);
        trace->context = context;
        trace->last_step = last_news;
        trace_run(trace, run, subject, model, choices, result);
    }
    lines = trace->lines;
    if (sink != NULL) {
        uint64_t last_step = trace->last_step;
        memset(trace, 0, sizeof *trace);
        trace->sink = sink;
        trace->context = context;
        trace->last_step = last_step;
        trace_run(trace, run, subject, model, choices, result);
    }
    free(trace);
    return lines;
}
