// The THRD, MODU, TYPE, DROP and MAPS sections: what is known of the process beside its heap.
//
// Each is a u64 count and that many entries. A string is a u32 length and its bytes.

#include "snapshot/file/section_tables_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/clean_text.h"
#include "snapshot/file/snapshot_format.h"

#define NO_MODULE UINT32_MAX
#define PERMISSION_CHARS 4u

// ---- writing ----

static bool check_symbols(const SnapshotType *types, uint32_t count, const char *what, Error *error)
{
    uint64_t symbols = 0;

    for (uint32_t i = 0; i < count; i++)
        symbols += types[i].symbol_count;
    if (symbols > MAX_SYMBOLS)
        return error_set(error, ERROR_UNSUPPORTED,
                         "a snapshot holds at most %u symbols of %s, not %llu", MAX_SYMBOLS, what,
                         (unsigned long long)symbols);
    return true;
}

bool section_check_details(const SnapshotDetails *details, Error *error)
{
    const struct {
        const char *what;
        uint64_t count, limit;
    } tables[] = {
        {"threads", details->thread_count, MAX_THREADS},
        {"modules", details->module_count, MAX_MODULES},
        {"types", details->type_count, MAX_TYPES},
        {"drop functions", details->drop_count, MAX_TYPES},
        {"mappings", details->mapping_count, MAX_MAPPINGS},
        {"variables", details->variable_count, MAX_VARIABLES},
        {"stacks", details->stack_count, MAX_THREADS},
        {"named roots", details->root_name_count, MAX_ROOT_NAMES},
        {"layouts of types", details->type_layout_count, MAX_TYPES},
        {"losses", details->loss_count, MAX_LOSSES},
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (tables[i].count > tables[i].limit)
            return error_set(error, ERROR_UNSUPPORTED, "a snapshot holds at most %llu %s, not %llu",
                             (unsigned long long)tables[i].limit, tables[i].what,
                             (unsigned long long)tables[i].count);
    return check_symbols(details->types, details->type_count, "types", error) &&
           check_symbols(details->drops, details->drop_count, "drop functions", error);
}

void section_add_string(ByteBuffer *buffer, const char *text)
{
    size_t length = text == NULL ? 0 : strlen(text);
    size_t at;

    length = text_cut(text, length, MAX_STRING_BYTES);
    byte_buffer_add_u32(buffer, (uint32_t)length);
    at = buffer->length;
    byte_buffer_add(buffer, text, length);
    if (!buffer->is_short)
        text_clean((char *)buffer->bytes + at, length, TEXT_ONE_LINE);
}

void section_encode_threads(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->thread_count);
    for (uint32_t i = 0; i < details->thread_count; i++) {
        const SnapshotThread *thread = &details->threads[i];
        char name[sizeof thread->name] = "";
        memcpy(name, thread->name, strnlen(thread->name, sizeof name - 1));
        text_clean(name, strlen(name), TEXT_ONE_LINE);
        byte_buffer_add_u32(buffer, thread->tid);
        byte_buffer_add_u32(buffer, 0);
        byte_buffer_add(buffer, name, sizeof name);
        byte_buffer_add_u64(buffer, thread->stack_pointer);
        byte_buffer_add_u64(buffer, thread->program_counter);
        byte_buffer_add_u64(buffer, thread->control_block);
    }
}

void section_encode_modules(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->module_count);
    for (uint32_t i = 0; i < details->module_count; i++) {
        const SnapshotModule *module = &details->modules[i];
        byte_buffer_add_u64(buffer, module->base);
        byte_buffer_add_u64(buffer, module->end);
        section_add_string(buffer, module->name);
        section_add_string(buffer, module->build_id);
    }
}

static void encode_functions(ByteBuffer *buffer, const SnapshotType *types, uint32_t count)
{
    byte_buffer_add_u64(buffer, count);
    for (uint32_t i = 0; i < count; i++) {
        const SnapshotType *type = &types[i];
        byte_buffer_add_u64(buffer, type->type_word);
        byte_buffer_add_u64(buffer, type->module_offset);
        byte_buffer_add_u32(buffer, type->module);
        byte_buffer_add_u32(buffer, type->symbol_count);
        for (uint32_t s = 0; s < type->symbol_count; s++)
            section_add_string(buffer, type->symbols[s]);
    }
}

void section_encode_types(ByteBuffer *buffer, const SnapshotDetails *details)
{
    encode_functions(buffer, details->types, details->type_count);
}

void section_encode_drops(ByteBuffer *buffer, const SnapshotDetails *details)
{
    encode_functions(buffer, details->drops, details->drop_count);
}

void section_encode_mappings(ByteBuffer *buffer, const SnapshotDetails *details)
{
    byte_buffer_add_u64(buffer, details->mapping_count);
    for (uint32_t i = 0; i < details->mapping_count; i++) {
        const SnapshotMapping *mapping = &details->mappings[i];
        byte_buffer_add_u64(buffer, mapping->start);
        byte_buffer_add_u64(buffer, mapping->end);
        byte_buffer_add_u64(buffer, mapping->file_offset);
        byte_buffer_add(buffer, mapping->permissions, PERMISSION_CHARS);
        section_add_string(buffer, mapping->name);
    }
}

// ---- reading ----

bool section_take_count(ByteCursor *cursor, uint32_t limit, size_t entry_bytes, const char *what,
                        uint32_t *count, Error *error)
{
    uint64_t claimed = byte_cursor_u64(cursor);

    *count = 0;
    if (cursor->is_short || claimed > byte_cursor_left(cursor) / entry_bytes)
        return error_set(error, ERROR_CORRUPT, "there is no room for %llu %s",
                         (unsigned long long)claimed, what);
    if (claimed > limit)
        return error_set(error, ERROR_CORRUPT, "%llu %s are more than %u",
                         (unsigned long long)claimed, what, limit);
    *count = (uint32_t)claimed;
    return true;
}

void *section_allocate_table(uint32_t count, size_t entry_bytes, const char *what, Error *error)
{
    void *table = calloc((size_t)count + 1, entry_bytes);

    if (table == NULL)
        error_set_memory(error, (count + 1ull) * entry_bytes, what);
    return table;
}

bool section_take_string(ByteCursor *cursor, char **out, Error *error)
{
    uint32_t length = byte_cursor_u32(cursor);
    const uint8_t *bytes;

    if (!cursor->is_short && length > MAX_STRING_BYTES)
        return error_set(error, ERROR_CORRUPT, "a string of %u bytes is too long", length);
    bytes = byte_cursor_take(cursor, length);
    if (bytes == NULL)
        return error_set(error, ERROR_CORRUPT, "a string ends early");
    if (!text_is_clean((const char *)bytes, length, TEXT_ONE_LINE))
        return error_set(error, ERROR_CORRUPT, "a string is not clean UTF-8");
    *out = strndup((const char *)bytes, length);
    return *out != NULL || error_set_memory(error, length + 1ull, "a string");
}

bool section_check_end(const ByteCursor *cursor, const char *what, Error *error)
{
    if (cursor->is_short)
        return error_set(error, ERROR_CORRUPT, "the %s end early", what);
    if (byte_cursor_left(cursor) != 0)
        return error_set(error, ERROR_CORRUPT, "%llu bytes follow the %s",
                         (unsigned long long)byte_cursor_left(cursor), what);
    return true;
}

bool section_decode_threads(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t count;

    if (!section_take_count(cursor, MAX_THREADS, THREAD_BYTES, "threads", &count, error))
        return false;
    details->threads = section_allocate_table(count, sizeof *details->threads, "threads", error);
    if (details->threads == NULL)
        return false;
    for (; details->thread_count < count; details->thread_count++) {
        SnapshotThread *thread = &details->threads[details->thread_count];
        thread->tid = byte_cursor_u32(cursor);
        (void)byte_cursor_u32(cursor);
        const uint8_t *name = byte_cursor_take(cursor, sizeof thread->name);
        thread->stack_pointer = byte_cursor_u64(cursor);
        thread->program_counter = byte_cursor_u64(cursor);
        thread->control_block = byte_cursor_u64(cursor);
        if (name == NULL || memchr(name, '\0', sizeof thread->name) == NULL ||
            !text_is_clean((const char *)name, strlen((const char *)name), TEXT_ONE_LINE))
            return error_set(error, ERROR_CORRUPT, "the name of thread %u is not clean UTF-8",
                             details->thread_count);
        memcpy(thread->name, name, sizeof thread->name);
    }
    return section_check_end(cursor, "threads", error);
}

bool section_decode_modules(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t count;

    if (!section_take_count(cursor, MAX_MODULES, 24, "modules", &count, error))
        return false;
    details->modules = section_allocate_table(count, sizeof *details->modules, "modules", error);
    if (details->modules == NULL)
        return false;
    while (details->module_count < count) {
        // Counted first, so that it is freed if its second string fails.
        SnapshotModule *module = &details->modules[details->module_count++];
        module->base = byte_cursor_u64(cursor);
        module->end = byte_cursor_u64(cursor);
        if (!section_take_string(cursor, &module->name, error) ||
            !section_take_string(cursor, &module->build_id, error))
            return false;
    }
    return section_check_end(cursor, "modules", error);
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
    type->symbols = section_allocate_table(count, sizeof *type->symbols, "symbols", error);
    if (type->symbols == NULL)
        return false;
    for (; type->symbol_count < count; type->symbol_count++)
        if (!section_take_string(cursor, &type->symbols[type->symbol_count], error))
            return false;
    return true;
}

// `what` is one, `whats` are several of them.
static bool decode_functions(ByteCursor *cursor, SnapshotType **types, uint32_t *type_count,
                             const char *what, const char *whats, Error *error)
{
    uint32_t symbols_left = MAX_SYMBOLS;
    uint32_t count;

    if (!section_take_count(cursor, MAX_TYPES, 24, whats, &count, error))
        return false;
    *types = section_allocate_table(count, sizeof **types, whats, error);
    if (*types == NULL)
        return false;
    while (*type_count < count) {
        SnapshotType *type = &(*types)[(*type_count)++];
        type->type_word = byte_cursor_u64(cursor);
        type->module_offset = byte_cursor_u64(cursor);
        type->module = byte_cursor_u32(cursor);
        if (!take_symbols(cursor, type, &symbols_left, error))
            return false;
        if (*type_count > 1 && type[-1].type_word >= type->type_word)
            return error_set(error, ERROR_CORRUPT, "%s %u is out of order", what, *type_count - 1);
    }
    return section_check_end(cursor, whats, error);
}

bool section_decode_types(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    return decode_functions(cursor, &details->types, &details->type_count, "type", "types", error);
}

bool section_decode_drops(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    return decode_functions(cursor, &details->drops, &details->drop_count, "drop function",
                            "drop functions", error);
}

bool section_decode_mappings(ByteCursor *cursor, SnapshotDetails *details, Error *error)
{
    uint32_t count;

    if (!section_take_count(cursor, MAX_MAPPINGS, 32, "mappings", &count, error))
        return false;
    details->mappings = section_allocate_table(count, sizeof *details->mappings, "mappings", error);
    if (details->mappings == NULL)
        return false;
    while (details->mapping_count < count) {
        SnapshotMapping *mapping = &details->mappings[details->mapping_count++];
        mapping->start = byte_cursor_u64(cursor);
        mapping->end = byte_cursor_u64(cursor);
        mapping->file_offset = byte_cursor_u64(cursor);
        const uint8_t *permissions = byte_cursor_take(cursor, PERMISSION_CHARS);
        if (permissions != NULL)
            memcpy(mapping->permissions, permissions, PERMISSION_CHARS);
        if (!section_take_string(cursor, &mapping->name, error))
            return false;
        if (!text_is_clean(mapping->permissions, strlen(mapping->permissions), TEXT_ONE_LINE))
            return error_set(error, ERROR_CORRUPT, "mapping %u has no proper permissions",
                             details->mapping_count - 1);
        if (mapping->start >= mapping->end ||
            (details->mapping_count > 1 && mapping[-1].end > mapping->start))
            return error_set(error, ERROR_CORRUPT, "mapping %u is out of order",
                             details->mapping_count - 1);
    }
    return section_check_end(cursor, "mappings", error);
}
