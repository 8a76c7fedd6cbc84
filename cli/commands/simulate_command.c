// `rudo-snap simulate`: the time that marking a heap would take on N cores.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/replay/mark_shape.h"
#include "analysis/replay/mark_simulation.h"
#include "cli/command_list.h"
#include "cli/heap_session.h"
#include "cli/number_list.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "formats/simulation_costs.h"
#include "formats/json/simulation_json.h"
#include "formats/simulation_svg.h"
#include "formats/trace_events.h"
#include "marker/schedule/schedule_calibration.h"

typedef struct SimulateSettings {
    HeapSettings heap;
    const char *workers;
    int policy; // MarkPolicy
    bool is_calibrated;
    const char *costs;
    const char *svg;
    const char *trace_events;
} SimulateSettings;

static const OptionChoice policies[] = {
    {"steal", MARK_POLICY_STEAL}, {"owner", MARK_POLICY_OWNER}, {NULL, 0}};

static const Option options[] = {
    {.name = "workers",
     .type = OPTION_TEXT,
     .value_name = "LIST",
     .help = "numbers of workers, 1 to 64 each\n(default: 1,2,4,8,16,32,64)",
     .setting = offsetof(SimulateSettings, workers)},
    {.name = "policy",
     .type = OPTION_CHOICE,
     .choices = policies,
     .help = "as for `rudo-snap mark` (default: steal)",
     .setting = offsetof(SimulateSettings, policy)},
    {.name = "calibrate",
     .type = OPTION_FLAG,
     .help = "measure the costs of marking on this machine (default:\n"
             "the costs of a server CPU of 2021)",
     .setting = offsetof(SimulateSettings, is_calibrated)},
    {.name = "costs",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "read the costs from FILE, which --json wrote",
     .setting = offsetof(SimulateSettings, costs)},
    {.name = "svg",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "plot the speed-ups to FILE",
     .setting = offsetof(SimulateSettings, svg)},
    {.name = "trace-events",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write a timeline of the mark with the most workers to\n"
             "FILE, as Chrome trace events for Perfetto",
     .setting = offsetof(SimulateSettings, trace_events)},
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage simulate_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Predicts how long marking the heap in the snapshot FILE would take with N workers\n"
               "on N cores, and where they would lose time. The workers of the marker run one at\n"
               "a time in virtual time, so that the result is the same on every machine, given\n"
               "the costs. 'ideal' is the speed-up without the cost of sharing work: an object\n"
               "can be marked only after an object that refers to it.\n",
    .examples = "  rudo-snap simulate shop.zst\n"
                "  rudo-snap simulate --calibrate --workers 1,2,4 --json costs.json shop.zst\n"
                "  rudo-snap simulate --costs costs.json --svg speedup.svg shop.zst\n",
};

typedef struct SimulateRun {
    const SimulateSettings *settings;
    HeapSession session;
    SimulationOptions options;
    MarkShape shape;
    uint32_t worker_counts[MAX_VIRTUAL_WORKERS];
    uint32_t count;
    SimulatedMark single;
    SimulatedMark marks[MAX_VIRTUAL_WORKERS];
    OutputFile *svg; // NULL: not wanted
    OutputFile *trace_file;
    TraceEvents trace;
    bool has_threads; // while it measured
} SimulateRun;

static bool take_settings(SimulateRun *run, Error *error)
{
    const SimulateSettings *settings = run->settings;

    run->options = (SimulationOptions){.policy = (MarkPolicy)settings->policy,
                                       .kind = MARK_MAJOR,
                                       .costs = schedule_costs_default()};
    if (settings->is_calibrated && settings->costs != NULL)
        return error_set(error, ERROR_USAGE, "--calibrate and --costs exclude each other");
    return number_list_parse("--workers", settings->workers, 1, MAX_VIRTUAL_WORKERS,
                             run->worker_counts, &run->count, error) &&
           (settings->costs == NULL ||
            (session_add_input(&run->session.frame, settings->costs, error) &&
             simulation_costs_read(settings->costs, &run->options.costs, error))) &&
           session_open_result(&run->session.frame, "--svg", settings->svg, &run->svg, error) &&
           session_open_result(&run->session.frame, "--trace-events", settings->trace_events,
                               &run->trace_file, error);
}

static bool trace_step(void *context, const ScheduleStep *step, Error *error)
{
    return trace_events_add(context, step, error);
}

static uint32_t most_workers(const SimulateRun *run)
{
    uint32_t most = 0;

    for (uint32_t i = 0; i < run->count; i++)
        most = run->worker_counts[i] > most ? run->worker_counts[i] : most;
    return most;
}

static bool simulate(SimulateRun *run, uint32_t workers, bool is_traced, SimulatedMark *out,
                     Error *error)
{
    const HeapImage *image = run->session.image;
    ScheduleObserver observer = {trace_step, &run->trace};

    if (!is_traced)
        return mark_simulate(image, &run->options, workers, NULL, out, error);
    return trace_events_begin(&run->trace, result_file_sink(run->trace_file), workers, error) &&
           mark_simulate(image, &run->options, workers, &observer, out, error) &&
           trace_events_end(&run->trace, error) && output_file_commit(run->trace_file, error);
}

static bool simulate_all(SimulateRun *run, Error *error)
{
    bool is_traced = run->trace_file != NULL;
    char what[64];

    heap_session_say(&run->session, "simulating 1 worker");
    if (!simulate(run, 1, false, &run->single, error))
        return false;
    for (uint32_t i = 0; i < run->count; i++) {
        uint32_t workers = run->worker_counts[i];
        (void)snprintf(what, sizeof what, "simulating %" PRIu32 " workers", workers);
        heap_session_say(&run->session, what);
        if (!simulate(run, workers, is_traced && workers == most_workers(run), &run->marks[i],
                      error))
            return false;
    }
    return true;
}

static SimulationTable table_of(const SimulateRun *run)
{
    return (SimulationTable){.image = run->session.image,
                             .reachability = run->session.report,
                             .options = &run->options,
                             .shape = &run->shape,
                             .single = &run->single,
                             .marks = run->marks,
                             .mark_count = run->count,
                             .cost_source = run->settings->is_calibrated   ? "measured here"
                                            : run->settings->costs != NULL ? "read from a file"
                                                                           : "of a server CPU of "
                                                                             "2021"};
}

static bool write_documents(SimulateRun *run, Error *error)
{
    SimulationTable table = table_of(run);
    OutputFile *json = run->session.json;

    if (run->svg != NULL &&
        (!simulation_svg_write(result_file_sink(run->svg), &table,
                               run->session.image->details->metadata.executable, error) ||
         !output_file_commit(run->svg, error)))
        return false;
    return json == NULL || (simulation_json_write(result_file_sink(json), &table, error) &&
                            output_file_commit(json, error));
}

static bool answer(void *context, Error *error)
{
    SimulateRun *run = context;
    HeapSession *session = &run->session;

    if (!take_settings(run, error) ||
        !heap_session_read(session, session->operands.values[0], NULL, error) ||
        !heap_session_need_graph(session, error))
        return false;
    heap_session_say(session, "measuring the shape");
    if (!mark_shape_init(&run->shape, session->graph, error))
        return false;
    if (run->settings->is_calibrated) {
        heap_session_say(session, "measuring this machine");
        if (!schedule_calibrate(session->image, &run->options.costs, &run->has_threads, error))
            return false;
    }
    return simulate_all(run, error) && write_documents(run, error);
}

// ---- for people ----

static char *format_times(char text[NUMBER_CHARS], uint64_t permille)
{
    (void)snprintf(text, NUMBER_CHARS, "%" PRIu64 ".%" PRIu64 "x", permille / 1000,
                   permille % 1000 / 100);
    return text;
}

static void print_marks(const SimulateRun *run)
{
    SimulationTable table = table_of(run);
    TextTable rows;

    text_table_init(&rows, "rrrrrrrrr");
    text_table_add(&rows, (const char *[]){"workers", "time", "speed-up", "ideal", "marking",
                                           "stealing", "searching", "asleep", "barriers"});
    for (uint32_t i = 0; i < run->count; i++) {
        const SimulatedMark *mark = &run->marks[i];
        uint64_t all = mark->virtual_ns * mark->workers;
        char workers[NUMBER_CHARS], time[NUMBER_CHARS], speedup[NUMBER_CHARS], ideal[NUMBER_CHARS];
        char marking[NUMBER_CHARS], stealing[NUMBER_CHARS], searching[NUMBER_CHARS];
        char asleep[NUMBER_CHARS], barriers[NUMBER_CHARS];
        text_table_add(
            &rows, (const char *[]){
                       format_count(workers, mark->workers), format_time(time, mark->virtual_ns),
                       format_times(speedup, simulation_speedup(&table, mark)),
                       format_times(ideal, simulation_ideal_speedup(&table, mark->workers)),
                       format_share(marking, mark->time.marking_ns, all),
                       format_share(stealing, mark->time.stealing_ns, all),
                       format_share(searching, mark->time.searching_ns, all),
                       format_share(asleep, mark->time.sleeping_ns, all),
                       format_share(barriers, mark->time.barrier_ns, all)});
    }
    text_table_print(&rows, stdout);
}

static void print_answer(void *context)
{
    const SimulateRun *run = context;
    char text[NUMBER_CHARS];

    heap_session_print_heading(&run->session);
    printf("%s objects and foreign blocks", format_count(text, run->shape.objects));
    printf(", critical path %s", format_count(text, run->shape.depth));
    printf(", at most %s at the same distance from the roots\n\n",
           format_count(text, run->shape.widest));
    print_marks(run);
    printf("\ntimes are virtual; policy %s, costs %s\n", mark_policy_name(run->options.policy),
           table_of(run).cost_source);
    if (!run->settings->is_calibrated && run->settings->costs == NULL)
        printf("note: these costs are not calibrated for this machine and heap; --calibrate "
               "measures them\n");
    if (run->settings->is_calibrated && !run->has_threads)
        printf("note: the system refused a second thread: the costs of a wake-up and a barrier are "
               "those of a server CPU of 2021\n");
    heap_session_print_notes(&run->session);
    heap_session_print_next(&run->session, "simulate",
                            (const char *[]){"--trace-events", "timeline.json", NULL});
}

static void release(void *context)
{
    mark_shape_release(&((SimulateRun *)context)->shape);
}

ExitStatus simulate_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {
        .answer = answer, .print = print_answer, .release = release, .needs = HEAP_NEEDS_WHOLE};
    SimulateSettings settings = {.workers = "1,2,4,8,16,32,64", .policy = MARK_POLICY_STEAL};
    SimulateRun *run = calloc(1, sizeof *run);
    ExitStatus status;
    Error error;

    if (run == NULL) {
        (void)error_set_memory(&error, sizeof *run, "a simulation");
        return report_error(&error);
    }
    run->settings = &settings;
    heap_session_init(&run->session, command, &settings.heap);
    status = heap_session_run(&run->session, &question, run, argument_count, arguments);
    free(run);
    return status;
}
