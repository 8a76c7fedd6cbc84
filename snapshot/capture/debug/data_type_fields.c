// The fields of one type: structures are taken apart until their parts are single values,
// references and containers. See data_type_reader_internal.h.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/capture/debug/data_type_reader_internal.h"

#define MAX_MEMBERS 1024u
#define MAX_BASE_CHARS 128u

// ---- the list ----

static bool has_room(FieldList *list)
{
    if (list->field_count + list->variant_count < MAX_TYPE_PARTS)
        return true;
    list->is_partial = list->reader->is_limited = true;
    return false;
}

SnapshotField *field_list_add(FieldList *list, const FieldPlace *place, uint64_t bytes,
                              FieldKind kind, const char *type_name)
{
    SnapshotField *field;
    Error unwanted;

    // Readers refuse fields that go beyond their type.
    if (place->offset > list->type_bytes || bytes > list->type_bytes - place->offset ||
        place->offset + bytes > UINT32_MAX || !has_room(list) ||
        !array_reserve(&list->fields, &list->field_capacity, list->field_count + UINT64_C(1),
                       sizeof *list->fields, "fields", &unwanted)) {
        list->is_partial = true;
        return NULL;
    }
    field = &list->fields[list->field_count];
    *field = (SnapshotField){
        .offset = (uint32_t)place->offset,
        .bytes = (uint32_t)bytes,
        .kind = (uint8_t)kind,
        .target = NO_DATA,
        .variant = place->variant,
        .length_at = NO_DATA,
        .capacity_at = NO_DATA,
        .head_at = NO_DATA,
        .name = strdup(place->name),
        .type_name = strdup(type_name),
    };
    if (field->name == NULL || field->type_name == NULL) {
        free(field->name);
        free(field->type_name);
        list->is_partial = true;
        return NULL;
    }
    list->field_count++;
    return field;
}

SnapshotVariant *field_list_add_variant(FieldList *list, const char *name)
{
    SnapshotVariant *variant;
    Error unwanted;
    char *copy;

    if (!has_room(list) ||
        !array_reserve(&list->variants, &list->variant_capacity, list->variant_count + UINT64_C(1),
                       sizeof *list->variants, "variants", &unwanted) ||
        (copy = strdup(name)) == NULL) {
        list->is_partial = true;
        return NULL;
    }
    variant = &list->variants[list->variant_count++];
    *variant = (SnapshotVariant){.name = copy};
    return variant;
}

// ---- members ----

typedef struct Member {
    uint64_t offset;
    uint64_t bytes;
    const char *name;
    DwarfEntry type;
} Member;

static int compare_members(const void *left, const void *right)
{
    const Member *a = left, *b = right;

    return (a->offset > b->offset) - (a->offset < b->offset);
}

// The members that take room, ascending by offset.
static uint32_t list_members(FieldList *list, DwarfEntry *type, Member *members)
{
    DwarfEntry child;
    uint32_t count = 0;

    if (!dwarf_entry_child(type, &child))
        return 0;
    do {
        Member member;

        if (!dwarf_entry_is_member(&child, &member.offset))
            continue;
        // A bit-field, or a member without a type: its word may be anything.
        if (!dwarf_entry_type(&child, &member.type)) {
            list->is_partial = true;
            continue;
        }
        member.bytes = dwarf_entry_bytes(&member.type);
        member.name = dwarf_entry_name(&child);
        if (member.bytes == 0)
            continue;
        if (count == MAX_MEMBERS) {
            list->is_partial = list->reader->is_limited = true;
            break;
        }
        members[count++] = member;
    } while (dwarf_entry_next(&child));
    qsort(members, count, sizeof *members, compare_members);
    return count;
}

// Libraries wrap values in structures whose members no reader asks for.
static bool is_library(const char *scope)
{
    static const char *const crates[] = {"core",      "alloc",       "std",     "rudo_gc",
                                         "hashbrown", "parking_lot", "lock_api"};

    for (size_t i = 0; i < sizeof crates / sizeof crates[0]; i++) {
        size_t length = strlen(crates[i]);
        if (strncmp(scope, crates[i], length) == 0 &&
            (scope[length] == '\0' || scope[length] == ':'))
            return true;
    }
    return false;
}

// Has the member's value the name of the structure?
static bool is_transparent(const Member *member, uint32_t count, bool in_library)
{
    if (count == 1)
        return in_library || strcmp(member->name, "__0") == 0 || member->name[0] == '\0';
    return in_library && (strcmp(member->name, "value") == 0 || strcmp(member->name, "data") == 0);
}

void field_list_add_members(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    Member *members = calloc(MAX_MEMBERS, sizeof *members);
    bool in_library = is_library(dwarf_scopes_of(list->reader->scopes, type));
    uint32_t count = members == NULL ? 0 : list_members(list, type, members);

    if (members == NULL)
        list->is_partial = true;
    for (uint32_t i = 0; i < count; i++) {
        char name[MAX_FIELD_NAME_CHARS];
        const char *own = members[i].name;
        FieldPlace inner = *place;

        // Members of tuples are called "__0" and so on.
        if (own[0] == '_' && own[1] == '_' && own[2] >= '0' && own[2] <= '9')
            own += 2;
        inner.offset += members[i].offset;
        if (!is_transparent(&members[i], count, in_library)) {
            (void)snprintf(name, sizeof name, "%s%s%s", place->name,
                           place->name[0] != '\0' && own[0] != '\0' ? "." : "", own);
            inner.name = name;
        }
        field_list_add_value(list, &members[i].type, &inner);
    }
    free(members);
}

// ---- values ----

static void add_base(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    uint64_t encoding = 0, bytes = dwarf_entry_bytes(type);
    FieldKind kind = FIELD_OPAQUE;

    (void)dwarf_entry_number(type, DW_AT_encoding, &encoding);
    switch (encoding) {
    case DW_ATE_boolean:
        kind = FIELD_BOOL;
        break;
    case DW_ATE_float:
        kind = FIELD_FLOAT;
        break;
    case DW_ATE_signed:
    case DW_ATE_signed_char:
        kind = FIELD_SIGNED;
        break;
    case DW_ATE_unsigned:
    case DW_ATE_unsigned_char:
        kind = FIELD_UNSIGNED;
        break;
    case DW_ATE_UTF:
        kind = FIELD_CHAR;
        break;
    default:
        break;
    }
    (void)field_list_add(list, place, bytes, kind, dwarf_entry_name(type));
}

static void add_array(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    uint64_t bytes = dwarf_entry_bytes(type);
    DwarfEntry element;
    SnapshotField *field;
    uint32_t target;

    if (!dwarf_entry_type(type, &element) || dwarf_entry_bytes(&element) == 0) {
        list->is_partial = true;
        return;
    }
    target = data_type_reader_add(list->reader, &element);
    field = field_list_add(list, place, bytes, target == NO_DATA ? FIELD_OPAQUE : FIELD_ARRAY,
                           dwarf_entry_name(&element));
    if (field != NULL)
        field->target = target;
}

static void add_union(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    char base[MAX_BASE_CHARS];
    DwarfEntry inner;

    data_type_base_name(type, base, sizeof base);
    // A value that may not be there yet is still a value of its type.
    if (strcmp(base, "MaybeUninit") == 0 && dwarf_entry_parameter(type, "T", &inner)) {
        field_list_add_value(list, &inner, place);
        return;
    }
    (void)field_list_add(list, place, dwarf_entry_bytes(type), FIELD_OPAQUE, base);
}

static void add_structure(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    char base[MAX_BASE_CHARS];

    if (field_list_add_container(list, type, place) || field_list_add_enum(list, type, place))
        return;
    if (place->depth < MAX_FIELD_DEPTH) {
        field_list_add_members(list, type, place);
        return;
    }
    data_type_base_name(type, base, sizeof base);
    (void)field_list_add(list, place, dwarf_entry_bytes(type), FIELD_OPAQUE, base);
    list->reader->is_limited = true;
}

void field_list_add_value(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    FieldPlace inner = *place;

    inner.depth++;
    switch (dwarf_tag(type)) {
    case DW_TAG_base_type:
        add_base(list, type, place);
        break;
    case DW_TAG_enumeration_type:
        field_list_add_numbers(list, type, place);
        break;
    case DW_TAG_pointer_type:
    case DW_TAG_reference_type:
    case DW_TAG_rvalue_reference_type:
        field_list_add_pointer(list, type, place);
        break;
    case DW_TAG_array_type:
        add_array(list, type, place);
        break;
    case DW_TAG_union_type:
        add_union(list, type, &inner);
        break;
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
        add_structure(list, type, &inner);
        break;
    default:
        (void)field_list_add(list, place, dwarf_entry_bytes(type), FIELD_OPAQUE, "");
        break;
    }
}
