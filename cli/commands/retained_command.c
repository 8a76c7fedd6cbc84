// `rudo-snap retained`: the objects and types with the largest retained sizes.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/graph/holder_label.h"
#include "analysis/retained_report.h"
#include "cli/command_list.h"
#include "cli/heap_session.h"
#include "cli/terminal.h"
#include "cli/text_table.h"
#include "formats/json/answer_json.h"

enum { BY_OBJECT, BY_TYPE };

typedef struct RetainedSettings {
    HeapSettings heap;
    int64_t top;
    int64_t prove;
    int by;
} RetainedSettings;

static const OptionChoice groupings[] = {{"object", BY_OBJECT}, {"type", BY_TYPE}, {NULL, 0}};

#define MOST_ROWS 1000000

static const Option options[] = {
    {.name = "top",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "show the N largest (default: 20)",
     .setting = offsetof(RetainedSettings, top),
     .minimum = 1,
     .maximum = MOST_ROWS},
    {.name = "by",
     .type = OPTION_CHOICE,
     .choices = groupings,
     .help = "list objects, or types (default: object)",
     .setting = offsetof(RetainedSettings, by)},
    {.name = "prove",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "check N random retained sizes, or all if there are fewer:\n"
             "remove the object, mark again, and compare; exit status\n"
             "1 if any differs",
     .setting = offsetof(RetainedSettings, prove),
     .minimum = 1,
     .maximum = MOST_ROWS},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage retained_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Computes the dominator tree of the heap in the snapshot FILE and lists the\n"
               "largest retained sizes. The retained size of an object is the size of all\n"
               "objects and malloc'd blocks that would become garbage if nothing referred to the\n"
               "object any more.\n",
    .examples = "  rudo-snap retained shop.zst\n"
                "  rudo-snap retained --by type --top 5 shop.zst\n"
                "  rudo-snap retained --prove 20 --json retained.json shop.zst\n",
};

typedef struct RetainedRun {
    const RetainedSettings *settings;
    HeapSession session;
    RetainedReport *report;
    RetainedProof *proofs;
    uint32_t proof_count;
} RetainedRun;

static bool answer(void *context, Error *error)
{
    RetainedRun *run = context;
    const RetainedSettings *settings = run->settings;
    HeapSession *session = &run->session;

    if (!heap_session_read(session, session->operands.values[0], NULL, error) ||
        !heap_session_need_tree(session, error))
        return false;
    heap_session_say(session, "adding up");
    if (!retained_report_new(session->tree, session->types, (uint32_t)settings->top, &run->report,
                             error))
        return false;
    heap_session_say(session, "marking without each type");
    if (settings->by == BY_TYPE && !retained_report_free_types(run->report, (uint32_t)settings->top,
                                                               &session->analysis_progress, error))
        return false;
    heap_session_say(session, "proving");
    if (settings->prove > 0 &&
        !retained_prove(session->tree, (uint32_t)settings->prove, 1, &session->analysis_progress,
                        &run->proofs, &run->proof_count, error))
        return false;
    if (session->json == NULL)
        return true;
    RetainedJson document = {.report = run->report,
                             .reachability = session->report,
                             .proofs = run->proofs,
                             .proof_count = run->proof_count};
    return retained_json_write(result_file_sink(session->json), &document, error) &&
           output_file_commit(session->json, error);
}

// ---- for people ----

static void print_totals(const RetainedRun *run)
{
    const ObjectGraph *graph = run->session.graph;
    const MarkTotals *totals = &graph->mark->totals;
    uint32_t blocks = graph->node_count - graph->object_count;
    uint64_t roots = graph->root_count + graph->roots_left_out;
    char text[6][NUMBER_CHARS];

    print_prose(stdout, 2,
                "reachable: %s object%s (%s), %s foreign block%s (%s), %s reference%s, "
                "%s root%s",
                format_count(text[0], graph->object_count), plural(graph->object_count),
                format_bytes(text[1], totals->marked_bytes), format_count(text[2], blocks),
                plural(blocks), format_bytes(text[3], totals->marked_block_bytes),
                format_count(text[4], graph->edge_count), plural(graph->edge_count),
                format_count(text[5], roots), plural(roots));
    printf("\n");
}

// Node and address, or the label of a holder; the caller frees it. NULL: memory is short.
static char *node_text(const RetainedRun *run, uint32_t node, char address[NUMBER_CHARS])
{
    const DominatorTree *tree = run->session.tree;
    const NodeTypes *types = run->session.types;

    address[0] = '\0';
    if (dominator_tree_is_holder(tree, node))
        return holder_label(tree, dominator_tree_holder(tree, node));
    (void)snprintf(address, NUMBER_CHARS, "0x%" PRIx64, object_graph_address(types->graph, node));
    return strdup(node_types_label(types, types->by_node[node]));
}

static uint64_t everything(const RetainedRun *run)
{
    return run->session.tree->retained_bytes[dominator_tree_top(run->session.tree)];
}

static void print_objects(const RetainedRun *run)
{
    const DominatorTree *tree = run->session.tree;
    TextTable table;

    text_table_init(&table, "rrrllll");
    text_table_add(&table, (const char *[]){"retained", "share", "objects", "address", "type",
                                            "keeper", "kept by"});
    for (uint32_t i = 0; i < run->report->object_count; i++) {
        uint32_t node = run->report->objects[i];
        char bytes[NUMBER_CHARS], share[NUMBER_CHARS], objects[NUMBER_CHARS];
        char address[NUMBER_CHARS], keeper_address[NUMBER_CHARS];
        char *what = node_text(run, node, address);
        char *keeper = node_text(run, tree->dominators[node], keeper_address);
        EdgeLabel label;
        const char *field = retained_field(run->report, i, &label);
        char *named = NULL;

        if (field != NULL && asprintf(&named, "%s %s", keeper != NULL ? keeper : "", field) < 0)
            named = NULL;
        text_table_add(&table, (const char *[]){
                                   format_bytes(bytes, tree->retained_bytes[node]),
                                   format_share(share, tree->retained_bytes[node], everything(run)),
                                   format_count(objects, tree->retained_objects[node]), address,
                                   what, keeper_address, named != NULL ? named : keeper});
        free(named);
        free(what);
        free(keeper);
    }
    text_table_print_fitting(&table, 1u << 4 | 1u << 6, stdout);
}

static void print_types(const RetainedRun *run)
{
    uint32_t shown = run->report->type_count;
    TextTable table;

    if (shown > run->settings->top)
        shown = (uint32_t)run->settings->top;
    text_table_init(&table, "rrrrrl");
    text_table_add(&table, (const char *[]){"all freed", "share", "each alone", "objects",
                                            "own bytes", "type"});
    for (uint32_t i = 0; i < shown; i++) {
        const RetainedType *type = &run->report->retained_types[i];
        uint64_t all_bytes = freed_bytes(&type->freed);
        char freed[NUMBER_CHARS], share[NUMBER_CHARS], retained[NUMBER_CHARS];
        char objects[NUMBER_CHARS], bytes[NUMBER_CHARS];

        text_table_add(&table, (const char *[]){format_bytes(freed, all_bytes),
                                                format_share(share, all_bytes, everything(run)),
                                                format_bytes(retained, type->retained_bytes),
                                                format_count(objects, type->objects),
                                                format_bytes(bytes, type->bytes),
                                                node_types_label(run->session.types, type->type)});
    }
    text_table_print_fitting(&table, 1u << 5, stdout);
    printf("\n");
    print_prose(stdout, 0,
                "all freed: if every object of the type were removed; each alone: the "
                "sum of their retained sizes");
    print_left_out(run->report->type_count, shown, "types");
}

static uint32_t count_failed(const RetainedRun *run)
{
    uint32_t failed = 0;

    for (uint32_t i = 0; i < run->proof_count; i++)
        failed += !retained_proof_holds(&run->proofs[i]);
    return failed;
}

static void print_proofs(const RetainedRun *run)
{
    uint32_t failed = count_failed(run), shown = 0;

    if (run->settings->prove == 0)
        return;
    printf("\nproved: %" PRIu32 " of %" PRIu32
           " retained sizes equal what marking without the object frees\n",
           run->proof_count - failed, run->proof_count);
    for (uint32_t i = 0; i < run->proof_count && shown < 10; i++) {
        const RetainedProof *proof = &run->proofs[i];
        char address[NUMBER_CHARS], *what;

        if (retained_proof_holds(proof))
            continue;
        shown++;
        what = node_text(run, proof->node, address);
        print_prose(stdout, 4,
                    "  DIFFERENT  %s %s: retains %" PRIu64 " bytes in %" PRIu64
                    " objects, freed %" PRIu64 " in %" PRIu64,
                    what != NULL ? what : "", address, proof->retained_bytes,
                    proof->retained_objects, freed_bytes(&proof->freed), proof->freed.objects);
        free(what);
    }
}

static void print_answer(void *context)
{
    const RetainedRun *run = context;
    char address[NUMBER_CHARS];

    heap_session_print_heading(&run->session);
    print_totals(run);
    if (run->settings->by == BY_TYPE)
        print_types(run);
    else
        print_objects(run);
    print_proofs(run);
    printf("\n");
    heap_session_print_notes(&run->session);
    if (run->report->object_count == 0)
        return;
    (void)snprintf(address, sizeof address, "0x%" PRIx64,
                   object_graph_address(run->session.graph, run->report->objects[0]));
    heap_session_print_next(&run->session, "path", (const char *[]){address, NULL});
}

static bool is_finding(const void *context)
{
    return count_failed(context) > 0;
}

static void release(void *context)
{
    RetainedRun *run = context;

    free(run->proofs);
    retained_report_free(run->report);
}

ExitStatus retained_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_answer,
                                          .is_finding = is_finding,
                                          .release = release,
                                          .shows_terms = true,
                                          .skips_residue = true,
                                          .needs = HEAP_NEEDS_TREE};
    RetainedSettings settings = {.top = 20, .by = BY_OBJECT};
    RetainedRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
