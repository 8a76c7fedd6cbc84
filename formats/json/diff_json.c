// Growth between heaps as JSON: see formats/json/answer_json.h.

#include "formats/json/answer_json.h"
#include "formats/json/answer_parts_internal.h"

#include <stdlib.h>
#include <string.h>

static void write_numbers(JsonWriter *writer, const char *key, const uint64_t *numbers,
                          uint32_t count)
{
    json_key(writer, key);
    json_begin_array(writer);
    for (uint32_t i = 0; i < count; i++)
        json_unsigned(writer, numbers[i]);
    json_end_array(writer);
}

static void write_heaps(JsonWriter *writer, const DiffJson *document)
{
    json_key(writer, "heaps");
    json_begin_array(writer);
    for (uint32_t i = 0; i < document->diff->heap_count; i++) {
        const HeapProfile *profile = document->profiles[i];

        json_begin_object(writer);
        json_string_member(writer, "digest", profile->digest);
        json_unsigned_member(writer, "objects", profile->totals.objects);
        json_unsigned_member(writer, "bytes", profile->totals.object_bytes);
        json_unsigned_member(writer, "reachable_objects", profile->totals.reachable_objects);
        json_unsigned_member(writer, "reachable_bytes", profile->totals.reachable_bytes);
        json_unsigned_member(writer, "unreachable_objects", profile->totals.unreachable_objects);
        json_unsigned_member(writer, "unreachable_bytes", profile->totals.unreachable_bytes);
        json_unsigned_member(writer, "reachable_foreign_blocks", profile->foreign_blocks);
        json_unsigned_member(writer, "reachable_foreign_bytes", profile->foreign_bytes);
        answer_json_count_or_null(writer, "reachable_bytes_without_content", profile->knows_owned,
                                  profile->sized_bytes);
        json_unsigned_member(writer, "pages", profile->totals.pages);
        json_unsigned_member(writer, "heap_bytes", profile->heap_bytes);
        json_boolean_member(writer, "complete", document->identities[i].is_complete);
        json_string_member(writer, "layout", document->identities[i].layout);
        json_string_member(writer, "rule", document->identities[i].rule);
        json_string_member(writer, "foreign_mode",
                           foreign_mode_name(document->identities[i].foreign_mode));
        answer_json_count_or_null(writer, "references_overlooked",
                                  document->identities[i].has_references,
                                  document->identities[i].references_overlooked);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_moves(JsonWriter *writer, const ObjectMoves *moves)
{
    json_unsigned_member(writer, "kept", moves->kept);
    json_unsigned_member(writer, "fresh", moves->fresh);
    json_unsigned_member(writer, "gone", moves->gone);
    json_unsigned_member(writer, "reused_slots", moves->reused);
}

// Without the blocks that the objects own.
static void write_slot_bytes(JsonWriter *writer, const char *name, const DiffRow *row,
                             uint32_t heap_count)
{
    json_key(writer, name);
    json_begin_array(writer);
    for (uint32_t i = 0; i < heap_count; i++)
        json_unsigned(writer, row->bytes[i] - row->owned[i]);
    json_end_array(writer);
}

static void write_owned(JsonWriter *writer, const HeapDiff *diff, const DiffRow *row)
{
    if (diff->knows_owned) {
        write_numbers(writer, "bytes_without_content", row->owned, diff->heap_count);
        return;
    }
    json_key(writer, "bytes_without_content");
    json_null(writer);
}

static void write_types(JsonWriter *writer, const DiffJson *document)
{
    const HeapDiff *diff = document->diff;

    json_key(writer, "types");
    json_begin_array(writer);
    for (uint32_t i = 0; i < diff->type_count; i++) {
        const DiffRow *row = &diff->types[i];

        json_begin_object(writer);
        answer_json_type(writer, row->label);
        write_numbers(writer, "reachable_objects", row->objects, diff->heap_count);
        write_slot_bytes(writer, "reachable_bytes", row, diff->heap_count);
        write_owned(writer, diff, row);
        write_numbers(writer, "unreachable_objects", row->unreachable, diff->heap_count);
        json_boolean_member(writer, "grew_in_every_step", row->grew_always);
        json_key(writer, "moves");
        if (diff->is_one_process) {
            json_begin_object(writer);
            write_moves(writer, &row->moves);
            json_end_object(writer);
        } else {
            json_null(writer);
        }
        json_end_object(writer);
    }
    json_end_array(writer);
}

// The steps of a path, or the fields that refer to them, which are null where they are not known.
static void write_steps_of(JsonWriter *writer, const char *key, const char *label, bool are_fields)
{
    char *steps = strdup(label), *rest = steps, *step;

    json_key(writer, key);
    json_begin_array(writer);
    while ((step = strsep(&rest, (const char[]){PROFILE_PATH_SEPARATOR, '\0'})) != NULL) {
        char *end = strchr(step, PROFILE_FIELD_END);

        if (end != NULL)
            *end = '\0';
        if (!are_fields)
            json_string(writer, end != NULL ? end + 1 : step);
        else if (end != NULL)
            json_string(writer, step);
        else
            json_null(writer);
    }
    json_end_array(writer);
    free(steps);
}

static void write_paths(JsonWriter *writer, const HeapDiff *diff)
{
    json_key(writer, "paths");
    if (!diff->has_paths) {
        json_null(writer);
        return;
    }
    json_begin_array(writer);
    for (uint32_t i = 0; i < diff->path_count; i++) {
        const DiffRow *row = &diff->paths[i];

        json_begin_object(writer);
        write_steps_of(writer, "path", row->label, false);
        write_steps_of(writer, "fields", row->label, true);
        write_numbers(writer, "objects", row->objects, diff->heap_count);
        write_slot_bytes(writer, "bytes", row, diff->heap_count);
        write_owned(writer, diff, row);
        json_boolean_member(writer, "grew_in_every_step", row->grew_always);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_classes(JsonWriter *writer, const HeapDiff *diff)
{
    json_key(writer, "size_classes");
    json_begin_array(writer);
    for (uint32_t i = 0; i < diff->class_count; i++) {
        json_begin_object(writer);
        json_key(writer, "size_class");
        if (diff->classes[i].block_size == 0)
            json_null(writer);
        else
            json_unsigned(writer, diff->classes[i].block_size);
        write_numbers(writer, "pages", diff->classes[i].pages, diff->heap_count);
        write_numbers(writer, "nearly_empty_pages", diff->classes[i].nearly_empty,
                      diff->heap_count);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_steps(JsonWriter *writer, const HeapDiff *diff)
{
    json_key(writer, "steps");
    if (!diff->is_one_process) {
        json_null(writer);
        return;
    }
    json_begin_array(writer);
    for (uint32_t i = 0; i + 1 < diff->heap_count; i++) {
        json_begin_object(writer);
        json_key(writer, "objects");
        json_begin_object(writer);
        write_moves(writer, &diff->moves[i]);
        json_end_object(writer);
        json_key(writer, "pages");
        json_begin_object(writer);
        json_unsigned_member(writer, "kept", diff->pages[i].kept);
        json_unsigned_member(writer, "fresh", diff->pages[i].fresh);
        json_unsigned_member(writer, "gone", diff->pages[i].gone);
        json_unsigned_member(writer, "reused", diff->pages[i].reused);
        json_end_object(writer);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_findings(JsonWriter *writer, const DiffJson *document)
{
    json_key(writer, "limits");
    json_begin_array(writer);
    for (uint32_t i = 0; i < document->limit_count; i++) {
        const LimitFinding *finding = &document->findings[i];

        json_begin_object(writer);
        json_string_member(writer, "limit", document->limits[i].text);
        json_boolean_member(writer, "exceeded", finding->is_exceeded);
        json_unsigned_member(writer, "exceeded_by", finding->exceeded_by);
        json_string_member(writer, "type", finding->label);
        json_string_member(writer, "unit", limit_figure_name(finding->figure));
        json_unsigned_member(writer, "before", finding->before);
        json_unsigned_member(writer, "after", finding->measured);
        json_end_object(writer);
    }
    json_end_array(writer);
}

bool diff_json_write(JsonSink sink, const DiffJson *document, Error *error)
{
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", DIFF_SCHEMA);
    json_boolean_member(&writer, "one_process", document->diff->is_one_process);
    write_heaps(&writer, document);
    answer_json_doubts(&writer, document->doubts);
    write_findings(&writer, document);
    write_types(&writer, document);
    write_paths(&writer, document->diff);
    write_classes(&writer, document->diff);
    write_steps(&writer, document->diff);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
