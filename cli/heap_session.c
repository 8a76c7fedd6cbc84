// HeapSession: see cli/heap_session.h.

#include "cli/heap_session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine/memory_available.h"
#include "cli/capture_notes.h"
#include "cli/next_command.h"
#include "cli/terminal.h"
#include "marker/mark_in_passes.h"
#include "snapshot/file/snapshot_file.h"

#define MAX_NEXT_WORDS 4

void heap_session_init(HeapSession *session, const Command *command, HeapSettings *settings)
{
    *session = (HeapSession){.settings = settings, .frame.command = command};
}

void heap_session_free_graph(HeapSession *session)
{
    dominator_tree_free(session->tree);
    collector_memory_release(&session->collector);
    node_types_free(session->types);
    object_graph_free(session->graph);
    session->tree = NULL;
    session->knows_collector = false;
    session->types = NULL;
    session->graph = NULL;
}

void heap_session_free_heap(HeapSession *session)
{
    heap_session_free_graph(session);
    reachability_report_free(session->report);
    mark_result_free(session->mark);
    heap_image_free(session->image);
    session->report = NULL;
    residue_words_release(&session->residue);
    session->mark = NULL;
    session->image = NULL;
    session->need = (PassesNeed){0};
}

ExitStatus heap_session_run(HeapSession *session, const HeapQuestion *question, void *run,
                            int argument_count, char **arguments)
{
    const Command *command = session->frame.command;
    HeapSettings *settings = session->settings;
    Operands *operands = &session->operands;
    Error error = {.code = ERROR_NONE};
    ParseResult parsed = command_parse(command, argument_count, arguments, settings, operands);
    ExitStatus status;
    bool is_found, ok;
    int inputs;

    if (parsed != PARSE_RUN)
        return parse_exit_status(parsed);
    inputs = question->max_inputs != 0 ? question->max_inputs : operands->count;
    session_begin(&session->frame, command, &settings->session, operands->values, inputs);
    session->shows_terms = question->shows_terms;
    session->skips_residue = question->skips_residue;
    session->keeps_words = question->keeps_words;
    session->node_bytes = question->node_bytes;
    session->analysis_progress = (AnalysisProgress){progress_tell, &session->frame.progress};
    session->needs = question->needs;
    memory_limit_init(&session->limit, settings->mem_limit);
    ok = session_open_result(&session->frame, "--json", settings->json, &session->json, &error) &&
         question->answer(run, &error);
    is_found = ok && question->is_finding != NULL && question->is_finding(run);
    if (session_prints(&session->frame) && ok)
        question->print(run);
    else if (is_found && question->print_finding != NULL && session_has_output(&session->frame))
        question->print_finding(run);
    status = session_end(&session->frame, ok, &error);
    if (is_found)
        status = EXIT_STATUS_FOUND;
    if (question->release != NULL)
        question->release(run);
    heap_session_free_heap(session);
    return status;
}

// ---- memory ----

// The memory that the limit leaves for the graph and the tree: without the image, its tables, the
// mark, the words that look left over, and what names references.
static uint64_t bytes_left(const HeapSession *session)
{
    const HeapImage *image = session->image;
    uint64_t pages = image->pager != NULL ? heap_pager_budget(image->pager) : image->image_bytes;
    uint64_t used = pages + image->foreign_byte_count + (uint64_t)image->page_count * 48 +
                    image->root_count * sizeof(Root);

    used += image->block_count * sizeof(ForeignBlock) +
            image->details->sized_block_count * sizeof(SizedBlock) + image->word_count * 8 +
            session->residue.count * sizeof(ResidueWord);
    if (image->details->data_type_count > 0)
        used += image->block_count * sizeof(BlockOwner);
    used = memory_limit_left(&session->limit, image, used);
    if (used == UINT64_MAX)
        return used;
    return used > session->reserved_bytes ? used - session->reserved_bytes : 0;
}

// A limit of `bytes`, and the part of it that pages and tables of threads take beyond.
static uint64_t would_do(const HeapSession *session, uint64_t bytes)
{
    return session->image->pager != NULL ? bytes + bytes / 20 : bytes;
}

static bool too_little(const HeapSession *session, const char *what, uint64_t bytes, uint64_t left,
                       Error *error)
{
    return heap_memory_refuse(&session->limit, what, bytes, left,
                              would_do(session, session->limit.bytes + bytes - left), error);
}

bool heap_session_allows(HeapSession *session, const char *what, uint64_t bytes, Error *error)
{
    uint64_t left = bytes_left(session);

    return bytes <= left || too_little(session, what, bytes, left, error);
}

bool heap_session_allows_mark(HeapSession *session, Error *error)
{
    return session->need.nodes == 0 ||
           heap_session_allows(session, "marking again",
                               mark_in_passes_bytes(session->image, &session->need), error);
}

// Is there memory for marking a heap in passes? The figure that would do is that of the whole
// command, if all objects are reachable.
static bool can_mark(HeapSession *session, Error *error)
{
    uint64_t left = bytes_left(session), bytes, whole;

    if (!mark_in_passes_need(session->image, &session->need, error))
        return false;
    bytes = mark_in_passes_bytes(session->image, &session->need);
    if (bytes <= left)
        return true;
    whole = session->needs == HEAP_NEEDS_MARK
                ? 0
                : 8 * session->need.nodes + 4 * session->need.references;
    if (session->needs == HEAP_NEEDS_TREE)
        whole += 20 * session->need.nodes + 10 * session->need.references;
    whole = whole > bytes ? whole : bytes;
    return heap_memory_refuse(&session->limit, "marking", bytes, left,
                              would_do(session, session->limit.bytes + whole - left), error);
}

// The graph's nodes and their types, and its references as far as they are known, so that a limit
// that is too low is noticed before the work.
static uint64_t least_graph_bytes(const HeapSession *session)
{
    uint64_t nodes = session->mark->totals.marked_objects + session->mark->totals.marked_blocks;

    // A mark in passes has followed each of them.
    return 8 * nodes +
           (session->need.nodes > 0 ? 4 * session->mark->statistics.workers[0].edges : 0);
}

// After the mark of a heap that is read in parts: does the rest fit? What does not is refused
// before further passes.
static bool can_answer(const HeapSession *session, Error *error)
{
    uint64_t nodes = session->mark->totals.marked_objects + session->mark->totals.marked_blocks;
    uint64_t bytes = least_graph_bytes(session), left = bytes_left(session);

    if (session->need.nodes == 0 || session->needs == HEAP_NEEDS_MARK)
        return true;
    // As dominator_tree_peak_bytes() and heap_session_need_tree() have it.
    if (session->needs == HEAP_NEEDS_TREE)
        bytes += 24 * nodes + 10 * session->mark->statistics.workers[0].edges;
    return bytes <= left ||
           too_little(session,
                      session->needs == HEAP_NEEDS_TREE ? "retained sizes"
                                                        : "the references between objects",
                      bytes, left, error);
}

// ---- the heap ----

bool heap_session_read(HeapSession *session, const char *path, const HeapMarking *marking,
                       Error *error)
{
    SnapshotReadOptions read_options = {.force_relocation = session->settings->is_relocated,
                                        .proves_layout = true,
                                        .is_precise = session->settings->is_precise};
    MarkOptions mark_options = marking != NULL ? marking->options : mark_options_default();
    uint64_t start = clock_monotonic_ns();

    heap_session_free_heap(session);
    session->path = path;
    if (session->needs != HEAP_NEEDS_WHOLE)
        memory_limit_read_options(&session->limit, &read_options);
    if (session->needs != HEAP_NEEDS_WHOLE
            ? !heap_memory_check_tables(&session->limit, path, error)
            : !heap_memory_check_whole(&session->limit, path, 1, error))
        return false;
    heap_session_say(session, "reading the snapshot");
    if (!snapshot_read(path, &read_options, &session->image, error))
        return false;
    session->read_ns = clock_monotonic_ns() - start;
    if (session->image->pager != NULL && !can_mark(session, error))
        return false;
    heap_session_say(session, "marking");
    if (marking != NULL && marking->prepare != NULL &&
        !marking->prepare(marking->context, session->image, &mark_options, error))
        return false;
    if (!mark_reachable(session->image, &mark_options, &session->mark, error))
        return false;
    if (marking != NULL && marking->finish != NULL &&
        !marking->finish(marking->context, session->mark, error))
        return false;
    memory_trim();
    if (!can_answer(session, error))
        return false;
    heap_session_say(session, "counting");
    start = clock_monotonic_ns();
    if (!reachability_report_new(session->image, session->mark, &session->report, error))
        return false;
    session->report_ns = clock_monotonic_ns() - start;
    if (session->skips_residue)
        return true;
    heap_session_say(session, "looking for words that are left over");
    return reachability_report_add_residue(session->report, session->image, session->mark,
                                           &session->residue, error);
}

bool heap_session_need_graph(HeapSession *session, Error *error)
{
    ObjectGraphOptions options = {.max_bytes = bytes_left(session)};
    uint64_t least = least_graph_bytes(session);

    if (session->graph != NULL)
        return true;
    if (least > options.max_bytes)
        return too_little(session, "the references between objects", least, options.max_bytes,
                          error);
    heap_session_say(session, "resolving references");
    return object_graph_new(session->image, session->mark, &options, &session->graph, error) &&
           object_graph_flag_residue(session->graph, &session->residue, error) &&
           node_types_new(session->graph, session->report->type_table, &session->types, error);
}

bool heap_session_need_program(HeapSession *session, Error *error)
{
    if (!heap_session_need_graph(session, error))
        return false;
    if (session->knows_collector)
        return true;
    // Marking without it proves what keeps its memory.
    if (!heap_session_allows_mark(session, error))
        return false;
    heap_session_say(session, "telling the collector's memory from the program's");
    if (!collector_memory_find(session->graph, &session->collector, error))
        return false;
    if (!collector_memory_set_aside(&session->collector, session->graph,
                                    session->keeps_words ? NULL : session->image, error))
        return false;
    session->knows_collector = true;
    return true;
}

bool heap_session_need_tree(HeapSession *session, Error *error)
{
    uint64_t bytes, left;

    if (session->tree != NULL)
        return true;
    if (!heap_session_need_program(session, error))
        return false;
    bytes = dominator_tree_peak_bytes(session->graph);
    if (bytes < session->node_bytes * (uint64_t)session->graph->node_count)
        bytes = session->node_bytes * (uint64_t)session->graph->node_count;
    // Below the least limit the graph is counted, not measured.
    bytes += 4 * (uint64_t)session->graph->node_count +
             (session->limit.bytes < MEMORY_LIMIT_LEAST ? object_graph_bytes(session->graph) : 0);
    left = bytes_left(session);
    if (bytes > left)
        return too_little(session, "retained sizes", bytes, left, error);
    heap_session_say(session, "finding dominators");
    return dominator_tree_new(session->graph, &session->analysis_progress, &session->tree, error);
}

void heap_session_say(HeapSession *session, const char *what)
{
    progress_say(&session->frame.progress, what);
}

// ---- for people ----

void heap_session_print_heading(const HeapSession *session)
{
    char *capture = NULL;
    size_t size;
    FILE *stream = open_memstream(&capture, &size);

    if (stream != NULL) {
        print_capture(stream, &session->image->details->metadata);
        (void)fclose(stream);
    }
    print_prose(stdout, 2, "%s: %s, %s, %s", session->path, capture != NULL ? capture : "",
                session->image->layout.name, session->report->rule);
    free(capture);
    if (session->report->kind == MARK_MINOR)
        printf("minor mark: old pages count as live; only objects of generation 0 are marked\n");
    print_layout_warning(stdout, session->image->details->metadata.references_overlooked,
                         session->image->layout.name);
    print_root_warning(stdout, &session->image->details->metadata);
    printf("\n");
}

// Upper ends of the totals of an incomplete snapshot.
static void print_possible(const ReachabilityReport *report)
{
    const ReachabilityCounts *counts = &report->possible.counts;
    char text[3][NUMBER_CHARS];

    if (!report->possible.is_known)
        printf("      there is no upper bound: the size of the missing parts is unknown\n");
    else if (memcmp(counts, &report->totals, sizeof *counts) != 0)
        printf("      upper bounds: %s objects, %s reachable, %s garbage\n",
               format_count(text[0], counts->objects),
               format_count(text[1], counts->reachable_objects),
               format_count(text[2], counts->unreachable_objects));
}

// Foreign roots, unless print_capture_notes() has said why malloc'd memory became roots.
static void print_foreign_roots(const HeapSession *session)
{
    const SnapshotMetadata *metadata = &session->image->details->metadata;
    uint64_t count = session->report->root_kinds[ROOT_FOREIGN].roots;
    char text[NUMBER_CHARS];

    if (count == 0 || metadata->foreign_mode != metadata->foreign_requested)
        return;
    print_prose(stdout, 6, "note: %s foreign root%s: %s", format_count(text, count), plural(count),
                metadata->foreign_note);
}

static void print_guessed(const HeapSession *session)
{
    const char *which =
        session->report->may_have_none ? "weak references and stale words" : "weak references";
    uint64_t count = session->image->imprecise_objects;
    char text[NUMBER_CHARS];

    if (session->image->is_precise && session->image->details->metadata.is_redacted)
        printf("note: the snapshot is redacted: which values exist is not known, and stale words "
               "count as strong\n");
    else if (session->image->is_precise)
        printf("note: of %s object%s of unknown type, %s count as strong\n",
               format_count(text, count), plural(count), which);
    else
        printf("note: %s count as strong\n", which);
}

static void print_lacking_threads(const MarkStatistics *statistics)
{
    if (statistics->worker_count < statistics->wanted_workers)
        printf("note: marked by %" PRIu32 " of %" PRIu32 " workers: the system refused further "
               "threads (a limit on processes); the result is the same\n",
               statistics->worker_count, statistics->wanted_workers);
}

void heap_session_print_notes(const HeapSession *session)
{
    print_lacking_threads(&session->mark->statistics);
    print_capture_notes(stdout, &session->image->details->metadata, session->explained_names);
    print_possible(session->report);
    print_foreign_roots(session);
    if (session->report->has_guessed_words)
        print_guessed(session);
}

void heap_session_print_next(const HeapSession *session, const char *command,
                             const char *const words[])
{
    const char *all[MAX_NEXT_WORDS + 2] = {session->path};
    bool is_precise = session->settings->is_precise && strcmp(command, "show") != 0;
    char precise[64];

    for (int i = 0; words != NULL && words[i] != NULL && i < MAX_NEXT_WORDS; i++)
        all[i + 1] = words[i];
    (void)snprintf(precise, sizeof precise, "%s --precise", command);
    (session->shows_terms ? print_terms_and_next : print_next)(stdout,
                                                               is_precise ? precise : command, all);
}
