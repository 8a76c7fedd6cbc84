// `rudo-snap export`: a heap for viewers that people have, and as tables.

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "analysis/heap_selection.h"
#include "base/output_path.h"
#include "cli/command_list.h"
#include "cli/commands/ask/heap_tables_session.h"
#include "cli/interrupt.h"
#include "cli/terminal.h"
#include "formats/tables/row_writer.h"
#include "formats/tables/sqlite_file.h"
#include "formats/viewers/heap_export.h"

enum {
    TO_NOTHING,
    TO_HEAPSNAPSHOT,
    TO_PPROF,
    TO_SPEEDSCOPE,
    TO_DOT,
    TO_JSONL,
    TO_CSV,
    TO_SQLITE,
};

typedef struct ExportSettings {
    HeapSettings heap;
    int format;
    const char *output;
    const char *table;
    const char *of;
    int64_t depth;
    int64_t max_nodes;
} ExportSettings;

static const OptionChoice formats[] = {{"heapsnapshot", TO_HEAPSNAPSHOT},
                                       {"pprof", TO_PPROF},
                                       {"speedscope", TO_SPEEDSCOPE},
                                       {"dot", TO_DOT},
                                       {"jsonl", TO_JSONL},
                                       {"csv", TO_CSV},
                                       {"sqlite", TO_SQLITE},
                                       {NULL, 0}};

static const Option options[] = {
    {.name = "to",
     .type = OPTION_CHOICE,
     .value_name = "FORMAT",
     .choices = formats,
     .help = "heapsnapshot: Chrome's DevTools, memlab; pprof,\n"
             "speedscope: bytes by labelled path; dot: Graphviz;\n"
             "jsonl, csv, sqlite: tables",
     .is_required = true,
     .setting = offsetof(ExportSettings, format)},
    {.name = "output",
     .letter = 'o',
     .type = OPTION_TEXT,
     .value_name = "FILE",
     .help = "write to FILE ('-', the default: standard output);\n"
             "all tables as CSV or JSON Lines go to the folder FILE",
     .setting = offsetof(ExportSettings, output)},
    {.name = "table",
     .type = OPTION_TEXT,
     .value_name = "NAME",
     .help = "with csv and jsonl: this table alone: objects, edges,\n"
             "roots, pages, types, threads, blocks, dominators or\n"
             "snapshot",
     .setting = offsetof(ExportSettings, table)},
    {.name = "of",
     .type = OPTION_TEXT,
     .value_name = "ADDRESS|TYPE",
     .help = "with dot: draw this object, or those of a type, and\n"
             "what they refer to",
     .setting = offsetof(ExportSettings, of)},
    {.name = "depth",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "with dot: N references far (default: 3)",
     .setting = offsetof(ExportSettings, depth),
     .minimum = 0,
     .maximum = 1000},
    {.name = "max-nodes",
     .type = OPTION_NUMBER,
     .value_name = "N",
     .help = "with dot: draw at most N nodes (default: 200)",
     .setting = offsetof(ExportSettings, max_nodes),
     .minimum = 1,
     .maximum = 100000},
    PRECISE_OPTION,
    MEM_LIMIT_OPTION,
    RELOCATE_OPTION,
    REPLACE_OPTION(offsetof(ExportSettings, heap.session)),
    QUIET_OPTION(offsetof(ExportSettings, heap.session)),
    PROGRESS_OPTION(offsetof(ExportSettings, heap.session)),
    {.name = NULL},
};

const CommandUsage export_usage = {
    .operands = "FILE",
    .min_operands = 1,
    .max_operands = 1,
    .options = options,
    .details = "Writes the heap in the snapshot FILE in the format of another program. What a\n"
               "format cannot hold is said on standard error. Redacted names stay so.\n"
               "Sizes and dominators are those of 'rudo-snap retained'.\n",
    .examples = "  rudo-snap export --to heapsnapshot -o shop.heapsnapshot shop.zst\n"
                "  rudo-snap export --to pprof -o shop.pb.gz shop.zst\n"
                "  rudo-snap export --to dot --of shop::Cache --depth 2 shop.zst | dot -Tsvg\n"
                "  rudo-snap export --to csv -o tables shop.zst\n"
                "  rudo-snap export --to jsonl --table objects shop.zst\n",
};

typedef struct ExportRun {
    const ExportSettings *settings;
    HeapSession session;
    HeapTables tables;
    OutputFile *output;
    ExportLoss loss;
    // All tables go to a folder: the paths of its files, which are owned, and whether the folder is
    // new, and has all of them.
    bool writes_folder, is_new_folder, is_whole;
    char *paths[TABLE_COUNT];
    OutputFile *files[TABLE_COUNT];
} ExportRun;

static bool is_table(int format)
{
    return format == TO_JSONL || format == TO_CSV;
}

static bool check(const ExportSettings *settings, Error *error)
{
    if (settings->table != NULL && !is_table(settings->format))
        return error_set(error, ERROR_USAGE, "--table needs --to csv or --to jsonl");
    if (settings->table != NULL && table_schema_find(settings->table) == NULL) {
        (void)error_set(error, ERROR_USAGE, "no table has the name '%.100s'", settings->table);
        return error_add_hint(error, "tables: objects, edges, roots, pages, types, threads, "
                                     "blocks, dominators, snapshot");
    }
    if (settings->format == TO_DOT && settings->of == NULL)
        return error_set(error, ERROR_USAGE, "--to dot needs --of ADDRESS or --of TYPE");
    if (settings->format != TO_DOT && settings->of != NULL)
        return error_set(error, ERROR_USAGE, "--of needs --to dot");
    if (is_table(settings->format) && settings->table == NULL &&
        (settings->output == NULL || strcmp(settings->output, "-") == 0)) {
        (void)error_set(error, ERROR_USAGE, "several tables do not fit one stream");
        return error_add_hint(error, "'-o FOLDER' writes all, '--table NAME' one");
    }
    return true;
}

// ---- tables ----

static RowWriter row_writer_for(const ExportRun *run, OutputFile *file)
{
    return (RowWriter){.format = run->settings->format == TO_CSV ? ROWS_CSV : ROWS_JSONL,
                       .sink = result_file_sink(file)};
}

// The files of the folder, before the work.
static bool open_folder(ExportRun *run, Error *error)
{
    const char *folder = run->settings->output;

    run->is_new_folder = mkdir(folder, 0777) == 0;
    if (!run->is_new_folder && errno != EEXIST)
        return error_set(error, ERROR_SYSTEM, "cannot make the folder '%.300s': %s", folder,
                         strerror(errno));
    for (uint32_t i = 0; i < TABLE_COUNT; i++) {
        if (asprintf(&run->paths[i], "%s/%s.%s", folder, table_schemas[i].name,
                     run->settings->format == TO_CSV ? "csv" : "jsonl") < 0) {
            run->paths[i] = NULL;
            return error_set_memory(error, strlen(folder), "a path");
        }
        if (!session_open_result(&run->session.frame, "--output", run->paths[i], &run->files[i],
                                 error))
            return false;
    }
    return true;
}

// Either all tables get their names or, on a full disk, none.
static bool write_folder(ExportRun *run, Error *error)
{
    bool ok = true;

    for (uint32_t i = 0; ok && i < TABLE_COUNT; i++) {
        RowWriter writer = row_writer_for(run, run->files[i]);

        ok = row_writer_table(&writer, &run->tables, (TableId)i, error) &&
             output_file_flush(run->files[i], error);
    }
    for (uint32_t i = 0; ok && i < TABLE_COUNT; i++)
        ok = output_file_commit(run->files[i], error);
    run->is_whole = ok;
    return ok;
}

static bool copy_file(const char *path, OutputFile *out, Error *error)
{
    FILE *stream = fopen(path, "re");
    char *bytes = malloc(1 << 16);
    size_t length;
    bool ok = stream != NULL && bytes != NULL;

    if (!ok)
        (void)error_set(error, ERROR_SYSTEM, "cannot read '%.300s': %s", path, strerror(errno));
    while (ok && (length = fread(bytes, 1, 1 << 16, stream)) > 0)
        ok = output_file_write(out, bytes, length, error);
    if (ok && ferror(stream) != 0)
        ok = error_set(error, ERROR_SYSTEM, "cannot read '%.300s'", path);
    if (stream != NULL)
        (void)fclose(stream);
    free(bytes);
    return ok;
}

// SQLite writes files of its own: into a hidden one beside the result, which is then copied.
static bool write_sqlite(ExportRun *run, Error *error)
{
    char *folder = run->settings->output == NULL ? NULL : output_path_folder(run->settings->output);
    const char *temporary = getenv("TMPDIR");
    char *path = NULL;
    int descriptor, watch;
    bool ok;

    if (asprintf(&path, "%s/.rudo-snap-XXXXXX",
                 folder != NULL      ? folder
                 : temporary != NULL ? temporary
                                     : "/tmp") < 0) {
        free(folder);
        return error_set_memory(error, 256, "a path");
    }
    free(folder);
    descriptor = mkstemp(path);
    if (descriptor < 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot make '%.300s': %s", path, strerror(errno));
        free(path);
        return false;
    }
    (void)close(descriptor);
    watch = interrupt_remember_file(path);
    ok = sqlite_file_write(&run->tables, path, error) && copy_file(path, run->output, error);
    (void)unlink(path);
    interrupt_forget_file(watch);
    free(path);
    return ok;
}

// ---- viewers ----

// The nodes that --of selects; the caller frees them.
static bool select_nodes(ExportRun *run, uint32_t **out, uint32_t *count, Error *error)
{
    const HeapSession *session = &run->session;
    const ObjectGraph *graph = session->graph;
    HeapSelection selection;
    uint32_t *nodes = malloc(((size_t)graph->node_count + 1) * sizeof *nodes);

    *out = nodes;
    *count = 0;
    if (nodes == NULL)
        return error_set_memory(error, graph->node_count * sizeof *nodes, "nodes");
    if (!heap_selection_make(session->image, session->report->type_table, SELECT_HEAP,
                             run->settings->of, &selection, error))
        return false;
    if (selection.kind == SELECTION_TYPES) {
        for (uint32_t node = 0; node < graph->node_count; node++)
            if (selection.is_type[session->types->by_node[node]])
                nodes[(*count)++] = node;
    } else {
        uint32_t node = heap_tables_node(&run->tables, selection.address);

        if (node != NO_NODE)
            nodes[(*count)++] = node;
    }
    heap_selection_release(&selection);
    return *count > 0 || error_set(error, ERROR_USAGE, "nothing that '%.200s' names is reachable",
                                   run->settings->of);
}

static bool write_dot(ExportRun *run, const HeapExport *heap, Error *error)
{
    DotScope scope = {.depth = (uint32_t)run->settings->depth,
                      .most_nodes = (uint32_t)run->settings->max_nodes};
    uint32_t *nodes = NULL;
    bool ok = select_nodes(run, &nodes, &scope.node_count, error);

    scope.nodes = nodes;
    ok = ok && dot_write(heap, &scope, &run->loss, error);
    free(nodes);
    return ok;
}

static bool write_viewer(ExportRun *run, Error *error)
{
    HeapSession *session = &run->session;
    HeapExport heap;

    if (!heap_tables_need(&run->tables, NEED_TREE, error))
        return false;
    heap = (HeapExport){
        .image = session->image,
        .mark = session->mark,
        .graph = session->graph,
        .types = session->types,
        .tree = session->tree,
        .sink = result_file_sink(run->output),
    };
    heap_session_say(session, "writing");
    switch (run->settings->format) {
    case TO_HEAPSNAPSHOT:
        return heapsnapshot_write(&heap, &run->loss, error);
    case TO_PPROF:
        return pprof_write(&heap, &run->loss, error);
    case TO_SPEEDSCOPE:
        return speedscope_write(&heap, &run->loss, error);
    default:
        return write_dot(run, &heap, error);
    }
}

// ---- the command ----

static bool write_output(ExportRun *run, Error *error)
{
    RowWriter writer;

    if (run->writes_folder)
        return write_folder(run, error);
    if (run->settings->format == TO_SQLITE) {
        if (!write_sqlite(run, error))
            return false;
    } else if (is_table(run->settings->format)) {
        writer = row_writer_for(run, run->output);
        if (!row_writer_table(&writer, &run->tables,
                              (TableId)(table_schema_find(run->settings->table) - table_schemas),
                              error))
            return false;
    } else if (!write_viewer(run, error)) {
        return false;
    }
    return output_file_commit(run->output, error);
}

static bool answer(void *context, Error *error)
{
    ExportRun *run = context;
    const ExportSettings *settings = run->settings;
    HeapSession *session = &run->session;
    bool ok;

    if (!check(settings, error))
        return false;
    run->writes_folder = is_table(settings->format) && settings->table == NULL;
    if (run->writes_folder ? !open_folder(run, error)
                           : !session_open_result(&session->frame, "--output",
                                                  settings->output == NULL ? "-" : settings->output,
                                                  &run->output, error))
        return false;
    ok = heap_session_read(session, session->operands.values[0], NULL, error) &&
         heap_tables_open(&run->tables, session, error) && write_output(run, error);
    if (!ok || settings->heap.session.is_quiet)
        return ok;
    heap_tables_print_notes(session);
    for (uint32_t i = 0; i < run->loss.count; i++)
        fprintf(stderr, "note: %s\n", run->loss.lines[i]);
    return true;
}

static void print_nothing(void *context)
{
    (void)context;
}

static void release(void *context)
{
    ExportRun *run = context;

    heap_tables_release(&run->tables);
    // The session has removed files that were not committed.
    if (run->is_new_folder && !run->is_whole)
        (void)rmdir(run->settings->output);
    for (uint32_t i = 0; i < TABLE_COUNT; i++)
        free(run->paths[i]);
}

ExitStatus export_run(const Command *command, int argument_count, char **arguments)
{
    static const HeapQuestion question = {.answer = answer,
                                          .print = print_nothing,
                                          .release = release,
                                          .skips_residue = true,
                                          .keeps_words = true};
    ExportSettings settings = {.depth = 3, .max_nodes = 200};
    ExportRun run = {.settings = &settings};

    heap_session_init(&run.session, command, &settings.heap);
    return heap_session_run(&run.session, &question, &run, argument_count, arguments);
}
