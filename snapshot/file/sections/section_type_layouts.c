// The TLAY section: where objects of a type hold references. It decides what is marked, so a
// redacted snapshot keeps all of it.

#include <string.h>

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotTypeLayout *layout = entry;

    byte_buffer_add_u64(buffer, layout->type_word);
    byte_buffer_add_u32(buffer, layout->rest_offset);
    byte_buffer_add_u32(buffer, layout->offset_count);
    for (uint32_t i = 0; i < layout->offset_count; i++)
        byte_buffer_add_u32(buffer, layout->offsets[i]);
}

// Offsets are multiples of 8 and ascend; `rest_offset` is behind all of them.
static bool take_offsets(ByteCursor *cursor, SnapshotTypeLayout *layout, uint32_t count)
{
    uint32_t before = 0;

    for (uint32_t i = 0; i < count; i++) {
        uint32_t offset = byte_cursor_u32(cursor);

        if (offset % 8 != 0 || offset >= layout->rest_offset || (i > 0 && before >= offset))
            return false;
        if (layout->offsets != NULL)
            layout->offsets[layout->offset_count++] = offset;
        before = offset;
    }
    return layout->rest_offset == UINT32_MAX || layout->rest_offset % 8 == 0;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotTypeLayout *layout = entry;
    uint32_t count;

    layout->type_word = byte_cursor_u64(cursor);
    layout->rest_offset = byte_cursor_u32(cursor);
    count = byte_cursor_u32(cursor);
    if (cursor->is_short || count > byte_cursor_left(cursor) / sizeof(uint32_t))
        return error_set(error, ERROR_CORRUPT, "there is no room for %u offsets", count);
    if (!byte_cursor_is_passing(cursor)) {
        layout->offsets =
            section_allocate(count, sizeof *layout->offsets, "offsets of references", error);
        if (layout->offsets == NULL)
            return false;
    }
    if (!take_offsets(cursor, layout, count) ||
        (position->number > 0 && layout[-1].type_word >= layout->type_word))
        return error_set(error, ERROR_CORRUPT, "the layout of type %u is not possible",
                         position->number);
    return true;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotTypeLayout *layout = entry;
    SnapshotTypeLayout *copy = out;

    (void)details;
    copy->type_word = layout->type_word;
    copy->rest_offset = layout->rest_offset;
    copy->offsets = section_allocate(layout->offset_count, sizeof *copy->offsets,
                                     "offsets of references", error);
    if (copy->offsets == NULL)
        return false;
    copy->offset_count = layout->offset_count;
    if (layout->offset_count > 0)
        memcpy(copy->offsets, layout->offsets, layout->offset_count * sizeof *copy->offsets);
    return true;
}

const SectionTable section_type_layouts = {
    SECTION_TABLE_OF(type_layouts, type_layout_count),
    .entry_name = "layout of type",
    .name = "layouts of types",
    .least_bytes = 16,
    .limit = MAX_TYPES,
    .encode = encode,
    .decode = decode,
    .redact = redact,
};
