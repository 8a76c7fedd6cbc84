// `rudo-snap report`: a summary of one heap.

#include <inttypes.h>
#include <stdio.h>

#include "analysis/heap_report.h"
#include "cli/capture_notes.h"
#include "cli/command_list.h"
#include "cli/heap_session.h"
#include "cli/commands/report_output.h"
#include "cli/terminal.h"
#include "formats/html/html_report.h"
#include "formats/json/answer_json.h"

#define MAX_HEAPS 1000
// Bytes a node, as HeapQuestion.node_bytes: 24 of the tree, and routes with the paths to all nodes;
// a page beside them has paths of its own, and tables of what it shows.
#define REPORT_NODE_BYTES 68
#define PAGE_NODE_BYTES 100

typedef struct ReportSettings {
    HeapSettings heap;
    int64_t top;
    bool is_full;
    const char *html;
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
    {.name = "html",
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write a page to FILE that a browser opens, without a\n"
             "network; '-' writes it to standard output",
     .setting = offsetof(ReportSettings, html)},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage report_usage = {
    .operands = "[OLDER...] FILE",
    .min_operands = 1,
    .max_operands = MAX_HEAPS,
    .options = options,
    .details = "Summarizes the heap in the snapshot FILE. It begins with the verdict: the likely\n"
               "leak, which is many objects of one type that are reached in the same way, and\n"
               "the path from a root to them. OLDER are earlier snapshots of the program, oldest\n"
               "first: what grew since the first one comes first, and of that what grew in every\n"
               "step. Objects by type follow, with their retained size, their garbage and their\n"
               "growth.\n",
    .examples = "  rudo-snap report shop.zst\n"
                "  rudo-snap report --html shop.html shop.zst\n"
                "  rudo-snap report monday.zst tuesday.zst wednesday.zst\n"
                "  rudo-snap report --full --json report.json shop.zst\n",
};

typedef struct ReportRun {
    const ReportSettings *settings;
    HeapSession session;
    OutputFile *html;   // NULL: not wanted; the session's
    bool is_reduced;    // for lack of memory
    Error reason;       // why, if so
    Error not_compared; // why older heaps are left out; no error: they are not
    HeapHistory older;
    HeapReport report;
} ReportRun;

// The last operand.
static const char *file_of(const ReportRun *run)
{
    return run->session.operands.values[run->session.operands.count - 1];
}

static bool is_for_lack_of_memory(const Error *error)
{
    return error->code == ERROR_MEMORY || error->code == ERROR_UNSUPPORTED;
}

static bool add_older(ReportRun *run, const char *path, Error *error)
{
    HeapSession *session = &run->session;

    if (!heap_session_read(session, path, NULL, error) || !heap_session_need_tree(session, error))
        return false;
    heap_session_say(session, "counting the older heap");
    return heap_report_add_history(session->image, session->mark, session->report, session->tree,
                                   session->types, &session->collector, &run->older, error);
}

// Older heaps, oldest first. Without memory for one of them the report does without all.
static bool read_older(ReportRun *run, Error *error)
{
    bool ok = true;

    for (int i = 0; ok && i + 1 < run->session.operands.count; i++)
        ok = add_older(run, run->session.operands.values[i], error);
    heap_session_free_heap(&run->session);
    if (ok || !is_for_lack_of_memory(error))
        return ok;
    run->not_compared = *error;
    heap_history_release(&run->older);
    return true;
}

static bool write_results(ReportRun *run, const char *left_out, Error *error)
{
    HeapSession *session = &run->session;

    if (session->json != NULL &&
        (!report_json_write(result_file_sink(session->json), &run->report, left_out, error) ||
         !output_file_commit(session->json, error)))
        return false;
    if (run->html == NULL)
        return true;
    heap_session_say(session, "writing the page");
    return html_report_write(result_file_sink(run->html), &run->report, left_out, error) &&
           output_file_commit(run->html, error);
}

static bool answer(void *context, Error *error)
{
    ReportRun *run = context;
    HeapSession *session = &run->session;
    const char *left_out = NULL;

    // Before the work, as --json.
    if (!session_open_result(&session->frame, "--html", run->settings->html, &run->html, error))
        return false;
    if (run->html != NULL)
        session->node_bytes = PAGE_NODE_BYTES;

    if (!read_older(run, error) || !heap_session_read(session, file_of(run), NULL, error))
        return false;
    // Without memory for retained sizes the report is reduced, not refused.
    if (!heap_session_need_tree(session, &run->reason)) {
        if (!is_for_lack_of_memory(&run->reason)) {
            *error = run->reason;
            return false;
        }
        run->is_reduced = true;
        left_out = run->reason.message;
    }
    heap_session_say(session, "counting groups, pages and roots");
    if (!reachability_report_add_invalid(session->report, session->image, session->mark, error) ||
        !heap_report_make(session->image, session->mark, session->report, session->tree,
                          session->tree != NULL ? session->types : NULL, &session->collector,
                          run->older.count > 0 ? &run->older : NULL, (uint32_t)run->settings->top,
                          &run->report, error))
        return false;
    return write_results(run, left_out, error);
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

// Each of the heaps that are compared was captured before the one behind it.
static void print_order(const ReportRun *run)
{
    const SnapshotMetadata *metadata = &run->session.image->details->metadata;
    OrderedCapture older, newer = {.path = file_of(run),
                                   .pid = metadata->pid,
                                   .captured_at_ns = metadata->captured_at_ns,
                                   .digest = run->session.report->digest};

    for (uint32_t i = run->older.count; i > 0; i--, newer = older) {
        const OlderHeap *heap = &run->older.heaps[i - 1];

        older = (OrderedCapture){.path = run->session.operands.values[i - 1],
                                 .pid = heap->pid,
                                 .captured_at_ns = heap->captured_at_ns,
                                 .digest = heap->digest};
        print_capture_order(&older, &newer);
    }
}

static void print_answer(void *context)
{
    ReportRun *run = context;
    ReportOutput output = {
        .files = {.snapshot = file_of(run),
                  .older = run->older.count > 0 ? run->session.operands.values[0] : NULL},
        .left_out = run->is_reduced ? run->reason.message : NULL,
        .not_compared = run->not_compared.code != ERROR_NONE ? run->not_compared.message : NULL,
        .most = (uint32_t)run->settings->top,
        .is_full = run->settings->is_full};

    heap_session_print_heading(&run->session);
    run->session.explained_names = report_output_print(&run->report, &output);
    printf("\n");
    print_order(run);
    heap_session_print_notes(&run->session);
    print_next_question(run);
}

static void release(void *context)
{
    ReportRun *run = context;

    heap_report_release(&run->report);
    heap_history_release(&run->older);
}

ExitStatus report_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_answer,
                                          .release = release,
                                          .shows_terms = true,
                                          .node_bytes = REPORT_NODE_BYTES};
    ReportSettings settings = {.top = 20};
    ReportRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
