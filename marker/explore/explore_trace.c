// Steps of a run for people: see marker/explore/explore_trace.h.

#include "marker/explore/explore_trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "marker/explore/explore_names.h"
#include "marker/mark_item.h"

// Values of a location that are remembered, to detect whether anything new happens.
#define SEEN_VALUES 16u

// When a mark has more lines than this, those after the last preemption are left out, as every mark
// has them; but the first few always stay.
#define FEW_LINES 29u
#define LEAST_LINES 10u

// Steps of an endless run that are searched for a loop.
#define LOOP_STEPS 4096u

typedef struct SeenValues {
    uint32_t count;
    uint64_t values[SEEN_VALUES];
} SeenValues;

typedef struct Trace {
    TraceSink *sink;
    void *context;
    const ExploreSubject *subject;
    SimModel model;
    uint32_t lines;
    uint64_t last_news; // step at which a location got a value for the first time
    uint64_t last_step; // steps after this one are not shown
    uint64_t forced;    // no line begins after this step, but for the first few
    SeenValues seen[SIM_MAX_LOCATIONS];
    // The current line.
    bool is_open;
    uint32_t entity;
    const char *function;
    uint32_t last_line;
    size_t used;
    char text[TRACE_LINE_CHARS];
    LocationNames names; // complete before the first line is shown
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
    if (trace->used >= sizeof trace->text) {
        trace->used = sizeof trace->text - 1;
        memcpy(trace->text + trace->used - 4, " ...", 4);
    }
}

// ---- words ----

typedef char NumberText[40];

static const char *number_text(NumberText text, uint64_t value)
{
    // Indices may be -1 for a moment.
    if (value > UINT64_MAX - 100)
        (void)snprintf(text, sizeof(NumberText), "%" PRId64, (int64_t)value);
    else if (value < 100000)
        (void)snprintf(text, sizeof(NumberText), "%" PRIu64, value);
    else
        (void)snprintf(text, sizeof(NumberText), "0x%" PRIx64, value);
    return text;
}

// A value as text. Slots of a mark's queue hold items, whose addresses differ from run to run: they
// are shown as nodes of the heap.
static const char *value_text(const Trace *trace, NumberText text, uint32_t location,
                              uint64_t value)
{
    const ExploreSubject *subject = trace->subject;
    const HeapImage *image = subject->explored.mark.image;
    uint64_t address = mark_item_address(value);
    uint32_t node;

    if (subject->explored.is_queue || !trace->names.names[location].is_slot || value == 0)
        return number_text(text, value);
    if ((mark_item_tag(value) < MARK_ITEM_SPAN_TAG || mark_item_tag(value) >= MARK_ITEM_ODD_TAG) &&
        image->is_flat)
        address -= image->window_delta;
    node = explore_heap_node_at(&subject->heap, address);
    if (node < subject->heap.node_count)
        (void)snprintf(text, sizeof(NumberText), "%s %" PRIu32,
                       subject->heap.nodes[node].is_block ? "block" : "object", node);
    else
        (void)snprintf(text, sizeof(NumberText), "an item at 0x%" PRIx64, address);
    return text;
}

// Adds a remark when a load found another value than memory holds, or is going to hold.
static void add_staleness(Trace *trace, const SimRun *run, const SimEvent *event)
{
    uint32_t location = event->operation.location, worker;
    uint64_t waiting;
    NumberText number;

    if (trace->model == SIM_C11 && event->is_stale)
        add(trace, " (stale: %s by now)",
            value_text(trace, number, location, sim_value(run, location)));
    else if (trace->model == SIM_TSO && event->is_stale)
        add(trace, " (from its own buffer)");
    else if (trace->model == SIM_TSO &&
             sim_waiting_store(run, location, event->entity, &worker, &waiting))
        add(trace, " (%s waits in the buffer of worker %" PRIu32 ")",
            value_text(trace, number, location, waiting), worker);
}

// The verb of an operation without a value; NULL for all others.
static const char *verb_of(SimKind kind)
{
    switch (kind) {
    case SIM_LOCK:
        return "locks";
    case SIM_UNLOCK:
        return "unlocks";
    case SIM_ARRIVE:
        return "arrives at";
    case SIM_PASS:
        return "passes";
    case SIM_PARK:
        return "wakes up at";
    case SIM_UNPARK:
        return "unparks";
    default:
        return NULL;
    }
}

static void add_operation(Trace *trace, const SimRun *run, const SimEvent *event)
{
    const SimOperation *operation = &event->operation;
    const char *name = trace->names.names[operation->location].shown;
    const char *verb = verb_of(operation->kind);
    NumberText value, other;

    (void)value_text(trace, value, operation->location, event->value);
    if (verb != NULL) {
        add(trace, "%s %s", verb, name);
        return;
    }
    switch (operation->kind) {
    case SIM_LOAD:
        add(trace, "%s is %s", name, value);
        add_staleness(trace, run, event);
        break;
    case SIM_STORE:
    case SIM_FLUSH:
        add(trace, "%s := %s%s", name, value, event->is_stale ? " (buffered)" : "");
        break;
    case SIM_CAS:
        if (event->has_failed) {
            add(trace, "%s is %s, not %s", name, value, number_text(other, operation->expected));
            add_staleness(trace, run, event);
        } else {
            add(trace, "%s %s -> %s", name, number_text(other, event->before), value);
        }
        break;
    default:
        if (event->before == event->value)
            add(trace, "%s stays %s", name, value);
        else
            add(trace, "%s %s -> %s", name, number_text(other, event->before), value);
        break;
    }
}

// Functions with a single load: the name of the cell says enough.
static const char *shown_function(const char *function)
{
    static const char *const looks[] = {"steal_queue_size", "worklist_size",
                                        "owner_inbox_is_pending", "coordinator_attention"};

    for (size_t i = 0; i < sizeof looks / sizeof looks[0]; i++)
        if (strcmp(function, looks[i]) == 0)
            return "looks";
    return function;
}

static void add_event(Trace *trace, const SimRun *run, const SimEvent *event)
{
    const char *function = shown_function(event->operation.function);

    if (trace->used == 0 && event->entity >= SIM_FLUSHER)
        add(trace, "store buffer to memory: ");
    else if (trace->used == 0 || strcmp(shown_function(trace->function), function) != 0)
        add(trace, "%s%s%s", trace->used > 0 ? "; " : "", function,
            function[0] != '\0' ? ": " : "");
    else
        add(trace, ", ");
    add_operation(trace, run, event);
}

// ---- lines ----

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

// True for calls that put an item into a queue or take one out: each has a line of its own.
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

// False for starting and ending threads, which is the same in every run.
static bool is_shown(const SimOperation *operation)
{
    return has_location(operation) && !begins_with(operation->function, "run_thread") &&
           strcmp(operation->function, "run_worker") != 0;
}

static bool continues(const Trace *trace, const SimEvent *event)
{
    const SimOperation *operation = &event->operation;

    if (!trace->is_open || trace->entity != event->entity)
        return false;
    if (event->entity >= SIM_FLUSHER)
        return true;
    if (!is_queue_call(operation->function) && !is_queue_call(trace->function))
        return true;
    // Within a call, source lines ascend; an earlier line means another call.
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

    if (operation->kind == SIM_SAY) {
        NumberText number;
        if (trace->is_open && trace->entity == event->entity)
            add(trace, event->value != UINT64_MAX ? "; %s %s" : "; %s", operation->text,
                number_text(number, event->value));
        return;
    }
    if (has_location(operation)) {
        if (trace->sink == NULL)
            location_names_see(&trace->names, run, event);
        note_value(trace, run, operation->location);
    }
    // Steps before the other workers start are not shown.
    if (sim_worker_count(run) == 1 || !is_shown(operation) || sim_steps(run) > trace->last_step)
        return;
    if (!continues(trace, event)) {
        flush_line(trace);
        if (trace->lines >= LEAST_LINES && sim_steps(run) > trace->forced)
            return;
        trace->is_open = true;
        trace->used = 0;
        trace->text[0] = '\0';
        trace->entity = event->entity;
        trace->function = NULL;
    }
    trace->last_line = operation->line;
    if (trace->sink != NULL)
        add_event(trace, run, event);
    trace->function = operation->function;
}

// Traces the run from its beginning up to a step. Names that were found before stay.
static void trace_run(Trace *trace, uint64_t last_step, uint64_t forced, SimRun *run,
                      const ExploreSubject *subject, const ChoiceList *choices, CaseRun *result)
{
    trace->lines = 0;
    trace->is_open = false;
    trace->last_step = last_step;
    trace->forced = forced;
    memset(trace->seen, 0, sizeof trace->seen);
    *result = explore_follow(run, subject, trace->model, choices, NULL, see_event, trace);
    flush_line(trace);
}

// ---- loops ----

// What happened in a step, as far as a loop repeats it.
typedef struct LoopStep {
    uint32_t entity;
    uint32_t line;
    const char *function;
} LoopStep;

typedef struct LoopSearch {
    uint64_t first_step; // steps from here on are kept
    uint32_t count;
    LoopStep steps[LOOP_STEPS];
} LoopSearch;

static void keep_step(void *context, const SimRun *run, const SimEvent *event)
{
    LoopSearch *loop = context;

    if (event->operation.kind != SIM_SAY && sim_steps(run) > loop->first_step &&
        loop->count < LOOP_STEPS)
        loop->steps[loop->count++] =
            (LoopStep){event->entity, event->operation.line, event->operation.function};
}

static bool are_same_steps(const LoopStep *a, const LoopStep *b)
{
    return a->entity == b->entity && a->line == b->line && a->function == b->function;
}

// The number of steps after which all that were kept repeat; 0: they do not, or not twice.
static uint32_t period_of(const LoopSearch *loop)
{
    for (uint32_t period = 1; period <= loop->count / 3; period++) {
        uint32_t i = 0;
        while (i + period < loop->count &&
               are_same_steps(&loop->steps[i], &loop->steps[i + period]))
            i++;
        if (i + period == loop->count)
            return period;
    }
    return 0;
}

// The length of the loop that an endless run goes round in after `last_news`, in steps; 0: unknown.
static uint32_t find_loop(uint64_t last_news, SimRun *run, const ExploreSubject *subject,
                          SimModel model, const ChoiceList *choices)
{
    LoopSearch *loop = calloc(1, sizeof *loop);
    uint32_t period = 0;

    if (loop == NULL)
        return 0;
    loop->first_step = last_news;
    (void)explore_follow(run, subject, model, choices, NULL, keep_step, loop);
    period = period_of(loop);
    free(loop);
    return period;
}

// ---- traces ----

// Adds a line about the steps after the last line, if there are any.
static void add_rest(const Trace *trace, uint32_t all_lines, const CaseRun *result, uint32_t period)
{
    TraceLine line = {.text = NULL};
    char text[120];

    if (result->outcome == SIM_ENDLESS && period > 0) {
        (void)snprintf(text, sizeof text,
                       "and so on: the last %" PRIu32 " operation%s repeat without end", period,
                       period == 1 ? "" : "s");
        line.text = text;
    } else if (result->outcome == SIM_ENDLESS) {
        line.text = "and so on: nothing new happens any more";
    } else if (result->violation.kind == VIOLATION_CRASH) {
        (void)snprintf(text, sizeof text, "and then: %.100s", result->violation.text);
        line.text = text;
    } else if (trace->lines < all_lines) {
        line.text = "and so on, without preemption, to the end";
    }
    if (trace->sink != NULL && line.text != NULL)
        trace->sink(trace->context, &line);
}

// A crash is found in a child; what is shown are the steps up to it, here.
static void find_crash(ExploreSubject *shown, SimRun *run, SimModel model,
                       const ChoiceList *choices, CaseRun *crash)
{
    *crash = explore_follow(run, shown, model, choices, NULL, NULL, NULL);
    if (crash->violation.kind == VIOLATION_CRASH)
        shown->stop_step = crash->steps > 0 ? crash->steps : 1;
    else
        shown->is_isolated = false;
}

uint32_t explore_trace(SimRun *run, const ExploreSubject *subject, SimModel model,
                       const ChoiceList *choices, TraceSink *sink, void *context, CaseRun *result)
{
    Trace *trace = calloc(1, sizeof *trace);
    ExploreSubject shown = *subject; // borrows what the subject owns
    uint64_t last_step = UINT64_MAX, forced = UINT64_MAX;
    uint32_t lines, period = 0;
    CaseRun crash;

    *result = (CaseRun){.outcome = SIM_NO_MEMORY};
    if (trace == NULL)
        return 0;
    if (shown.is_isolated)
        find_crash(&shown, run, model, choices, &crash);
    trace->subject = &shown;
    trace->model = model;
    trace_run(trace, last_step, forced, run, &shown, choices, result);
    lines = trace->lines;
    // An endless run is cut where it has repeated itself once.
    if (result->outcome == SIM_ENDLESS) {
        if (sink != NULL)
            period = find_loop(trace->last_news, run, &shown, model, choices);
        last_step = trace->last_news + period;
    }
    // The end of a mark is always the same, and the violation shows in its result only.
    if (result->outcome == SIM_FINISHED && !subject->explored.is_queue &&
        (sink == NULL || lines > FEW_LINES))
        forced = result->forced;
    if (sink != NULL) {
        trace->sink = sink;
        trace->context = context;
        location_names_settle(&trace->names);
    }
    if (sink != NULL || last_step != UINT64_MAX || forced != UINT64_MAX)
        trace_run(trace, last_step, forced, run, &shown, choices, result);
    if (shown.stop_step != 0)
        *result = crash;
    add_rest(trace, lines, result, period);
    lines = trace->lines;
    free(trace);
    return lines;
}
