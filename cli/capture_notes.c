// The origin of a snapshot and its limits: see cli/capture_notes.h.

#include "cli/capture_notes.h"

#include <inttypes.h>
#include <string.h>

#include "cli/terminal.h"
#include "formats/json/info_json.h"

bool capture_is_from_core(const SnapshotMetadata *metadata)
{
    return strcmp(metadata->method, "core") == 0;
}

void print_capture(FILE *stream, const SnapshotMetadata *metadata)
{
    char time[UTC_TIME_CHARS], pause[NUMBER_CHARS];

    format_utc_time(metadata->captured_at_ns, time);
    print_text(stream, metadata->executable);
    fprintf(stream, " (pid %" PRIu32 "), ", metadata->pid);
    // 2026-11-22T14:03:11Z, as people write it.
    if (capture_is_from_core(metadata))
        fprintf(stream, "from a core of %.10s %.8s UTC", time, time + 11);
    else
        fprintf(stream, "captured %.10s %.8s UTC, stopped %s", time, time + 11,
                format_time(pause, metadata->pause_ns));
}

// Prints nothing if malloc'd memory was treated as requested.
static void print_foreign_note(FILE *stream, const SnapshotMetadata *metadata)
{
    ForeignMode mode = metadata->foreign_mode;

    if (mode == metadata->foreign_requested)
        return;
    print_prose(stream, 6, "note: malloc'd memory was treated as %s, not as %s: %s",
                foreign_mode_name(mode), foreign_mode_name(metadata->foreign_requested),
                metadata->foreign_note);
    if (mode == FOREIGN_ROOTS && !snapshot_metadata_has_foreign_share(metadata))
        fprintf(stream, "      garbage that only malloc'd memory refers to counts as reachable\n");
}

// Each line of a text, behind `before`.
static void print_lines(FILE *stream, const char *before, const char *text)
{
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");

        print_prose(stream, 6, "%s%.*s", before, (int)length, text);
        text += length + (text[length] == '\n');
    }
}

void print_layout_warning(FILE *stream, uint64_t references_overlooked, const char *layout)
{
    bool is_one = references_overlooked == 1;
    char text[NUMBER_CHARS];

    if (references_overlooked == 0)
        return;
    print_prose(stream, 9,
                "warning: references are overlooked: %s object%s fewer than %s own count says",
                format_count(text, references_overlooked), is_one ? " has" : "s have",
                is_one ? "its" : "their");
    print_prose(stream, 9,
                "         likely reasons: another layout than %s, memory shared with another "
                "process, a leaked count",
                layout);
}

void print_root_warning(FILE *stream, const SnapshotMetadata *metadata)
{
    if (!snapshot_metadata_has_foreign_share(metadata))
        return;
    fprintf(stream,
            "warning: %" PRIu64 " %% of the private memory was taken as roots: garbage that only "
            "malloc'd memory\n         refers to counts as reachable, and the bytes of strings "
            "belong to no object\n",
            snapshot_metadata_foreign_percent(metadata));
}

// Shared mappings that may hold references, but were not searched for them.
static void print_shared_note(FILE *stream, const SnapshotMetadata *metadata)
{
    char text[NUMBER_CHARS];

    if (metadata->shared_skipped_bytes == 0)
        return;
    fprintf(stream, "note: %s of writable shared mappings were not searched for references\n",
            format_bytes(text, metadata->shared_skipped_bytes));
    print_lines(stream, "      ", metadata->shared_note);
}

static void print_rejected_pages(FILE *stream, uint64_t count, const char *note)
{
    char text[NUMBER_CHARS];

    if (count == 0)
        return;
    fprintf(stream, "note: %s page%s with the magic of GC pages %s left out",
            format_count(text, count), plural(count), count == 1 ? "was" : "were");
    if (note[0] != '\0') {
        fprintf(stream, count == 1 ? ": " : ", the first at ");
        print_text(stream, note);
    }
    fprintf(stream, "\n");
}

static void print_stop(FILE *stream, const PauseStop *stop)
{
    char total[NUMBER_CHARS], stopping[NUMBER_CHARS], pages[NUMBER_CHARS];

    fprintf(stream, "  stop         %s", format_time(total, pause_stop_ns(stop)));
    fprintf(stream, " (");
    print_text(stream, stop->phase);
    fprintf(stream, "), %" PRIu32 " thread%s", stop->thread_count, plural(stop->thread_count));
    fprintf(stream, ", %s page%s; ", format_count(pages, stop->page_count),
            plural(stop->page_count));
    fprintf(stream, "all threads stopped after %s\n", format_time(stopping, stop->stopping_ns));
}

void print_pause_certificate(FILE *stream, const PauseCertificate *certificate)
{
    char text[NUMBER_CHARS];

    for (uint32_t i = 0; i < certificate->stop_count; i++)
        print_stop(stream, &certificate->stops[i]);
    for (uint32_t i = 0; i < certificate->round_count; i++) {
        const PauseRound *round = &certificate->rounds[i];

        fprintf(stream, "  round %-6" PRIu32 " %s page%s", i + 1,
                format_count(text, round->page_count), plural(round->page_count));
        fprintf(stream, " in %s, while the process ran\n", format_time(text, round->duration_ns));
    }
    if (certificate->compared_pages > 0) {
        fprintf(stream, "  compared     %s page%s", format_count(text, certificate->compared_pages),
                plural(certificate->compared_pages));
        fprintf(stream, " with the stopped process, %s differed\n",
                format_count(text, certificate->differing_pages));
    }
    if (certificate->collection == COLLECTION_RUNNING)
        fprintf(stream, "note: a collection was running when the heap was captured\n");
    if (certificate->method_note[0] != '\0')
        print_lines(stream, "note: ", certificate->method_note);
    if (certificate->sharing_note[0] != '\0')
        print_lines(stream, "note: ", certificate->sharing_note);
}

void print_capture_notes(FILE *stream, const SnapshotMetadata *metadata, bool names_were_explained)
{
    print_foreign_note(stream, metadata);
    print_shared_note(stream, metadata);
    if (!names_were_explained)
        print_lines(stream, "note: ", snapshot_names_note(metadata));
    if (!metadata->is_complete) {
        fprintf(stream,
                "note: the snapshot is incomplete; counts cover only the parts that are present\n");
        print_lines(stream, "      missing: ", metadata->missing);
    }
    print_rejected_pages(stream, metadata->rejected_pages, metadata->rejected_note);
}

// ---- order ----

void print_capture_order(const OrderedCapture *older, const OrderedCapture *newer)
{
    bool is_same = older->pid == newer->pid && older->captured_at_ns == newer->captured_at_ns &&
                   strcmp(older->digest, newer->digest) == 0;

    if (!is_same && (older->captured_at_ns <= newer->captured_at_ns || newer->captured_at_ns == 0))
        return;
    printf("note: ");
    print_text(stdout, older->path);
    if (is_same) {
        printf(" and ");
        print_text(stdout, newer->path);
        printf(" are the same snapshot\n");
    } else {
        printf(" is the later capture, but is taken as older than ");
        print_text(stdout, newer->path);
        printf("\n");
    }
}
