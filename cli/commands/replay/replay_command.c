// `rudo-snap replay`: marks recorded heaps on many schedules, and compares the results with each
// other and with goldens.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/parallel_for.h"
#include "cli/command_list.h"
#include "cli/heap_memory.h"
#include "cli/heap_session.h"
#include "cli/interrupt.h"
#include "cli/number_list.h"
#include "cli/commands/replay/replay_files.h"
#include "cli/commands/replay/replay_heap.h"
#include "cli/commands/replay/replay_merging.h"
#include "cli/commands/replay/replay_output.h"
#include "cli/commands/replay/replay_workers.h"
#include "cli/session.h"
#include "formats/replay_junit.h"

#define DEFAULT_TIMEOUT_SECONDS 3600
#define MAX_TIMEOUT_SECONDS 10000000
#define DEFAULT_WORKERS "1,2,4,8,16"
#define DEFAULT_SEEDS "1..20"
#define DEFAULT_POLICIES "steal,owner"
#define NS_PER_SECOND UINT64_C(1000000000)

typedef struct ReplaySettings {
    SessionSettings session;
    const char *golden;
    bool updates;
    bool is_precise;
    const char *workers;
    const char *seeds;
    const char *policies;
    int64_t jobs;
    int64_t timeout;
    const char *shard;
    const char *json;
    const char *junit;
    const char *output; // of merge
    int64_t mem_limit;  // bytes; 0: none
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
    {.name = "timeout",
     .type = OPTION_NUMBER,
     .value_name = "SECONDS",
     .help = "end the replay of a heap after SECONDS; the heap has then\n"
             "failed (default: 3600; 0: never)",
     .setting = offsetof(ReplaySettings, timeout),
     .minimum = 0,
     .maximum = MAX_TIMEOUT_SECONDS},
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
    MEM_LIMIT_OPTION_AT(offsetof(ReplaySettings, mem_limit)),
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
        "on threads. Seeds choose in turn: major or minor, and queues of 1024 or of 2 slots.\n"
        "All marks of a heap must be equal to the serial one of their kind, and major ones\n"
        "to the golden of the heap: DIR/cart.golden for cart.zst.\n"
        "\n"
        "The exit status is 0 if all are equal, 1 if a heap differs or has no golden, or a\n"
        "golden no heap, 3 if a snapshot or golden is damaged, 4 if the replay of a heap\n"
        "crashes or takes too long; the highest of all heaps.\n"
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
    char *given;  // see ReplayHeapOptions
    char *golden; // without slashes at its end
    Session session;
    OutputFile *json; // NULL: not wanted
    OutputFile *junit;
    uint64_t done;
    uint64_t written; // heaps that have a line in `json`, or are passed over there
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

// What makes a heap fail again: the options that differ from the default. All were parsed, and so
// need no quotes.
static bool take_given(ReplayRun *run, Error *error)
{
    const ReplaySettings *settings = run->settings;
    const struct {
        const char *name, *value, *usual;
    } texts[] = {{"--workers", settings->workers, DEFAULT_WORKERS},
                 {"--seeds", settings->seeds, DEFAULT_SEEDS},
                 {"--policy", settings->policies, DEFAULT_POLICIES}};
    char *text = strdup("");

    for (size_t i = 0; text != NULL && i <= sizeof texts / sizeof texts[0]; i++) {
        char *longer = NULL;
        int length;

        if (i == sizeof texts / sizeof texts[0])
            length =
                settings->timeout == DEFAULT_TIMEOUT_SECONDS
                    ? asprintf(&longer, "%s", text)
                    : asprintf(&longer, "%s--timeout %lld ", text, (long long)settings->timeout);
        else
            length = strcmp(texts[i].value, texts[i].usual) == 0
                         ? asprintf(&longer, "%s", text)
                         : asprintf(&longer, "%s%s %s ", text, texts[i].name, texts[i].value);
        free(text);
        text = length < 0 ? NULL : longer;
    }
    run->given = text;
    run->options.given = text;
    return text != NULL || error_set_memory(error, 1, "options");
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
           take_given(run, error) &&
           (settings->shard == NULL || shard_parse("--shard", settings->shard, &run->record.part,
                                                   &run->record.parts, error)) &&
           session_open_result(&run->session, "--json", settings->json, &run->json, error) &&
           session_open_result(&run->session, "--junit", settings->junit, &run->junit, error);
}

// ---- the run ----

static bool is_done(const ReplayRun *run, uint64_t heap)
{
    return run->heaps[heap].record.heap != NULL;
}

// Writes the lines of the heaps that are done, in the order of their paths: those up to the first
// that is not done, or all.
static bool write_lines(ReplayRun *run, bool all, Error *error)
{
    for (; run->json != NULL && run->written < run->files.count; run->written++) {
        if (!is_done(run, run->written) && !all)
            return true;
        if (is_done(run, run->written) &&
            !replay_json_write_heap(result_file_sink(run->json), &run->heaps[run->written].record,
                                    error))
            return false;
    }
    return true;
}

static bool saw_heap(void *context, Error *error)
{
    ReplayRun *run = context;

    progress_tell(&run->session.progress, ++run->done, run->files.count);
    return write_lines(run, false, error);
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

// Heaps are marked step by step, so each is held whole: where they are large, fewer at once.
static uint32_t choose_jobs(ReplayRun *run)
{
    uint32_t jobs = parallel_for_threads((uint32_t)run->settings->jobs, run->files.count);

    memory_limit_init(&run->options.limit, run->settings->mem_limit);
    for (uint64_t i = 0; i < run->files.count; i++)
        jobs = heap_memory_jobs(&run->options.limit, run->files.files[i].path, jobs);
    run->options.jobs = jobs;
    return jobs;
}

static bool replay_all(ReplayRun *run, Error *error)
{
    const ReplayWork work = {.files = &run->files,
                             .options = &run->options,
                             .workers = choose_jobs(run),
                             .timeout_ns = (uint64_t)run->settings->timeout * NS_PER_SECOND,
                             .heaps = run->heaps,
                             .saw_heap = saw_heap,
                             .context = run};

    // Ctrl-C ends the replay; the heaps that were done are shown and written.
    interrupt_defer();
    run->options.plan.cancel = (Cancel){interrupt_is_pending, NULL};
    progress_say(&run->session.progress, "replaying");
    run->record.heaps = run->files.count;
    if (run->json != NULL &&
        !replay_json_write_run(result_file_sink(run->json), &run->record, error))
        return false;
    return run->files.count == 0 || replay_workers_run(&work, error);
}

static bool write_junit(ReplayRun *run, Error *error)
{
    ReplayRecord *records = calloc(run->files.count + 1, sizeof *records);
    uint64_t count = 0;
    bool ok;

    if (records == NULL)
        return error_set_memory(error, run->files.count * sizeof *records, "heaps");
    for (uint64_t i = 0; i < run->files.count; i++)
        if (is_done(run, i))
            records[count++] = run->heaps[i].record;
    ok = replay_junit_write(result_file_sink(run->junit), records, count, error) &&
         output_file_commit(run->junit, error);
    free(records);
    return ok;
}

static bool write_documents(ReplayRun *run, Error *error)
{
    return (run->json == NULL ||
            (write_lines(run, true, error) && output_file_commit(run->json, error))) &&
           (run->junit == NULL || write_junit(run, error));
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

    // A heap that is gone, while its golden is still there, was not compared.
    if (run->orphans.count > 0 && !run->settings->updates)
        highest = EXIT_STATUS_FOUND;
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
    free(run->given);
}

static ExitStatus replay_heaps(const Command *command, const ReplaySettings *settings,
                               const Operands *operands)
{
    ReplayRun run = {.settings = settings};
    ExitStatus status;
    uint64_t start = clock_monotonic_ns();
    Error error = {.code = ERROR_NONE};
    Error ignored;
    bool ok;

    session_begin(&run.session, command, &settings->session, operands->values, operands->count);
    ok = take_settings(&run, &error) && collect(&run, operands, &error) &&
         replay_all(&run, &error) && write_documents(&run, &error);
    if (!ok && error.code == ERROR_INTERRUPTED)
        (void)write_documents(&run, &ignored);
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
    ReplaySettings settings = {.workers = DEFAULT_WORKERS,
                               .seeds = DEFAULT_SEEDS,
                               .policies = DEFAULT_POLICIES,
                               .timeout = DEFAULT_TIMEOUT_SECONDS};
    Operands operands;
    ParseResult parsed = command_parse(command, argument_count, arguments, &settings, &operands);

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    if (strcmp(operands.values[0], "merge") == 0)
        return replay_merge_run(command, operands.values + 1, operands.count - 1,
                                &(ReplayMergeSettings){.output = settings.output,
                                                       .junit = settings.junit,
                                                       .session = &settings.session});
    return replay_heaps(command, &settings, &operands);
}
