// What several commands say about where a snapshot comes from.

#include "cli/capture_notes.h"

#include <inttypes.h>
#include <string.h>

#include "cli/terminal.h"
#include "formats/info_json.h"

bool capture_is_from_core(const SnapshotMetadata *metadata)
{
    return strcmp(metadata->method, "core") == 0;
}

void print_capture(FILE *stream, const SnapshotMetadata *metadata)
{
    char time[UTC_TIME_CHARS], pause[NUMBER_CHARS];

    format_utc_time(metadata->captured_at_ns, time);
    print_safely(stream, metadata->executable, strlen(metadata->executable));
    fprintf(stream, " (pid %" PRIu32 "), ", metadata->pid);
    // 2026-11-22T14:03:11Z, as people write it.
    if (capture_is_from_core(metadata))
        fprintf(stream, "from a core of %.10s %.8s UTC", time, time + 11);
    else
        fprintf(stream, "captured %.10s %.8s UTC, stopped %s", time, time + 11,
                format_time(pause, metadata->pause_ns));
}

void print_foreign_note(FILE *stream, ForeignMode requested, ForeignMode mode, const char *why)
{
    if (mode == requested)
        return;
    fprintf(stream, "note: malloc'd memory was taken as %s, not as %s: ", foreign_mode_name(mode),
            foreign_mode_name(requested));
    print_safely(stream, why, strlen(why));
    fprintf(stream, "\n");
    if (mode == FOREIGN_ROOTS)
        fprintf(stream, "      garbage that only malloc'd memory refers to counts as reachable\n");
}

// Each line of a text, behind `before`.
static void print_lines(FILE *stream, const char *before, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        fprintf(stream, "%s", before);
        print_safely(stream, text, length);
        fprintf(stream, "\n");
        text += length + (text[length] == '\n');
    }
}

void print_names_note(FILE *stream, const char *note)
{
    print_lines(stream, "note: ", note);
}

void print_capture_notes(FILE *stream, const SnapshotMetadata *metadata)
{
    print_foreign_note(stream, metadata->foreign_requested, metadata->foreign_mode,
                       metadata->foreign_note);
    print_names_note(stream, metadata->names_note);
    if (metadata->is_complete)
        return;
    fprintf(stream, "note: the snapshot is not complete; all counts are of what is there\n");
    print_lines(stream, "      missing: ", metadata->missing);
}
