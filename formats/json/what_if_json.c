// The answer of what-if as JSON: see formats/json/answer_json.h.

#include "formats/json/answer_json.h"

#include "formats/json/answer_parts_internal.h"

bool what_if_json_write(JsonSink sink, const WhatIfJson *document, Error *error)
{
    const WhatIf *what_if = document->what_if;
    const TypeTable *table = document->reachability->type_table;
    bool knows_sized = document->image->details->metadata.sized_blocks_recorded;
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", WHAT_IF_SCHEMA);
    answer_json_snapshot(&writer, document->image);
    answer_json_mark(&writer, document->reachability);
    json_key(&writer, "cut");
    json_begin_object(&writer);
    json_key(&writer, "asked");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < document->cut_count; i++)
        json_string(&writer, document->cuts[i]);
    json_end_array(&writer);
    json_unsigned_member(&writer, "objects", what_if->cut_objects);
    json_unsigned_member(&writer, "foreign_blocks", what_if->cut_blocks);
    json_unsigned_member(&writer, "roots", what_if->cut_roots);
    json_end_object(&writer);
    json_key(&writer, "reachable");
    json_begin_object(&writer);
    json_unsigned_member(&writer, "objects", document->reachability->totals.reachable_objects);
    json_unsigned_member(&writer, "object_bytes", document->reachability->totals.reachable_bytes);
    json_unsigned_member(&writer, "foreign_blocks",
                         document->reachability->reachable_foreign_blocks);
    json_unsigned_member(&writer, "foreign_bytes", document->reachability->reachable_foreign_bytes);
    answer_json_count_or_null(&writer, "blocks_without_content", knows_sized,
                              what_if->reachable_sized_blocks);
    answer_json_count_or_null(&writer, "bytes_without_content", knows_sized,
                              what_if->reachable_sized_bytes);
    json_end_object(&writer);
    json_key(&writer, "freed");
    json_begin_object(&writer);
    answer_json_freed(&writer, &what_if->freed);
    json_end_object(&writer);
    json_key(&writer, "types");
    json_begin_array(&writer);
    for (uint32_t i = 0; i < what_if->type_count; i++) {
        const FreedType *type = &what_if->types[i];

        json_begin_object(&writer);
        answer_json_type(&writer, type->type < table->type_count ? table->types[type->type].label
                                                                 : "foreign block");
        json_unsigned_member(&writer, "freed_objects", type->objects);
        json_unsigned_member(&writer, "freed_bytes", type->bytes);
        json_end_object(&writer);
    }
    json_end_array(&writer);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
