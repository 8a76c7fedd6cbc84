// The summary of a capture: see cli/commands/capture_summary.h.

#include "cli/commands/capture_summary.h"

#include <inttypes.h>

#include "cli/capture_notes.h"
#include "cli/next_command.h"
#include "cli/terminal.h"

static void print_file(FILE *stream, const char *path, const CaptureSummary *summary)
{
    char text[NUMBER_CHARS];
    double ratio = summary->file.file_bytes == 0 ? 0
                                                 : (double)summary->metadata.resident_bytes /
                                                       (double)summary->file.file_bytes;

    fprintf(stream, "  wrote        ");
    print_text(stream, path);
    fprintf(stream, ", %s", format_bytes(text, summary->file.file_bytes));
    if (ratio >= 1.05)
        fprintf(stream, " (%.*fx smaller)", ratio < 10 ? 1 : 0, ratio);
    fprintf(stream, "\n");
}

void print_capture_summary(FILE *stream, const char *path, const CaptureSummary *summary)
{
    const SnapshotMetadata *metadata = &summary->metadata;
    char text[NUMBER_CHARS];

    print_text(stream, metadata->executable);
    fprintf(stream, " (pid %" PRIu32 "), %" PRIu32 " thread%s, ", metadata->pid,
            summary->thread_count, plural(summary->thread_count));
    fprintf(stream, "%s of private memory\n", format_bytes(text, metadata->resident_bytes));
    if (!capture_is_from_core(metadata))
        fprintf(stream, "  stopped for  %s\n", format_time(text, metadata->pause_ns));
    if (summary->packed_bytes > 0)
        fprintf(stream, "  staged       compressed to %s\n",
                format_bytes(text, summary->packed_bytes));
    fprintf(stream, "  found        %s GC page%s", format_count(text, summary->found.page_count),
            plural(summary->found.page_count));
    fprintf(stream, ", %s object%s", format_count(text, summary->found.object_count),
            plural(summary->found.object_count));
    fprintf(stream, " (searched %s pages)\n", format_count(text, summary->found.searched_pages));
    print_file(stream, path, summary);
    print_capture_notes(stream, &summary->metadata, false);
    print_next(stream, "report", (const char *[]){path, NULL});
}

void print_capture_line(FILE *stream, const char *path, const CaptureSummary *summary)
{
    char text[NUMBER_CHARS];

    fprintf(stream, "rudo-snap: wrote ");
    print_text(stream, path);
    fprintf(stream, ", %s", format_bytes(text, summary->file.file_bytes));
    fprintf(stream, ", %s object%s", format_count(text, summary->found.object_count),
            plural(summary->found.object_count));
    fprintf(stream, ", stopped for %s\n", format_time(text, summary->metadata.pause_ns));
}
