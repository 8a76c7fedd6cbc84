// What `show` found, as JSON: see formats/json/show_json.h.

#include "formats/json/show_json.h"

#include <string.h>

#include "formats/json/answer_parts_internal.h"

// Members about the place that an address lies in.
static void write_place(JsonWriter *writer, const HeapView *view, const HeapPlace *place)
{
    bool has_type = place->kind == HEAP_PLACE_OBJECT || place->kind == HEAP_PLACE_ZOMBIE;

    json_string_member(writer, "kind", heap_place_kind_name(place->kind));
    json_address_member(writer, "address", place->address);
    json_unsigned_member(writer, "bytes", place->bytes);
    json_unsigned_member(writer, "offset", place->offset);
    json_string_member(writer, "type",
                       has_type ? view->types->types[heap_view_type_of(view, place)].label : NULL);
}

static void write_optional(JsonWriter *writer, const char *key, bool is_known, uint64_t value)
{
    json_key(writer, key);
    if (is_known)
        json_unsigned(writer, value);
    else
        json_null(writer);
}

static void write_contents(JsonWriter *writer, const HeapView *view, const ViewRow *row)
{
    const BlockContents *contents = &row->contents;
    char text[BUFFER_TEXT_BYTES + 1];

    json_begin_object(writer);
    write_optional(writer, "length", row->shape.has_length, row->shape.length);
    write_optional(writer, "capacity", row->shape.has_capacity, row->shape.capacity);
    json_string_member(
        writer, "text",
        row->target.offset == 0 &&
                heap_view_block_text(view->image, row->target.block, &row->shape, text)
            ? text
            : NULL);
    write_optional(writer, "objects", contents->is_known, contents->references);
    write_optional(writer, "blocks", contents->is_known, contents->blocks);
    json_string_member(writer, "type",
                       contents->type != NO_INDEX && contents->is_one_type
                           ? view->types->types[contents->type].label
                           : NULL);
    json_end_object(writer);
}

static void write_row(JsonWriter *writer, const HeapView *view, const ViewRow *row)
{
    json_begin_object(writer);
    json_unsigned_member(writer, "offset", row->offset);
    json_unsigned_member(writer, "bytes", row->bytes);
    json_string_member(writer, "field", row->name[0] != '\0' ? row->name : NULL);
    json_string_member(writer, "field_type", row->field != NULL ? row->field->type_name : NULL);
    json_string_member(writer, "reference", edge_kind_name(row->kind));
    json_address_member(writer, "word", row->word);
    json_string_member(writer, "value", row->value);
    json_boolean_member(writer, "counts", view_row_refers(row));
    json_key(writer, "target");
    if (row->target.kind == HEAP_PLACE_OUTSIDE) {
        json_null(writer);
    } else {
        json_begin_object(writer);
        write_place(writer, view, &row->target);
        json_end_object(writer);
    }
    json_key(writer, "block");
    if (row->target.kind == HEAP_PLACE_BLOCK)
        write_contents(writer, view, row);
    else
        json_null(writer);
    json_end_object(writer);
}

static void write_page(JsonWriter *writer, const HeapView *view)
{
    const PageFacts *page = &view->page;

    json_key(writer, "page");
    if (!heap_place_is_in_page(&view->place)) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_address_member(writer, "address", page->address);
    json_unsigned_member(writer, "slot_bytes", page->block_size);
    json_unsigned_member(writer, "slots", page->slot_count);
    json_unsigned_member(writer, "objects", page->live_count);
    json_unsigned_member(writer, "zombies", page->dead_count);
    json_unsigned_member(writer, "owner_thread", page->owner_thread);
    json_unsigned_member(writer, "generation", page->generation);
    json_boolean_member(writer, "large", page->is_large);
    json_boolean_member(writer, "orphan", page->is_orphan);
    json_boolean_member(writer, "needs_sweep", page->needs_sweep);
    json_boolean_member(writer, "all_dead", page->is_all_dead);
    json_end_object(writer);
}

static void write_slot(JsonWriter *writer, const HeapView *view)
{
    const SlotFacts *slot = &view->slot;

    json_key(writer, "slot");
    if (!heap_place_is_in_page(&view->place) || view->place.slot == NO_INDEX) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_unsigned_member(writer, "number", view->place.slot);
    json_boolean_member(writer, "allocated", slot->is_allocated);
    json_boolean_member(writer, "marked", slot->is_marked);
    json_boolean_member(writer, "dirty", slot->is_dirty);
    json_boolean_member(writer, "dead", slot->is_dead);
    json_boolean_member(writer, "under_construction", slot->is_under_construction);
    write_optional(writer, "references", slot->has_header && slot->counts_uses, slot->references);
    write_optional(writer, "weak_references", slot->has_header, slot->weak_references);
    json_key(writer, "trace");
    if (slot->has_header)
        json_address(writer, slot->type_word);
    else
        json_null(writer);
    json_key(writer, "drop");
    if (slot->has_header)
        json_address(writer, slot->drop_function);
    else
        json_null(writer);
    json_end_object(writer);
}

static void write_referrer(JsonWriter *writer, const HeapView *view, const Referrer *referrer)
{
    const HeapImage *image = view->image;
    uint64_t address = referrer->page == NO_INDEX
                           ? image->blocks[referrer->block].address
                           : heap_image_object_address(image, referrer->page, referrer->slot);
    HeapPlace place = heap_place_at(image, address), owner;
    EdgeLabel label;

    json_begin_object(writer);
    json_string_member(writer, "kind", heap_place_kind_name(place.kind));
    json_address_member(writer, "address", place.address);
    json_string_member(writer, "type",
                       place.kind == HEAP_PLACE_BLOCK
                           ? "foreign block"
                           : view->types->types[heap_view_type_of(view, &place)].label);
    json_unsigned_member(writer, "bytes", place.bytes);
    json_boolean_member(writer, "reachable", referrer->is_reachable);
    json_unsigned_member(writer, "offset", referrer->offset);
    edge_label_make(view->labels, referrer->page, referrer->slot, referrer->block, referrer->offset,
                    &label);
    json_string_member(writer, "field", label.is_named ? label.text : NULL);
    json_string_member(writer, "reference", edge_kind_name(label.kind));
    json_unsigned_member(writer, "words", referrer->words);
    json_key(writer, "owner");
    if (place.kind == HEAP_PLACE_BLOCK && heap_view_owner_of(view, place.block, &owner, &label)) {
        json_begin_object(writer);
        json_string_member(writer, "kind", heap_place_kind_name(owner.kind));
        json_address_member(writer, "address", owner.address);
        json_string_member(writer, "type", heap_view_label_of(view, &owner));
        json_unsigned_member(writer, "offset", owner.offset);
        json_string_member(writer, "field", label.text);
        json_end_object(writer);
    } else {
        json_null(writer);
    }
    json_end_object(writer);
}

static void write_root(JsonWriter *writer, const HeapView *view, uint64_t index)
{
    const Root *root = &view->image->roots[index];
    bool is_interior = view->place.kind != HEAP_PLACE_BLOCK && root->value != view->place.address;

    json_begin_object(writer);
    answer_json_root_word(writer, view->image, root, is_interior);
    json_end_object(writer);
}

static void write_referrers(JsonWriter *writer, const HeapView *view)
{
    const Referrers *referrers = &view->referrers;

    json_key(writer, "referrers");
    json_begin_object(writer);
    json_unsigned_member(writer, "root_words", referrers->root_count);
    json_unsigned_member(writer, "nodes", referrers->node_count);
    json_unsigned_member(writer, "node_words", referrers->node_words);
    json_unsigned_member(writer, "garbage_nodes", referrers->garbage_count);
    json_key(writer, "roots");
    json_begin_array(writer);
    for (uint64_t i = 0; i < referrers->root_count && i < REFERRERS_LISTED; i++)
        write_root(writer, view, referrers->roots[i]);
    json_end_array(writer);
    json_key(writer, "list");
    json_begin_array(writer);
    for (uint64_t i = 0; i < referrers->listed; i++)
        write_referrer(writer, view, &referrers->nodes[i]);
    json_end_array(writer);
    json_end_object(writer);
}

static void write_view(JsonWriter *writer, const ShowJson *document)
{
    const HeapView *view = document->view;
    const DominatorTree *tree = document->tree;
    bool is_node = document->node != NO_NODE;

    json_key(writer, "place");
    if (view == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    write_place(writer, view, &view->place);
    json_boolean_member(writer, "content", heap_place_has_content(view->image, &view->place));
    json_string_member(writer, "data_type", view->data_type != NULL ? view->data_type->name : NULL);
    write_optional(writer, "requested_bytes", view->requested_bytes > 0, view->requested_bytes);
    json_boolean_member(writer, "reachable", view->is_reachable);
    write_optional(writer, "retained_bytes", is_node,
                   is_node ? tree->retained_bytes[document->node] : 0);
    write_optional(writer, "retained_objects", is_node,
                   is_node ? tree->retained_objects[document->node] : 0);
    json_key(writer, "dominator");
    if (is_node)
        answer_json_keeper(writer, tree, document->types, tree->dominators[document->node]);
    else
        json_null(writer);
    json_unsigned_member(writer, "words", view->words);
    json_unsigned_member(writer, "zero_words", view->zero_words);
    json_unsigned_member(writer, "masked_words", view->masked_words);
    json_unsigned_member(writer, "fields_left_out", view->rows_left_out);
    json_key(writer, "fields");
    json_begin_array(writer);
    for (uint32_t i = 0; i < view->row_count; i++)
        write_row(writer, view, &view->rows[i]);
    json_end_array(writer);
    write_page(writer, view);
    write_slot(writer, view);
    write_referrers(writer, view);
    json_end_object(writer);
}

// The fields of the type by debug information, or null.
static void write_layout(JsonWriter *writer, const SnapshotDataType *type)
{
    json_key(writer, "layout");
    if (type == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_string_member(writer, "data_type", type->name);
    json_unsigned_member(writer, "bytes", type->bytes);
    json_boolean_member(writer, "partial", type->is_partial);
    json_key(writer, "fields");
    json_begin_array(writer);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const SnapshotField *field = &type->fields[i];

        json_begin_object(writer);
        json_unsigned_member(writer, "offset", (uint64_t)type->value_at + field->offset);
        json_unsigned_member(writer, "bytes", field->bytes);
        json_string_member(writer, "field", field->name);
        json_string_member(writer, "field_type", field->type_name);
        json_string_member(writer, "reference", edge_kind_name(edge_kind_of(field)));
        json_string_member(
            writer, "variant",
            field->variant < type->variant_count ? type->variants[field->variant].name : NULL);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

static void write_type(JsonWriter *writer, const ShowJson *document)
{
    const DominatorTree *tree = document->tree;

    json_key(writer, "type");
    if (document->type == NULL) {
        json_null(writer);
        return;
    }
    json_begin_object(writer);
    json_string_member(writer, "label", document->type_label);
    json_unsigned_member(writer, "objects", document->objects);
    json_unsigned_member(writer, "bytes", document->bytes);
    json_unsigned_member(writer, "reachable_objects", document->type->objects);
    json_unsigned_member(writer, "retained_bytes", document->type->retained_bytes);
    json_unsigned_member(writer, "retained_objects", document->type->retained_objects);
    write_layout(writer, document->data_type);
    json_key(writer, "largest");
    json_begin_array(writer);
    for (uint32_t i = 0; i < document->largest_count; i++) {
        uint32_t node = document->largest[i];

        json_begin_object(writer);
        answer_json_node(writer, document->types, node);
        json_unsigned_member(writer, "retained_bytes", tree->retained_bytes[node]);
        json_unsigned_member(writer, "retained_objects", tree->retained_objects[node]);
        json_end_object(writer);
    }
    json_end_array(writer);
    json_end_object(writer);
}

bool show_json_write(JsonSink sink, const ShowJson *document, Error *error)
{
    const ObjectGraph *graph = document->tree->graph;
    JsonWriter writer;

    json_writer_init(&writer, sink, JSON_PRETTY);
    json_begin_object(&writer);
    json_string_member(&writer, "schema", SHOW_SCHEMA);
    answer_json_snapshot(&writer, graph->image);
    answer_json_mark(&writer, document->reachability);
    answer_json_graph(&writer, graph);
    json_string_member(&writer, "asked", document->asked);
    write_view(&writer, document);
    write_type(&writer, document);
    json_end_object(&writer);
    return json_writer_finish(&writer, error);
}
