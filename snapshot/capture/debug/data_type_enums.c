// Enumerations. Rust's are structures with a variant part: a discriminant, and for each of its
// values a structure that lies over the others. Where a variant has no value of its own, it is the
// one that the others leave (a niche).

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/debug/data_type_reader_internal.h"

#define MAX_VARIANTS 256u // of one enumeration
#define MAX_BASE_CHARS 128u

typedef struct VariantPart {
    uint64_t offset; // of the discriminant in the enumeration
    uint64_t bytes;  // 0: there is one variant only
    DwarfEntry first;
} VariantPart;

static bool find_part(DwarfEntry *type, DwarfEntry *part)
{
    if (!dwarf_entry_child(type, part))
        return false;
    do
        if (dwarf_tag(part) == DW_TAG_variant_part)
            return true;
    while (dwarf_entry_next(part));
    return false;
}

// False: the discriminant is of a kind that we cannot read.
static bool read_part(DwarfEntry *entry, VariantPart *part)
{
    DwarfEntry member, type;

    *part = (VariantPart){0};
    if (!dwarf_entry_child(entry, &part->first))
        return false;
    if (!dwarf_entry_reference(entry, DW_AT_discr, &member))
        return true;
    if (!dwarf_entry_is_member(&member, &part->offset) || !dwarf_entry_type(&member, &type))
        return false;
    part->bytes = dwarf_entry_bytes(&type);
    return part->bytes == 1 || part->bytes == 2 || part->bytes == 4 || part->bytes == 8;
}

static uint64_t cut_to(uint64_t value, uint64_t bytes)
{
    return bytes >= sizeof value ? value : value & ((UINT64_C(1) << 8 * bytes) - 1);
}

// The structure of a variant.
static bool find_payload(DwarfEntry *variant, DwarfEntry *member, DwarfEntry *type)
{
    if (!dwarf_entry_child(variant, member))
        return false;
    do
        if (dwarf_tag(member) == DW_TAG_member)
            return dwarf_entry_type(member, type);
    while (dwarf_entry_next(member));
    return false;
}

static void add_payload(FieldList *list, DwarfEntry *member, DwarfEntry *type, uint32_t variant,
                        bool is_plain, const FieldPlace *place)
{
    char name[MAX_FIELD_NAME_CHARS];
    FieldPlace inner = *place;
    uint64_t offset;

    if (!dwarf_entry_is_member(member, &offset))
        return;
    inner.offset += offset;
    inner.variant = variant;
    // The value of an Option has the name of the Option.
    if (!is_plain) {
        (void)snprintf(name, sizeof name, "%s%s%s", place->name, place->name[0] != '\0' ? "." : "",
                       dwarf_entry_name(member));
        inner.name = name;
    }
    field_list_add_members(list, type, &inner);
}

// Returns how many variants were added.
static uint32_t add_variants(FieldList *list, const VariantPart *part, uint32_t field,
                             const FieldPlace *place)
{
    DwarfEntry entry = part->first;
    uint32_t count = 0;

    do {
        DwarfEntry member, type;
        uint64_t value;
        SnapshotVariant *variant;

        if (dwarf_tag(&entry) != DW_TAG_variant || !find_payload(&entry, &member, &type))
            continue;
        if (count == MAX_VARIANTS ||
            (variant = field_list_add_variant(list, dwarf_entry_name(&member))) == NULL)
            break;
        count++;
        variant->field = field;
        variant->is_default = !dwarf_entry_number(&entry, DW_AT_discr_value, &value);
        variant->discriminant_at = (uint32_t)(place->offset + part->offset);
        variant->discriminant_bytes = (uint32_t)part->bytes;
        if (!variant->is_default)
            variant->low = variant->high = cut_to(value, part->bytes);
    } while (dwarf_entry_next(&entry));
    return count;
}

// Can each variant be told?
static bool is_readable(const VariantPart *part, uint64_t type_bytes)
{
    DwarfEntry entry = part->first;
    uint32_t count = 0, defaults = 0;

    if (part->offset > type_bytes || part->bytes > type_bytes - part->offset)
        return false;
    do {
        uint64_t value;
        Dwarf_Attribute attribute;

        if (dwarf_tag(&entry) != DW_TAG_variant)
            continue;
        if (dwarf_attr(&entry, DW_AT_discr_list, &attribute) != NULL)
            return false;
        count++;
        if (!dwarf_entry_number(&entry, DW_AT_discr_value, &value)) {
            // A value of 16 bytes is not absent.
            if (dwarf_attr(&entry, DW_AT_discr_value, &attribute) != NULL)
                return false;
            defaults++;
        }
    } while (count <= MAX_VARIANTS && dwarf_entry_next(&entry));
    return count <= MAX_VARIANTS && defaults <= 1 && (part->bytes > 0 || count <= 1);
}

bool field_list_add_enum(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    uint64_t bytes = dwarf_entry_bytes(type);
    char base[MAX_BASE_CHARS];
    DwarfEntry entry;
    VariantPart part;
    uint32_t field = list->field_count, first = list->variant_count, count, number = 0;
    bool is_known;

    if (!find_part(type, &entry))
        return false;
    data_type_base_name(type, base, sizeof base);
    is_known =
        place->depth < MAX_FIELD_DEPTH && read_part(&entry, &part) && is_readable(&part, bytes);
    if (field_list_add(list, place, bytes, is_known ? FIELD_ENUM : FIELD_OPAQUE, base) == NULL ||
        !is_known)
        return true;
    count = add_variants(list, &part, field, place);
    entry = part.first;
    do {
        DwarfEntry member, payload;

        if (number < count && dwarf_tag(&entry) == DW_TAG_variant &&
            find_payload(&entry, &member, &payload))
            add_payload(list, &member, &payload, first + number++, strcmp(base, "Option") == 0,
                        place);
    } while (dwarf_entry_next(&entry));
    return true;
}

void field_list_add_numbers(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    uint64_t bytes = dwarf_entry_bytes(type), value;
    char base[MAX_BASE_CHARS];
    uint32_t field = list->field_count, count = 0;
    DwarfEntry entry;

    data_type_base_name(type, base, sizeof base);
    if (bytes > sizeof value || !dwarf_entry_child(type, &entry)) {
        (void)field_list_add(list, place, bytes, FIELD_UNSIGNED, base);
        return;
    }
    if (field_list_add(list, place, bytes, FIELD_ENUM, base) == NULL)
        return;
    do {
        SnapshotVariant *variant;

        if (dwarf_tag(&entry) != DW_TAG_enumerator ||
            !dwarf_entry_number(&entry, DW_AT_const_value, &value))
            continue;
        if (count++ == MAX_VARIANTS ||
            (variant = field_list_add_variant(list, dwarf_entry_name(&entry))) == NULL)
            return;
        variant->field = field;
        variant->discriminant_at = (uint32_t)place->offset;
        variant->discriminant_bytes = (uint32_t)bytes;
        variant->low = variant->high = cut_to(value, bytes);
    } while (dwarf_entry_next(&entry));
}
