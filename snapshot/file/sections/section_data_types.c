// The FLDS section: data types, by which the parts of objects and blocks have names. Names come
// from the program's debug information, so a redacted snapshot keeps them; it holds no values.

#include <stdlib.h>
#include <string.h>

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

#define TYPE_BYTES 44u    // string, 2 x u64, 2 x u32, 4 counts
#define FIELD_BYTES 48u   // 2 x u32, 4 bytes, 6 x u32, u32 0, two strings
#define VARIANT_BYTES 36u // 4 x u32, 2 x u64, string
#define TYPE_FLAG_PARTIAL 0x1u
#define FIELD_FLAG_TEXT 0x1u
#define FIELD_FLAG_SHARED 0x2u
#define VARIANT_FLAG_DEFAULT 0x1u

static uint32_t part_count(const void *entry)
{
    const SnapshotDataType *type = entry;

    return type->field_count + type->variant_count;
}

// ---- writing ----

static void add_field(ByteBuffer *buffer, const SnapshotField *field)
{
    const uint8_t bytes[4] = {field->kind, field->shape,
                              (uint8_t)((field->is_text ? FIELD_FLAG_TEXT : 0) |
                                        (field->is_shared ? FIELD_FLAG_SHARED : 0)),
                              0};

    byte_buffer_add_u32(buffer, field->offset);
    byte_buffer_add_u32(buffer, field->bytes);
    byte_buffer_add(buffer, bytes, sizeof bytes);
    byte_buffer_add_u32(buffer, field->target);
    byte_buffer_add_u32(buffer, field->variant);
    byte_buffer_add_u32(buffer, field->first_at);
    byte_buffer_add_u32(buffer, field->length_at);
    byte_buffer_add_u32(buffer, field->capacity_at);
    byte_buffer_add_u32(buffer, field->head_at);
    byte_buffer_add_u32(buffer, 0);
    section_add_string(buffer, field->name);
    section_add_string(buffer, field->type_name);
}

static void add_variant(ByteBuffer *buffer, const SnapshotVariant *variant)
{
    byte_buffer_add_u32(buffer, variant->field);
    byte_buffer_add_u32(buffer, variant->is_default ? VARIANT_FLAG_DEFAULT : 0);
    byte_buffer_add_u32(buffer, variant->discriminant_at);
    byte_buffer_add_u32(buffer, variant->discriminant_bytes);
    byte_buffer_add_u64(buffer, variant->low);
    byte_buffer_add_u64(buffer, variant->high);
    section_add_string(buffer, variant->name);
}

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotDataType *type = entry;

    section_add_string(buffer, type->name);
    byte_buffer_add_u64(buffer, type->bytes);
    byte_buffer_add_u64(buffer, type->object_bytes);
    byte_buffer_add_u32(buffer, type->value_at);
    byte_buffer_add_u32(buffer, type->is_partial ? TYPE_FLAG_PARTIAL : 0);
    byte_buffer_add_u32(buffer, type->type_word_count);
    byte_buffer_add_u32(buffer, type->drop_count);
    byte_buffer_add_u32(buffer, type->field_count);
    byte_buffer_add_u32(buffer, type->variant_count);
    for (uint32_t i = 0; i < type->type_word_count; i++)
        byte_buffer_add_u64(buffer, type->type_words[i]);
    for (uint32_t i = 0; i < type->drop_count; i++)
        byte_buffer_add_u64(buffer, type->drops[i]);
    for (uint32_t i = 0; i < type->field_count; i++)
        add_field(buffer, &type->fields[i]);
    for (uint32_t i = 0; i < type->variant_count; i++)
        add_variant(buffer, &type->variants[i]);
}

// ---- reading ----

// Ascending words.
static bool take_words(ByteCursor *cursor, uint64_t **words, uint32_t *count, uint32_t wanted,
                       Error *error)
{
    uint64_t before = 0;

    if (!byte_cursor_is_passing(cursor)) {
        *words = section_allocate(wanted, sizeof **words, "type words", error);
        if (*words == NULL)
            return false;
    }
    for (uint32_t i = 0; i < wanted; i++) {
        uint64_t word = byte_cursor_u64(cursor);

        if (i > 0 && before >= word)
            return error_set(error, ERROR_CORRUPT, "type words of a data type are out of order");
        if (*words != NULL)
            (*words)[i] = word;
        before = word;
    }
    *count = *words != NULL ? wanted : 0;
    return true;
}

static bool take_field(ByteCursor *cursor, SnapshotField *field, Error *error)
{
    const uint8_t *bytes;

    field->offset = byte_cursor_u32(cursor);
    field->bytes = byte_cursor_u32(cursor);
    bytes = byte_cursor_take(cursor, 4);
    if (bytes == NULL)
        return error_set(error, ERROR_CORRUPT, "a field ends early");
    field->kind = bytes[0];
    field->shape = bytes[1];
    field->is_text = (bytes[2] & FIELD_FLAG_TEXT) != 0;
    field->is_shared = (bytes[2] & FIELD_FLAG_SHARED) != 0;
    field->target = byte_cursor_u32(cursor);
    field->variant = byte_cursor_u32(cursor);
    field->first_at = byte_cursor_u32(cursor);
    field->length_at = byte_cursor_u32(cursor);
    field->capacity_at = byte_cursor_u32(cursor);
    field->head_at = byte_cursor_u32(cursor);
    (void)byte_cursor_u32(cursor);
    return section_take_string(cursor, &field->name, error) &&
           section_take_string(cursor, &field->type_name, error);
}

static bool take_variant(ByteCursor *cursor, SnapshotVariant *variant, Error *error)
{
    variant->field = byte_cursor_u32(cursor);
    variant->is_default = (byte_cursor_u32(cursor) & VARIANT_FLAG_DEFAULT) != 0;
    variant->discriminant_at = byte_cursor_u32(cursor);
    variant->discriminant_bytes = byte_cursor_u32(cursor);
    variant->low = byte_cursor_u64(cursor);
    variant->high = byte_cursor_u64(cursor);
    return section_take_string(cursor, &variant->name, error);
}

// Does a word at this offset lie in the type?
static bool has_word(const SnapshotDataType *type, uint32_t at)
{
    return at == NO_DATA || (at <= type->bytes && type->bytes - at >= sizeof(uint64_t));
}

static bool is_field_possible(const SnapshotDataType *type, uint32_t index)
{
    const SnapshotField *field = &type->fields[index];

    return field->kind < FIELD_KIND_COUNT && field->shape < BLOCK_SHAPE_COUNT &&
           field->offset <= type->bytes && field->bytes <= type->bytes - field->offset &&
           has_word(type, field->length_at) && has_word(type, field->capacity_at) &&
           has_word(type, field->head_at) &&
           // No circles: an enumeration comes before the fields that its variants hold.
           (field->variant == NO_DATA ||
            (field->variant < type->variant_count && type->variants[field->variant].field < index));
}

static bool is_variant_possible(const SnapshotDataType *type, const SnapshotVariant *variant)
{
    return variant->field < type->field_count && type->fields[variant->field].kind == FIELD_ENUM &&
           variant->discriminant_bytes <= sizeof(uint64_t) &&
           variant->discriminant_at <= type->bytes &&
           variant->discriminant_bytes <= type->bytes - variant->discriminant_at;
}

// The variants of an enumeration follow each other, in the order of the enumerations.
static bool is_possible(const SnapshotDataType *type)
{
    for (uint32_t i = 0; i < type->variant_count; i++)
        if (!is_variant_possible(type, &type->variants[i]) ||
            (i > 0 && type->variants[i - 1].field > type->variants[i].field))
            return false;
    for (uint32_t i = 0; i < type->field_count; i++)
        if (!is_field_possible(type, i))
            return false;
    return type->object_bytes == 0 || (type->bytes <= type->object_bytes &&
                                       type->value_at <= type->object_bytes - type->bytes);
}

static bool take_parts(ByteCursor *cursor, SnapshotDataType *type, uint32_t fields,
                       uint32_t variants, Error *error)
{
    type->fields = section_allocate(fields, sizeof *type->fields, "fields", error);
    if (type->fields == NULL)
        return false;
    while (type->field_count < fields)
        if (!take_field(cursor, &type->fields[type->field_count++], error))
            return false;
    type->variants = section_allocate(variants, sizeof *type->variants, "variants", error);
    if (type->variants == NULL)
        return false;
    while (type->variant_count < variants)
        if (!take_variant(cursor, &type->variants[type->variant_count++], error))
            return false;
    return true;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotDataType *type = entry;
    uint32_t type_words, drops, fields, variants;

    if (!section_take_string(cursor, &type->name, error))
        return false;
    type->bytes = byte_cursor_u64(cursor);
    type->object_bytes = byte_cursor_u64(cursor);
    type->value_at = byte_cursor_u32(cursor);
    type->is_partial = (byte_cursor_u32(cursor) & TYPE_FLAG_PARTIAL) != 0;
    type_words = byte_cursor_u32(cursor);
    drops = byte_cursor_u32(cursor);
    fields = byte_cursor_u32(cursor);
    variants = byte_cursor_u32(cursor);
    // Each count alone is bounded by the bytes that are there.
    if (cursor->is_short || type_words > byte_cursor_left(cursor) / sizeof(uint64_t) ||
        drops > byte_cursor_left(cursor) / sizeof(uint64_t) ||
        fields > byte_cursor_left(cursor) / FIELD_BYTES || fields > position->parts_left ||
        variants > byte_cursor_left(cursor) / VARIANT_BYTES ||
        variants > position->parts_left - fields || fields + variants > MAX_FIELDS_OF_TYPE)
        return error_set(error, ERROR_CORRUPT, "there is no room for data type %u",
                         position->number);
    position->parts_left -= fields + variants;
    if (!take_words(cursor, &type->type_words, &type->type_word_count, type_words, error) ||
        !take_words(cursor, &type->drops, &type->drop_count, drops, error) ||
        !take_parts(cursor, type, fields, variants, error))
        return false;
    return is_possible(type) ||
           error_set(error, ERROR_CORRUPT, "data type %u is not possible", position->number);
}

// Entries refer to others of the same table.
static bool check(const SnapshotDetails *details, const void *entry, const EntryPosition *position,
                  Error *error)
{
    const SnapshotDataType *type = entry;

    for (uint32_t i = 0; i < type->field_count; i++)
        if (type->fields[i].target != NO_DATA && type->fields[i].target >= details->data_type_count)
            return error_set(error, ERROR_CORRUPT, "data type %u refers to data type %u of %u",
                             position->number, type->fields[i].target, details->data_type_count);
    return true;
}

static void release(void *entry)
{
    SnapshotDataType *type = entry;

    // Their names passed by.
    free(type->fields);
    free(type->variants);
}

// ---- redaction ----

static bool redact_words(uint64_t **out, uint32_t *count, const uint64_t *words, uint32_t wanted,
                         Error *error)
{
    *out = section_allocate(wanted, sizeof **out, "type words", error);
    if (*out == NULL)
        return false;
    if (wanted > 0)
        memcpy(*out, words, wanted * sizeof **out);
    *count = wanted;
    return true;
}

static bool redact_parts(const SnapshotDataType *type, SnapshotDataType *copy, Error *error)
{
    copy->fields = section_allocate(type->field_count, sizeof *copy->fields, "fields", error);
    copy->variants =
        section_allocate(type->variant_count, sizeof *copy->variants, "variants", error);
    if (copy->fields == NULL || copy->variants == NULL)
        return false;
    for (; copy->field_count < type->field_count; copy->field_count++) {
        const SnapshotField *field = &type->fields[copy->field_count];
        SnapshotField *out = &copy->fields[copy->field_count];

        *out = *field;
        out->name = out->type_name = NULL;
        if (!section_copy_text(&out->name, redacted_symbol(field->name), error) ||
            !section_copy_text(&out->type_name, redacted_symbol(field->type_name), error)) {
            copy->field_count++;
            return false;
        }
    }
    for (; copy->variant_count < type->variant_count; copy->variant_count++) {
        const SnapshotVariant *variant = &type->variants[copy->variant_count];
        SnapshotVariant *out = &copy->variants[copy->variant_count];

        *out = *variant;
        out->name = NULL;
        if (!section_copy_text(&out->name, redacted_symbol(variant->name), error)) {
            copy->variant_count++;
            return false;
        }
    }
    return true;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotDataType *type = entry;
    SnapshotDataType *copy = out;

    (void)details;
    copy->bytes = type->bytes;
    copy->object_bytes = type->object_bytes;
    copy->value_at = type->value_at;
    copy->is_partial = type->is_partial;
    return section_copy_text(&copy->name, redacted_symbol(type->name), error) &&
           redact_words(&copy->type_words, &copy->type_word_count, type->type_words,
                        type->type_word_count, error) &&
           redact_words(&copy->drops, &copy->drop_count, type->drops, type->drop_count, error) &&
           redact_parts(type, copy, error);
}

const SectionTable section_data_types = {
    SECTION_TABLE_OF(data_types, data_type_count),
    .entry_name = "data type",
    .name = "data types",
    .parts_name = "fields of data types",
    .least_bytes = TYPE_BYTES,
    .limit = MAX_TYPES,
    .parts_limit = MAX_FIELDS,
    .parts = part_count,
    .encode = encode,
    .decode = decode,
    .check = check,
    .redact = redact,
    .release_passing = release,
};
