// `rudo-snap path`: how an object, or the objects of a type, are reached from the roots.

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/heap_selection.h"
#include "analysis/graph/merged_paths.h"
#include "cli/command_list.h"
#include "cli/heap_session.h"
#include "cli/path_output.h"
#include "cli/terminal.h"
#include "formats/json/answer_json.h"

typedef struct PathSettings {
    HeapSettings heap;
    int64_t most;
    bool merges;
    OptionTexts avoided;
} PathSettings;

static const Option options[] = {
    {.name = "paths",
     .letter = 'k',
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "show the best path and the N - 1 shortest others, and up\n"
             "to N roots of each (default: 1)",
     .setting = offsetof(PathSettings, most),
     .minimum = 1,
     .maximum = 1000},
    {.name = "merge",
     .type = OPTION_FLAG,
     .help = "show the shortest paths to all objects of the type, or\n"
             "to all that refer to the address, merged by type",
     .setting = offsetof(PathSettings, merges)},
    {.name = "avoid",
     .type = OPTION_TEXTS,
     .value_name = "WHAT",
     .help = "exclude paths through WHAT: an ADDRESS, a TYPE or a\n"
             "group of roots (stack, register, global, tls, handle,\n"
             "foreign, explicit, conservative, exact, interior,\n"
             "thread:NAME); can be given several times",
     .setting = offsetof(PathSettings, avoided)},
    PRECISE_OPTION,
    ANSWER_OPTIONS,
    {.name = NULL},
};

const CommandUsage path_usage = {
    .operands = "FILE ADDRESS|TYPE",
    .min_operands = 2,
    .max_operands = 2,
    .options = options,
    .details = "Shows a path from a root of the heap in the snapshot FILE to the object at\n"
               "ADDRESS, or the route that most objects of TYPE take: the root, each object on\n"
               "the path, and the offset of the reference in it. Of several roots the one is\n"
               "taken that explains most: a variable or a frame of the program's own code before\n"
               "those of libraries, registers and pointers into objects; of equally good roots,\n"
               "the one with the shortest path. TYPE is the full name of a type or its end, such\n"
               "as Order for shop::Order.\n",
    .examples = "  rudo-snap path shop.zst shop::Order\n"
                "  rudo-snap path -k 3 shop.zst 0x600000000640\n"
                "  rudo-snap path --merge --avoid stack shop.zst Order\n",
};

typedef struct PathRun {
    const PathSettings *settings;
    const char *asked; // the second operand
    HeapSession session;
    HeapSelection target;
    uint32_t avoided_count;
    HeapSelection avoided[OPTION_MAX_TEXTS];
    uint8_t *avoided_roots; // bit per root of the graph
    uint8_t *avoided_nodes; // by node
    uint8_t *targets;       // by node
    uint32_t target_node;   // of an address; NO_NODE: not reachable
    uint64_t objects;       // that the second operand names
    uint64_t reachable;     // of them
    RootPaths paths;
    MergedPaths *merged;
    uint64_t lead_objects; // of a type, on the route of paths[0]
} PathRun;

// ---- selecting ----

static uint32_t node_of(const HeapSession *session, const HeapSelection *selection)
{
    const MarkResult *mark = session->mark;

    if (selection->kind == SELECTION_BLOCK)
        return (mark->marked_blocks[selection->block / 64] >> selection->block % 64 & 1) != 0
                   ? object_graph_block_node(session->graph, selection->block)
                   : NO_NODE;
    return mark_result_is_marked(mark, session->image, selection->page, selection->slot)
               ? object_graph_object_node(session->graph, selection->page, selection->slot)
               : NO_NODE;
}

// Sets the flags of all nodes of a selection.
static void flag_nodes(const HeapSession *session, const HeapSelection *selection, uint8_t *flags)
{
    uint32_t node;

    switch (selection->kind) {
    case SELECTION_OBJECT:
    case SELECTION_BLOCK:
        node = node_of(session, selection);
        if (node != NO_NODE)
            flags[node] = 1;
        return;
    case SELECTION_TYPES:
        for (node = 0; node < session->graph->node_count; node++)
            flags[node] |= selection->is_type[session->types->by_node[node]];
        return;
    case SELECTION_ROOTS:
        return;
    }
}

// Both lists of roots ascend.
static void flag_roots(const HeapSession *session, const HeapSelection *selection, uint8_t *flags)
{
    uint64_t next = 0;

    if (selection->kind != SELECTION_ROOTS)
        return;
    for (uint64_t i = 0; i < session->graph->root_count; i++) {
        while (next < selection->root_count &&
               selection->roots[next] < session->graph->roots[i].root)
            next++;
        if (next < selection->root_count && selection->roots[next] == session->graph->roots[i].root)
            flags[i / 8] |= (uint8_t)(1u << i % 8);
    }
}

static bool select_all(PathRun *run, Error *error)
{
    const HeapSession *session = &run->session;
    const TypeTable *table = session->report->type_table;

    if (!heap_selection_make(session->image, table, SELECT_HEAP, run->asked, &run->target, error))
        return false;
    for (uint32_t i = 0; i < run->settings->avoided.count; i++) {
        if (!heap_selection_make(session->image, table, SELECT_HEAP_AND_ROOTS,
                                 run->settings->avoided.values[i], &run->avoided[i], error))
            return false;
        run->avoided_count++;
    }
    return true;
}

static void count_objects(PathRun *run)
{
    const ReachabilityReport *report = run->session.report;
    const HeapSelection *target = &run->target;

    if (target->kind != SELECTION_TYPES) {
        run->objects = 1;
        run->target_node = node_of(&run->session, target);
        run->reachable = run->target_node != NO_NODE;
        return;
    }
    for (uint32_t type = 0; type <= report->type_table->type_count; type++) {
        if (!target->is_type[type])
            continue;
        if (type == report->type_table->type_count) {
            run->objects += report->foreign_blocks;
            run->reachable += report->reachable_foreign_blocks;
        } else {
            run->objects += report->heap_type_counts[type].objects;
            run->reachable += report->heap_type_counts[type].reachable_objects;
        }
    }
}

static bool prepare(PathRun *run, Error *error)
{
    const HeapSession *session = &run->session;
    uint64_t nodes = session->graph->node_count;

    run->avoided_roots = calloc(session->graph->root_count / 8 + 1, 1);
    run->avoided_nodes = calloc(nodes + 1, 1);
    run->targets = calloc(nodes + 1, 1);
    if (run->avoided_roots == NULL || run->avoided_nodes == NULL || run->targets == NULL)
        return error_set_memory(error, 2 * nodes, "paths");
    for (uint32_t i = 0; i < run->avoided_count; i++) {
        flag_nodes(session, &run->avoided[i], run->avoided_nodes);
        flag_roots(session, &run->avoided[i], run->avoided_roots);
    }
    flag_nodes(session, &run->target, run->targets);
    // --avoid does not exclude the target itself.
    if (run->target.kind != SELECTION_TYPES && run->target_node != NO_NODE)
        run->avoided_nodes[run->target_node] = 0;
    return true;
}

// ---- finding ----

static bool is_target(const void *context, uint32_t node)
{
    return ((const PathRun *)context)->targets[node] != 0;
}

static bool is_avoided(const void *context, uint32_t node)
{
    return ((const PathRun *)context)->avoided_nodes[node] != 0;
}

static PathQuery query_of(const PathRun *run)
{
    return (PathQuery){.is_target = is_target,
                       .is_avoided = run->avoided_count > 0 ? is_avoided : NULL,
                       .context = run,
                       .avoided_roots = run->avoided_roots};
}

// Of a type: the route that most of its objects take. Returns the first object on it.
static bool find_lead(PathRun *run, const PathTree *tree, uint32_t *target, Error *error)
{
    uint32_t lead;

    if (!merged_paths_new(tree, run->session.types, is_target, run, &run->merged, error) ||
        !merged_paths_lead(run->merged, &lead, &run->lead_objects, error))
        return false;
    *target = lead == NO_INDEX ? NO_NODE : run->merged->steps[lead].example;
    return true;
}

// Puts the path that explains most before the shortest ones, of which it may be one.
static void put_first(RootPaths *paths, RootPath first, uint32_t most)
{
    uint32_t at = 0;

    while (at < paths->count &&
           (paths->paths[at].length != first.length ||
            memcmp(paths->paths[at].nodes, first.nodes, first.length * sizeof *first.nodes) != 0))
        at++;
    if (at == paths->count && paths->count == most)
        at--;
    if (at < paths->count)
        free(paths->paths[at].nodes);
    else
        paths->count++;
    memmove(&paths->paths[1], &paths->paths[0], at * sizeof *paths->paths);
    paths->paths[0] = first;
}

// The paths to `target`; `first` is the one that explains most.
static bool add_paths(PathRun *run, RootPath first, uint32_t target, Error *error)
{
    PathQuery query = query_of(run);
    uint32_t most = (uint32_t)run->settings->most;

    if (most > 1) {
        if (!root_paths_find(run->session.graph, target, &query, most, &run->paths, error)) {
            free(first.nodes);
            return false;
        }
    } else {
        run->paths.paths = calloc(1, sizeof *run->paths.paths);
        if (run->paths.paths == NULL) {
            free(first.nodes);
            return error_set_memory(error, sizeof *run->paths.paths, "paths");
        }
    }
    put_first(&run->paths, first, most);
    return true;
}

static bool find_paths(PathRun *run, Error *error)
{
    PathQuery query = query_of(run);
    bool is_type = run->target.kind == SELECTION_TYPES, ok;
    RootPath first = {0};
    uint32_t target;
    PathTree tree;

    if (is_type)
        query.is_target = NULL;
    ok = path_tree_init(&tree, run->session.graph, &query, error);
    target = tree.target;
    if (ok && is_type)
        ok = find_lead(run, &tree, &target, error);
    if (ok && target != NO_NODE)
        ok = path_tree_chain(&tree, target, &first.nodes, &first.length, error);
    path_tree_release(&tree);
    return ok && (target == NO_NODE || add_paths(run, first, target, error));
}

// Replaces the target, an address, by the nodes that refer to it.
static void take_referrers(PathRun *run)
{
    const ObjectGraph *graph = run->session.graph;

    run->targets[run->target_node] = 0;
    for (uint32_t node = 0; node < graph->node_count; node++)
        for (uint64_t edge = object_graph_first_edge(graph, node);
             edge < object_graph_first_edge(graph, node + 1); edge++)
            if (graph->targets[edge] == run->target_node && node != run->target_node)
                run->targets[node] = 1;
}

// Of a type, find_paths() has merged them.
static bool merge_paths(PathRun *run, Error *error)
{
    PathQuery query = query_of(run);
    PathTree tree;
    bool ok;

    if (run->target.kind == SELECTION_TYPES)
        return true;
    if (run->target_node != NO_NODE)
        take_referrers(run);
    query.is_target = NULL;
    ok = path_tree_init(&tree, run->session.graph, &query, error) &&
         merged_paths_new(&tree, run->session.types, is_target, run, &run->merged, error);
    path_tree_release(&tree);
    return ok;
}

// Flags of nodes, trees of paths, merging them, and for more than one path the references turned
// round.
static uint64_t path_bytes(const PathRun *run)
{
    uint64_t nodes = run->session.graph->node_count;
    uint64_t merging = run->settings->merges || run->target.kind == SELECTION_TYPES ? 14 : 10;

    return run->settings->most > 1 ? nodes * 27 + run->session.graph->edge_count * 4
                                   : nodes * merging;
}

static bool answer(void *context, Error *error)
{
    PathRun *run = context;
    HeapSession *session = &run->session;

    run->asked = session->operands.values[1];
    if (!heap_session_read(session, session->operands.values[0], NULL, error) ||
        !select_all(run, error) || !heap_session_need_graph(session, error))
        return false;
    heap_session_say(session, "looking for paths");
    count_objects(run);
    if (!heap_session_allows(session, "paths", path_bytes(run), error) || !prepare(run, error) ||
        !find_paths(run, error) || (run->settings->merges && !merge_paths(run, error)))
        return false;
    if (session->json == NULL)
        return true;
    PathJson document = {.types = session->types,
                         .reachability = session->report,
                         .asked = run->asked,
                         .avoided_count = run->avoided_count,
                         .avoided = run->settings->avoided.values,
                         .avoided_roots = run->avoided_roots,
                         .objects = run->objects,
                         .reachable_objects = run->reachable,
                         .paths = &run->paths,
                         .merged = run->settings->merges ? run->merged : NULL,
                         .most_roots = (uint32_t)run->settings->most,
                         .lead_objects = run->lead_objects};
    return path_json_write(result_file_sink(session->json), &document, error) &&
           output_file_commit(session->json, error);
}

// ---- for people ----

static void print_asked(const PathRun *run)
{
    const HeapSelection *target = &run->target;
    const TypeTable *table = run->session.report->type_table;
    char text[NUMBER_CHARS], reachable[NUMBER_CHARS];

    style_begin(stdout, STYLE_STRONG);
    if (target->kind == SELECTION_TYPES) {
        const char *label =
            target->type < table->type_count ? table->types[target->type].label : "foreign block";

        print_text(stdout, label);
        style_end(stdout);
        printf(": %s object%s, %s reachable\n", format_count(text, run->objects),
               plural(run->objects), format_count(reachable, run->reachable));
        return;
    }
    if (target->kind == SELECTION_BLOCK) {
        printf("foreign block at 0x%" PRIx64, target->address);
    } else {
        const char *label =
            table->types[type_table_find(table, run->session.image, target->page, target->slot)]
                .label;

        print_text(stdout, label);
        printf(" at 0x%" PRIx64, target->address);
    }
    style_end(stdout);
    printf(" (%s)", format_bytes(text, target->kind == SELECTION_BLOCK
                                           ? run->session.image->blocks[target->block].bytes
                                           : run->session.image->pages[target->page].block_size));
    if (target->offset > 0)
        printf("; %s is %" PRIu64 " byte%s into it", run->asked, target->offset,
               plural(target->offset));
    printf("\n");
}

static void print_answer(void *context)
{
    const PathRun *run = context;
    char address[NUMBER_CHARS], text[NUMBER_CHARS];

    heap_session_print_heading(&run->session);
    print_asked(run);
    if (run->paths.count == 0)
        printf("%s\n", run->reachable == 0      ? "garbage: no root reaches it"
                       : run->avoided_count > 0 ? "no path: --avoid excludes all of them"
                                                : "no path");
    if (run->target.kind == SELECTION_TYPES && run->paths.count > 0 && run->reachable > 1)
        printf("%s of them %s reached through objects of the types on this path%s:\n",
               format_count(text, run->lead_objects), run->lead_objects == 1 ? "is" : "are",
               run->lead_objects == run->reachable ? "" : ", more than through others");
    for (uint32_t i = 0; i < run->paths.count; i++)
        path_output_print(run->session.types, &run->paths.paths[i], run->avoided_roots, i,
                          run->paths.count, (uint32_t)run->settings->most);
    if (run->settings->merges && run->merged != NULL)
        merged_output_print(
            run->merged, run->session.types,
            run->target.kind == SELECTION_TYPES
                ? "shortest paths to all of them, merged by type:"
                : "shortest paths to all objects that refer to it, merged by type:");
    printf("\n");
    heap_session_print_notes(&run->session);
    if (run->paths.count == 0)
        return;
    (void)snprintf(address, sizeof address, "0x%" PRIx64,
                   object_graph_address(run->session.graph, run->paths.paths[0].nodes[0]));
    heap_session_print_next(&run->session, "what-if", (const char *[]){"--cut", address, NULL});
}

static void release(void *context)
{
    PathRun *run = context;

    merged_paths_free(run->merged);
    root_paths_release(&run->paths);
    free(run->targets);
    free(run->avoided_nodes);
    free(run->avoided_roots);
    for (uint32_t i = 0; i < run->avoided_count; i++)
        heap_selection_release(&run->avoided[i]);
    heap_selection_release(&run->target);
}

ExitStatus path_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_answer,
                                          .release = release,
                                          .max_inputs = 1,
                                          .needs = HEAP_NEEDS_GRAPH};
    PathSettings settings = {.most = 1};
    PathRun run = {.settings = &settings, .target_node = NO_NODE};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
