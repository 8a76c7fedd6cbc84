// EdgeLabels: see analysis/graph/edge_label.h.

#include "analysis/graph/edge_label.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "analysis/graph/object_graph_internal.h"

const char *edge_kind_name(EdgeKind kind)
{
    switch (kind) {
    case EDGE_STRONG:
        return "strong";
    case EDGE_WEAK:
        return "weak";
    case EDGE_NONE:
        return "none";
    case EDGE_OTHER:
        return "other";
    case EDGE_UNKNOWN:
        break;
    }
    return NULL;
}

bool edge_labels_init(EdgeLabels *labels, const HeapImage *image, Error *error)
{
    *labels = (EdgeLabels){.image = image};
    if (!data_values_new(image->details, &labels->values, error))
        return false;
    return labels->values == NULL ||
           block_owners_new(image, labels->values, &labels->owners, error);
}

void edge_labels_release(EdgeLabels *labels)
{
    block_owners_free(labels->owners);
    data_values_free(labels->values);
    *labels = (EdgeLabels){0};
}

__attribute__((format(printf, 2, 3))) static void append(EdgeLabel *label, const char *format, ...)
{
    size_t used = strlen(label->text);
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(label->text + used, sizeof label->text - used, format, arguments);
    va_end(arguments);
}

EdgeKind edge_kind_of(const SnapshotField *field)
{
    switch ((FieldKind)field->kind) {
    case FIELD_STRONG:
    case FIELD_BLOCK:
        return EDGE_STRONG;
    case FIELD_WEAK:
        return EDGE_WEAK;
    case FIELD_OPAQUE:
        return EDGE_UNKNOWN;
    default:
        return EDGE_OTHER;
    }
}

// The field of the value that holds the byte at `offset`: one that exists, if any does.
static const SnapshotField *field_at(const DataValues *values, const DataValue *value,
                                     uint64_t offset, bool *exists)
{
    const SnapshotDataType *type = data_values_type(values, value->type);
    const SnapshotField *other = NULL;
    DataVariants variants;

    data_value_variants(values, value, &variants);
    for (uint32_t i = 0; i < type->field_count; i++) {
        const SnapshotField *field = &type->fields[i];

        if (offset - field->offset >= field->bytes || field->kind == FIELD_ENUM)
            continue;
        *exists = data_variants_have(&variants, field);
        if (*exists)
            return field;
        // Of several that do not exist, one that could be a reference.
        if (other == NULL ||
            (edge_kind_of(other) == EDGE_OTHER && edge_kind_of(field) != EDGE_OTHER))
            other = field;
    }
    *exists = false;
    return other;
}

// Names the word at `offset` of the value, through arrays.
static void label_value(const DataValues *values, DataValue value, uint64_t offset, EdgeLabel *out)
{
    bool exists;

    for (uint32_t depth = 0; depth <= DATA_MAX_DEPTH; depth++) {
        const SnapshotDataType *type = data_values_type(values, value.type);
        const SnapshotField *field =
            values->plans[value.type].is_known ? field_at(values, &value, offset, &exists) : NULL;
        uint64_t inside, bytes;

        if (field == NULL)
            break;
        out->field = field;
        out->type = type;
        out->value_offset = value.offset;
        if (field->name != NULL && field->name[0] != '\0')
            append(out, ".%s", field->name);
        out->is_named = out->is_named || out->text[0] != '\0';
        if (out->kind != EDGE_NONE)
            out->kind = exists ? edge_kind_of(field) : EDGE_NONE;
        inside = offset - field->offset;
        bytes = field->kind == FIELD_ARRAY && field->target != NO_DATA
                    ? data_values_type(values, field->target)->bytes
                    : 0;
        if (bytes == 0 || (inside / bytes + 1) * bytes > field->bytes) {
            if (inside > 0)
                append(out, "+%" PRIu64, inside);
            return;
        }
        append(out, "[%" PRIu64 "]", inside / bytes);
        out->is_named = true;
        value.type = field->target;
        value.offset += field->offset + inside / bytes * bytes;
        value.bytes += field->offset + inside / bytes * bytes;
        offset = inside % bytes;
    }
    if (offset > 0 || out->text[0] == '\0')
        append(out, "+%" PRIu64, offset);
}

static void label_object(const EdgeLabels *labels, uint32_t page, uint32_t slot, uint64_t offset,
                         EdgeLabel *out)
{
    DataValue value;

    if (labels->values != NULL &&
        data_value_of_object(labels->image, labels->values, page, slot, &value) &&
        offset - value.offset < data_values_type(labels->values, value.type)->bytes)
        label_value(labels->values, value, offset - value.offset, out);
    if (!out->is_named) {
        out->text[0] = '\0';
        append(out, "+%" PRIu64, offset);
    }
}

static void label_block(const EdgeLabels *labels, uint32_t block, uint64_t offset, EdgeLabel *out)
{
    const uint8_t *bytes;
    BlockFrame frame;
    uint64_t index;
    DataValue value;

    if (heap_image_block_is_sized(labels->image, block) || labels->owners == NULL ||
        !block_owners_frame(labels->owners, block, &frame) || frame.shape == BLOCK_TREE) {
        append(out, "[%" PRIu64 "]", offset / 8);
        return;
    }
    bytes = labels->image->foreign_bytes + labels->image->blocks[block].offset;
    index = block_frame_index(&frame, offset);
    if (index == UINT64_MAX) {
        append(out, "+%" PRIu64, offset);
        out->kind = frame.shape == BLOCK_ONE || !frame.is_counted ? EDGE_UNKNOWN : EDGE_NONE;
        return;
    }
    if (!block_frame_is_used(&frame, bytes, index))
        out->kind = EDGE_NONE;
    // The one value of a Box or an Rc has no number: the pointer's name is enough.
    if (frame.shape != BLOCK_ONE)
        append(out, "[%" PRIu64 "]", index);
    out->is_named = true;
    value.type = frame.type;
    value.offset = block_frame_place(&frame, index);
    value.bytes = bytes + value.offset;
    label_value(labels->values, value, offset - value.offset, out);
}

void edge_label_make(const EdgeLabels *labels, uint32_t page, uint32_t slot, uint32_t block,
                     uint64_t offset, EdgeLabel *out)
{
    *out = (EdgeLabel){.kind = EDGE_UNKNOWN};
    if (page == NO_INDEX)
        label_block(labels, block, offset, out);
    else
        label_object(labels, page, slot, offset, out);
}

void edge_label_drop_numbers(EdgeLabel *label)
{
    char *to = label->text;

    for (const char *from = label->text; *from != '\0';) {
        *to++ = *from;
        if (*from++ == '[')
            from += strspn(from, "0123456789");
    }
    *to = '\0';
}

bool edge_label_between(const EdgeLabels *labels, const ObjectGraph *graph, uint32_t node,
                        uint32_t target, EdgeLabel *out, uint64_t *offset)
{
    NodePlace place = object_graph_place(graph, node);
    NodeWords words = place.page == NO_INDEX
                          ? graph_block_words(graph->image, place.block)
                          : graph_object_words(graph->image, place.page, place.slot);
    bool is_found = false;

    for (uint64_t i = 0; i < words.count; i++) {
        EdgeLabel label;

        if (graph_resolve(graph, load_u64(words.bytes + 8 * i)) != target)
            continue;
        edge_label_make(labels, place.page, place.slot, place.block, words.offset + 8 * i, &label);
        if (is_found && label.kind != EDGE_STRONG)
            continue;
        *out = label;
        *offset = words.offset + 8 * i;
        is_found = true;
        if (label.kind == EDGE_STRONG || labels->values == NULL)
            break;
    }
    return is_found;
}

const SnapshotDataType *edge_labels_type_of(const EdgeLabels *labels, uint32_t page, uint32_t slot)
{
    DataValue value;

    return labels->values != NULL &&
                   data_value_of_object(labels->image, labels->values, page, slot, &value)
               ? data_values_type(labels->values, value.type)
               : NULL;
}
