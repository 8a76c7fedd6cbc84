// The XROT section: the names that a program gave to its roots. A redacted snapshot leaves the
// section out, since such names are made up at run time.

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotRootName *root = entry;

    byte_buffer_add_u64(buffer, root->address);
    byte_buffer_add_u64(buffer, root->value);
    section_add_string(buffer, root->name);
}

static bool is_behind(const SnapshotRootName *root, const SnapshotRootName *before)
{
    return root->address != before->address ? root->address > before->address
                                            : root->value > before->value;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotRootName *root = entry;

    root->address = byte_cursor_u64(cursor);
    root->value = byte_cursor_u64(cursor);
    if (!section_take_string(cursor, &root->name, error))
        return false;
    return position->number == 0 || is_behind(root, root - 1) ||
           section_set_disorder(position, error);
}

const SectionTable section_root_names = {
    SECTION_TABLE_OF(root_names, root_name_count),
    .entry_name = "named root",
    .name = "named roots",
    .least_bytes = 20,
    .limit = MAX_ROOT_NAMES,
    .encode = encode,
    .decode = decode,
};
