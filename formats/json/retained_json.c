// Retained sizes as JSON: see formats/json/answer_json.h.

#include "formats/json/answer_json.h"

#include "formats/json/answer_parts_internal.h"

static void write_object(JsonWriter *writer, const RetainedReport *report, uint32_t index)
{
    const DominatorTree *tree = report->tree;
    uint32_t node = report->objects[index];
    EdgeLabel label;

    json_begin_object(writer);
    answer_json_node(writer, report->types, node);
    json_unsigned_member(writer, "retained_bytes", tree->retained_bytes[node]);
    json_unsigned_member(writer, "retained_objects", tree->retained_objects[node]);
    json_key(writer, "dominator");
    answer_json_keeper(writer, tree, report->types, tree->dominators[node]);
    json_string_member(writer, "field", retained_field(report, index, &label));
    json_end_object(writer);
}

static void write_type(JsonWriter *writer, const RetainedReport *report, const RetainedType *type)
{
    json_begin_object(writer);
    answer_json_type(writer, node_types_label(report->types, type->type));
    json_unsigned_member(writer, "objects", type->objects);
    json_unsigned_member(writer, "bytes", type->bytes);
    json_unsigned_member(writer, "retained_bytes", type->retained_bytes);
    json_unsigned_member(writer, "retained_objects", type->retained_objects);
    json_key(writer, "freed");
    if (type->has_freed) {
        json_begin_object(writer);
        answer_json_freed(writer, &type->freed);
        json_end_object(writer);
    } else {
        json_null(writer);
    }
    json_end_object(writer);
}

static void write_proof(JsonWriter *writer, const RetainedReport *report,
                        const RetainedProof *proof)
{
    json_begin_object(writer);
    answer_json_node(writer, report->types, proof->node);
    json_unsigned_member(writer, "retained_bytes", proof->retained_bytes);
    json_unsigned_member(writer, "retained_objects", proof->retained_objects);
    answer_json_freed(writer, &proof->freed);
    json_boolean_member(writer, "holds", retained_proof_holds(proof));
    json_end_object(writer);
}

bool retained_json_write(JsonSink sink, const RetainedJson *document, Error *error)
{
    const RetainedReport *report = document->report;
    const ObjectGraph *graph = report->tree->graph;
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", RETAINED_SCHEMA);
    answer_json_snapshot(&writer, graph->image);
    answer_json_mark(&writer, document->reachability);
    answer_json_graph(&writer, graph);
    json_key(&writer, "objects");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < report->object_count; i++)
        write_object(&writer, report, i);
    json_end_array(&writer);
    json_key(&writer, "types");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < report->type_count; i++)
        write_type(&writer, report, &report->retained_types[i]);
    json_end_array(&writer);
    json_key(&writer, "proofs");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < document->proof_count; i++)
        write_proof(&writer, report, &document->proofs[i]);
    json_end_array(&writer);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
