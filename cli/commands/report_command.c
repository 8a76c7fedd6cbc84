// `rudo-snap report`: a summary of one heap.

#include <inttypes.h>
#include <stdio.h>

#include "analysis/heap_report.h"
#include "cli/command_list.h"
#include "cli/heap_session.h"
#include "cli/commands/report_output.h"
#include "cli/terminal.h"
#include "formats/json/answer_json.h"

typedef struct ReportSettings {
    HeapSettings heap;
    int64_t top;
    bool is_full;
} ReportSettings;

static const Option options[] = {
    {.name = "top",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "list the N biggest types and retainers (default: 20)",
     .setting = offsetof(ReportSettings, top),
     .minimum = 1,
     .maximum = 1000000},
    {.name = "full",
     .type = OPTION_FLAG,
     .help = "print what authors of collectors want, too: paths of\n"
             "all suspects, size classes, owner threads,\n"
             "generations, retainers, pages, malloc'd memory by\n"
             "owner, conservative roots",
     .setting = offsetof(ReportSettings, is_full)},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage report_usage = {
    .operands = "[OLDER] FILE",
    .min_operands = 1,
    .max_operands = 2,
    .options = options,
    .details = "Summarizes the heap in the snapshot FILE. It begins with the verdict: the likely\n"
               "leak, which is many objects of one type that are reached in the same way, and\n"
               "the path from a root to them. OLDER is an earlier snapshot of the program: what\n"
               "grew since then comes first. Objects by type follow, with their retained size\n"
               "and their garbage.\n",
    .examples = "  rudo-snap report shop.zst\n"
                "  rudo-snap report monday.zst tuesday.zst\n"
                "  rudo-snap report --full --json report.json shop.zst\n",
};

typedef struct ReportRun {
    const ReportSettings *settings;
    HeapSession session;
    bool is_reduced; // for lack of memory
    Error reason;    // why, if so
    CollectorMemory collector;
    bool is_compared; // with an older snapshot
    RouteHistory older;
    HeapReport report;
} ReportRun;

// The last operand.
static const char *file_of(const ReportRun *run)
{
    return run->session.operands.values[run->session.operands.count - 1];
}

// The graph and the tree of the program: the collector's own memory is set aside.
static bool need_tree(ReportRun *run, Error *error)
{
    HeapSession *session = &run->session;

    if (!heap_session_need_graph(session, error))
        return false;
    heap_session_say(session, "telling the collector's memory from the program's");
    if (!collector_memory_find(session->graph, &run->collector, error))
        return false;
    collector_memory_set_aside(&run->collector, session->graph);
    return heap_session_need_tree(session, error);
}

static bool read_older(ReportRun *run, Error *error)
{
    HeapSession *session = &run->session;
    bool ok = heap_session_read(session, session->operands.values[0], NULL, error) &&
              need_tree(run, error);

    if (ok) {
        heap_session_say(session, "counting the older heap");
        ok =
            heap_report_history(session->tree, session->types, &run->collector, &run->older, error);
        run->is_compared = ok;
    }
    collector_memory_release(&run->collector);
    run->collector = (CollectorMemory){.block_count = 0};
    heap_session_free_heap(session);
    return ok;
}

static bool answer(void *context, Error *error)
{
    ReportRun *run = context;
    HeapSession *session = &run->session;
    const char *left_out = NULL;

    if ((session->operands.count > 1 && !read_older(run, error)) ||
        !heap_session_read(session, file_of(run), NULL, error))
        return false;
    // Without memory for retained sizes the report is reduced, not refused.
    if (!need_tree(run, &run->reason)) {
        if (run->reason.code != ERROR_MEMORY && run->reason.code != ERROR_UNSUPPORTED) {
            *error = run->reason;
            return false;
        }
        run->is_reduced = true;
        left_out = run->reason.message;
    }
    heap_session_say(session, "counting groups, pages and roots");
    if (!reachability_report_add_invalid(session->report, session->image, session->mark, error) ||
        !heap_report_make(session->image, session->mark, session->report, session->tree,
                          session->tree != NULL ? session->types : NULL, &run->collector,
                          run->is_compared ? &run->older : NULL, (uint32_t)run->settings->top,
                          &run->report, error))
        return false;
    return session->json == NULL ||
           (report_json_write(result_file_sink(session->json), &run->report, left_out, error) &&
            output_file_commit(session->json, error));
}

// The holder of the suspect, where that is an object.
static void print_next_question(const ReportRun *run)
{
    const LeakSuspects *suspects = &run->report.suspects;
    const HeapSession *session = &run->session;
    char address[NUMBER_CHARS];
    bool is_owned;

    if (suspects->count == 0) {
        heap_session_print_next(session, "retained", NULL);
        return;
    }
    is_owned = !dominator_tree_is_holder(session->tree, suspects->suspects[0].owner);
    (void)snprintf(address, sizeof address, "0x%" PRIx64,
                   object_graph_address(session->graph, is_owned ? suspects->suspects[0].owner
                                                                 : suspects->suspects[0].example));
    heap_session_print_next(session, is_owned ? "show" : "path --merge",
                            (const char *[]){address, NULL});
}

static void print_answer(void *context)
{
    const ReportRun *run = context;
    ReportOutput output = {
        .files = {.snapshot = file_of(run),
                  .older = run->is_compared ? run->session.operands.values[0] : NULL},
        .left_out = run->is_reduced ? run->reason.message : NULL,
        .most = (uint32_t)run->settings->top,
        .is_full = run->settings->is_full};

    heap_session_print_heading(&run->session);
    report_output_print(&run->report, &output);
    printf("\n");
    heap_session_print_notes(&run->session);
    print_next_question(run);
}

static void release(void *context)
{
    ReportRun *run = context;

    heap_report_release(&run->report);
    route_history_release(&run->older);
    collector_memory_release(&run->collector);
}

ExitStatus report_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {
        .answer = answer, .print = print_answer, .release = release, .shows_terms = true};
    ReportSettings settings = {.top = 20};
    ReportRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
