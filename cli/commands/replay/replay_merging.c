// `rudo-snap replay merge`: see cli/commands/replay/replay_merging.h.

#include "cli/commands/replay/replay_merging.h"

#include <stdio.h>

#include "cli/commands/replay/replay_output.h"
#include "cli/terminal.h"
#include "formats/replay_merge.h"

static bool merge_all(Session *session, ReplayMerge *merge, const char *path, Error *error)
{
    OutputFile *output;

    if (path == NULL)
        return error_set(error, ERROR_USAGE, "merge needs --output OUT");
    if (session->input_count == 0)
        return error_set(error, ERROR_USAGE, "merge needs the --json files of all shards");
    if (!session_open_result(session, "--output", path, &output, error))
        return false;
    for (int i = 0; i < session->input_count; i++)
        if (!replay_merge_add(merge, session->inputs[i], error))
            return false;
    return replay_merge_finish(merge, error) &&
           replay_merge_write(merge, result_file_sink(output), error) &&
           output_file_commit(output, error);
}

static void print_merge(const ReplayMerge *merge)
{
    ReplayCounts counts = {.updated = 0};
    char text[NUMBER_CHARS];

    for (uint64_t i = 0; i < merge->count; i++) {
        counts.verdicts[merge->lines[i].verdict]++;
        counts.updated += merge->lines[i].is_updated;
    }
    printf("%s heap%s", format_count(text, merge->count), plural(merge->count));
    printf(" of %s shard%s\n", format_count(text, merge->parts), plural(merge->parts));
    replay_output_print_counts(&counts);
    for (uint64_t i = 0; i < merge->count; i++)
        if (merge->lines[i].exit_status != EXIT_STATUS_DONE || merge->lines[i].is_updated)
            replay_output_print_text(merge->lines[i].heap, merge->lines[i].verdict,
                                     merge->lines[i].text, merge->lines[i].again);
}

ExitStatus replay_merge_run(const Command *command, char *const *files, int file_count,
                            const char *output, const SessionSettings *settings)
{
    ExitStatus status, highest = EXIT_STATUS_DONE;
    ReplayMerge merge;
    Session session;
    Error error;
    bool ok;

    replay_merge_init(&merge);
    session_begin(&session, command, settings, files, file_count);
    ok = merge_all(&session, &merge, output, &error);
    for (uint64_t i = 0; ok && i < merge.count; i++)
        if (merge.lines[i].exit_status > (uint32_t)highest)
            highest = (ExitStatus)merge.lines[i].exit_status;
    // --quiet applies only if all heaps are equal.
    session.is_quiet = settings->is_quiet && highest == EXIT_STATUS_DONE;
    if (session_prints(&session) && ok)
        print_merge(&merge);
    status = session_end(&session, ok, &error);
    replay_merge_release(&merge);
    return ok ? highest : status;
}
