// `rudo-snap replay merge`: see cli/commands/replay_merging.h.

#include "cli/commands/replay_merging.h"

#include <stdio.h>
#include <string.h>

#include "cli/commands/replay_output.h"
#include "cli/result_file.h"
#include "cli/terminal.h"
#include "formats/replay_merge.h"

static bool merge_all(ReplayMerge *merge, char *const *files, int file_count, ResultFile *output,
                      const char *path, Error *error)
{
    if (path == NULL)
        return error_set(error, ERROR_USAGE, "merge needs --output OUT");
    if (file_count == 0)
        return error_set(error, ERROR_USAGE, "merge needs the --json files of all shards");
    if (!result_file_open(output, path, error))
        return false;
    for (int i = 0; i < file_count; i++)
        if (!replay_merge_add(merge, files[i], error))
            return false;
    return replay_merge_finish(merge, error) &&
           replay_merge_write(merge, result_file_sink(output), error) &&
           result_file_commit(output, error);
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
        if (merge->lines[i].exit_status != EXIT_STATUS_DONE)
            replay_output_print_text(merge->lines[i].heap, merge->lines[i].verdict,
                                     merge->lines[i].text, merge->lines[i].again);
}

ExitStatus replay_merge_run(const Command *command, char *const *files, int file_count,
                            const char *output_path, bool is_quiet)
{
    ResultFile output = {.stream = NULL};
    uint32_t status = EXIT_STATUS_DONE;
    ReplayMerge merge;
    Error error;

    replay_merge_init(&merge);
    if (merge_all(&merge, files, file_count, &output, output_path, &error)) {
        for (uint64_t i = 0; i < merge.count; i++)
            if (merge.lines[i].exit_status > status)
                status = merge.lines[i].exit_status;
        if (strcmp(output_path, "-") != 0 && (!is_quiet || status != EXIT_STATUS_DONE))
            print_merge(&merge);
    } else {
        status = (uint32_t)(error.code == ERROR_USAGE ? report_usage_error(command, &error)
                                                      : report_error(&error));
    }
    result_file_release(&output);
    replay_merge_release(&merge);
    return (ExitStatus)status;
}
