// The summary of a capture: see cli/commands/capture_summary.h.

#include "cli/commands/capture_summary.h"

#include <inttypes.h>

#include "cli/capture_notes.h"
#include "cli/next_command.h"
#include "cli/terminal.h"

static void print_file(FILE *stream, const char *path, const CaptureSummary *summary)
{
    char text[NUMBER_CHARS];
    double ratio = summary->file.file_bytes == 0
                       ? 0
                       : (double)summary->resident_bytes / (double)summary->file.file_bytes;

    fprintf(stream, "  wrote        ");
    print_text(stream, path);
    fprintf(stream, ", %s", format_bytes(text, summary->file.file_bytes));
    if (ratio >= 1.05)
        fprintf(stream, " (%.*fx smaller)", ratio < 10 ? 1 : 0, ratio);
    fprintf(stream, "\n");
}

void print_capture_summary(FILE *stream, const char *path, ForeignMode requested,
                           const CaptureSummary *summary)
{
    char text[NUMBER_CHARS];

    print_text(stream, summary->executable);
    fprintf(stream, " (pid %" PRIu32 "), %" PRIu32 " thread%s, ", summary->pid,
            summary->thread_count, plural(summary->thread_count));
    fprintf(stream, "%s of private memory\n", format_bytes(text, summary->resident_bytes));
    if (!summary->is_from_core)
        fprintf(stream, "  stopped for  %s\n", format_time(text, summary->pause_ns));
    if (summary->packed_bytes > 0)
        fprintf(stream, "  staged       compressed to %s\n",
                format_bytes(text, summary->packed_bytes));
    fprintf(stream, "  found        %s GC page%s", format_count(text, summary->found.page_count),
            plural(summary->found.page_count));
    fprintf(stream, ", %s object%s", format_count(text, summary->found.object_count),
            plural(summary->found.object_count));
    fprintf(stream, " (searched %s pages)\n", format_count(text, summary->found.looked_at_pages));
    print_file(stream, path, summary);
    print_foreign_note(stream, requested, summary->foreign_mode, summary->foreign_note);
    print_names_note(stream, summary->names_note);
    print_missing_note(stream, summary->is_complete, summary->missing);
    print_rejected_pages(stream, summary->found.rejected_pages, summary->found.rejected_note);
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
    fprintf(stream, ", stopped for %s\n", format_time(text, summary->pause_ns));
}
