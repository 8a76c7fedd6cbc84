// The MODU section: the executable and its libraries. A redacted snapshot names them without
// folders, and leaves out names that the program made up while it ran.

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotModule *module = entry;

    byte_buffer_add_u64(buffer, module->base);
    byte_buffer_add_u64(buffer, module->end);
    section_add_string(buffer, module->name);
    section_add_string(buffer, module->build_id);
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotModule *module = entry;

    (void)position;
    module->base = byte_cursor_u64(cursor);
    module->end = byte_cursor_u64(cursor);
    return section_take_string(cursor, &module->name, error) &&
           section_take_string(cursor, &module->build_id, error);
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotModule *module = entry;
    SnapshotModule *copy = out;

    copy->base = module->base;
    copy->end = module->end;
    return redaction_copy_module_name(details, module, &copy->name, error) &&
           section_copy_text(&copy->build_id, module->build_id, error);
}

const SectionTable section_modules = {
    SECTION_TABLE_OF(modules, module_count),
    .entry_name = "module",
    .name = "modules",
    .least_bytes = 24,
    .limit = MAX_MODULES,
    .encode = encode,
    .decode = decode,
    .redact = redact,
};
