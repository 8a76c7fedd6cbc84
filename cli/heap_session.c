// HeapSession: see cli/heap_session.h.

#include "cli/heap_session.h"

#include <string.h>
#include <sys/stat.h>

#include "cli/capture_notes.h"
#include "cli/terminal.h"
#include "snapshot/file/snapshot_file.h"

bool heap_session_is_snapshot(const char *path, const char *snapshot)
{
    struct stat output, input;

    return path != NULL && stat(path, &output) == 0 && stat(snapshot, &input) == 0 &&
           S_ISREG(output.st_mode) && output.st_dev == input.st_dev &&
           output.st_ino == input.st_ino;
}

static bool take_settings(HeapSession *session, Error *error)
{
    const AnswerSettings *settings = session->settings;

    session->mem_limit = settings->mem_limit > 0 ? (uint64_t)settings->mem_limit : UINT64_MAX;
    if (heap_session_is_snapshot(settings->json, session->path))
        return error_set(error, ERROR_USAGE, "'%s' is the snapshot itself", session->path);
    return settings->json == NULL || result_file_open(&session->json, settings->json, error);
}

bool heap_session_open(HeapSession *session, const AnswerSettings *settings, const char *path,
                       Error *error)
{
    SnapshotReadOptions read_options = {.force_relocation = settings->is_relocated};
    MarkOptions mark_options = mark_options_default();

    *session = (HeapSession){.settings = settings, .path = path};
    progress_init(&session->progress, (ProgressMode)settings->progress);
    session->analysis_progress = (AnalysisProgress){progress_tell, &session->progress};
    if (!take_settings(session, error))
        return false;
    progress_say(&session->progress, "reading the snapshot");
    if (!snapshot_read(path, &read_options, &session->image, error))
        return false;
    progress_say(&session->progress, "marking");
    if (!mark_reachable(session->image, &mark_options, &session->mark, error))
        return false;
    progress_say(&session->progress, "counting");
    return reachability_report_new(session->image, session->mark, &session->report, error);
}

void heap_session_close(HeapSession *session)
{
    progress_end(&session->progress);
    dominator_tree_free(session->tree);
    node_types_free(session->types);
    object_graph_free(session->graph);
    reachability_report_free(session->report);
    mark_result_free(session->mark);
    heap_image_free(session->image);
    result_file_release(&session->json);
}

// What the limit leaves beside the image and its mark.
static uint64_t bytes_left(const HeapSession *session)
{
    const HeapImage *image = session->image;
    uint64_t used = image->image_bytes + image->foreign_byte_count +
                    (uint64_t)image->page_count * 48 + image->root_count * sizeof(Root);

    if (session->mem_limit == UINT64_MAX)
        return UINT64_MAX;
    return session->mem_limit > used ? session->mem_limit - used : 0;
}

static bool too_little(const HeapSession *session, const char *what, uint64_t bytes, Error *error)
{
    char need[NUMBER_CHARS], all[NUMBER_CHARS];
    uint64_t left = bytes_left(session);

    (void)error_set(error, ERROR_MEMORY, "%s would take %s more than --mem-limit allows", what,
                    format_bytes(need, bytes - left));
    return error_add_hint(error, "--mem-limit %s would do",
                          format_round_bytes(all, session->mem_limit + bytes - left));
}

bool heap_session_need_graph(HeapSession *session, Error *error)
{
    ObjectGraphOptions options = {.max_bytes = bytes_left(session)};
    // What is sure to be needed, so that an absurd limit is noticed before the work.
    uint64_t least =
        8 * (session->mark->totals.marked_objects + session->mark->totals.marked_blocks);

    if (session->graph != NULL)
        return true;
    if (least > options.max_bytes)
        return too_little(session, "the references between objects", least, error);
    progress_say(&session->progress, "resolving references");
    return object_graph_new(session->image, session->mark, &options, &session->graph, error) &&
           node_types_new(session->graph, session->report->type_table, &session->types, error);
}

bool heap_session_need_tree(HeapSession *session, Error *error)
{
    uint64_t bytes;

    if (session->tree != NULL)
        return true;
    if (!heap_session_need_graph(session, error))
        return false;
    bytes = object_graph_bytes(session->graph) + 4 * (uint64_t)session->graph->node_count +
            dominator_tree_peak_bytes(session->graph);
    if (bytes > bytes_left(session))
        return too_little(session, "retained sizes", bytes, error);
    progress_say(&session->progress, "finding dominators");
    return dominator_tree_new(session->graph, &session->analysis_progress, &session->tree, error);
}

bool heap_session_prints(HeapSession *session)
{
    progress_end(&session->progress);
    return !session->settings->is_quiet &&
           (session->settings->json == NULL || strcmp(session->settings->json, "-") != 0);
}

bool heap_session_writes_json(const HeapSession *session)
{
    return session->json.stream != NULL;
}

void heap_session_print_heading(const HeapSession *session)
{
    print_safely(stdout, session->path, strlen(session->path));
    printf(": ");
    print_capture(stdout, &session->image->details->metadata);
    printf(", %s, %s\n\n", session->image->layout.name, session->report->rule);
}

void heap_session_print_notes(const HeapSession *session)
{
    print_capture_notes(stdout, &session->image->details->metadata);
    if (session->report->has_guessed_words)
        printf("note: weak references and stale words of None count as strong\n");
}

void heap_session_print_next(const HeapSession *session, const char *command, const char *rest)
{
    printf("\n");
    style_begin(stdout, STYLE_FAINT);
    printf("next: rudo-snap %s ", command);
    print_safely(stdout, session->path, strlen(session->path));
    if (rest[0] != '\0') {
        printf(" ");
        print_safely(stdout, rest, strlen(rest));
    }
    style_end(stdout);
    printf("\n");
}

ExitStatus heap_session_status(const Command *command, bool ok, const Error *error)
{
    if (ok)
        return EXIT_STATUS_DONE;
    return error->code == ERROR_USAGE ? report_usage_error(command, error) : report_error(error);
}
