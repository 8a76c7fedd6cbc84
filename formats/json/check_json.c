// The verdict of a check as JSON: see formats/json/check_json.h.

#include "formats/json/check_json.h"

#include <string.h>

#include "formats/json/answer_parts_internal.h"

static void write_text_or_null(JsonWriter *writer, const char *name, const char *text)
{
    json_string_member(writer, name, text != NULL && text[0] != '\0' ? text : NULL);
}

static void write_baseline(JsonWriter *writer, const HeapIdentity *baseline)
{
    json_key(writer, "baseline");
    if (baseline == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_string_member(writer, "digest", baseline->digest);
    json_boolean_member(writer, "complete", baseline->is_complete);
    json_string_member(writer, "layout", baseline->layout);
    json_string_member(writer, "rule", baseline->rule);
    json_string_member(writer, "foreign_mode", foreign_mode_name(baseline->foreign_mode));
    answer_json_count_or_null(writer, "references_overlooked", baseline->has_references,
                              baseline->references_overlooked);
    json_end_object(writer);
}

static void write_kept_by(JsonWriter *writer, const CheckedLimit *checked)
{
    const LimitFinding *finding = &checked->finding;
    bool is_path = checked->limit->measure == LIMIT_NO_PATH;

    json_key(writer, "kept_by");
    if (finding->kept_by == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_string_member(writer, "path", finding->kept_by);
    answer_json_count_or_null(writer, "objects", !is_path, finding->kept_objects);
    answer_json_count_or_null(writer, "of", !is_path, finding->kept_of);
    json_string_member(writer, "example", finding->example);
    json_end_object(writer);
}

static void write_limit(JsonWriter *writer, const CheckedLimit *checked)
{
    const LimitFinding *finding = &checked->finding;
    const HeapLimit *limit = checked->limit;

    json_begin_object(writer);
    json_string_member(writer, "limit", limit->text);
    answer_json_count_or_null(writer, "line", checked->line > 0, checked->line);
    write_text_or_null(writer, "reason", checked->reason);
    json_boolean_member(writer, "exceeded", finding->is_exceeded);
    json_string_member(writer, "measure", limit_measure_name(limit->measure));
    json_string_member(writer, "unit",
                       finding->figure == FIGURE_NONE ? NULL : limit_figure_name(finding->figure));
    answer_json_count_or_null(writer, "measured", finding->figure != FIGURE_NONE,
                              finding->measured);
    answer_json_count_or_null(writer, "before", limit->measure == LIMIT_GROWTH, finding->before);
    answer_json_count_or_null(writer, "of", limit->unit == LIMIT_PERCENT, finding->base);
    answer_json_count_or_null(writer, "excess", finding->is_exceeded, finding->excess);
    json_boolean_member(writer, "too_little", finding->is_too_little);
    json_key(writer, "types");
    json_begin_array(writer);
    for (uint32_t i = 0; i < finding->type_count; i++)
        json_string(writer, finding->types[i]);
    json_end_array(writer);
    json_boolean_member(writer, "unknown_type", finding->is_missing);
    json_string_member(writer, "similar_type", finding->nearest);
    write_kept_by(writer, checked);
    json_end_object(writer);
}

static void write_findings(JsonWriter *writer, const LeakFindings *findings)
{
    json_key(writer, "suspects");
    if (findings == NULL) {
        json_null(writer);
        return;
    }
    json_begin_array(writer);
    for (uint32_t i = 0; i < findings->count; i++) {
        const LeakFinding *finding = &findings->findings[i];

        json_begin_object(writer);
        json_string_member(writer, "fingerprint", finding->fingerprint);
        json_boolean_member(writer, "known", finding->is_known);
        json_string_member(writer, "type", finding->type);
        json_string_member(writer, "in", finding->path);
        json_unsigned_member(writer, "objects", finding->suspect->objects);
        json_unsigned_member(writer, "retained_bytes", finding->suspect->retained_bytes);
        json_address_member(writer, "example", finding->example);
        json_end_object(writer);
    }
    json_end_array(writer);
}

static void write_known(JsonWriter *writer, const CheckJson *document)
{
    json_key(writer, "known");
    json_begin_array(writer);
    for (uint32_t i = 0; i < document->known_count; i++) {
        const CheckedLeak *known = &document->known[i];

        json_begin_object(writer);
        json_string_member(writer, "fingerprint", known->fingerprint);
        json_unsigned_member(writer, "line", known->line);
        write_text_or_null(writer, "reason", known->reason);
        json_boolean_member(writer, "found", known->is_found);
        json_end_object(writer);
    }
    json_end_array(writer);
}

bool check_json_write(JsonSink sink, const CheckJson *document, Error *error)
{
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", CHECK_SCHEMA);
    json_string_member(&writer, "verdict", document->is_exceeded ? "exceeded" : "kept");
    answer_json_snapshot(&writer, document->image);
    answer_json_mark(&writer, document->reachability);
    write_baseline(&writer, document->baseline);
    answer_json_doubts(&writer, document->doubts);
    json_key(&writer, "limits");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < document->limit_count; i++)
        write_limit(&writer, &document->limits[i]);
    json_end_array(&writer);
    write_findings(&writer, document->findings);
    write_known(&writer, document);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
