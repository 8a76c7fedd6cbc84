// Data types: see snapshot/heap/data_types.h.

#include "snapshot/heap/data_types.h"

#include <stdlib.h>
#include <string.h>

void snapshot_data_types_free(SnapshotDataType *types, uint32_t count)
{
    for (uint32_t i = 0; types != NULL && i < count; i++) {
        for (uint32_t f = 0; f < types[i].field_count; f++) {
            free(types[i].fields[f].name);
            free(types[i].fields[f].type_name);
        }
        for (uint32_t v = 0; v < types[i].variant_count; v++)
            free(types[i].variants[v].name);
        free(types[i].name);
        free(types[i].type_words);
        free(types[i].drops);
        free(types[i].fields);
        free(types[i].variants);
    }
    free(types);
}

// False: it lies outside of the value.
static bool read_discriminant(const SnapshotVariant *variant, const uint8_t *value, uint64_t length,
                              uint64_t *out)
{
    *out = 0;
    if (variant->discriminant_bytes > sizeof *out || variant->discriminant_at > length ||
        variant->discriminant_bytes > length - variant->discriminant_at)
        return false;
    memcpy(out, value + variant->discriminant_at, variant->discriminant_bytes);
    return true;
}

// Has the enumeration this variant, whether or not the enumeration exists?
static bool is_chosen(const SnapshotDataType *type, const SnapshotVariant *variant,
                      const uint8_t *value, uint64_t length)
{
    const SnapshotVariant *last = type->variants + type->variant_count;
    const SnapshotVariant *other = variant;
    uint64_t discriminant;

    if (!read_discriminant(variant, value, length, &discriminant))
        return false;
    if (!variant->is_default)
        return variant->discriminant_bytes == 0 ||
               (discriminant >= variant->low && discriminant <= variant->high);
    while (other > type->variants && other[-1].field == variant->field)
        other--;
    for (; other < last && other->field == variant->field; other++)
        if (!other->is_default && discriminant >= other->low && discriminant <= other->high)
            return false;
    return true;
}

bool snapshot_data_type_has_variant(const SnapshotDataType *type, uint32_t variant,
                                    const uint8_t *value, uint64_t length)
{
    // The field of a variant has a smaller index than those that the variant holds, so this ends.
    while (variant < type->variant_count) {
        const SnapshotVariant *chosen = &type->variants[variant];

        if (!is_chosen(type, chosen, value, length) || chosen->field >= type->field_count)
            return false;
        variant = type->fields[chosen->field].variant;
    }
    return true;
}
