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
} ReportSettings;

static const Option options[] = {
    {.name = "top",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "list the N biggest retainers in the JSON (default: 20)",
     .setting = offsetof(ReportSettings, top),
     .minimum = 1,
     .maximum = 1000000},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage report_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Summarizes the heap in the snapshot FILE: leak suspects and their paths from the\n"
               "roots; objects by type, size class, owner thread and generation, with their\n"
               "retained size and their garbage; the biggest retainers; nearly empty pages and\n"
               "the objects that keep them; malloc'd memory by owner; and the memory that only\n"
               "conservative words keep alive.\n",
    .examples = "  rudo-snap report shop.zst\n"
                "  rudo-snap report --json report.json shop.zst\n",
};

typedef struct ReportRun {
    const ReportSettings *settings;
    HeapSession session;
    bool is_reduced; // for lack of memory
    Error reason;    // why, if so
    CollectorMemory collector;
    HeapReport report;
} ReportRun;

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

static bool answer(void *context, Error *error)
{
    ReportRun *run = context;
    HeapSession *session = &run->session;
    const char *left_out = NULL;

    if (!heap_session_read(session, session->operands.values[0], NULL, error))
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
                          (uint32_t)run->settings->top, &run->report, error))
        return false;
    return session->json == NULL ||
           (report_json_write(result_file_sink(session->json), &run->report, left_out, error) &&
            output_file_commit(session->json, error));
}

static void print_answer(void *context)
{
    const ReportRun *run = context;
    const LeakSuspects *suspects = &run->report.suspects;
    char address[NUMBER_CHARS];

    heap_session_print_heading(&run->session);
    report_output_print(&run->report, run->is_reduced ? run->reason.message : NULL);
    printf("\n");
    heap_session_print_notes(&run->session);
    if (suspects->count == 0) {
        heap_session_print_next(&run->session, "retained", NULL);
        return;
    }
    (void)snprintf(address, sizeof address, "0x%" PRIx64,
                   object_graph_address(run->session.graph, suspects->suspects[0].example));
    heap_session_print_next(&run->session, "path --merge", (const char *[]){address, NULL});
}

static void release(void *context)
{
    ReportRun *run = context;

    heap_report_release(&run->report);
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
