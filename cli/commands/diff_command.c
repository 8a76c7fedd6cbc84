// `rudo-snap diff`: growth between snapshots.

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/check/growth_limit.h"
#include "analysis/check/type_quotes.h"
#include "cli/command_list.h"
#include "cli/commands/diff_output.h"
#include "cli/heap_session.h"
#include "cli/limit_text.h"
#include "cli/option_values.h"
#include "formats/json/answer_json.h"

#define MAX_HEAPS 1000

typedef struct DiffSettings {
    HeapSettings heap;
    OptionTexts limits;
    OptionTexts allowed;
    const char *junit;
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
    ALLOW_OPTION(DiffSettings, allowed),
    {.name = "junit",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write the limits as JUnit XML to FILE",
     .setting = offsetof(DiffSettings, junit)},
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
    OutputFile *junit; // NULL: not wanted
    uint32_t heap_count;
    HeapProfile **profiles;
    HeapIdentity *identities; // of each heap
    HeapDiff *diff;
    DoubtKinds allowed;
    HeapDoubts doubts; // about the first heap and the last
    uint32_t limit_count;
    HeapLimit limits[OPTION_MAX_TEXTS];
    LimitFinding findings[OPTION_MAX_TEXTS];
    char messages[OPTION_MAX_TEXTS][2 * LIMIT_TEXT_CHARS]; // for JUnit
} DiffRun;

// ---- limits ----

static bool parse_amount(const char *text, HeapLimit *limit)
{
    char *end;
    double percent;
    int64_t bytes;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    percent = strtod(text, &end);
    if (errno == 0 && strcmp(end, "%") == 0 && percent <= 1e9) {
        limit->unit = LIMIT_PERCENT;
        limit->amount = (uint64_t)(percent * (double)LIMIT_PERCENT_SCALE + 0.5);
        return true;
    }
    errno = 0;
    limit->amount = strtoull(text, &end, 10);
    if (errno == 0 && *end == '\0') {
        limit->unit = LIMIT_NUMBER;
        return true;
    }
    if (!parse_byte_count(text, &bytes))
        return false;
    limit->unit = LIMIT_BYTES;
    limit->amount = (uint64_t)bytes;
    return true;
}

static bool parse_limit(const char *text, HeapLimit *limit, Error *error)
{
    const char *plus = strrchr(text, '+');
    size_t length = plus != NULL ? (size_t)(plus - text) : 0;

    *limit = (HeapLimit){
        .measure = LIMIT_GROWTH, .comparison = LIMIT_AT_MOST, .is_in_bytes = true, .is_each = true};
    limit->text = strdup(text);
    if (length > 2 && type_quote_is(text[0]) && text[length - 1] == text[0]) {
        text++;
        length -= 2;
    }
    limit->is_total = length == 5 && strncmp(text, "total", length) == 0;
    if (length == 0 || !parse_amount(plus + 1, limit)) {
        (void)error_set(error, ERROR_USAGE, "--fail-on: '%s' is not a growth limit",
                        limit->text != NULL ? limit->text : "");
        return error_add_hint(error, "examples: shop::Order+10%%, shop::Order+100, total+1MiB");
    }
    // 'any' means each of all types.
    if (length != 3 || strncmp(text, "any", length) != 0)
        limit->type = strndup(text, length);
    return (limit->text != NULL && (limit->type != NULL || length == 3)) ||
           error_set(error, ERROR_MEMORY, "cannot allocate memory for a limit");
}

static bool parse_limits(DiffRun *run, Error *error)
{
    const OptionTexts *texts = &run->settings->limits;

    while (run->limit_count < texts->count) {
        uint32_t i = run->limit_count++;

        if (!parse_limit(texts->values[i], &run->limits[i], error))
            return false;
    }
    return true;
}

// ---- one heap after the other ----

// Bytes a node that looking for paths and merging them takes: parents and order, and steps.
#define PATH_NODE_BYTES UINT64_C(12)

static bool merge_paths(HeapSession *session, MergedPaths **out, Error *error)
{
    PathQuery all = {.context = NULL};
    PathTree tree;
    bool ok;

    // Paths are skipped when memory is short.
    *out = NULL;
    if (!heap_session_need_graph(session, error) ||
        !heap_session_allows(session, "paths", PATH_NODE_BYTES * session->graph->node_count, error))
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
    bool ok = heap_session_read(session, path, NULL, error);

    // Without memory for these, there is no difference; paths take the rest.
    if (ok && session->limit.bytes >= MEMORY_LIMIT_LEAST) {
        uint64_t bytes = session->report->totals.objects * sizeof(ProfileObject) +
                         session->image->page_count * sizeof(ProfilePage) +
                         8 * session->image->word_count;

        ok = heap_session_allows(session, "comparing objects", bytes, error);
        session->reserved_bytes = bytes;
    }
    ok = ok && merge_paths(session, &merged, error) &&
         heap_profile_new(session->image, session->mark, session->report, merged, session->types,
                          &run->profiles[run->heap_count], error);
    session->reserved_bytes = 0;
    if (ok)
        heap_identity_make(session->image, session->report, &run->identities[run->heap_count]);
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

// Growth is that from the first heap to the last.
static void find_doubts(DiffRun *run)
{
    DoubtQuestion question = {.heap = &run->identities[run->heap_count - 1],
                              .heap_name = "the last heap",
                              .baseline = &run->identities[0],
                              .baseline_name = "the first heap",
                              .allowed = run->allowed};

    for (uint32_t i = 0; i < run->limit_count; i++)
        question.misses_names = question.misses_names || run->findings[i].is_missing;
    heap_doubts_find(&question, &run->doubts);
}

// ---- results ----

static void write_messages(DiffRun *run)
{
    for (uint32_t i = 0; i < run->limit_count; i++) {
        char measured[LIMIT_TEXT_CHARS], excess[LIMIT_TEXT_CHARS];

        (void)snprintf(run->messages[i], sizeof run->messages[i], "%s: %s",
                       limit_text_measured(&run->limits[i], &run->findings[i], measured),
                       limit_text_excess(&run->limits[i], &run->findings[i], excess));
    }
}

static JUnitCase case_at(const void *context, uint64_t index)
{
    const DiffRun *run = context;

    if (index < run->doubts.count)
        return limit_text_doubt_case(&run->doubts.doubts[index]);
    index -= run->doubts.count;
    return (JUnitCase){.name = run->limits[index].text,
                       .outcome = run->findings[index].is_exceeded ? JUNIT_FAILURE : JUNIT_PASSED,
                       .type = "exceeded",
                       .message = run->messages[index],
                       .text = run->findings[index].label};
}

static bool write_results(DiffRun *run, Error *error)
{
    OutputFile *json = run->session.json;
    JUnitSuite suite = {.command = "diff",
                        .timestamp_ns = run->identities[run->heap_count - 1].captured_at_ns,
                        .count = run->doubts.count + run->limit_count,
                        .case_at = case_at,
                        .context = run};
    DiffJson document = {.diff = run->diff,
                         .profiles = (const HeapProfile *const *)run->profiles,
                         .identities = run->identities,
                         .doubts = &run->doubts,
                         .limit_count = run->limit_count,
                         .limits = run->limits,
                         .findings = run->findings};

    write_messages(run);
    return (json == NULL || (diff_json_write(result_file_sink(json), &document, error) &&
                             output_file_commit(json, error))) &&
           (run->junit == NULL || (junit_write(result_file_sink(run->junit), &suite, error) &&
                                   output_file_commit(run->junit, error)));
}

static bool answer(void *context, Error *error)
{
    DiffRun *run = context;
    const Operands *operands = &run->session.operands;

    run->profiles = calloc((size_t)operands->count, sizeof(HeapProfile *));
    run->identities = calloc((size_t)operands->count, sizeof *run->identities);
    if (run->profiles == NULL || run->identities == NULL)
        return error_set_memory(error, (uint64_t)operands->count * sizeof *run->identities,
                                "heaps");
    if (!parse_limits(run, error) ||
        !limit_text_parse_allowed(&run->settings->allowed, &run->allowed, error) ||
        !session_open_result(&run->session.frame, "--junit", run->settings->junit, &run->junit,
                             error))
        return false;
    for (int i = 0; i < operands->count; i++)
        if (!add_heap(run, operands->values[i], error))
            return false;
    heap_profiles_match(run->profiles, run->heap_count);
    if (!heap_diff_new((const HeapProfile *const *)run->profiles, run->heap_count, &run->diff,
                       error) ||
        !check_limits(run, error))
        return false;
    find_doubts(run);
    return write_results(run, error);
}

static DiffOutput output_of(const DiffRun *run)
{
    return (DiffOutput){.diff = run->diff,
                        .profiles = (const HeapProfile *const *)run->profiles,
                        .paths = run->session.operands.values,
                        .doubts = &run->doubts,
                        .limits = run->limits,
                        .findings = run->findings,
                        .limit_count = run->limit_count};
}

static void print_answer(void *context)
{
    DiffOutput output = output_of(context);

    diff_output_print(&output);
}

static void print_finding(void *context)
{
    DiffOutput output = output_of(context);

    diff_output_print_exceeded(&output);
}

static bool is_exceeded(const void *context)
{
    const DiffRun *run = context;

    for (uint32_t i = 0; i < run->limit_count; i++)
        if (run->findings[i].is_exceeded)
            return true;
    return run->limit_count > 0 && heap_doubts_matter(&run->doubts);
}

static void release(void *context)
{
    DiffRun *run = context;

    for (uint32_t i = 0; i < run->limit_count; i++) {
        limit_finding_release(&run->findings[i]);
        heap_limit_release(&run->limits[i]);
    }
    heap_diff_free(run->diff);
    for (uint32_t i = 0; i < run->heap_count; i++)
        heap_profile_free(run->profiles[i]);
    free(run->profiles);
    free(run->identities);
}

ExitStatus diff_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_answer,
                                          .print_finding = print_finding,
                                          .is_finding = is_exceeded,
                                          .release = release};
    DiffSettings settings = {.limits.count = 0};
    DiffRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
