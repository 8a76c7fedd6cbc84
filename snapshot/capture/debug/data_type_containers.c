// Types that are known by their names: rudo-gc's references, and containers of Rust's standard
// library, whose words alone do not tell where their elements are. Members are found by name at any
// depth, since the standard library wraps them differently in each version.

#include <stdlib.h>
#include <string.h>

#include "snapshot/capture/debug/data_type_reader_internal.h"

#define MAX_BASE_CHARS 128u
#define MAX_SEARCH_DEPTH 10u
#define MAX_SEARCHED 2000u // entries

// ---- finding members ----

typedef struct MemberSearch {
    const char *name; // NULL: a pointer
    uint64_t offset;
    DwarfEntry type; // of a pointer: what it points to, if known
    bool has_type;
    uint32_t searched;
} MemberSearch;

// Is it this member itself?
static bool is_wanted(DwarfEntry *member, uint64_t offset, DwarfEntry *type, MemberSearch *search)
{
    if (search->name != NULL) {
        if (strcmp(dwarf_entry_name(member), search->name) != 0)
            return false;
        search->type = *type;
        search->has_type = true;
    } else {
        if (dwarf_tag(type) != DW_TAG_pointer_type)
            return false;
        search->has_type = dwarf_entry_type(type, &search->type);
    }
    search->offset = offset;
    return true;
}

// The members themselves, and when `depth` is not 0 those in them, through the variants of
// enumerations, too.
static bool find_in(DwarfEntry *type, uint64_t offset, unsigned depth, MemberSearch *search)
{
    DwarfEntry child, inner;
    uint64_t at;

    if (!dwarf_entry_child(type, &child))
        return false;
    do {
        int tag = dwarf_tag(&child);

        if (search->searched++ > MAX_SEARCHED)
            return false;
        if ((tag == DW_TAG_variant_part || tag == DW_TAG_variant) && depth > 0 &&
            find_in(&child, offset, depth - 1, search))
            return true;
        if (!dwarf_entry_is_member(&child, &at) || !dwarf_entry_type(&child, &inner))
            continue;
        if (is_wanted(&child, offset + at, &inner, search) ||
            (depth > 0 && dwarf_entry_is_structure(&inner) &&
             find_in(&inner, offset + at, depth - 1, search)))
            return true;
    } while (dwarf_entry_next(&child));
    return false;
}

static bool find_own_member(DwarfEntry *type, const char *name, MemberSearch *search)
{
    *search = (MemberSearch){.name = name};
    return find_in(type, 0, 0, search);
}

// Its own members go before those of its parts.
static bool find_member(DwarfEntry *type, const char *name, MemberSearch *search)
{
    return find_own_member(type, name, search) || find_in(type, 0, MAX_SEARCH_DEPTH, search);
}

static uint32_t offset_of(DwarfEntry *type, const char *name, const FieldPlace *place)
{
    MemberSearch search;

    return find_member(type, name, &search) ? (uint32_t)(place->offset + search.offset) : NO_DATA;
}

// ---- blocks ----

// A field for the pointer in the container. NULL: it has none.
static SnapshotField *add_block(FieldList *list, DwarfEntry *container, BlockShape shape,
                                const char *type_name, const FieldPlace *place)
{
    FieldPlace inner = *place;
    MemberSearch pointer;
    SnapshotField *field;

    if (!find_member(container, NULL, &pointer))
        return NULL;
    inner.offset += pointer.offset;
    field = field_list_add(list, &inner, sizeof(uint64_t), FIELD_BLOCK, type_name);
    if (field != NULL)
        field->shape = (uint8_t)shape;
    return field;
}

static bool is_text_type(DwarfEntry *type)
{
    return strcmp(dwarf_entry_name(type), "String") == 0;
}

// Vec, and what is a Vec inside.
static bool add_vec(FieldList *list, DwarfEntry *vec, BlockShape shape, const char *type_name,
                    const FieldPlace *place)
{
    MemberSearch buffer;
    FieldPlace inner = *place;
    SnapshotField *field;
    DwarfEntry element;
    uint32_t target;

    if (!dwarf_entry_parameter(vec, "T", &element) || !find_member(vec, "buf", &buffer))
        return false;
    if (dwarf_entry_bytes(&element) == 0)
        return true; // such values take no room
    target = data_type_reader_add(list->reader, &element);
    inner.offset += buffer.offset;
    field = add_block(list, &buffer.type, shape, type_name, &inner);
    if (field == NULL)
        return false;
    field->target = target;
    field->capacity_at = offset_of(&buffer.type, "cap", &inner);
    field->length_at = offset_of(vec, "len", place);
    if (shape == BLOCK_RING)
        field->head_at = offset_of(vec, "head", place);
    return true;
}

static bool add_string(FieldList *list, DwarfEntry *string, const FieldPlace *place)
{
    uint32_t field = list->field_count;
    MemberSearch vec;
    FieldPlace inner = *place;

    if (!find_member(string, "vec", &vec))
        return false;
    inner.offset += vec.offset;
    if (!add_vec(list, &vec.type, BLOCK_MANY, "String", &inner))
        return false;
    if (list->field_count > field)
        list->fields[field].is_text = true;
    return true;
}

static bool add_table(FieldList *list, DwarfEntry *table, const char *type_name,
                      const FieldPlace *place)
{
    DwarfEntry element;
    MemberSearch control;
    FieldPlace inner = *place;
    SnapshotField *field;
    uint32_t target;

    if (!dwarf_entry_parameter(table, "T", &element) || !find_member(table, "ctrl", &control))
        return false;
    if (dwarf_entry_bytes(&element) == 0)
        return true;
    target = data_type_reader_add(list->reader, &element);
    inner.offset += control.offset;
    field = field_list_add(list, &inner, sizeof(uint64_t), FIELD_BLOCK, type_name);
    if (field == NULL)
        return true;
    field->shape = BLOCK_HASH;
    field->target = target;
    field->length_at = offset_of(table, "items", place);
    field->capacity_at = offset_of(table, "bucket_mask", place);
    return true;
}

// HashMap and HashSet: the hasher is of no interest.
static bool add_map(FieldList *list, DwarfEntry *map, const char *type_name,
                    const FieldPlace *place)
{
    MemberSearch table;
    FieldPlace inner = *place;

    if (!find_member(map, "table", &table))
        return false;
    inner.offset += table.offset;
    return add_table(list, &table.type, type_name, &inner);
}

static bool add_tree(FieldList *list, DwarfEntry *map, const FieldPlace *place)
{
    MemberSearch root, node;
    FieldPlace inner = *place;
    SnapshotField *field;
    uint32_t target;

    if (!find_member(map, "root", &root) || !find_member(&root.type, NULL, &node) || !node.has_type)
        return false;
    target = data_type_reader_add(list->reader, &node.type);
    inner.offset += root.offset;
    field = add_block(list, &root.type, BLOCK_TREE, "BTreeMap", &inner);
    if (field == NULL)
        return false;
    field->target = target;
    field->head_at = offset_of(&root.type, "height", &inner);
    field->length_at = offset_of(map, "length", place);
    return true;
}

// Rc and Arc: the block begins with two counts.
static bool add_shared(FieldList *list, DwarfEntry *type, const char *type_name,
                       const FieldPlace *place)
{
    MemberSearch pointer, value;
    DwarfEntry element;
    bool has_element = dwarf_entry_parameter(type, "T", &element), is_text, is_dynamic;
    const char *name = dwarf_entry_name(type);
    SnapshotField *field;
    uint32_t length = offset_of(type, "length", place), target = NO_DATA;

    if (!find_member(type, NULL, &pointer))
        return false;
    is_text = strncmp(name + strcspn(name, "<"), "<str", 4) == 0;
    is_dynamic = strncmp(name + strcspn(name, "<"), "<dyn ", 5) == 0;
    if (has_element && !is_dynamic && dwarf_entry_bytes(&element) > 0)
        target = data_type_reader_add(list->reader, &element);
    field = add_block(list, type, length != NO_DATA ? BLOCK_MANY : BLOCK_ONE, type_name, place);
    if (field == NULL)
        return false;
    field->target = target;
    field->is_shared = true;
    field->is_text = is_text;
    field->length_at = length;
    field->first_at = 2 * sizeof(uint64_t);
    if (pointer.has_type && (find_own_member(&pointer.type, "value", &value) ||
                             find_own_member(&pointer.type, "data", &value)))
        field->first_at = (uint32_t)value.offset;
    return true;
}

// Pointers with a length or a vtable: Box<[T]>, &str, *const dyn Trait.
static bool add_wide_pointer(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    const char *name = dwarf_entry_name(type);
    bool is_box = strncmp(name, "alloc::boxed::Box<", 18) == 0;
    bool is_text = strncmp(name, "alloc::boxed::Box<str", 21) == 0 || strcmp(name, "&str") == 0;
    FieldPlace inner = *place;
    MemberSearch pointer, second;
    SnapshotField *field;
    uint32_t target = NO_DATA;

    if (!is_box && name[0] != '&' && name[0] != '*')
        return false;
    if (!find_member(type, NULL, &pointer))
        return false;
    inner.offset += pointer.offset;
    if (find_member(type, "length", &second)) {
        if (pointer.has_type && dwarf_entry_bytes(&pointer.type) > 0)
            target = data_type_reader_add(list->reader, &pointer.type);
        field = field_list_add(list, &inner, sizeof(uint64_t), is_box ? FIELD_BLOCK : FIELD_POINTER,
                               is_box    ? "Box"
                               : is_text ? "&str"
                                         : "slice");
        if (field == NULL)
            return true;
        field->shape = BLOCK_MANY;
        field->is_text = is_text;
        field->target = target;
        field->length_at = (uint32_t)(place->offset + second.offset);
        return true;
    }
    (void)field_list_add(list, &inner, sizeof(uint64_t), is_box ? FIELD_BLOCK : FIELD_POINTER,
                         is_box ? "Box" : "dyn");
    if (find_member(type, "vtable", &second)) {
        inner.offset = place->offset + second.offset;
        (void)field_list_add(list, &inner, sizeof(uint64_t), FIELD_CODE, "vtable");
    }
    return true;
}

void field_list_add_pointer(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    bool is_box = strncmp(dwarf_entry_name(type), "alloc::boxed::Box<", 18) == 0;
    DwarfEntry pointee;
    bool has_pointee = dwarf_entry_type(type, &pointee);
    bool is_code = has_pointee && dwarf_tag(&pointee) == DW_TAG_subroutine_type;
    SnapshotField *field;
    uint32_t target = NO_DATA;

    if (has_pointee && !is_code && dwarf_entry_bytes(&pointee) > 0)
        target = data_type_reader_add(list->reader, &pointee);
    field = field_list_add(list, place, sizeof(uint64_t),
                           is_code  ? FIELD_CODE
                           : is_box ? FIELD_BLOCK
                                    : FIELD_POINTER,
                           is_code  ? "fn"
                           : is_box ? "Box"
                                    : "pointer");
    if (field != NULL)
        field->target = target;
}

// ---- rudo-gc ----

// True: it is one of its references, or a structure of its own whose words only it understands.
static bool add_of_collector(FieldList *list, DwarfEntry *type, const char *scope, const char *base,
                             const FieldPlace *place)
{
    bool is_strong = strcmp(base, "Gc") == 0, is_weak = strcmp(base, "Weak") == 0;
    uint64_t bytes = dwarf_entry_bytes(type);
    DwarfEntry target;
    SnapshotField *field;
    uint32_t index = NO_DATA;

    if (strcmp(scope, "rudo_gc") != 0 && strncmp(scope, "rudo_gc::", 9) != 0)
        return false;
    // Cells hold values as RefCell does.
    if (strcmp(scope, "rudo_gc::cell") == 0)
        return false;
    if ((!is_strong && !is_weak) || bytes < sizeof(uint64_t)) {
        (void)field_list_add(list, place, bytes, FIELD_OPAQUE, base);
        return true;
    }
    if (dwarf_entry_parameter(type, "T", &target) && dwarf_entry_bytes(&target) > 0)
        index = data_type_reader_add(list->reader, &target);
    field =
        field_list_add(list, place, sizeof(uint64_t), is_strong ? FIELD_STRONG : FIELD_WEAK, base);
    if (field != NULL)
        field->target = index;
    return true;
}

static bool is_in(const char *scope, const char *outer)
{
    size_t length = strlen(outer);

    return strncmp(scope, outer, length) == 0 && (scope[length] == '\0' || scope[length] == ':');
}

bool field_list_add_container(FieldList *list, DwarfEntry *type, const FieldPlace *place)
{
    const char *scope = dwarf_scopes_of(list->reader->scopes, type);
    char base[MAX_BASE_CHARS];

    data_type_base_name(type, base, sizeof base);
    if (add_of_collector(list, type, scope, base, place))
        return true;
    if (scope[0] == '\0')
        return add_wide_pointer(list, type, place);
    if (is_in(scope, "alloc::vec") && strcmp(base, "Vec") == 0)
        return add_vec(list, type, BLOCK_MANY, base, place);
    if (is_in(scope, "alloc::collections::vec_deque") && strcmp(base, "VecDeque") == 0)
        return add_vec(list, type, BLOCK_RING, base, place);
    if (is_in(scope, "alloc::string") && is_text_type(type))
        return add_string(list, type, place);
    if (is_in(scope, "hashbrown::raw") && strcmp(base, "RawTable") == 0)
        return add_table(list, type, base, place);
    if ((is_in(scope, "std::collections") || is_in(scope, "hashbrown")) &&
        (strcmp(base, "HashMap") == 0 || strcmp(base, "HashSet") == 0))
        return add_map(list, type, base, place);
    if (is_in(scope, "alloc::collections::btree") && strcmp(base, "BTreeMap") == 0)
        return add_tree(list, type, place);
    if ((is_in(scope, "alloc::rc") || is_in(scope, "alloc::sync"))) {
        if (strcmp(base, "Rc") == 0 || strcmp(base, "Arc") == 0)
            return add_shared(list, type, base, place);
        if (strcmp(base, "Weak") == 0) {
            (void)field_list_add(list, place, sizeof(uint64_t), FIELD_WEAK, base);
            return true;
        }
    }
    return false;
}
