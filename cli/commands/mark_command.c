// `rudo-snap mark`: marks a snapshot and reports what is reachable.

#include "cli/command_list.h"
#include "cli/commands/mark_summary.h"
#include "cli/commands/schedule_option.h"
#include "cli/heap_session.h"
#include "formats/json/invalid_json.h"
#include "formats/json/reachability_json.h"

typedef struct MarkSettings {
    HeapSettings heap; // without a limit on memory
    int64_t workers;   // 0: one for each CPU
    const char *objects;
    const char *invalid;
    ScheduleSettings schedule;
    bool has_statistics;
    int kind;   // MarkKind
    int policy; // MarkPolicy
    int64_t capacity;
} MarkSettings;

static const OptionChoice kinds[] = {{"major", MARK_MAJOR}, {"minor", MARK_MINOR}, {NULL, 0}};
static const OptionChoice policies[] = {
    {"steal", MARK_POLICY_STEAL}, {"owner", MARK_POLICY_OWNER}, {NULL, 0}};

static const Option options[] = {
    {.name = "workers",
     .letter = 'w',
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "use N marking threads, 1 to 16 (default: one for each\n"
             "CPU; 16 with a schedule)",
     .setting = offsetof(MarkSettings, workers),
     .minimum = 1,
     .maximum = MAX_WORKERS},
    JSON_OPTION,
    {.name = "objects",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write one line of JSON for each object to FILE or '-'",
     .setting = offsetof(MarkSettings, objects)},
    {.name = "invalid",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write one line of JSON for each word of an object or\n"
             "block that points into a page, but to no allocated\n"
             "object, to FILE or '-'",
     .setting = offsetof(MarkSettings, invalid)},
    {.name = "stats",
     .type = OPTION_FLAG,
     .help = "add timings and statistics of each worker",
     .setting = offsetof(MarkSettings, has_statistics)},
    {.name = "kind",
     .type = OPTION_CHOICE,
     .choices = kinds,
     .help = "minor: treat objects of old pages as live, and mark\n"
             "only young pages (default: major)",
     .setting = offsetof(MarkSettings, kind)},
    {.name = "policy",
     .type = OPTION_CHOICE,
     .choices = policies,
     .help = "which worker follows a reference: the one that found\n"
             "it (steal), or the one that owns its page (owner);\n"
             "the result is the same",
     .setting = offsetof(MarkSettings, policy)},
    {.name = "capacity",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "slots of the queues that workers steal from, a power of\n"
             "two (default: 1024); the result is the same",
     .setting = offsetof(MarkSettings, capacity),
     .minimum = 2,
     .maximum = QUEUE_CAPACITY},
    {.name = "schedule",
     .type = OPTION_TEXT,
     .value_name = "HOW",
     .help = "threads (the default): run the workers in parallel;\n"
             "seed:S: run them one step at a time in a\n"
             "reproducible order that is drawn from the number S;\n"
             "file:FILE: in the order that --record wrote to FILE",
     .setting = offsetof(MarkSettings, schedule.schedule)},
    {.name = "scheduler",
     .type = OPTION_CHOICE,
     .choices = scheduler_choices,
     .help = "how the order is drawn (default: random)",
     .setting = offsetof(MarkSettings, schedule.scheduler)},
    {.name = "record",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write each step of the schedule to FILE",
     .setting = offsetof(MarkSettings, schedule.record)},
    PRECISE_OPTION,
    MEM_LIMIT_OPTION,
    RELOCATE_OPTION,
    REPLACE_OPTION(offsetof(HeapSettings, session)),
    QUIET_OPTION(offsetof(HeapSettings, session)),
    PROGRESS_OPTION(offsetof(HeapSettings, session)),
    {.name = NULL},
};

const CommandUsage mark_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Loads the snapshot FILE, marks all objects that its roots reach, and reports how\n"
               "much is reachable in total, by size class, by owner thread and by type. The\n"
               "digest identifies the set of marked objects; it does not depend on the number of\n"
               "workers or on the machine.\n",
    .examples = "  rudo-snap mark shop.zst\n"
                "  rudo-snap mark --workers 16 --json reachability.json shop.zst\n"
                "  rudo-snap mark --json - shop.zst\n",
};

typedef struct MarkRun {
    const MarkSettings *settings;
    HeapSession session;
    ScheduledRun schedule;
    OutputFile *objects; // NULL: not wanted; so is the next
    OutputFile *invalid;
} MarkRun;

static bool open_results(MarkRun *run, Error *error)
{
    const MarkSettings *settings = run->settings;

    return session_open_result(&run->session.frame, "--objects", settings->objects, &run->objects,
                               error) &&
           session_open_result(&run->session.frame, "--invalid", settings->invalid, &run->invalid,
                               error) &&
           scheduled_run_open(&run->schedule, &settings->schedule, &run->session.frame, error);
}

static bool prepare(void *context, const HeapImage *image, MarkOptions *marking, Error *error)
{
    return scheduled_run_prepare(&((MarkRun *)context)->schedule, image, marking, error);
}

static bool finish(void *context, const MarkResult *mark, Error *error)
{
    (void)mark;
    return scheduled_run_finish(&((MarkRun *)context)->schedule, error);
}

static bool read_and_mark(MarkRun *run, Error *error)
{
    const MarkSettings *settings = run->settings;
    HeapMarking marking = {mark_options_default(), prepare, finish, run};

    // A schedule is one of steps from object to object, in any order.
    if (settings->schedule.schedule != NULL && strcmp(settings->schedule.schedule, "threads") != 0)
        run->session.needs = HEAP_NEEDS_WHOLE;
    marking.options.workers = (uint32_t)settings->workers;
    marking.options.kind = (MarkKind)settings->kind;
    marking.options.policy = (MarkPolicy)settings->policy;
    marking.options.queue_capacity = (uint32_t)settings->capacity;
    return heap_session_read(&run->session, run->session.operands.values[0], &marking, error) &&
           reachability_report_add_invalid(run->session.report, run->session.image,
                                           run->session.mark, error);
}

static bool write_results(MarkRun *run, Error *error)
{
    HeapSession *session = &run->session;
    ReachabilityTimings timings = {session->read_ns, session->report_ns};

    if (run->objects != NULL) {
        heap_session_say(session, "writing the objects");
        if (!reachability_objects_write(result_file_sink(run->objects), session->image,
                                        session->report, session->mark, error) ||
            !output_file_commit(run->objects, error))
            return false;
    }
    if (run->invalid != NULL && (!invalid_json_write(result_file_sink(run->invalid), session->image,
                                                     session->report, session->mark, error) ||
                                 !output_file_commit(run->invalid, error)))
        return false;
    return session->json == NULL ||
           (reachability_json_write(result_file_sink(session->json), session->image,
                                    session->report, session->mark,
                                    run->settings->has_statistics ? &timings : NULL, error) &&
            output_file_commit(session->json, error));
}

static bool answer(void *context, Error *error)
{
    MarkRun *run = context;
    bool ok = open_results(run, error) && read_and_mark(run, error) && write_results(run, error);

    // A run that departs from its schedule is a finding.
    if (!ok && scheduled_run_has_departed(&run->schedule, error))
        error->code = ERROR_LIMIT;
    return ok;
}

static void print_answer(void *context)
{
    const MarkRun *run = context;

    mark_summary_print(&run->session, run->settings->has_statistics);
    if (run->session.json == NULL)
        heap_session_print_next(&run->session, "mark --json reachability.json", NULL);
    else if (run->objects == NULL)
        heap_session_print_next(&run->session, "mark --objects objects.jsonl", NULL);
}

static void release(void *context)
{
    scheduled_run_release(&((MarkRun *)context)->schedule);
}

ExitStatus mark_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {
        .answer = answer, .print = print_answer, .release = release, .shows_terms = true};
    MarkSettings settings = {.kind = MARK_MAJOR, .policy = MARK_POLICY_DEFAULT};
    MarkRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
