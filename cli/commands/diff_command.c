// `rudo-snap diff`: growth between snapshots.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command_list.h"
#include "cli/commands/diff_output.h"
#include "cli/heap_session.h"
#include "cli/option_values.h"
#include "formats/json/answer_json.h"

#define MAX_HEAPS 1000

typedef struct DiffSettings {
    HeapSettings heap;
    OptionTexts limits;
} DiffSettings;

static const Option options[] = {
    {.name = "fail-on",
     .type = OPTION_TEXTS,
     .value_name = "GROWTH",
     .help = "exit with status 1 if something grew by more than\n"
             "GROWTH from the first to the last snapshot: TYPE+10%\n"
             "or TYPE+1MiB of reachable bytes, TYPE+100 objects;\n"
             "'total' means the whole heap, 'any' each type; can be\n"
             "given several times",
     .setting = offsetof(DiffSettings, limits)},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage diff_usage = {
    .operands = "FILE FILE...",
    .min_operands = 2,
    .max_operands = MAX_HEAPS,
    .options = options,
    .details = "Compares the heaps of two or more snapshots, given oldest first: reachable\n"
               "objects by type and by the types on their shortest path from the roots, and\n"
               "pages by size class. Types and paths that grew in every step are pointed out.\n"
               "Snapshots of one process are also compared object by object.\n",
    .examples = "  rudo-snap diff monday.zst tuesday.zst wednesday.zst\n"
                "  rudo-snap diff --fail-on 'shop::Order+10%' before.zst after.zst\n",
};

typedef struct DiffRun {
    const DiffSettings *settings;
    HeapSession session;
    uint32_t heap_count;
    HeapProfile **profiles;
    HeapDiff *diff;
    uint32_t limit_count;
    GrowthLimit limits[OPTION_MAX_TEXTS];
    GrowthFinding findings[OPTION_MAX_TEXTS];
} DiffRun;

// ---- limits ----

static bool parse_amount(const char *text, GrowthLimit *limit)
{
    char *end;
    double percent;
    int64_t bytes;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    percent = strtod(text, &end);
    if (errno == 0 && strcmp(end, "%") == 0 && percent <= 1e9) {
        limit->unit = GROWTH_PERCENT;
        limit->amount = (uint64_t)(percent * 100 + 0.5);
        return true;
    }
    errno = 0;
    limit->amount = strtoull(text, &end, 10);
    if (errno == 0 && *end == '\0') {
        limit->unit = GROWTH_OBJECTS;
        return true;
    }
    if (!parse_byte_count(text, &bytes))
        return false;
    limit->unit = GROWTH_BYTES;
    limit->amount = (uint64_t)bytes;
    return true;
}

static bool parse_limit(const char *text, GrowthLimit *limit, Error *error)
{
    const char *plus = strrchr(text, '+');
    size_t length = plus != NULL ? (size_t)(plus - text) : 0;

    limit->text = text;
    if (length == 0 || length >= sizeof limit->name || !parse_amount(plus + 1, limit)) {
        (void)error_set(error, ERROR_USAGE, "--fail-on: '%s' is not a growth limit", text);
        return error_add_hint(error,
                              "examples: 'shop::Order+10%%', 'shop::Order+100', 'total+1MiB'");
    }
    memcpy(limit->name, text, length);
    limit->name[length] = '\0';
    return true;
}

static bool parse_limits(DiffRun *run, Error *error)
{
    const OptionTexts *texts = &run->settings->limits;

    for (; run->limit_count < texts->count; run->limit_count++)
        if (!parse_limit(texts->values[run->limit_count], &run->limits[run->limit_count], error))
            return false;
    return true;
}

// ---- one heap after the other ----

static bool merge_paths(HeapSession *session, MergedPaths **out, Error *error)
{
    PathQuery all = {.context = NULL};
    PathTree tree;
    bool ok;

    // Paths are skipped when memory is short.
    *out = NULL;
    if (!heap_session_need_graph(session, error))
        return error->code == ERROR_MEMORY || error->code == ERROR_UNSUPPORTED;
    heap_session_say(session, "looking for paths");
    ok = path_tree_init(&tree, session->graph, &all, error) &&
         merged_paths_new(&tree, session->types, NULL, NULL, out, error);
    path_tree_release(&tree);
    return ok;
}

static bool add_heap(DiffRun *run, const char *path, Error *error)
{
    HeapSession *session = &run->session;
    MergedPaths *merged = NULL;
    bool ok = heap_session_read(session, path, NULL, error) &&
              merge_paths(session, &merged, error) &&
              heap_profile_new(session->image, session->mark, session->report, merged,
                               session->types, &run->profiles[run->heap_count], error);

    run->heap_count += ok;
    merged_paths_free(merged);
    heap_session_free_heap(session);
    return ok;
}

static bool check_limits(DiffRun *run, Error *error)
{
    for (uint32_t i = 0; i < run->limit_count; i++)
        if (!growth_limit_check(&run->limits[i], run->diff,
                                (const HeapProfile *const *)run->profiles, &run->findings[i],
                                error))
            return false;
    return true;
}

static bool answer(void *context, Error *error)
{
    DiffRun *run = context;
    const Operands *operands = &run->session.operands;
    OutputFile *json = run->session.json;

    run->profiles = calloc((size_t)operands->count, sizeof(HeapProfile *));
    if (run->profiles == NULL)
        return error_set_memory(error, (uint64_t)operands->count * 8, "heaps");
    if (!parse_limits(run, error))
        return false;
    for (int i = 0; i < operands->count; i++)
        if (!add_heap(run, operands->values[i], error))
            return false;
    heap_profiles_match(run->profiles, run->heap_count);
    if (!heap_diff_new((const HeapProfile *const *)run->profiles, run->heap_count, &run->diff,
                       error) ||
        !check_limits(run, error))
        return false;
    if (json == NULL)
        return true;
    DiffJson document = {.diff = run->diff,
                         .profiles = (const HeapProfile *const *)run->profiles,
                         .limit_count = run->limit_count,
                         .limits = run->limits,
                         .findings = run->findings};
    return diff_json_write(result_file_sink(json), &document, error) &&
           output_file_commit(json, error);
}

static void print_answer(void *context)
{
    const DiffRun *run = context;

    diff_output_print(run->diff, (const HeapProfile *const *)run->profiles,
                      run->session.operands.values, run->limits, run->findings, run->limit_count);
}

static bool is_exceeded(const void *context)
{
    const DiffRun *run = context;

    for (uint32_t i = 0; i < run->limit_count; i++)
        if (run->findings[i].is_exceeded)
            return true;
    return false;
}

static void release(void *context)
{
    DiffRun *run = context;

    heap_diff_free(run->diff);
    for (uint32_t i = 0; i < run->heap_count; i++)
        heap_profile_free(run->profiles[i]);
    free(run->profiles);
}

ExitStatus diff_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {
        .answer = answer, .print = print_answer, .is_finding = is_exceeded, .release = release};
    DiffSettings settings = {.limits.count = 0};
    DiffRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
