// The VARS section: the global and thread-local variables that roots lie in. A redacted snapshot
// keeps their names, which the program's file brings along.

#include "snapshot/file/sections/section_codecs_internal.h"
#include "snapshot/file/sections/section_fields_internal.h"
#include "snapshot/file/sections/snapshot_format.h"

static void encode(ByteBuffer *buffer, const void *entry)
{
    const SnapshotVariable *variable = entry;

    byte_buffer_add_u64(buffer, variable->address);
    byte_buffer_add_u64(buffer, variable->bytes);
    byte_buffer_add_u32(buffer, variable->module);
    byte_buffer_add_u32(buffer, variable->is_thread_local);
    section_add_string(buffer, variable->name);
}

// Ascending: globals, then thread-locals, each by address.
static bool is_behind(const SnapshotVariable *variable, const SnapshotVariable *before)
{
    return variable->is_thread_local != before->is_thread_local
               ? variable->is_thread_local
               : variable->address > before->address;
}

static bool decode(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error)
{
    SnapshotVariable *variable = entry;
    uint32_t kind;

    variable->address = byte_cursor_u64(cursor);
    variable->bytes = byte_cursor_u64(cursor);
    variable->module = byte_cursor_u32(cursor);
    kind = byte_cursor_u32(cursor);
    variable->is_thread_local = kind == 1;
    if (!section_take_string(cursor, &variable->name, error))
        return false;
    if (kind > 1 || variable->bytes == 0)
        return error_set(error, ERROR_CORRUPT, "variable %u is not possible", position->number);
    return position->number == 0 || is_behind(variable, variable - 1) ||
           section_set_disorder(position, error);
}

static bool check(const SnapshotDetails *details, const void *entry, const EntryPosition *position,
                  Error *error)
{
    const SnapshotVariable *variable = entry;

    if (variable->module >= details->module_count)
        return error_set(error, ERROR_CORRUPT, "variable %u lies in module %u of %u",
                         position->number, variable->module, details->module_count);
    return true;
}

static bool redact(const SnapshotDetails *details, const void *entry, void *out, Error *error)
{
    const SnapshotVariable *variable = entry;
    SnapshotVariable *copy = out;

    (void)details;
    copy->address = variable->address;
    copy->bytes = variable->bytes;
    copy->module = variable->module;
    copy->is_thread_local = variable->is_thread_local;
    return section_copy_text(&copy->name, redacted_symbol(variable->name), error);
}

const SectionTable section_variables = {
    SECTION_TABLE_OF(variables, variable_count),
    .entry_name = "variable",
    .name = "variables",
    .least_bytes = 28,
    .limit = MAX_VARIABLES,
    .encode = encode,
    .decode = decode,
    .check = check,
    .redact = redact,
};
