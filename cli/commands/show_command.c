// `rudo-snap show`: what an object holds, who refers to it, and where it lies.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "analysis/heap_selection.h"
#include "analysis/heap_view.h"
#include "analysis/retained_report.h"
#include "cli/command_list.h"
#include "cli/commands/show_output.h"
#include "cli/heap_session.h"
#include "cli/terminal.h"
#include "formats/json/show_json.h"

#define DEFAULT_TOP 20
#define DEFAULT_FIELDS 64u

typedef struct ShowSettings {
    HeapSettings heap;
    int64_t top;
} ShowSettings;

static const Option options[] = {
    {.name = "top",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "list at most N fields, referrers, and objects of a\n"
             "type (default: 20, and 64 fields)",
     .setting = offsetof(ShowSettings, top),
     .minimum = 1,
     .maximum = 1000000},
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage show_usage = {
    .operands = "FILE ADDRESS|TYPE",
    .min_operands = 2,
    .max_operands = 2,
    .options = options,
    .details =
        "Shows what lies at ADDRESS in the heap of the snapshot FILE. Of an object: its type\n"
        "and size, whether it is reachable, its retained size, the words in it with what\n"
        "they refer to, who refers to it, and its page and bits. Malloc'd blocks, dropped\n"
        "objects, free slots and page headers are shown the same way; ADDRESS may lie\n"
        "inside. Of a TYPE, its full name or its end: the objects that retain most.\n",
    .examples = "  rudo-snap show shop.zst 0x600000000640\n"
                "  rudo-snap show shop.zst shop::Order\n"
                "  rudo-snap show --json - shop.zst 0x600000000640\n",
};

typedef struct ShowRun {
    const ShowSettings *settings;
    HeapSession session;
    HeapView view;
    HeapSelection selection; // of a type
    RetainedReport *retained;
    uint32_t *largest;
    ShowJson shown;
} ShowRun;

static uint32_t node_of(const HeapSession *session, const HeapView *view)
{
    uint32_t node;

    if (!view->is_reachable)
        return NO_NODE;
    if (!heap_place_has_content(session->image, &view->place)) {
        node = object_graph_sized_node(session->graph,
                                       view->place.block - session->image->block_count);
        // With one owner it is a part of that.
        return node != NO_NODE && node >= session->graph->foreign_end ? node : NO_NODE;
    }
    return view->place.kind == HEAP_PLACE_BLOCK
               ? object_graph_block_node(session->graph, view->place.block)
               : object_graph_object_node(session->graph, view->place.page, view->place.slot);
}

static bool show_address(ShowRun *run, uint64_t address, Error *error)
{
    HeapSession *session = &run->session;

    heap_session_say(session, "looking for references");
    if (!heap_view_make(session->image, session->mark, session->report->type_table,
                        &session->types->labels, address, &run->view, error))
        return false;
    run->shown.view = &run->view;
    run->shown.node = node_of(session, &run->view);
    return true;
}

static bool is_of_type(const void *context, uint32_t node)
{
    const ShowRun *run = context;

    return run->selection.is_type[run->session.types->by_node[node]];
}

static void count_type(ShowRun *run)
{
    const ReachabilityReport *report = run->session.report;
    ShowJson *shown = &run->shown;

    for (uint32_t type = 0; type <= report->type_table->type_count; type++) {
        if (!run->selection.is_type[type])
            continue;
        if (type == report->type_table->type_count) {
            shown->objects += report->foreign_blocks;
            shown->bytes += report->foreign_bytes;
        } else {
            shown->objects += report->heap_type_counts[type].objects;
            shown->bytes += report->heap_type_counts[type].object_bytes;
        }
    }
}

// The figures of all reachable objects of the type; they have one number in the graph.
static const RetainedType *retained_of(const ShowRun *run)
{
    static const RetainedType none = {.type = NO_INDEX};

    for (uint32_t i = 0; i < run->retained->type_count; i++)
        if (run->selection.is_type[run->retained->retained_types[i].type])
            return &run->retained->retained_types[i];
    return &none;
}

static bool show_type(ShowRun *run, Error *error)
{
    HeapSession *session = &run->session;
    ShowJson *shown = &run->shown;

    heap_session_say(session, "adding up");
    if (!retained_report_new(session->tree, session->types, 0, &run->retained, error) ||
        !retained_largest_among(session->tree, is_of_type, run, (uint32_t)run->settings->top,
                                &run->largest, &shown->largest_count, error))
        return false;
    count_type(run);
    shown->type = retained_of(run);
    shown->type_label = run->selection.type < session->report->type_table->type_count
                            ? session->report->type_table->types[run->selection.type].label
                            : "foreign block";
    shown->largest = run->largest;
    if (shown->largest_count > 0) {
        NodePlace place = object_graph_place(session->graph, shown->largest[0]);

        if (place.page != NO_INDEX)
            shown->data_type = edge_labels_type_of(&session->types->labels, place.page, place.slot);
    }
    return true;
}

static bool answer(void *context, Error *error)
{
    ShowRun *run = context;
    HeapSession *session = &run->session;
    uint64_t address;
    bool is_address;

    run->shown.asked = session->operands.values[1];
    is_address = heap_selection_parse_address(run->shown.asked, &address);
    if (!heap_session_read(session, session->operands.values[0], NULL, error) ||
        (!is_address &&
         !heap_selection_make(session->image, session->report->type_table, SELECT_HEAP,
                              run->shown.asked, &run->selection, error)) ||
        !heap_session_need_tree(session, error))
        return false;
    run->shown.reachability = session->report;
    run->shown.types = session->types;
    run->shown.tree = session->tree;
    if (!(is_address ? show_address(run, address, error) : show_type(run, error)))
        return false;
    if (session->json == NULL)
        return true;
    return show_json_write(result_file_sink(session->json), &run->shown, error) &&
           output_file_commit(session->json, error);
}

static void print_next_question(const ShowRun *run)
{
    const ShowJson *shown = &run->shown;
    const HeapSession *session = &run->session;
    char address[NUMBER_CHARS];

    if (shown->view == NULL && shown->largest_count > 0) {
        (void)snprintf(address, sizeof address, "0x%" PRIx64,
                       object_graph_address(session->graph, shown->largest[0]));
        heap_session_print_next(session, "show", (const char *[]){address, NULL});
    } else if (shown->view != NULL && shown->node != NO_NODE) {
        (void)snprintf(address, sizeof address, "0x%" PRIx64, shown->view->place.address);
        heap_session_print_next(session, "path", (const char *[]){address, NULL});
    }
}

static void print_answer(void *context)
{
    const ShowRun *run = context;
    uint64_t fields =
        run->settings->top == DEFAULT_TOP ? DEFAULT_FIELDS : (uint64_t)run->settings->top;

    heap_session_print_heading(&run->session);
    if (run->shown.view != NULL)
        show_output_view(&run->shown, (uint64_t)run->settings->top, fields);
    else
        show_output_type(&run->shown, fields);
    printf("\n");
    heap_session_print_notes(&run->session);
    print_next_question(run);
}

static void release(void *context)
{
    ShowRun *run = context;

    heap_view_release(&run->view);
    heap_selection_release(&run->selection);
    retained_report_free(run->retained);
    free(run->largest);
}

ExitStatus show_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_answer,
                                          .release = release,
                                          .keeps_words = true,
                                          .max_inputs = 1,
                                          .needs = HEAP_NEEDS_TREE};
    ShowSettings settings = {.top = DEFAULT_TOP};
    ShowRun run = {.settings = &settings, .shown = {.node = NO_NODE}};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
