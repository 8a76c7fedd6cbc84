// `rudo-snap replay merge`: see cli/commands/replay/replay_merging.h.

#include "cli/commands/replay/replay_merging.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/commands/replay/replay_output.h"
#include "cli/terminal.h"
#include "formats/replay_junit.h"
#include "formats/replay_merge.h"

static bool write_junit(const ReplayMerge *merge, OutputFile *file, Error *error)
{
    ReplayRecord *records = calloc(merge->count + 1, sizeof *records);
    bool ok;

    if (records == NULL)
        return error_set_memory(error, merge->count * sizeof *records, "heaps");
    for (uint64_t i = 0; i < merge->count; i++) {
        const ReplayLine *line = &merge->lines[i];
        records[i] = (ReplayRecord){.heap = line->heap,
                                    .verdict = line->verdict,
                                    .exit_status = line->exit_status,
                                    .text = line->text,
                                    .again = line->again};
    }
    ok = replay_junit_write(result_file_sink(file), records, merge->count, error) &&
         output_file_commit(file, error);
    free(records);
    return ok;
}

static bool merge_all(Session *session, ReplayMerge *merge, const ReplayMergeSettings *settings,
                      Error *error)
{
    OutputFile *output, *junit;

    if (settings->output == NULL)
        return error_set(error, ERROR_USAGE, "merge needs --output OUT");
    if (session->input_count == 0)
        return error_set(error, ERROR_USAGE, "merge needs the --json files of all shards");
    if (!session_open_result(session, "--output", settings->output, &output, error) ||
        !session_open_result(session, "--junit", settings->junit, &junit, error))
        return false;
    for (int i = 0; i < session->input_count; i++)
        if (!replay_merge_add(merge, session->inputs[i], error))
            return false;
    return replay_merge_finish(merge, error) &&
           replay_merge_write(merge, result_file_sink(output), error) &&
           output_file_commit(output, error) && (junit == NULL || write_junit(merge, junit, error));
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
                            const ReplayMergeSettings *settings)
{
    ExitStatus status, highest = EXIT_STATUS_DONE;
    ReplayMerge merge;
    Session session;
    Error error;
    bool ok;

    replay_merge_init(&merge);
    session_begin(&session, command, settings->session, files, file_count);
    ok = merge_all(&session, &merge, settings, &error);
    for (uint64_t i = 0; ok && i < merge.count; i++)
        if (merge.lines[i].exit_status > (uint32_t)highest)
            highest = (ExitStatus)merge.lines[i].exit_status;
    // --quiet applies only if all heaps are equal.
    session.is_quiet = settings->session->is_quiet && highest == EXIT_STATUS_DONE;
    if (session_prints(&session) && ok)
        print_merge(&merge);
    status = session_end(&session, ok, &error);
    replay_merge_release(&merge);
    return ok ? highest : status;
}
