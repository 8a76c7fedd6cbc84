// Data types for images: see tests/support/typed_heap.h.

#include "tests/support/typed_heap.h"

#include <stdlib.h>
#include <string.h>

static void *copy_of(const void *items, size_t count, size_t item_bytes)
{
    void *copy = calloc(count + 1, item_bytes);

    if (copy == NULL)
        abort();
    if (count > 0)
        memcpy(copy, items, count * item_bytes);
    return copy;
}

static char *text_of(const char *text)
{
    return copy_of(text != NULL ? text : "", text != NULL ? strlen(text) : 0, 1);
}

void typed_heap_take(HeapImage *image, const SnapshotDataType *types, uint32_t count)
{
    // Tests may change an image that is in no other hands.
    SnapshotDetails *details = (SnapshotDetails *)(uintptr_t)image->details;
    SnapshotDataType *copies = copy_of(types, count, sizeof *types);

    for (uint32_t t = 0; t < count; t++) {
        SnapshotDataType *type = &copies[t];

        type->name = text_of(type->name);
        type->type_words = copy_of(type->type_words, type->type_word_count, sizeof(uint64_t));
        type->drops = copy_of(type->drops, type->drop_count, sizeof(uint64_t));
        type->fields = copy_of(type->fields, type->field_count, sizeof *type->fields);
        type->variants = copy_of(type->variants, type->variant_count, sizeof *type->variants);
        for (uint32_t f = 0; f < type->field_count; f++) {
            type->fields[f].name = text_of(type->fields[f].name);
            type->fields[f].type_name = text_of(type->fields[f].type_name);
        }
        for (uint32_t v = 0; v < type->variant_count; v++)
            type->variants[v].name = text_of(type->variants[v].name);
    }
    details->data_types = copies;
    details->data_type_count = count;
}

SnapshotField typed_heap_field(const char *name, uint32_t offset, uint32_t bytes, FieldKind kind)
{
    return (SnapshotField){.offset = offset,
                           .bytes = bytes,
                           .kind = (uint8_t)kind,
                           .target = NO_DATA,
                           .variant = NO_DATA,
                           .length_at = NO_DATA,
                           .capacity_at = NO_DATA,
                           .head_at = NO_DATA,
                           .name = (char *)(uintptr_t)name};
}
