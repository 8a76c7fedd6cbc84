// The properties of a snapshot file as JSON: see formats/json/info_json.h.

#include "formats/json/info_json.h"

#include "formats/json/answer_parts_internal.h"
#include "formats/json/report_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include "snapshot/file/sections/sections.h"
#include "snapshot/heap/snapshot_machine.h"

void format_utc_time(int64_t ns_since_1970, char text[UTC_TIME_CHARS])
{
    // Rounded down, also before 1970: a hostile file may have any time.
    int64_t billion = 1000000000, seconds = ns_since_1970 / billion;
    struct tm utc;
    time_t time;

    if (ns_since_1970 % billion < 0)
        seconds--;
    time = (time_t)seconds;
    // An int64_t of nanoseconds spans the years 1677 to 2262, so this cannot fail.
    if (gmtime_r(&time, &utc) == NULL ||
        strftime(text, UTC_TIME_CHARS, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0)
        (void)snprintf(text, UTC_TIME_CHARS, "unknown");
}

static void write_file(JsonWriter *writer, const SnapshotFileInfo *info)
{
    json_key(writer, "file");
    json_begin_object(writer);
    json_unsigned_member(writer, "bytes", info->file_bytes);
    json_unsigned_member(writer, "stream_bytes", info->stream_bytes);
    json_unsigned_member(writer, "frames", info->frame_count);
    json_unsigned_member(writer, "format_major", info->format_major);
    json_unsigned_member(writer, "format_minor", info->format_minor);
    json_end_object(writer);
}

static void write_heap(JsonWriter *writer, const SnapshotFileInfo *info)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);
    char machine[SNAPSHOT_MACHINE_CHARS];

    json_key(writer, "heap");
    json_begin_object(writer);
    json_string_member(writer, "layout", info->layout.name);
    json_unsigned_member(writer, "page_size", info->layout.page_size);
    json_string_member(writer, "machine", snapshot_machine_name(info->details->machine, machine));
    json_unsigned_member(writer, "page_bytes", info->page_bytes);
    json_unsigned_member(writer, "page_runs", info->run_count);
    json_unsigned_member(writer, "root_words", info->root_count);
    json_unsigned_member(writer, "foreign_blocks", info->block_count);
    json_unsigned_member(writer, "foreign_bytes", info->foreign_bytes);
    for (size_t i = 0; i < count; i++)
        if (kinds[i].info_member != NULL)
            json_unsigned_member(writer, kinds[i].info_member,
                                 section_table_count(kinds[i].table, info->details));
    answer_json_count_or_null(writer, "blocks_without_content",
                              info->details->metadata.sized_blocks_recorded,
                              info->details->sized_block_count);
    answer_json_count_or_null(writer, "bytes_without_content",
                              info->details->metadata.sized_blocks_recorded, info->sized_bytes);
    json_end_object(writer);
}

static void write_known_number(JsonWriter *writer, const char *key, bool is_known, uint64_t number)
{
    json_key(writer, key);
    if (is_known)
        json_unsigned(writer, number);
    else
        json_null(writer);
}

static void write_sharing(JsonWriter *writer, const PauseCertificate *certificate)
{
    bool is_known = certificate->moment != MOMENT_UNKNOWN;

    if (is_known) {
        json_boolean_member(writer, "single_moment", certificate->moment == MOMENT_SINGLE);
    } else {
        json_key(writer, "single_moment");
        json_null(writer);
    }
    write_known_number(writer, "sharing_processes", is_known, certificate->sharing_processes);
    write_known_number(writer, "sharing_stopped", is_known, certificate->sharing_stopped);
    json_string_member(writer, "sharing_note", certificate->sharing_note);
}

// Every stop of threads of the program, and the rest of the pause certificate.
static void write_certificate(JsonWriter *writer, const PauseCertificate *certificate)
{
    json_key(writer, "stops");
    json_begin_array(writer);
    for (uint32_t i = 0; i < certificate->stop_count; i++) {
        const PauseStop *stop = &certificate->stops[i];

        json_begin_object(writer);
        json_string_member(writer, "phase", stop->phase);
        json_unsigned_member(writer, "threads", stop->thread_count);
        json_unsigned_member(writer, "pages", stop->page_count);
        json_unsigned_member(writer, "stopping_ns", stop->stopping_ns);
        json_unsigned_member(writer, "working_ns", stop->working_ns);
        json_unsigned_member(writer, "resuming_ns", stop->resuming_ns);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_key(writer, "rounds");
    json_begin_array(writer);
    for (uint32_t i = 0; i < certificate->round_count; i++) {
        json_begin_object(writer);
        json_unsigned_member(writer, "pages", certificate->rounds[i].page_count);
        json_unsigned_member(writer, "duration_ns", certificate->rounds[i].duration_ns);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_unsigned_member(writer, "stopped_pages", pause_certificate_stopped_pages(certificate));
    json_string_member(writer, "collection", collection_state_name(certificate->collection));
    json_unsigned_member(writer, "compared_pages", certificate->compared_pages);
    json_unsigned_member(writer, "differing_pages", certificate->differing_pages);
    json_string_member(writer, "method_note", certificate->method_note);
    write_sharing(writer, certificate);
}

void info_json_capture(JsonWriter *writer, const SnapshotMetadata *metadata)
{
    char time[UTC_TIME_CHARS];

    format_utc_time(metadata->captured_at_ns, time);
    json_key(writer, "capture");
    json_begin_object(writer);
    json_string_member(writer, "tool_version", metadata->tool_version);
    json_unsigned_member(writer, "pid", metadata->pid);
    json_string_member(writer, "executable", metadata->executable);
    json_string_member(writer, "build_id", metadata->build_id);
    json_string_member(writer, "captured_at", time);
    json_string_member(writer, "method", metadata->method);
    json_unsigned_member(writer, "pause_ns", metadata->pause_ns);
    json_unsigned_member(writer, "resident_bytes", metadata->resident_bytes);
    json_key(writer, "heap_requested");
    if (metadata->heap_requested[0] == '\0')
        json_null(writer);
    else
        json_string(writer, metadata->heap_requested);
    answer_json_count_or_null(writer, "wait_collection_ns", metadata->heap_requested[0] != '\0',
                              metadata->wait_collection_ns);
    json_string_member(writer, "foreign_requested", foreign_mode_name(metadata->foreign_requested));
    json_string_member(writer, "foreign_mode", foreign_mode_name(metadata->foreign_mode));
    json_unsigned_member(writer, "foreign_root_bytes", metadata->foreign_root_bytes);
    json_string_member(writer, "foreign_note", metadata->foreign_note);
    json_string_member(writer, "names_note", snapshot_names_note(metadata));
    json_boolean_member(writer, "keeps_free_slots", metadata->keeps_free_slots);
    json_boolean_member(writer, "redacted", metadata->is_redacted);
    answer_json_references(writer, metadata);
    answer_json_root_memory(writer, metadata);
    json_unsigned_member(writer, "rejected_pages", metadata->rejected_pages);
    json_string_member(writer, "rejected_note", metadata->rejected_note);
    write_certificate(writer, &metadata->certificate);
    answer_json_account(writer, &metadata->account);
    json_end_object(writer);
}

uint64_t info_json_losses(JsonWriter *writer, const SnapshotDetails *details, uint32_t most)
{
    uint32_t count = most != 0 && details->loss_count > most ? most : details->loss_count;

    json_key(writer, "lost");
    json_begin_array(writer);
    for (uint32_t i = 0; i < count; i++) {
        const SnapshotLoss *loss = &details->losses[i];

        json_begin_object(writer);
        json_string_member(writer, "kind", loss_kind_name(loss->kind));
        json_key(writer, "address");
        if (loss->address != 0)
            json_address(writer, loss->address);
        else
            json_null(writer);
        json_key(writer, "bytes");
        if (loss->bytes != 0)
            json_unsigned(writer, loss->bytes);
        else
            json_null(writer);
        json_string_member(writer, "why", loss->why);
        json_end_object(writer);
    }
    json_end_array(writer);
    return details->loss_count - count;
}

bool info_json_write(JsonSink sink, const SnapshotFileInfo *info, Error *error)
{
    const SnapshotMetadata *metadata = &info->details->metadata;
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", INFO_SCHEMA);
    write_file(&writer, info);
    write_heap(&writer, info);
    info_json_capture(&writer, metadata);
    json_boolean_member(&writer, "complete", metadata->is_complete);
    json_string_member(&writer, "missing", metadata->missing);
    (void)info_json_losses(&writer, info->details, 0);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
