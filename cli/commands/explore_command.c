// `rudo-snap explore`: searches the schedules of the marker for errors.

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/command_list.h"
#include "cli/commands/explore_replay.h"
#include "cli/commands/explore_report.h"
#include "cli/heap_memory.h"
#include "cli/interrupt.h"
#include "cli/session.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "marker/explore/explore_exhaustive.h"
#include "marker/explore/explore_shrink.h"
#include "snapshot/file/snapshot_file.h"

#define DEFAULT_SCHEDULES 20000
#define DEFAULT_OBJECTS EXPLORE_MAX_NODES
#define SHRINK_EFFORT 200u
#define EXHAUSTIVE_THIEVES 2u
#define NS_PER_SECOND 1000000000

typedef enum Subjects { SUBJECTS_ALL, SUBJECTS_QUEUE, SUBJECTS_OVERFLOW, SUBJECTS_MARK } Subjects;

typedef struct ExploreSettings {
    SessionSettings session; // never quiet
    int model;               // SimModel; SIM_MODEL_COUNT: all
    int subjects;
    int64_t schedules;
    int64_t seconds; // 0: no limit
    int64_t seed;
    int64_t from;
    int64_t objects;
    int64_t workers; // 0: 2 to 4
    int64_t exhaustive;
    int policy;
    const char *output;
    const char *replay;
    int64_t mem_limit; // bytes; 0: none
} ExploreSettings;

static const OptionChoice model_choices[] = {
    {"all", SIM_MODEL_COUNT}, {"sc", SIM_SC}, {"tso", SIM_TSO}, {"c11", SIM_C11}, {NULL, 0}};
static const OptionChoice subject_choices[] = {{"all", SUBJECTS_ALL},
                                               {"queue", SUBJECTS_QUEUE},
                                               {"overflow", SUBJECTS_OVERFLOW},
                                               {"mark", SUBJECTS_MARK},
                                               {NULL, 0}};
static const OptionChoice policy_choices[] = {{"both", MARK_POLICY_DEFAULT},
                                              {"steal", MARK_POLICY_STEAL},
                                              {"owner", MARK_POLICY_OWNER},
                                              {NULL, 0}};

static const Option options[] = {
    {.name = "model",
     .type = OPTION_CHOICE,
     .choices = model_choices,
     .help = "memory model: sequential consistency (sc), store\n"
             "buffers as on x86 (tso), C11 (c11), or all of them,\n"
             "one after the other (default)",
     .setting = offsetof(ExploreSettings, model)},
    {.name = "subject",
     .type = OPTION_CHOICE,
     .choices = subject_choices,
     .help = "explore the steal queue alone, a stack that overflows\n"
             "into a list of segments, whole marks, or all of them\n"
             "in turn (default)",
     .setting = offsetof(ExploreSettings, subjects)},
    {.name = "schedules",
     .letter = 'n',
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "run N schedules for each model (default: 20000)",
     .setting = offsetof(ExploreSettings, schedules),
     .minimum = 1,
     .maximum = INT64_MAX},
    {.name = "seconds",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "stop after N seconds for each model",
     .setting = offsetof(ExploreSettings, seconds),
     .minimum = 1,
     .maximum = INT32_MAX},
    {.name = "seed",
     .type = OPTION_NUMBER,
     .value_name = "S",
     .help = "seed of the random numbers (default: 1)",
     .setting = offsetof(ExploreSettings, seed),
     .minimum = 0,
     .maximum = INT64_MAX},
    {.name = "from",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "begin with schedule N of the seed (default: 0)",
     .setting = offsetof(ExploreSettings, from),
     .minimum = 0,
     .maximum = INT64_MAX},
    {.name = "objects",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "use at most N objects in a generated heap or from\n"
             "FILE, 5 to 200 (default: 200; most generated heaps have\n"
             "at most 50)",
     .setting = offsetof(ExploreSettings, objects),
     .minimum = 5,
     .maximum = EXPLORE_MAX_NODES},
    {.name = "workers",
     .letter = 'w',
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "workers of a mark, 2 to 8 (default: 2, 3 and 4 in\n"
             "turn)",
     .setting = offsetof(ExploreSettings, workers),
     .minimum = 2,
     .maximum = SIM_MAX_WORKERS},
    {.name = "policy",
     .type = OPTION_CHOICE,
     .choices = policy_choices,
     .help = "policy of a mark (default: both, in turn)",
     .setting = offsetof(ExploreSettings, policy)},
    {.name = "exhaustive",
     .type = OPTION_NUMBER,
     .value_name = "K",
     .help = "instead of random schedules, run every schedule of\n"
             "every sequence of K pushes and pops on a queue of\n"
             "capacity 2 with two thieves",
     .setting = offsetof(ExploreSettings, exhaustive),
     .minimum = 1,
     .maximum = 12},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "PREFIX",
     .help = "write the schedule of an error to PREFIX.schedule and,\n"
             "for a mark, its heap to PREFIX.zst (default: explore)",
     .setting = offsetof(ExploreSettings, output)},
    {.name = "replay",
     .type = OPTION_TEXT,
     .value_name = "SCHEDULE",
     .help = "run the schedule of an earlier error again and show\n"
             "its steps; for a mark, FILE is its heap",
     .setting = offsetof(ExploreSettings, replay)},
    REPLACE_OPTION(offsetof(ExploreSettings, session)),
    MEM_LIMIT_OPTION_AT(offsetof(ExploreSettings, mem_limit)),
    PROGRESS_OPTION(offsetof(ExploreSettings, session)),
    {.name = NULL},
};

const CommandUsage explore_usage = {
    .operands = "[FILE]",
    .min_operands = 0,
    .max_operands = 1,
    .options = options,
    .details = "Runs the code of the marker again and again, and chooses the order of all its\n"
               "loads, stores, exchanges, locks and wake-ups. Searches for a run that loses an\n"
               "object, claims one twice, marks an unreachable one, ends early, never ends, or\n"
               "crashes.\n"
               "An error is reduced to a small case and shown step by step; the exit status is\n"
               "then 1. Heaps are generated, or cut out of the snapshot FILE.\n",
    .examples = "  rudo-snap explore\n"
                "  rudo-snap explore --model tso --subject queue --schedules 1000000\n"
                "  rudo-snap explore --subject mark shop.zst\n"
                "  rudo-snap explore --exhaustive 6\n",
};

typedef struct ExploreRun {
    const ExploreSettings *settings;
    const char *path; // of a recorded heap, or NULL
    ExploreHeap heap;
    Session session;
    SimModel model;
    uint64_t start_ns; // of the search under this model
} ExploreRun;

static bool goes_on(void *context, uint64_t done)
{
    ExploreRun *run = context;
    char text[128], count[NUMBER_CHARS];

    if (done % 4096 == 0) {
        (void)snprintf(text, sizeof text, "exploring under %s, %s", sim_model_name(run->model),
                       format_count(count, done));
        progress_say(&run->session.progress, text);
    }
    return !interrupt_is_pending(NULL) &&
           (run->settings->seconds == 0 ||
            (int64_t)(clock_monotonic_ns() - run->start_ns) / NS_PER_SECOND <
                run->settings->seconds);
}

// ---- findings ----

// The options that repeat the search, beginning with the schedule that failed.
static void print_search(const ExploreRun *run, const ExploreFinding *finding, uint64_t schedules,
                         uint64_t number)
{
    const ExploreSettings *settings = run->settings;
    char count[NUMBER_CHARS];

    printf("found after %s schedule%s: --model %s", format_count(count, schedules),
           plural(schedules), sim_model_name(finding->model));
    if (settings->subjects != SUBJECTS_ALL)
        printf(" --subject %s", subject_choices[settings->subjects].name);
    if (settings->objects != DEFAULT_OBJECTS)
        printf(" --objects %" PRId64, settings->objects);
    if (settings->workers != 0)
        printf(" --workers %" PRId64, settings->workers);
    if (settings->policy != MARK_POLICY_DEFAULT)
        printf(" --policy %s", mark_policy_name((MarkPolicy)settings->policy));
    printf(" --seed %" PRId64 " --from %" PRIu64, settings->seed, number);
    if (run->path != NULL) {
        printf(" ");
        print_text(stdout, run->path);
    }
    printf("\n");
}

static bool report(ExploreRun *run, ExploreFinding *finding, const ExploreTotals *totals,
                   Error *error)
{
    uint64_t number = finding->number;
    SimRun *sim;

    progress_say(&run->session.progress, "reducing the case");
    if (finding->choices.count > 0 && !explore_shrink(finding, SHRINK_EFFORT, error))
        return false;
    progress_end(&run->session.progress);
    sim = sim_run_new();
    if (sim == NULL)
        return error_set_memory(error, 0, "exploring");
    explore_print_finding(sim, finding);
    sim_run_free(sim);
    printf("\n");
    if (totals != NULL)
        print_search(run, finding, totals->schedules, number);
    // Printed first, so that an error with the file does not hide the finding.
    return explore_save_finding(finding, run->settings->output, run->settings->session.replaces,
                                error);
}

// ---- searching ----

// Of a snapshot, only marks.
static bool explores(const ExploreRun *run, int subjects)
{
    if (run->path != NULL)
        return subjects == SUBJECTS_MARK;
    return run->settings->subjects == SUBJECTS_ALL || run->settings->subjects == subjects;
}

static ExploreOptions search_options(ExploreRun *run)
{
    const ExploreSettings *settings = run->settings;

    return (ExploreOptions){
        .marker = &exploring_marker,
        .model = run->model,
        .has_queues = explores(run, SUBJECTS_QUEUE),
        .has_overflows = explores(run, SUBJECTS_OVERFLOW),
        .has_marks = explores(run, SUBJECTS_MARK),
        .seed = (uint64_t)settings->seed,
        .first = (uint64_t)settings->from,
        .schedules = (uint64_t)settings->schedules,
        .low_objects = 5,
        .high_objects = (uint32_t)settings->objects,
        .heap = run->path != NULL ? &run->heap : NULL,
        .workers = (uint32_t)settings->workers,
        .policy = (MarkPolicy)settings->policy,
        .goes_on = goes_on,
        .goes_on_context = run,
    };
}

static bool search(ExploreRun *run, TextTable *table, bool *found, Error *error)
{
    ExploreOptions search = search_options(run);
    ExploreFinding finding;
    ExploreTotals totals;
    char schedules[NUMBER_CHARS], steps[NUMBER_CHARS];
    bool ok = true;

    if (!explore_search(&search, &finding, found, &totals, error))
        return false;
    if (*found) {
        ok = report(run, &finding, &totals, error);
        explore_finding_release(&finding);
        return ok;
    }
    text_table_add(table, (const char *[]){
                              sim_model_name(run->model), format_count(schedules, totals.schedules),
                              format_count(steps, totals.steps),
                              interrupt_is_pending(NULL) ? "nothing so far" : "nothing"});
    return true;
}

static bool search_exhaustively(ExploreRun *run, TextTable *table, bool *found, Error *error)
{
    ExploreFinding finding = {.model = run->model};
    ExploreCase *explored = &finding.subject.explored;
    ExhaustiveOptions search = {
        .explored = explored, .model = run->model, .goes_on = goes_on, .goes_on_context = run};
    ExhaustiveResult result;
    char states[NUMBER_CHARS], steps[NUMBER_CHARS];
    bool ok;

    explored->marker = &exploring_marker;
    explored->is_queue = true;
    explored->queue =
        (QueueCase){.capacity = 2, .thieves = EXHAUSTIVE_THIEVES, .steals = EXHAUSTIVE_THIEVES};
    memset(explored->queue.operations, '?', (size_t)run->settings->exhaustive);
    ok = explore_exhaustive(&search, &result, &finding.choices, error);
    *found = ok && result.violation.kind != VIOLATION_NONE;
    finding.violation = result.violation;
    if (*found)
        ok = report(run, &finding, NULL, error);
    else if (ok)
        text_table_add(table, (const char *[]){sim_model_name(run->model),
                                               format_count(states, result.states),
                                               format_count(steps, result.steps),
                                               result.is_complete ? "nothing" : "nothing so far"});
    explore_finding_release(&finding);
    return ok;
}

static void print_heading(const ExploreRun *run)
{
    const ExploreSettings *settings = run->settings;

    if (settings->exhaustive != 0) {
        printf("every schedule of every sequence of %" PRId64
               " pushes and pops on a queue of capacity 2 with two thieves\n\n",
               settings->exhaustive);
        return;
    }
    if (run->path != NULL) {
        print_text(stdout, run->path);
        printf(": marks of %" PRIu32 " of its objects", run->heap.node_count);
    } else {
        bool is_all = settings->subjects == SUBJECTS_ALL;
        printf("%s%s%s%s", explores(run, SUBJECTS_QUEUE) ? "the steal queue" : "",
               is_all ? ", " : "", explores(run, SUBJECTS_OVERFLOW) ? "a stack that overflows" : "",
               is_all ? ", and " : "");
        if (explores(run, SUBJECTS_MARK))
            printf("marks of 5 to %" PRId64 " objects", settings->objects);
    }
    printf(", seed %" PRId64 "\n\n", settings->seed);
}

static bool search_models(ExploreRun *run, bool *found, Error *error)
{
    const ExploreSettings *settings = run->settings;
    TextTable table;
    bool ok = true;

    text_table_init(&table, "lrrl");
    text_table_add(&table,
                   (const char *[]){"model", settings->exhaustive != 0 ? "states" : "schedules",
                                    "operations", "found"});
    print_heading(run);
    // Ctrl-C ends the search early; the table then shows what was searched.
    interrupt_defer();
    for (int model = 0; ok && model < SIM_MODEL_COUNT && !*found && !interrupt_is_pending(NULL);
         model++) {
        if (settings->model != SIM_MODEL_COUNT && settings->model != model)
            continue;
        run->model = (SimModel)model;
        run->start_ns = clock_monotonic_ns();
        ok = settings->exhaustive != 0 ? search_exhaustively(run, &table, found, error)
                                       : search(run, &table, found, error);
    }
    progress_end(&run->session.progress);
    if (ok && !*found)
        text_table_print(&table, stdout);
    text_table_release(&table);
    return ok;
}

// ---- the command ----

static bool read_heap(ExploreRun *run, const MemoryLimit *limit, Error *error)
{
    HeapImage *image;
    bool ok;

    if (run->path == NULL)
        return true;
    if ((run->settings->subjects != SUBJECTS_ALL && run->settings->subjects != SUBJECTS_MARK) ||
        run->settings->exhaustive != 0)
        return error_set(error, ERROR_USAGE, "'%s': queues are explored without a snapshot",
                         run->path);
    if (!heap_memory_read(limit, run->path, &image, error))
        return false;
    explore_heap_cut(&run->heap, image, (uint32_t)run->settings->objects);
    // Were all parts of it read?
    ok = heap_image_check(image, error);
    heap_image_free(image);
    if (!ok)
        return false;
    if (run->heap.root_count == 0)
        return error_set(error, ERROR_NO_HEAP, "'%s': no root refers to an object", run->path);
    return true;
}

static bool explore(ExploreRun *run, bool *found, Error *error)
{
    const char *replay = run->settings->replay;
    MemoryLimit limit;

    memory_limit_init(&limit, run->settings->mem_limit);
    if (replay == NULL)
        return explore_check_output(run->settings->output, run->settings->session.replaces,
                                    run->path, error) &&
               read_heap(run, &limit, error) && search_models(run, found, error);
    if (explore_replay_file(replay, run->path, &limit, found, error))
        return true;
    // A run that departs from its schedule is a finding.
    if (*found)
        error->code = ERROR_LIMIT;
    return false;
}

ExitStatus explore_run(const Command *command, int argument_count, char **arguments)
{
    ExploreSettings settings = {.model = SIM_MODEL_COUNT,
                                .schedules = DEFAULT_SCHEDULES,
                                .seed = 1,
                                .objects = DEFAULT_OBJECTS,
                                .output = "explore"};
    ExploreRun run = {.settings = &settings};
    Operands operands;
    Error error = {.code = ERROR_NONE};
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);
    bool found = false, ok;
    ExitStatus status;

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    run.path = operands.count > 0 ? operands.values[0] : NULL;
    session_begin(&run.session, command, &settings.session, operands.values, operands.count);
    ok = explore(&run, &found, &error);
    status = session_end(&run.session, ok, &error);
    return ok && found ? EXIT_STATUS_FOUND : status;
}
