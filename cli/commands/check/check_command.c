// `rudo-snap check`: limits for a heap, and the verdict on them.

#include <stdlib.h>

#include "analysis/check/limit_check.h"
#include "cli/command_list.h"
#include "cli/commands/check/check_output.h"
#include "cli/limit_text.h"

typedef struct CheckSettings {
    HeapSettings heap;
    OptionTexts limits;
    const char *budget;
    const char *baseline;
    bool needs_known_types;
    OptionTexts allowed;
    const char *junit;
} CheckSettings;

static const Option options[] = {
    {.name = "limit",
     .type = OPTION_TEXTS,
     .value_name = "EXPR",
     .help = "a limit: count(TYPE), retained(TYPE), malloc(TYPE),\n"
             "growth(TYPE), reachable, unreachable, pages, occupancy\n"
             "or suspects, compared by <=, <, >=, > or = with a\n"
             "number, a size (5MiB, 5MB) or a percentage; or: no path\n"
             "TYPE -> TYPE; or: complete. TYPE is a name, a pattern\n"
             "(shop::*) or total; quotes around it change nothing.\n"
             "Can be given several times",
     .setting = offsetof(CheckSettings, limits)},
    {.name = "budget",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "read limits from FILE, a line each, with '#' before\n"
             "comments; 'known leak FINGERPRINT' lists a suspect that\n"
             "does not count",
     .setting = offsetof(CheckSettings, budget)},
    {.name = "baseline",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "an older snapshot, from which growth() is measured",
     .setting = offsetof(CheckSettings, baseline)},
    {.name = "known",
     .type = OPTION_FLAG,
     .help = "a type that is in neither heap is exceeded, too, and\n"
             "not a count of 0",
     .setting = offsetof(CheckSettings, needs_known_types)},
    ALLOW_OPTION(CheckSettings, allowed),
    {.name = "junit",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write the verdict as JUnit XML to FILE",
     .setting = offsetof(CheckSettings, junit)},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage check_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Compares the heap in the snapshot FILE with limits, for a test or a release that\n"
               "must fail when the heap is too large. The exit status is 0 when all limits are\n"
               "kept, 1 when one is exceeded or was not measured: the heap is incomplete, or the\n"
               "baseline is another kind of heap.\n",
    .examples =
        "  rudo-snap check --limit 'count(shop::Session) <= 1000' shop.zst\n"
        "  rudo-snap check --limit 'growth(shop::Session) <= 10%' --baseline old.zst new.zst\n"
        "  rudo-snap check --budget heap.budget --junit heap.xml shop.zst\n",
};

typedef struct CheckRun {
    const CheckSettings *settings;
    HeapSession session;
    OutputFile *junit; // NULL: not wanted
    CheckLimits limits;
    DoubtKinds allowed;
    HeapIdentity identities[2]; // of the baseline and the heap
    HeapProfile *profiles[2];   // likewise; NULL without a baseline
    HeapDiff *diff;             // NULL without a baseline
    HeapHistory history;        // of the baseline
    HeapReport report;          // made when findings are needed, or something is exceeded
    LeakFindings findings;
    bool has_findings;
    HeapDoubts doubts;
} CheckRun;

static const char *file_of(const CheckRun *run)
{
    return run->session.operands.values[0];
}

// ---- preparation ----

static bool prepare(CheckRun *run, Error *error)
{
    const CheckSettings *settings = run->settings;
    Session *frame = &run->session.frame;

    return (settings->budget == NULL || session_add_input(frame, settings->budget, error)) &&
           (settings->baseline == NULL || session_add_input(frame, settings->baseline, error)) &&
           limit_text_parse_allowed(&settings->allowed, &run->allowed, error) &&
           check_limits_make(settings->budget, &settings->limits, settings->baseline != NULL,
                             &run->limits, error) &&
           session_open_result(frame, "--junit", settings->junit, &run->junit, error);
}

// Reads a heap, and of two heaps that are compared what remains of each. which: 0: the baseline.
static bool read_heap(CheckRun *run, const char *path, int which, Error *error)
{
    HeapSession *session = &run->session;
    unsigned needs = run->limits.needs;

    if (!heap_session_read(session, path, NULL, error))
        return false;
    heap_identity_make(session->image, session->report, &run->identities[which]);
    if (((needs & LIMIT_NEEDS_GRAPH) != 0 && !heap_session_need_graph(session, error)) ||
        ((needs & LIMIT_NEEDS_PROGRAM) != 0 && !heap_session_need_program(session, error)) ||
        ((needs & LIMIT_NEEDS_TREE) != 0 && !heap_session_need_tree(session, error)))
        return false;
    return run->settings->baseline == NULL ||
           heap_profile_new(session->image, session->mark, session->report, NULL, session->types,
                            &run->profiles[which], error);
}

static bool read_baseline(CheckRun *run, Error *error)
{
    HeapSession *session = &run->session;

    if (!read_heap(run, run->settings->baseline, 0, error))
        return false;
    if ((run->limits.needs & LIMIT_NEEDS_FINDINGS) != 0) {
        heap_session_say(session, "counting the baseline");
        if (!heap_report_add_history(session->image, session->mark, session->report, session->tree,
                                     session->types, &session->collector, &run->history, error))
            return false;
    }
    heap_session_free_heap(session);
    return true;
}

static bool make_report(CheckRun *run, Error *error)
{
    HeapSession *session = &run->session;

    if (run->report.routes != NULL)
        return true;
    if (!heap_session_need_tree(session, error))
        return false;
    heap_session_say(session, "grouping objects by their paths");
    return heap_report_make(session->image, session->mark, session->report, session->tree,
                            session->types, &session->collector,
                            run->history.count > 0 ? &run->history : NULL, 1, &run->report, error);
}

static bool find_leaks(CheckRun *run, Error *error)
{
    if ((run->limits.needs & LIMIT_NEEDS_FINDINGS) == 0)
        return true;
    if (!make_report(run, error) || !leak_findings_make(&run->report, &run->findings, error))
        return false;
    run->has_findings = true;
    check_limits_match(&run->limits, &run->findings);
    return true;
}

// ---- limits ----

static CheckedHeap heap_of(const CheckRun *run)
{
    const HeapSession *session = &run->session;

    return (CheckedHeap){.image = session->image,
                         .mark = session->mark,
                         .report = session->report,
                         .types = session->types,
                         .tree = session->tree,
                         .findings = run->has_findings ? &run->findings : NULL,
                         .routes = run->report.routes,
                         .diff = run->diff,
                         .profiles = (const HeapProfile *const *)run->profiles};
}

static bool measure(CheckRun *run, Error *error)
{
    CheckedHeap heap = heap_of(run);

    heap_session_say(&run->session, "measuring");
    for (uint32_t i = 0; i < run->limits.count; i++) {
        CheckedLimit *checked = &run->limits.limits[i];

        if (!limit_check(&heap, checked->limit, &checked->finding, error))
            return false;
        if (checked->finding.is_missing && run->settings->needs_known_types)
            checked->finding.is_exceeded = true;
    }
    return true;
}

// Where a type exceeds its limit, the way by which it is kept.
static bool explain(CheckRun *run, Error *error)
{
    for (uint32_t i = 0; i < run->limits.count; i++) {
        LimitFinding *finding = &run->limits.limits[i].finding;
        CheckedHeap heap;

        if (!finding->is_exceeded || finding->is_too_little || finding->type_count == 0 ||
            finding->kept_by != NULL)
            continue;
        if (!make_report(run, error))
            return false;
        heap = heap_of(run);
        if (!limit_explain(&heap, finding, error))
            return false;
    }
    return true;
}

static void find_doubts(CheckRun *run)
{
    DoubtQuestion question = {.heap = &run->identities[1],
                              .heap_name = "the heap",
                              .baseline =
                                  run->settings->baseline != NULL ? &run->identities[0] : NULL,
                              .baseline_name = "the baseline",
                              .needs_sizes = (run->limits.needs & LIMIT_NEEDS_SIZES) != 0,
                              .allowed = run->allowed};

    for (uint32_t i = 0; i < run->limits.count; i++) {
        const CheckedLimit *checked = &run->limits.limits[i];

        question.misses_names = question.misses_names || checked->finding.is_missing;
        question.needs_sizes_before =
            question.needs_sizes_before ||
            (heap_limit_compares(checked->limit) && checked->finding.figure == FIGURE_BYTES);
    }
    heap_doubts_find(&question, &run->doubts);
}

static bool is_exceeded(const void *context)
{
    const CheckRun *run = context;

    for (uint32_t i = 0; i < run->limits.count; i++)
        if (run->limits.limits[i].finding.is_exceeded)
            return true;
    return heap_doubts_matter(&run->doubts);
}

// ---- results ----

static CheckOutput output_of(const CheckRun *run)
{
    return (CheckOutput){.session = &run->session,
                         .baseline_path = run->settings->baseline,
                         .baseline = &run->identities[0],
                         .heap = &run->identities[1],
                         .limits = &run->limits,
                         .doubts = &run->doubts,
                         .findings = run->has_findings ? &run->findings : NULL};
}

static bool write_json(CheckRun *run, Error *error)
{
    const Budget *budget = &run->limits.budget;
    CheckedLeak *known = calloc((size_t)budget->known_count + 1, sizeof *known);
    CheckJson document = {.image = run->session.image,
                          .reachability = run->session.report,
                          .baseline = run->settings->baseline != NULL ? &run->identities[0] : NULL,
                          .doubts = &run->doubts,
                          .is_exceeded = is_exceeded(run),
                          .limit_count = run->limits.count,
                          .limits = run->limits.limits,
                          .findings = run->has_findings ? &run->findings : NULL,
                          .known_count = budget->known_count,
                          .known = known};
    bool ok;

    if (known == NULL)
        return error_set_memory(error, budget->known_count * sizeof *known, "known leaks");
    for (uint32_t i = 0; i < budget->known_count; i++)
        known[i] = (CheckedLeak){.fingerprint = budget->known[i].fingerprint,
                                 .reason = budget->known[i].reason,
                                 .line = budget->known[i].line,
                                 .is_found = budget->known[i].is_found};
    ok = check_json_write(result_file_sink(run->session.json), &document, error) &&
         output_file_commit(run->session.json, error);
    free(known);
    return ok;
}

static bool write_results(CheckRun *run, Error *error)
{
    CheckOutput output = output_of(run);

    return (run->session.json == NULL || write_json(run, error)) &&
           (run->junit == NULL ||
            (check_output_write_junit(&output, result_file_sink(run->junit), error) &&
             output_file_commit(run->junit, error)));
}

static bool answer(void *context, Error *error)
{
    CheckRun *run = context;

    if (!prepare(run, error) || (run->settings->baseline != NULL && !read_baseline(run, error)) ||
        !read_heap(run, file_of(run), 1, error))
        return false;
    if (run->settings->baseline != NULL &&
        !heap_diff_new((const HeapProfile *const *)run->profiles, 2, &run->diff, error))
        return false;
    if (!find_leaks(run, error) || !measure(run, error) || !explain(run, error))
        return false;
    find_doubts(run);
    return write_results(run, error);
}

static void print_answer(void *context)
{
    CheckOutput output = output_of(context);

    check_output_print(&output);
}

static void print_finding(void *context)
{
    CheckOutput output = output_of(context);

    check_output_print_exceeded(&output);
}

static void release(void *context)
{
    CheckRun *run = context;

    check_limits_release(&run->limits);
    leak_findings_release(&run->findings);
    heap_report_release(&run->report);
    heap_history_release(&run->history);
    heap_diff_free(run->diff);
    for (int i = 0; i < 2; i++)
        heap_profile_free(run->profiles[i]);
}

ExitStatus check_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_answer,
                                          .print_finding = print_finding,
                                          .is_finding = is_exceeded,
                                          .release = release};
    CheckSettings settings = {.limits.count = 0};
    CheckRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
