// The META section: SnapshotMetadata as a JSON object. Encoding and decoding follow one table of
// members. Decoding skips unknown members and leaves the value of absent ones.

#include "snapshot/file/sections/sections.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"
#include "base/json_object.h"
#include "snapshot/file/sections/section_codecs_internal.h"

typedef enum ValueKind {
    VALUE_TEXT,  // char array
    VALUE_LINES, // char array of several lines
    VALUE_BOOL,
    VALUE_U32,
    VALUE_U64,
    VALUE_I64,
    VALUE_MODE, // ForeignMode, by name
} ValueKind;

typedef struct Value {
    const char *key;
    ValueKind kind;
    size_t offset; // in SnapshotMetadata
    size_t size;
} Value;

#define VALUE(kind, name)                                                                          \
    {                                                                                              \
#name, kind, offsetof(SnapshotMetadata, name),                                             \
            sizeof(((const SnapshotMetadata *)NULL)->name)                                         \
    }

#define ACCOUNT(kind, name)                                                                        \
    {                                                                                              \
        "account_" #name, kind, offsetof(SnapshotMetadata, account.name),                          \
            sizeof(((const SnapshotMetadata *)NULL)->account.name)                                 \
    }

static const Value values[] = {
    VALUE(VALUE_TEXT, tool_version),
    VALUE(VALUE_U32, pid),
    VALUE(VALUE_TEXT, executable),
    VALUE(VALUE_TEXT, build_id),
    VALUE(VALUE_I64, captured_at_ns),
    VALUE(VALUE_U64, pause_ns),
    VALUE(VALUE_TEXT, method),
    VALUE(VALUE_MODE, foreign_requested),
    VALUE(VALUE_MODE, foreign_mode),
    VALUE(VALUE_U64, foreign_root_bytes),
    VALUE(VALUE_LINES, foreign_note),
    VALUE(VALUE_BOOL, keeps_free_slots),
    VALUE(VALUE_BOOL, is_redacted),
    VALUE(VALUE_BOOL, is_complete),
    VALUE(VALUE_LINES, missing),
    VALUE(VALUE_U64, resident_bytes),
    VALUE(VALUE_LINES, names_note),
    VALUE(VALUE_LINES, names_reasons),
    VALUE(VALUE_BOOL, references_counted),
    VALUE(VALUE_U64, references_overlooked),
    VALUE(VALUE_U64, rejected_pages),
    VALUE(VALUE_TEXT, rejected_note),
    VALUE(VALUE_BOOL, roots_measured),
    VALUE(VALUE_U64, outside_bytes),
    VALUE(VALUE_U64, shared_root_bytes),
    VALUE(VALUE_U64, shared_skipped_bytes),
    VALUE(VALUE_LINES, shared_note),
    VALUE(VALUE_BOOL, sized_blocks_recorded),
    VALUE(VALUE_TEXT, heap_requested),
    VALUE(VALUE_U64, wait_collection_ns),
    ACCOUNT(VALUE_BOOL, is_recorded),
    ACCOUNT(VALUE_U64, resident),
    ACCOUNT(VALUE_U64, objects),
    ACCOUNT(VALUE_U64, zombies),
    ACCOUNT(VALUE_U64, free_slots),
    ACCOUNT(VALUE_U64, page_headers),
    ACCOUNT(VALUE_U64, owned_blocks),
    ACCOUNT(VALUE_U64, shared_blocks),
    ACCOUNT(VALUE_U64, rooted_blocks),
    ACCOUNT(VALUE_U64, other_blocks),
    ACCOUNT(VALUE_U64, free_blocks),
    ACCOUNT(VALUE_U64, stacks),
    ACCOUNT(VALUE_U64, variables),
    ACCOUNT(VALUE_U64, files),
    ACCOUNT(VALUE_U64, other),
};

static const ForeignMode modes[] = {FOREIGN_BLOCKS, FOREIGN_ROOTS, FOREIGN_NONE};

static TextLines lines_of(const Value *value)
{
    return value->kind == VALUE_LINES ? TEXT_MANY_LINES : TEXT_ONE_LINE;
}

static bool add_text(JsonObject *object, const Value *value, const char *text)
{
    size_t length = strnlen(text, value->size - 1);
    char *copy = strndup(text, length);
    bool ok;

    if (copy == NULL)
        return false;
    text_clean(copy, length, lines_of(value));
    ok = json_object_add_text(object, value->key, copy);
    free(copy);
    return ok;
}

static bool add_value(JsonObject *object, const Value *value, const void *member)
{
    switch (value->kind) {
    case VALUE_TEXT:
    case VALUE_LINES:
        return add_text(object, value, member);
    case VALUE_BOOL:
        return json_object_add_bool(object, value->key, *(const bool *)member);
    case VALUE_U32:
        return json_object_add_u32(object, value->key, *(const uint32_t *)member);
    case VALUE_U64:
        return json_object_add_u64(object, value->key, *(const uint64_t *)member);
    case VALUE_I64:
        return json_object_add_i64(object, value->key, *(const int64_t *)member);
    case VALUE_MODE:
        return json_object_add_text(object, value->key,
                                    foreign_mode_name(*(const ForeignMode *)member));
    }
    return false;
}

void section_encode_metadata(ByteBuffer *buffer, const SnapshotMetadata *metadata)
{
    JsonObject *object = json_object_new();
    bool ok = object != NULL;
    char *text = NULL;

    for (size_t i = 0; ok && i < sizeof values / sizeof values[0]; i++)
        ok = add_value(object, &values[i], (const char *)metadata + values[i].offset);
    if (ok && section_add_certificate(object, &metadata->certificate))
        text = json_object_print(object);
    if (text != NULL)
        byte_buffer_add(buffer, text, strlen(text));
    else
        buffer->is_short = true;
    free(text);
    json_object_free(object);
}

static JsonResult get_text(const JsonObject *object, const Value *value, char *member)
{
    const char *text = NULL;
    JsonResult result = json_object_get_text(object, value->key, &text);

    if (result != JSON_FOUND)
        return result;
    if (strlen(text) >= value->size || !text_is_clean(text, strlen(text), lines_of(value)))
        return JSON_WRONG;
    // strncpy() also clears the bytes behind the end.
    strncpy(member, text, value->size);
    return JSON_FOUND;
}

static JsonResult get_mode(const JsonObject *object, const Value *value, ForeignMode *member)
{
    const char *text = NULL;
    JsonResult result = json_object_get_text(object, value->key, &text);

    if (result != JSON_FOUND)
        return result;
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++)
        if (strcmp(text, foreign_mode_name(modes[i])) == 0) {
            *member = modes[i];
            return JSON_FOUND;
        }
    return JSON_WRONG;
}

static JsonResult get_value(const JsonObject *object, const Value *value, void *member)
{
    switch (value->kind) {
    case VALUE_TEXT:
    case VALUE_LINES:
        return get_text(object, value, member);
    case VALUE_BOOL:
        return json_object_get_bool(object, value->key, member);
    case VALUE_U32:
        return json_object_get_u32(object, value->key, member);
    case VALUE_U64:
        return json_object_get_u64(object, value->key, member);
    case VALUE_I64:
        return json_object_get_i64(object, value->key, member);
    case VALUE_MODE:
        return get_mode(object, value, member);
    }
    return JSON_WRONG;
}

bool section_decode_metadata(ByteCursor *cursor, SnapshotMetadata *metadata, Error *error)
{
    size_t length = byte_cursor_left(cursor);
    const uint8_t *text = byte_cursor_take(cursor, length);
    JsonObject *object = NULL;
    const char *wrong = NULL;
    bool ok = true;

    if (!json_object_parse((const char *)text, length, &object, error))
        return false;
    for (size_t i = 0; ok && i < sizeof values / sizeof values[0]; i++)
        if (get_value(object, &values[i], (char *)metadata + values[i].offset) == JSON_WRONG)
            ok = error_set(error, ERROR_CORRUPT,
                           "the metadata have a value for '%s' that is not valid", values[i].key);
    if (ok)
        wrong = section_get_certificate(object, &metadata->certificate);
    if (wrong != NULL)
        ok = error_set(error, ERROR_CORRUPT, "the metadata have a value for '%s' that is not valid",
                       wrong);
    json_object_free(object);
    return ok;
}
