// The TYPE and DROP sections: the functions that object headers point to, trace functions (type
// words) and drop functions, each with its symbols. A redacted snapshot keeps the symbols, which
// the program's file brings along.

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

#define NO_MODULE UINT32_MAX

static uint32_t symbol_count(const void *entry)
{
    return ((const SnapshotType *)entry)->symbol_count;
}

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotType *type = entry;

    byte_buffer_add_u64(buffer, type->type_word);
    byte_buffer_add_u64(buffer, type->module_offset);
    byte_buffer_add_u32(buffer, type->module);
    byte_buffer_add_u32(buffer, type->symbol_count);
    for (uint32_t i = 0; i < type->symbol_count; i++)
        section_add_string(buffer, type->symbols[i]);
}

static bool take_symbols(ByteCursor *cursor, SnapshotType *type, uint32_t *symbols_left,
                         Error *error)
{
    uint32_t count = byte_cursor_u32(cursor);

    if (cursor->is_short || count > byte_cursor_left(cursor) / sizeof(uint32_t) ||
        count > *symbols_left)
        return error_set(error, ERROR_CORRUPT, "there is no room for %u symbols", count);
    *symbols_left -= count;
    if (count == 0)
        return true;
    for (uint32_t i = 0; byte_cursor_is_passing(cursor) && i < count; i++) {
        char *passing;

        if (!section_take_string(cursor, &passing, error))
            return false;
    }
    if (byte_cursor_is_passing(cursor))
        return true;
    type->symbols = section_allocate(count, sizeof *type->symbols, "symbols", error);
    if (type->symbols == NULL)
        return false;
    for (; type->symbol_count < count; type->symbol_count++)
        if (!section_take_string(cursor, &type->symbols[type->symbol_count], error))
            return false;
    return true;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotType *type = entry;

    type->type_word = byte_cursor_u64(cursor);
    type->module_offset = byte_cursor_u64(cursor);
    type->module = byte_cursor_u32(cursor);
    if (!take_symbols(cursor, type, &position->parts_left, error))
        return false;
    return position->number == 0 || type[-1].type_word < type->type_word ||
           section_set_disorder(position, error);
}

static bool check(const SnapshotDetails *details, const void *entry, const EntryPosition *position,
                  Error *error)
{
    const SnapshotType *type = entry;

    if (type->module != NO_MODULE && type->module >= details->module_count)
        return error_set(error, ERROR_CORRUPT, "%s %u lies in module %u of %u",
                         position->table->entry_name, position->number, type->module,
                         details->module_count);
    return true;
}

static void detach(void *entry)
{
    ((SnapshotType *)entry)->module = NO_MODULE;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotType *type = entry;
    SnapshotType *copy = out;

    (void)details;
    copy->type_word = type->type_word;
    copy->module = type->module;
    copy->module_offset = type->module_offset;
    copy->symbols = section_allocate(type->symbol_count, sizeof *copy->symbols, "symbols", error);
    if (copy->symbols == NULL)
        return false;
    for (; copy->symbol_count < type->symbol_count; copy->symbol_count++)
        if (!section_copy_text(&copy->symbols[copy->symbol_count],
                               redacted_symbol(type->symbols[copy->symbol_count]), error))
            return false;
    return true;
}

const SectionTable section_types = {
    SECTION_TABLE_OF(types, type_count),
    .entry_name = "type",
    .name = "types",
    .parts_name = "symbols of types",
    .least_bytes = 24,
    .limit = MAX_TYPES,
    .parts_limit = MAX_SYMBOLS,
    .parts = symbol_count,
    .encode = encode,
    .decode = decode,
    .check = check,
    .detach = detach,
    .redact = redact,
};

const SectionTable section_drops = {
    SECTION_TABLE_OF(drops, drop_count),
    .entry_name = "drop function",
    .name = "drop functions",
    .parts_name = "symbols of drop functions",
    .least_bytes = 24,
    .limit = MAX_TYPES,
    .parts_limit = MAX_SYMBOLS,
    .parts = symbol_count,
    .encode = encode,
    .decode = decode,
    .check = check,
    .detach = detach,
    .redact = redact,
};
