// The OTYP section: the types of objects whose headers do not tell them, as the capture found them.
// Names of types are the program's own, so a redacted snapshot keeps the numbers.

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotObjectType *type = entry;

    byte_buffer_add_u32(buffer, type->page);
    byte_buffer_add_u16(buffer, type->slot);
    byte_buffer_add_u16(buffer, type->count);
    byte_buffer_add_u32(buffer, type->type);
    byte_buffer_add_u32(buffer, type->requested);
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotObjectType *type = entry;

    type->page = byte_cursor_u32(cursor);
    type->slot = byte_cursor_u16(cursor);
    type->count = byte_cursor_u16(cursor);
    type->type = byte_cursor_u32(cursor);
    type->requested = byte_cursor_u32(cursor);
    if (position->number > 0 &&
        (type[-1].page > type->page ||
         (type[-1].page == type->page && type[-1].slot + type[-1].count > type->slot)))
        return section_set_disorder(position, error);
    return true;
}

static bool check(const SnapshotDetails *details, const void *entry, const EntryPosition *position,
                  Error *error)
{
    const SnapshotObjectType *type = entry;

    if (type->page >= details->page_count || type->type >= details->type_count)
        return error_set(error, ERROR_CORRUPT, "%s %u is of page %u of %u, of type %u of %u",
                         position->table->entry_name, position->number, type->page,
                         details->page_count, type->type, details->type_count);
    return true;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    (void)details;
    (void)error;
    *(SnapshotObjectType *)out = *(const SnapshotObjectType *)entry;
    return true;
}

const SectionTable section_object_types = {
    SECTION_TABLE_OF(object_types, object_type_count),
    .entry_name = "type of objects",
    .name = "types of objects",
    .least_bytes = 16,
    .limit = MAX_OBJECT_TYPES,
    .encode = encode,
    .decode = decode,
    .check = check,
    .redact = redact,
};
