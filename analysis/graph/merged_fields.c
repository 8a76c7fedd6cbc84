// MergedFields: see analysis/graph/merged_fields_internal.h.

#include "analysis/graph/merged_fields_internal.h"

#include <string.h>

// Of nodes with at most that many words all are looked at for each target.
#define FEW_WORDS 64u

void merged_fields_init(MergedFields *fields, const ObjectGraph *graph, const EdgeLabels *labels)
{
    *fields = (MergedFields){.graph = graph, .labels = labels, .source = NO_NODE};
}

// Do the values in a block have fields with names?
static bool has_named_values(const EdgeLabels *labels, uint32_t block)
{
    const SnapshotDataType *type;
    BlockFrame frame;

    if (heap_image_block_is_sized(labels->image, block) ||
        !block_owners_frame(labels->owners, block, &frame) || frame.type == NO_DATA)
        return false;
    type = data_values_type(labels->values, frame.type);
    for (uint32_t i = 0; i < type->field_count; i++)
        if (type->fields[i].name != NULL && type->fields[i].name[0] != '\0')
            return true;
    return false;
}

static void begin_source(MergedFields *fields, uint32_t source)
{
    const EdgeLabels *labels = fields->labels;
    NodePlace place = object_graph_place(fields->graph, source);

    fields->source = source;
    fields->place = place;
    fields->next = 0;
    if (place.page == NO_INDEX) {
        fields->has_names = has_named_values(labels, place.block);
        if (fields->has_names)
            fields->words = graph_block_words(labels->image, place.block);
    } else {
        fields->has_names = edge_labels_type_of(labels, place.page, place.slot) != NULL;
        if (fields->has_names)
            fields->words = graph_object_words(labels->image, place.page, place.slot);
    }
}

// The next of many words that refers to the target.
static bool label_next(MergedFields *fields, uint32_t target, EdgeLabel *label)
{
    const NodeWords *words = &fields->words;

    for (uint64_t i = fields->next; i < words->count; i++)
        if (graph_resolve(fields->graph, load_u64(words->bytes + 8 * i)) == target) {
            edge_label_make(fields->labels, fields->place.page, fields->place.slot,
                            fields->place.block, words->offset + 8 * i, label);
            fields->next = i + 1;
            return true;
        }
    // Those that come later are not found, either: looking again and again would take too long.
    fields->has_names = false;
    return false;
}

bool merged_fields_find(MergedFields *fields, uint32_t source, uint32_t target, uint32_t *field,
                        Error *error)
{
    EdgeLabel label;
    uint64_t offset;

    *field = NO_INDEX;
    if (fields->labels->values == NULL)
        return true;
    if (source != fields->source)
        begin_source(fields, source);
    if (!fields->has_names ||
        !(fields->words.count <= FEW_WORDS
              ? edge_label_between(fields->labels, fields->graph, source, target, &label, &offset)
              : label_next(fields, target, &label)) ||
        !label.is_named)
        return true;
    edge_label_drop_numbers(&label);
    return strcmp(label.text, "[]") == 0 ||
           label_set_take(&fields->names, label.text, field, error);
}
