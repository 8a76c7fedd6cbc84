// `rudo-snap replay`: marks recorded heaps on many schedules, and compares the results with each
// other and with goldens.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parallel_for.h"
#include "cli/command_list.h"
#include "cli/heap_session.h"
#include "cli/interrupt.h"
#include "cli/number_list.h"
#include "cli/commands/replay/replay_files.h"
#include "cli/commands/replay/replay_heap.h"
#include "cli/commands/replay/replay_merging.h"
#include "cli/commands/replay/replay_output.h"
#include "cli/session.h"
#include "formats/replay_junit.h"

typedef struct ReplaySettings {
    SessionSettings session;
    const char *golden;
    bool updates;
    bool is_precise;
    const char *workers;
    const char *seeds;
    const char *policies;
    int64_t jobs;
    const char *shard;
    const char *json;
    const char *junit;
    const char *output; // of merge
} ReplaySettings;

static const Option options[] = {
    {.name = "golden",
     .letter = 'g',
     .type = OPTION_TEXT,
     .value_name = "DIR",
     .help = "compare with the goldens in DIR; a heap without a\n"
             "golden counts as a difference",
     .setting = offsetof(ReplaySettings, golden)},
    {.name = "update",
     .type = OPTION_FLAG,
     .help = "write goldens that are missing or differ, except for\n"
             "heaps whose marks differ from each other",
     .setting = offsetof(ReplaySettings, updates)},
    {.name = "precise",
     .type = OPTION_FLAG,
     .help = PRECISE_HELP ";\n"
                          "the goldens are DIR/NAME.precise.golden",
     .setting = offsetof(ReplaySettings, is_precise)},
    {.name = "workers",
     .letter = 'w',
     .type = OPTION_TEXT,
     .value_name = "LIST",
     .help = "numbers of workers, 1 to 16 each\n(default: 1,2,4,8,16)",
     .setting = offsetof(ReplaySettings, workers)},
    {.name = "seeds",
     .type = OPTION_TEXT,
     .value_name = "FIRST..LAST",
     .help = "seeds of the schedules (default: 1..20)",
     .setting = offsetof(ReplaySettings, seeds)},
    {.name = "policy",
     .type = OPTION_TEXT,
     .value_name = "LIST",
     .help = "policies (default: steal,owner)",
     .setting = offsetof(ReplaySettings, policies)},
    {.name = "jobs",
     .letter = 'j',
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "replay N heaps at once, 1 to 16 (default: one for each\n"
             "CPU)",
     .setting = offsetof(ReplaySettings, jobs),
     .minimum = 1,
     .maximum = PARALLEL_FOR_MAX_THREADS},
    {.name = "shard",
     .type = OPTION_TEXT,
     .value_name = "I/N",
     .help = "replay only shard I of N, counted from 1; the shard of\n"
             "a heap depends only on its path",
     .setting = offsetof(ReplaySettings, shard)},
    {.name = "json",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write one line of JSON for each heap to FILE; '-'\n"
             "writes it to standard output, and nothing else",
     .setting = offsetof(ReplaySettings, json)},
    {.name = "junit",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write JUnit XML to FILE",
     .setting = offsetof(ReplaySettings, junit)},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "OUT",
     .help = "with merge: write the result to OUT or '-'",
     .setting = offsetof(ReplaySettings, output)},
    REPLACE_OPTION(offsetof(ReplaySettings, session)),
    {.name = "quiet",
     .letter = 'q',
     .type = OPTION_FLAG,
     .help = "print nothing if all heaps are equal",
     .setting = offsetof(ReplaySettings, session.is_quiet)},
    PROGRESS_OPTION(offsetof(ReplaySettings, session)),
    {.name = NULL},
};

const CommandUsage replay_usage = {
    .operands = "PATH...",
    .min_operands = 1,
    .max_operands = INT32_MAX,
    .options = options,
    .details =
        "Marks each snapshot (PATH, or all *.zst in the folder PATH and below it) serially,\n"
        "on reproducible schedules (each number of workers with each policy and seed), and\n"
        "on threads. All marks of a heap must be equal, and equal to the golden of the\n"
        "heap: DIR/cart.golden for cart.zst.\n"
        "\n"
        "The exit status is 0 if all are equal, 1 if a heap differs or has no golden, 3 if\n"
        "a snapshot or golden is damaged; the highest of all heaps.\n"
        "\n"
        "`rudo-snap replay merge FILE... -o OUT` merges the --json files of all shards of\n"
        "one replay, and prints and exits as one replay of all heaps would. (A folder of\n"
        "this name can be given as ./merge.)\n",
    .examples = "  rudo-snap replay heaps/ --golden heaps/golden\n"
                "  rudo-snap replay heaps/ --golden heaps/golden --update\n"
                "  rudo-snap replay heaps/ --shard 2/4 --json part2.jsonl\n"
                "  rudo-snap replay merge part*.jsonl -o all.jsonl\n",
};

typedef struct ReplayRun {
    const ReplaySettings *settings;
    ReplayHeapOptions options;
    ReplayRunRecord record;
    ReplayFiles files;
    ReplayFiles orphans;
    ReplayHeap *heaps;
    char *golden; // without slashes at its end
    Session session;
    OutputFile *json; // NULL: not wanted
    OutputFile *junit;
    _Atomic uint64_t done;
} ReplayRun;

// ---- settings ----

static bool parse_policies(ReplayPlan *plan, const char *text, Error *error)
{
    static const struct {
        const char *text;
        uint32_t count;
        MarkPolicy policies[2];
    } lists[] = {
        {"steal", 1, {MARK_POLICY_STEAL}},
        {"owner", 1, {MARK_POLICY_OWNER}},
        {"steal,owner", 2, {MARK_POLICY_STEAL, MARK_POLICY_OWNER}},
        {"owner,steal", 2, {MARK_POLICY_STEAL, MARK_POLICY_OWNER}},
    };

    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (strcmp(text, lists[i].text) != 0)
            continue;
        plan->policy_count = lists[i].count;
        memcpy(plan->policies, lists[i].policies, sizeof plan->policies);
        return true;
    }
    return error_set(error, ERROR_USAGE,
                     "--policy: '%.60s' is not 'steal', 'owner' or 'steal,owner'", text);
}

static bool take_golden(ReplayRun *run, Error *error)
{
    const ReplaySettings *settings = run->settings;
    size_t length;

    run->options.is_precise = settings->is_precise;
    if (settings->updates && settings->golden == NULL)
        return error_set(error, ERROR_USAGE, "--update needs --golden");
    if (settings->golden == NULL)
        return true;
    length = strlen(settings->golden);
    while (length > 1 && settings->golden[length - 1] == '/')
        length--;
    run->golden = strndup(settings->golden, length);
    if (run->golden == NULL)
        return error_set_memory(error, length, "a path");
    run->options.golden = run->golden;
    run->options.updates = settings->updates;
    return true;
}

static bool take_settings(ReplayRun *run, Error *error)
{
    const ReplaySettings *settings = run->settings;
    ReplayPlan *plan = &run->options.plan;

    run->record = (ReplayRunRecord){
        .plan = plan, .has_golden = settings->golden != NULL, .part = 1, .parts = 1};
    if (settings->output != NULL)
        return error_set(error, ERROR_USAGE, "--output needs 'merge'");
    return number_list_parse("--workers", settings->workers, 1, MAX_WORKERS, plan->workers,
                             &plan->worker_count, error) &&
           number_range_parse("--seeds", settings->seeds, &plan->first_seed, &plan->last_seed,
                              error) &&
           parse_policies(plan, settings->policies, error) && take_golden(run, error) &&
           (settings->shard == NULL || shard_parse("--shard", settings->shard, &run->record.part,
                                                   &run->record.parts, error)) &&
           session_open_result(&run->session, "--json", settings->json, &run->json, error) &&
           session_open_result(&run->session, "--junit", settings->junit, &run->junit, error);
}

// ---- the run ----

static bool run_heap(void *context, uint32_t worker, uint64_t item, Error *error)
{
    ReplayRun *run = context;

    if (!replay_heap_run(&run->files.files[item], &run->options, &run->heaps[item], error))
        return false;
    // All threads share the line of progress; the first one writes it.
    uint64_t done = ++run->done;
    if (worker == 0)
        progress_tell(&run->session.progress, done, run->files.count);
    return true;
}

static bool collect(ReplayRun *run, const Operands *operands, Error *error)
{
    const GoldenPlace golden = {run->golden, run->settings->is_precise};

    if (!replay_files_collect(operands->values, operands->count, golden, &run->files, error))
        return false;
    if (run->golden != NULL && !run->files.has_named_files &&
        !replay_files_find_orphans(&run->files, golden, &run->orphans, error))
        return false;
    // Heaps in the folders that were named are inputs, too.
    for (uint64_t i = 0; i < run->files.count; i++)
        if (!session_check_input(&run->session, run->files.files[i].path, error))
            return false;
    replay_files_keep_shard(&run->files, run->record.part, run->record.parts);
    run->heaps = calloc(run->files.count + 1, sizeof *run->heaps);
    return run->heaps != NULL ||
           error_set_memory(error, run->files.count * sizeof *run->heaps, "heaps");
}

static bool replay_all(ReplayRun *run, Error *error)
{
    uint32_t threads = parallel_for_threads((uint32_t)run->settings->jobs, run->files.count);

    // Ctrl-C ends the replay after the marks under way; the heaps that were done are shown.
    interrupt_defer();
    run->options.plan.cancel = (Cancel){interrupt_is_pending, NULL};
    progress_say(&run->session.progress, "replaying");
    return run->files.count == 0 || parallel_for(run->files.count, threads, run_heap, run, error);
}

static bool write_documents(ReplayRun *run, Error *error)
{
    ReplayRecord *records;
    bool ok = true;

    if (run->json != NULL) {
        JsonSink sink = result_file_sink(run->json);
        ok = replay_json_write_run(sink, &run->record, error);
        for (uint64_t i = 0; ok && i < run->files.count; i++)
            ok = replay_json_write_heap(sink, &run->heaps[i].record, error);
        ok = ok && output_file_commit(run->json, error);
    }
    if (!ok || run->junit == NULL)
        return ok;
    records = calloc(run->files.count + 1, sizeof *records);
    if (records == NULL)
        return error_set_memory(error, run->files.count * sizeof *records, "heaps");
    for (uint64_t i = 0; i < run->files.count; i++)
        records[i] = run->heaps[i].record;
    ok = replay_junit_write(result_file_sink(run->junit), records, run->files.count, error) &&
         output_file_commit(run->junit, error);
    free(records);
    return ok;
}

static void print_all(ReplayRun *run, uint64_t elapsed_ns)
{
    ReplayOutput output = {.run = &run->record,
                           .heaps = run->heaps,
                           .count = run->files.count,
                           .orphans = &run->orphans,
                           .elapsed_ns = elapsed_ns};

    replay_output_print(&output);
}

static ExitStatus highest_status(const ReplayRun *run)
{
    uint32_t highest = EXIT_STATUS_DONE;

    for (uint64_t i = 0; run->heaps != NULL && i < run->files.count; i++)
        if (run->heaps[i].record.exit_status > highest)
            highest = run->heaps[i].record.exit_status;
    return (ExitStatus)highest;
}

static void release(ReplayRun *run)
{
    for (uint64_t i = 0; run->heaps != NULL && i < run->files.count; i++)
        replay_heap_release(&run->heaps[i]);
    free(run->heaps);
    replay_files_release(&run->files);
    replay_files_release(&run->orphans);
    free(run->golden);
}

static ExitStatus replay_heaps(const Command *command, const ReplaySettings *settings,
                               const Operands *operands)
{
    ReplayRun run = {.settings = settings};
    ExitStatus status;
    uint64_t start = clock_monotonic_ns();
    Error error = {.code = ERROR_NONE};
    bool ok;

    session_begin(&run.session, command, &settings->session, operands->values, operands->count);
    ok = take_settings(&run, &error) && collect(&run, operands, &error) &&
         replay_all(&run, &error) && write_documents(&run, &error);
    // --quiet applies only if all heaps are equal.
    run.session.is_quiet = settings->session.is_quiet && highest_status(&run) == EXIT_STATUS_DONE;
    if (session_prints(&run.session) && (ok || error.code == ERROR_INTERRUPTED))
        print_all(&run, clock_monotonic_ns() - start);
    status = session_end(&run.session, ok, &error);
    if (ok)
        status = highest_status(&run);
    release(&run);
    return status;
}

ExitStatus replay_run(const Command *command, int argument_count, char **arguments)
{
    ReplaySettings settings = {
        .workers = "1,2,4,8,16", .seeds = "1..20", .policies = "steal,owner"};
    Operands operands;
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    if (strcmp(operands.values[0], "merge") == 0)
        return replay_merge_run(command, operands.values + 1, operands.count - 1, settings.output,
                                &settings.session);
    return replay_heaps(command, &settings, &operands);
}
