// The MAPS section: the memory map of the process. Of the names a redacted snapshot keeps those
// that the kernel gave and those of modules.

#include <string.h>

#include "base/clean_text.h"
#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

#define PERMISSION_CHARS 4u

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotMapping *mapping = entry;

    byte_buffer_add_u64(buffer, mapping->start);
    byte_buffer_add_u64(buffer, mapping->end);
    byte_buffer_add_u64(buffer, mapping->file_offset);
    byte_buffer_add(buffer, mapping->permissions, PERMISSION_CHARS);
    section_add_string(buffer, mapping->name);
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotMapping *mapping = entry;
    const uint8_t *permissions;

    mapping->start = byte_cursor_u64(cursor);
    mapping->end = byte_cursor_u64(cursor);
    mapping->file_offset = byte_cursor_u64(cursor);
    permissions = byte_cursor_take(cursor, PERMISSION_CHARS);
    if (permissions != NULL)
        memcpy(mapping->permissions, permissions, PERMISSION_CHARS);
    if (!section_take_string(cursor, &mapping->name, error))
        return false;
    if (!text_is_clean(mapping->permissions, strlen(mapping->permissions), TEXT_ONE_LINE))
        return error_set(error, ERROR_CORRUPT, "mapping %u has no proper permissions",
                         position->number);
    if (mapping->start >= mapping->end ||
        (position->number > 0 && mapping[-1].end > mapping->start))
        return section_set_disorder(position, error);
    return true;
}

// "[heap]" and the like are names of the kernel's; "[anon:NAME]" was named by the program.
static bool is_kernel_name(const char *name)
{
    size_t length = strlen(name);

    return length > 2 && name[0] == '[' && name[length - 1] == ']' &&
           strspn(name + 1, "abcdefghijklmnopqrstuvwxyz_") == length - 2;
}

static bool is_module_name(const SnapshotDetails *details, const char *name)
{
    for (uint32_t i = 0; i < details->module_count; i++)
        if (strcmp(without_folders(details->modules[i].name), name) == 0)
            return !redaction_hides_module(details, &details->modules[i]);
    return false;
}

static const char *redacted_name(const SnapshotDetails *details, const char *name)
{
    if (name == NULL || name[0] == '\0' || is_kernel_name(name))
        return name;
    if (is_module_name(details, without_folders(name)))
        return without_folders(name);
    return name[0] == '[' ? "[anon]" : "[file]";
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotMapping *mapping = entry;
    SnapshotMapping *copy = out;

    copy->start = mapping->start;
    copy->end = mapping->end;
    copy->file_offset = mapping->file_offset;
    memcpy(copy->permissions, mapping->permissions, sizeof copy->permissions);
    return section_copy_text(&copy->name, redacted_name(details, mapping->name), error);
}

const SectionTable section_mappings = {
    SECTION_TABLE_OF(mappings, mapping_count),
    .entry_name = "mapping",
    .name = "mappings",
    .least_bytes = 32,
    .limit = MAX_MAPPINGS,
    .encode = encode,
    .decode = decode,
    .redact = redact,
};
