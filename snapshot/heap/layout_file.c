// Heap layouts from files: see snapshot/heap/layout_file.h.

#include "snapshot/heap/layout_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"
#include "base/json_object.h"
#include "base/text_file.h"
#include "snapshot/heap/rudo_gc_layouts.h"

#define LAYOUT_SCHEMA "rudo-snap/layout/1"

typedef enum MemberKind {
    MEMBER_U32,
    MEMBER_U64,
    MEMBER_FIELD,
} MemberKind;

typedef struct Member {
    const char *key;
    MemberKind kind;
    bool is_required;
    size_t offset; // in HeapLayout
} Member;

#define REQUIRED(kind, name)                                                                       \
    {                                                                                              \
#name, kind, true, offsetof(HeapLayout, name)                                              \
    }
#define OPTIONAL(kind, name)                                                                       \
    {                                                                                              \
#name, kind, false, offsetof(HeapLayout, name)                                             \
    }

static const Member members[] = {
    REQUIRED(MEMBER_U32, page_size),
    REQUIRED(MEMBER_U32, page_header_bytes),
    REQUIRED(MEMBER_U64, magic_value),
    REQUIRED(MEMBER_FIELD, magic),
    REQUIRED(MEMBER_FIELD, block_size),
    REQUIRED(MEMBER_FIELD, object_count),
    REQUIRED(MEMBER_FIELD, header_size),
    OPTIONAL(MEMBER_FIELD, generation),
    OPTIONAL(MEMBER_FIELD, flags),
    OPTIONAL(MEMBER_FIELD, owner_thread),
    OPTIONAL(MEMBER_FIELD, dead_count),
    OPTIONAL(MEMBER_FIELD, free_list_head),
    OPTIONAL(MEMBER_U32, mark_bitmap),
    OPTIONAL(MEMBER_U32, dirty_bitmap),
    REQUIRED(MEMBER_U32, allocated_bitmap),
    REQUIRED(MEMBER_U32, bitmap_words),
    REQUIRED(MEMBER_U32, min_block_size),
    REQUIRED(MEMBER_U32, max_block_size),
    OPTIONAL(MEMBER_U32, block_size_step),
    OPTIONAL(MEMBER_U32, first_slot_step),
    OPTIONAL(MEMBER_U32, large_header_alignment),
    OPTIONAL(MEMBER_U32, max_generation),
    OPTIONAL(MEMBER_U64, min_owner_thread),
    OPTIONAL(MEMBER_U64, max_owner_thread),
    OPTIONAL(MEMBER_U64, free_list_none),
    OPTIONAL(MEMBER_U32, flag_large),
    OPTIONAL(MEMBER_U32, flag_orphan),
    OPTIONAL(MEMBER_U32, flag_needs_sweep),
    OPTIONAL(MEMBER_U32, flag_all_dead),
    OPTIONAL(MEMBER_U32, flag_dirty_listed),
    OPTIONAL(MEMBER_U32, object_header_bytes),
    OPTIONAL(MEMBER_FIELD, reference_count),
    OPTIONAL(MEMBER_FIELD, weak_count),
    OPTIONAL(MEMBER_U64, dead_bit),
    OPTIONAL(MEMBER_U64, under_construction_bit),
    OPTIONAL(MEMBER_U64, old_bit),
    OPTIONAL(MEMBER_FIELD, drop_function),
    OPTIONAL(MEMBER_FIELD, type_word),
    OPTIONAL(MEMBER_FIELD, dropping),
    OPTIONAL(MEMBER_FIELD, object_generation),
    OPTIONAL(MEMBER_U32, free_link_bytes),
};

#define MEMBER_COUNT (sizeof members / sizeof members[0])

typedef struct LayoutReader {
    const char *name;
    const JsonObject *object;
    HeapLayout *out;
    Error *error;
} LayoutReader;

static bool refuse(const LayoutReader *reader, const char *key, const char *what)
{
    (void)error_set(reader->error, ERROR_CORRUPT, "'%s': '%s' %s", reader->name, key, what);
    return error_add_hint(reader->error, "docs/layouts.md and the schema " LAYOUT_SCHEMA
                                         " describe the members of a layout");
}

static bool check_members(const LayoutReader *reader)
{
    const char *keys[MEMBER_COUNT + 4] = {"schema", "name", "comment"};
    const char *stranger;

    for (size_t i = 0; i < MEMBER_COUNT; i++)
        keys[i + 3] = members[i].key;
    stranger = json_object_find_stranger(reader->object, keys);
    return stranger == NULL ||
           refuse(reader, stranger, "is not a member of a layout, or occurs twice");
}

static bool read_heading(const LayoutReader *reader)
{
    HeapLayout *out = reader->out;
    const char *text = NULL;

    if (json_object_get_text(reader->object, "schema", &text) != JSON_FOUND ||
        strcmp(text, LAYOUT_SCHEMA) != 0)
        return refuse(reader, "schema", "is not \"" LAYOUT_SCHEMA "\"");
    if (json_object_get_text(reader->object, "name", &text) != JSON_FOUND || text[0] == '\0' ||
        strlen(text) >= sizeof out->name || !text_is_clean(text, strlen(text), TEXT_ONE_LINE))
        return refuse(reader, "name", "is not a name of 1 to 31 bytes");
    memcpy(out->name, text, strlen(text) + 1);
    return true;
}

// { "offset": 4, "width": 2 }
static bool read_field(const LayoutReader *reader, const JsonObject *object, const Member *member,
                       LayoutField *field)
{
    static const char *const keys[] = {"offset", "width", NULL};
    uint64_t offset = 0, width = 0;

    if (json_object_find_stranger(object, keys) != NULL ||
        json_object_get_number(object, "offset", &offset) != JSON_FOUND ||
        json_object_get_number(object, "width", &width) != JSON_FOUND || offset > UINT16_MAX ||
        (width != 1 && width != 2 && width != 4 && width != 8))
        return refuse(reader, member->key,
                      "is not a field {\"offset\": ..., \"width\": 1, 2, 4 or 8}");
    *field = (LayoutField){(uint16_t)offset, (uint16_t)width};
    return true;
}

static bool read_number(const LayoutReader *reader, const Member *member, uint64_t limit,
                        uint64_t *value, bool *is_there)
{
    JsonResult result = json_object_get_number(reader->object, member->key, value);

    *is_there = result == JSON_FOUND;
    if (result == JSON_WRONG || (result == JSON_FOUND && *value > limit))
        return refuse(reader, member->key,
                      limit == UINT32_MAX ? "is not a number from 0 to 4294967295"
                                          : "is not a number from 0 to 2^64 - 1");
    return true;
}

static bool read_member(const LayoutReader *reader, const Member *member)
{
    void *place = (char *)reader->out + member->offset;
    const JsonObject *object;
    uint64_t value = 0;
    bool is_there = false;

    switch (member->kind) {
    case MEMBER_U32:
        if (!read_number(reader, member, UINT32_MAX, &value, &is_there))
            return false;
        if (is_there)
            *(uint32_t *)place = (uint32_t)value;
        break;
    case MEMBER_U64:
        if (!read_number(reader, member, UINT64_MAX, &value, &is_there))
            return false;
        if (is_there)
            *(uint64_t *)place = value;
        break;
    case MEMBER_FIELD:
        switch (json_object_get_object(reader->object, member->key, &object)) {
        case JSON_ABSENT:
            break;
        case JSON_WRONG:
            return refuse(reader, member->key, "is not a field {\"offset\": ..., \"width\": ...}");
        case JSON_FOUND:
            if (!read_field(reader, object, member, place))
                return false;
            is_there = true;
            break;
        }
        break;
    }
    return is_there || !member->is_required || refuse(reader, member->key, "is missing");
}

// Members that the file may leave out, as harmless as possible.
static void set_defaults(HeapLayout *out)
{
    *out = (HeapLayout){
        .large_header_alignment = 8,
        .mark_bitmap = UINT32_MAX,
        .dirty_bitmap = UINT32_MAX,
        .max_owner_thread = UINT32_MAX,
        .free_list_none = UINT64_MAX,
    };
}

// In a heap without mark or dirty bits, all allocated slots count as marked and dirty.
static void complete(HeapLayout *out)
{
    if (out->mark_bitmap == UINT32_MAX)
        out->mark_bitmap = out->allocated_bitmap;
    if (out->dirty_bitmap == UINT32_MAX)
        out->dirty_bitmap = out->allocated_bitmap;
}

bool layout_file_parse(const char *name, const char *text, size_t length, HeapLayout *out,
                       Error *error)
{
    LayoutReader reader = {.name = name, .out = out, .error = error};
    JsonObject *object = NULL;
    Error why;
    bool is_ok;

    set_defaults(out);
    if (!json_object_parse(text, length, &object, &why))
        return error_set(error, why.code, "'%s': %s", name, why.message);
    reader.object = object;
    is_ok = check_members(&reader) && read_heading(&reader);
    for (size_t i = 0; is_ok && i < MEMBER_COUNT; i++)
        is_ok = read_member(&reader, &members[i]);
    json_object_free(object);
    if (!is_ok)
        return false;
    complete(out);
    return heap_layout_check(out, &why) ||
           error_set(error, why.code, "'%s': %s", name, why.message);
}

bool layout_file_read(const char *path, HeapLayout *out, Error *error)
{
    char *text;
    size_t length;
    bool ok = text_file_read(path, false, "a layout", &text, &length, error) &&
              layout_file_parse(path, text, length, out, error);

    free(text);
    return ok;
}

bool layout_find(const char *name_or_path, HeapLayout *out, Error *error)
{
    const HeapLayout *known = rudo_gc_layout_named(name_or_path);

    if (known != NULL) {
        *out = *known;
        return true;
    }
    if (layout_file_read(name_or_path, out, error))
        return true;
    if (error->code != ERROR_SYSTEM)
        return false;
    (void)error_add_hint(error, "built in are:");
    for (uint32_t i = 0; (known = rudo_gc_layout(i)) != NULL; i++)
        (void)error_add_hint(error, "  %s", known->name);
    return false;
}
