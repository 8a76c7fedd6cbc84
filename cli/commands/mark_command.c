// `rudo-snap mark`: marks a snapshot and reports what is reachable.

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "analysis/reachability_report.h"
#include "cli/command_list.h"
#include "cli/commands/mark_summary.h"
#include "cli/progress.h"
#include "cli/result_file.h"
#include "cli/commands/schedule_option.h"
#include "cli/terminal.h"
#include "formats/reachability_json.h"
#include "marker/mark.h"
#include "snapshot/file/snapshot_file.h"

typedef struct MarkSettings {
    int64_t workers; // 0: as many as there are CPUs
    const char *json;
    const char *objects;
    ScheduleSettings schedule;
    bool has_statistics;
    bool is_relocated;
    bool is_quiet;
    int kind;     // MarkKind
    int policy;   // MarkPolicy
    int progress; // ProgressMode
} MarkSettings;

static const OptionChoice kinds[] = {{"major", MARK_MAJOR}, {"minor", MARK_MINOR}, {NULL, 0}};
static const OptionChoice policies[] = {
    {"steal", MARK_POLICY_STEAL}, {"owner", MARK_POLICY_OWNER}, {NULL, 0}};

static const Option options[] = {
    {.name = "workers",
     .letter = 'w',
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "marking threads, 1 to 16 (default: one a CPU; with a\n"
             "schedule 16)",
     .setting = offsetof(MarkSettings, workers),
     .minimum = 1,
     .maximum = MAX_WORKERS},
    {.name = "json",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write the report as JSON to FILE; '-': to standard\n"
             "output, which then holds nothing else",
     .setting = offsetof(MarkSettings, json)},
    {.name = "objects",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write a line of JSON for each object to FILE or '-'",
     .setting = offsetof(MarkSettings, objects)},
    {.name = "stats",
     .type = OPTION_FLAG,
     .help = "add timings and what each worker did",
     .setting = offsetof(MarkSettings, has_statistics)},
    {.name = "kind",
     .type = OPTION_CHOICE,
     .choices = kinds,
     .help = "minor: old pages count as live, only young ones are\n"
             "marked (default: major)",
     .setting = offsetof(MarkSettings, kind)},
    {.name = "policy",
     .type = OPTION_CHOICE,
     .choices = policies,
     .help = "which worker follows a reference: the one that found\n"
             "it, or the owner of its page; same result",
     .setting = offsetof(MarkSettings, policy)},
    {.name = "schedule",
     .type = OPTION_TEXT,
     .value_name = "HOW",
     .help = "'threads', or 'seed:S': the workers make one step at a\n"
             "time, in an order that S decides; every run is the\n"
             "same, statistics included; or 'file:FILE': follow\n"
             "what --record wrote",
     .setting = offsetof(MarkSettings, schedule.schedule)},
    {.name = "scheduler",
     .type = OPTION_CHOICE,
     .choices = scheduler_choices,
     .help = "what kind of order (default: random)",
     .setting = offsetof(MarkSettings, schedule.scheduler)},
    {.name = "record",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write every step of the schedule to FILE",
     .setting = offsetof(MarkSettings, schedule.record)},
    {.name = "relocate",
     .type = OPTION_FLAG,
     .help = "do not load the heap at its captured addresses; same\n"
             "result",
     .setting = offsetof(MarkSettings, is_relocated)},
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .help = "print no summary",
     .setting = offsetof(MarkSettings, is_quiet)},
    {.name = "progress",
     .type = OPTION_CHOICE,
     .choices = progress_choices,
     .help = PROGRESS_HELP,
     .setting = offsetof(MarkSettings, progress)},
    {.name = NULL},
};

const CommandUsage mark_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Loads the snapshot FILE, marks every object that its roots reach, and reports\n"
               "how much is reachable: in total, by size class, by owner thread and by type.\n"
               "The result does not depend on the number of workers; its digest can be compared.\n",
    .examples = "  rudo-snap mark shop.zst\n"
                "  rudo-snap mark --workers 16 --json reachability.json shop.zst\n"
                "  rudo-snap mark --json - shop.zst\n",
};

// What one run of the command has in its hands.
typedef struct MarkRun {
    const MarkSettings *settings;
    const char *path;
    ScheduledRun schedule;
    Progress progress;
    ResultFile json;
    ResultFile objects;
    HeapImage *image;
    MarkResult *result;
    ReachabilityReport *report;
    ReachabilityTimings timings;
} MarkRun;

static uint64_t now_ns(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static bool is_standard_output(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

// Is `path` the snapshot itself? Writing there would replace it.
static bool is_snapshot(const char *path, const char *snapshot)
{
    struct stat output, input;

    return path != NULL && stat(path, &output) == 0 && stat(snapshot, &input) == 0 &&
           S_ISREG(output.st_mode) && output.st_dev == input.st_dev &&
           output.st_ino == input.st_ino;
}

// Outputs are opened before the work, so that a mistyped folder does not cost a long run.
static bool open_outputs(MarkRun *run, Error *error)
{
    const MarkSettings *settings = run->settings;

    if (settings->json != NULL && settings->objects != NULL &&
        strcmp(settings->json, settings->objects) == 0)
        return error_set(error, ERROR_USAGE, "--json and --objects cannot both go to '%s'",
                         settings->json);
    if (is_snapshot(settings->json, run->path) || is_snapshot(settings->objects, run->path) ||
        is_snapshot(settings->schedule.record, run->path))
        return error_set(error, ERROR_USAGE, "'%s' is the snapshot itself", run->path);
    if (settings->json != NULL && !result_file_open(&run->json, settings->json, error))
        return false;
    return settings->objects == NULL || result_file_open(&run->objects, settings->objects, error);
}

static bool read_and_mark(MarkRun *run, Error *error)
{
    SnapshotReadOptions read_options = {.force_relocation = run->settings->is_relocated};
    MarkOptions mark_options = mark_options_default();
    uint64_t start = now_ns();

    mark_options.workers = (uint32_t)run->settings->workers;
    mark_options.kind = (MarkKind)run->settings->kind;
    mark_options.policy = (MarkPolicy)run->settings->policy;

    progress_say(&run->progress, "reading the snapshot");
    if (!snapshot_read(run->path, &read_options, &run->image, error))
        return false;
    run->timings.read_ns = now_ns() - start;
    progress_say(&run->progress, "marking");
    if (!scheduled_run_prepare(&run->schedule, run->image, &mark_options, error) ||
        !mark_reachable(run->image, &mark_options, &run->result, error) ||
        !scheduled_run_finish(&run->schedule, run->result, error))
        return false;
    progress_say(&run->progress, "counting");
    start = now_ns();
    if (!reachability_report_new(run->image, run->result, &run->report, error))
        return false;
    run->timings.report_ns = now_ns() - start;
    return true;
}

static bool write_outputs(MarkRun *run, Error *error)
{
    if (run->objects.stream != NULL) {
        progress_say(&run->progress, "writing the objects");
        if (!reachability_objects_write(result_file_sink(&run->objects), run->image, run->report,
                                        run->result, error) ||
            !result_file_commit(&run->objects, error))
            return false;
    }
    if (run->json.stream == NULL)
        return true;
    return reachability_json_write(result_file_sink(&run->json), run->image, run->report,
                                   run->result,
                                   run->settings->has_statistics ? &run->timings : NULL, error) &&
           result_file_commit(&run->json, error);
}

static void print_summary(const MarkRun *run)
{
    const MarkSettings *settings = run->settings;
    MarkSummary summary = {.path = run->path,
                           .image = run->image,
                           .result = run->result,
                           .report = run->report,
                           .read_ns = run->timings.read_ns,
                           .has_statistics = settings->has_statistics};

    mark_summary_print(&summary);
    if (settings->json != NULL && settings->objects != NULL)
        return;
    printf("\n");
    style_begin(stdout, STYLE_FAINT);
    printf("next: rudo-snap mark %s ",
           settings->json == NULL ? "--json reachability.json" : "--objects objects.jsonl");
    print_safely(stdout, run->path, strlen(run->path));
    style_end(stdout);
    printf("\n");
}

ExitStatus mark_run(const Command *command, int argument_count, char **arguments)
{
    MarkSettings settings = {.kind = MARK_MAJOR, .policy = MARK_POLICY_DEFAULT};
    MarkRun run = {.settings = &settings};
    Operands operands;
    Error error = {.code = ERROR_NONE};
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);
    bool ok;

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    run.path = operands.values[0];
    progress_init(&run.progress, (ProgressMode)settings.progress);
    ok = open_outputs(&run, &error) &&
         scheduled_run_parse(&run.schedule, &settings.schedule, &error) &&
         read_and_mark(&run, &error) && write_outputs(&run, &error);
    progress_end(&run.progress);
    if (ok && !settings.is_quiet && !is_standard_output(settings.json) &&
        !is_standard_output(settings.objects))
        print_summary(&run);

    reachability_report_free(run.report);
    mark_result_free(run.result);
    heap_image_free(run.image);
    result_file_release(&run.json);
    result_file_release(&run.objects);
    scheduled_run_release(&run.schedule);
    if (ok)
        return EXIT_STATUS_DONE;
    if (scheduled_run_has_departed(&run.schedule, &error)) {
        (void)report_error(&error);
        return EXIT_STATUS_FOUND;
    }
    return error.code == ERROR_USAGE ? report_usage_error(command, &error) : report_error(&error);
}
