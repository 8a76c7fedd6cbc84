// The SRCE section: places in the source of the code in frames. They come from the program's debug
// information, so a redacted snapshot keeps them, without the folders of files.

#include <stdlib.h>

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

#define PLACE_BYTES 24u // 4 x u32, two strings

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotPlace *place = entry;

    byte_buffer_add_u32(buffer, place->thread);
    byte_buffer_add_u32(buffer, place->frame);
    byte_buffer_add_u32(buffer, place->level);
    byte_buffer_add_u32(buffer, place->line);
    section_add_string(buffer, place->function);
    section_add_string(buffer, place->file);
}

static bool is_behind(const SnapshotPlace *place, const SnapshotPlace *before)
{
    if (place->thread != before->thread)
        return place->thread > before->thread;
    if (place->frame != before->frame)
        return place->frame > before->frame;
    return place->level > before->level;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotPlace *place = entry;

    place->thread = byte_cursor_u32(cursor);
    place->frame = byte_cursor_u32(cursor);
    place->level = byte_cursor_u32(cursor);
    place->line = byte_cursor_u32(cursor);
    if (!section_take_string(cursor, &place->function, error) ||
        !section_take_string(cursor, &place->file, error))
        return false;
    return position->number == 0 || is_behind(place, place - 1) ||
           section_set_disorder(position, error);
}

static bool check(const SnapshotDetails *details, const void *entry, const EntryPosition *position,
                  Error *error)
{
    const SnapshotPlace *place = entry;
    const SnapshotStack *stack = snapshot_details_find_stack(details, place->thread);

    if (stack == NULL || place->frame >= stack->frame_count)
        return error_set(error, ERROR_CORRUPT, "place %u is of a frame that does not exist",
                         position->number);
    return true;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotPlace *place = entry;
    SnapshotPlace *copy = out;

    (void)details;
    copy->thread = place->thread;
    copy->frame = place->frame;
    copy->level = place->level;
    copy->line = place->line;
    return section_copy_text(&copy->function, redacted_symbol(place->function), error) &&
           section_copy_text(&copy->file, without_folders(place->file), error);
}

const SectionTable section_places = {
    SECTION_TABLE_OF(places, place_count),
    .entry_name = "place",
    .name = "places in the source",
    .least_bytes = PLACE_BYTES,
    .limit = MAX_PLACES,
    .encode = encode,
    .decode = decode,
    .check = check,
    .redact = redact,
};
