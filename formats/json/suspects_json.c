// The suspects of a report as JSON: see formats/json/suspects_json_internal.h.

#include "formats/json/suspects_json_internal.h"

#include "analysis/routes/route_label.h"
#include "formats/json/answer_parts_internal.h"

static uint64_t write_steps(JsonWriter *writer, const HeapReport *report, const RootPath *path,
                            uint32_t most_steps)
{
    const ObjectGraph *graph = report->tree->graph;
    uint64_t words, root = path_best_root(graph, NULL, path->nodes[0], &words);

    json_key(writer, "root");
    json_begin_object(writer);
    answer_json_root(writer, graph, root);
    json_end_object(writer);
    json_key(writer, "path");
    return answer_json_some_steps(writer, report->types, path, most_steps);
}

static void write_held(JsonWriter *writer, const HeapReport *report, const LeakSuspect *suspect)
{
    json_key(writer, "holding");
    if (suspect->held_elsewhere == 0) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_string_member(writer, "type", node_types_label(report->types, suspect->held_type));
    json_unsigned_member(writer, "objects", suspect->held_objects);
    json_unsigned_member(writer, "held_elsewhere", suspect->held_elsewhere);
    json_end_object(writer);
}

static void write_before(JsonWriter *writer, const Growth *growth)
{
    json_key(writer, "before");
    if (growth->knowledge != GROWTH_KNOWN) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_unsigned_member(writer, "objects", growth->objects_before);
    json_unsigned_member(writer, "retained_bytes", growth->bytes_before);
    json_end_object(writer);
}

void report_json_growth(JsonWriter *writer, const Growth *growth)
{
    json_key(writer, "growth");
    if (growth == NULL || growth->knowledge != GROWTH_KNOWN) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_signed_member(writer, "objects", growth->objects);
    json_signed_member(writer, "retained_bytes", growth->bytes);
    json_boolean_member(writer, "in_every_step", growth->is_steady);
    json_end_object(writer);
}

uint64_t report_json_suspects(JsonWriter *writer, const HeapReport *report, uint32_t most_steps)
{
    uint64_t left_out = 0;

    json_key(writer, "suspects");
    json_begin_array(writer);
    for (uint32_t i = 0; i < report->suspects.count; i++) {
        const LeakSuspect *suspect = &report->suspects.suspects[i];

        json_begin_object(writer);
        json_string_member(writer, "type", node_types_label(report->types, suspect->type));
        json_unsigned_member(writer, "objects", suspect->objects);
        json_unsigned_member(writer, "retained_bytes", suspect->retained_bytes);
        json_string_member(writer, "in", report->labels[i]);
        json_string_member(writer, "fingerprint", report->fingerprints[i]);
        json_unsigned_member(writer, "places", suspect->places);
        json_unsigned_member(writer, "threads", suspect->threads);
        json_boolean_member(writer, "nested", suspect->is_nested);
        json_unsigned_member(writer, "behind_foreign_blocks", suspect->blocks);
        write_held(writer, report, suspect);
        write_before(writer, &suspect->growth);
        report_json_growth(writer, &suspect->growth);
        json_key(writer, "accumulates_in");
        answer_json_keeper(writer, report->tree, report->types, suspect->place);
        json_key(writer, "owner");
        answer_json_keeper(writer, report->tree, report->types, suspect->owner);
        json_key(writer, "example");
        answer_json_keeper(writer, report->tree, report->types, suspect->example);
        left_out += write_steps(writer, report, &report->paths[i], most_steps);
        json_end_object(writer);
    }
    json_end_array(writer);
    return left_out;
}

void report_json_grown(JsonWriter *writer, const HeapReport *report, uint32_t most)
{
    json_key(writer, "growth_by_retainer");
    if (report->older == NULL || report->tree == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_unsigned_member(writer, "places", report->grown.count);
    json_key(writer, "largest");
    json_begin_array(writer);
    for (uint32_t i = 0; i < most; i++) {
        const GrownPlace *place = &report->grown.items[i];

        json_begin_object(writer);
        json_string_member(writer, "in", place->label);
        json_boolean_member(writer, "merged_fields", place->is_merged);
        json_string_member(writer, "type", node_types_label(report->types, place->type));
        json_unsigned_member(writer, "objects", place->objects);
        json_unsigned_member(writer, "retained_bytes", place->retained_bytes);
        write_before(writer, &place->growth);
        report_json_growth(writer, &place->growth);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}
