// SectionTable: see snapshot/file/sections/section_table.h.

#include "snapshot/file/sections/section_table.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot/file/sections/section_fields_internal.h"

// ---- a table of SnapshotDetails with entries of any type ----

uint32_t section_table_count(const SectionTable *table, const SnapshotDetails *details)
{
    const void *count = (const char *)details + table->count_at;

    return *(const uint32_t *)count;
}

static uint32_t *count_of(const SectionTable *table, SnapshotDetails *details)
{
    void *count = (char *)details + table->count_at;

    return count;
}

// The array's pointer has the type of its entries, so it is copied, not dereferenced.
static char *array_of(const SectionTable *table, const SnapshotDetails *details)
{
    char *array;

    memcpy(&array, (const char *)details + table->array_at, sizeof array);
    return array;
}

static const void *entry_of(const SectionTable *table, const SnapshotDetails *details,
                            uint32_t number)
{
    return array_of(table, details) + number * table->entry_bytes;
}

// An array for `count` entries, of which none is in use yet.
static bool allocate(const SectionTable *table, SnapshotDetails *details, uint32_t count,
                     Error *error)
{
    void *array = section_allocate(count, table->entry_bytes, table->name, error);

    memcpy((char *)details + table->array_at, &array, sizeof array);
    return array != NULL;
}

// ---- writing ----

bool section_table_check_limits(const SectionTable *table, const SnapshotDetails *details,
                                Error *error)
{
    uint32_t count = section_table_count(table, details);
    uint64_t parts = 0;

    if (count > table->limit)
        return error_set(error, ERROR_UNSUPPORTED, "a snapshot holds at most %u %s, not %u",
                         table->limit, table->name, count);
    if (table->parts == NULL)
        return true;
    for (uint32_t i = 0; i < count; i++)
        parts += table->parts(entry_of(table, details, i));
    if (parts > table->parts_limit)
        return error_set(error, ERROR_UNSUPPORTED, "a snapshot holds at most %u %s, not %llu",
                         table->parts_limit, table->parts_name, (unsigned long long)parts);
    return true;
}

void section_table_encode(const SectionTable *table, ByteBuffer *buffer,
                          const SnapshotDetails *details)
{
    uint32_t count = section_table_count(table, details);

    byte_buffer_add_u64(buffer, count);
    if (table->encode_body != NULL) {
        table->encode_body(buffer, details);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        table->encode(buffer, entry_of(table, details, i));
}

bool section_table_redact(const SectionTable *table, const SnapshotDetails *details,
                          SnapshotDetails *out, Error *error)
{
    uint32_t count = section_table_count(table, details);
    uint32_t *used = count_of(table, out);

    if (table->redact_body != NULL)
        return table->redact_body(details, out, error);
    if (table->redact == NULL)
        return true;
    if (!allocate(table, out, count, error))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        // Counted first, so that an entry that is half copied is freed.
        (*used)++;
        if (!table->redact(details, entry_of(table, details, i),
                           array_of(table, out) + i * table->entry_bytes, error))
            return false;
    }
    return true;
}

// ---- reading ----

static bool take_count(const SectionTable *table, ByteCursor *cursor, uint32_t *count, Error *error)
{
    uint64_t claimed = byte_cursor_u64(cursor);

    *count = 0;
    if (cursor->is_short || claimed > byte_cursor_left(cursor) / table->least_bytes)
        return error_set(error, ERROR_CORRUPT, "there is no room for %llu %s",
                         (unsigned long long)claimed, table->name);
    if (claimed > table->limit)
        return error_set(error, ERROR_CORRUPT, "%llu %s are more than %u",
                         (unsigned long long)claimed, table->name, table->limit);
    *count = (uint32_t)claimed;
    return true;
}

static bool check_end(const SectionTable *table, const ByteCursor *cursor, Error *error)
{
    if (cursor->is_short)
        return error_set(error, ERROR_CORRUPT, "the %s end early", table->name);
    if (byte_cursor_left(cursor) != 0)
        return error_set(error, ERROR_CORRUPT, "%llu bytes follow the %s",
                         (unsigned long long)byte_cursor_left(cursor), table->name);
    return true;
}

bool section_table_decode(const SectionTable *table, ByteCursor *cursor, SnapshotDetails *details,
                          Error *error)
{
    EntryPosition position = {.table = table, .parts_left = table->parts_limit};
    uint32_t *used = count_of(table, details);
    uint32_t count;

    if (!take_count(table, cursor, &count, error) || !allocate(table, details, count, error))
        return false;
    if (table->decode_body != NULL) {
        if (!table->decode_body(cursor, count, details, error))
            return false;
    } else {
        for (; position.number < count; position.number++) {
            // Counted first, so that an entry that is half decoded is freed.
            (*used)++;
            if (!table->decode(cursor,
                               array_of(table, details) + position.number * table->entry_bytes,
                               &position, error))
                return false;
        }
    }
    return check_end(table, cursor, error);
}

// Two entries: the one at hand, and the one before it.
static bool look_at_entries(const SectionTable *table, ByteCursor *cursor, char *entries,
                            uint32_t count, SnapshotDetails *details, Error *error)
{
    EntryPosition position = {.table = table, .parts_left = table->parts_limit};
    char *entry = entries + table->entry_bytes;
    bool ok = true;

    for (; ok && position.number < count; position.number++) {
        memset(entry, 0, table->entry_bytes);
        ok = table->decode(cursor, entry, &position, error) && !cursor->is_short &&
             (table->check == NULL || table->check(details, entry, &position, error));
        if (table->release_passing != NULL)
            table->release_passing(entry);
        memcpy(entries, entry, table->entry_bytes);
        if (table->keeps_passing)
            memcpy(array_of(table, details) + position.number * table->entry_bytes, entry,
                   table->entry_bytes);
        if (!ok && cursor->is_short)
            (void)check_end(table, cursor, error);
    }
    return ok;
}

bool section_table_look(const SectionTable *table, ByteCursor *cursor, SnapshotDetails *details,
                        uint64_t *bytes, Error *error)
{
    char *entries;
    uint32_t count;
    bool ok;

    if (!take_count(table, cursor, &count, error))
        return false;
    if (table->look_body != NULL) {
        *count_of(table, details) = count;
        return table->look_body(cursor, count, bytes, error) && check_end(table, cursor, error);
    }
    if (table->keeps_passing && !allocate(table, details, count, error))
        return false;
    *count_of(table, details) = count;
    entries = section_allocate(2, table->entry_bytes, table->name, error);
    ok = entries != NULL && look_at_entries(table, cursor, entries, count, details, error) &&
         check_end(table, cursor, error);
    free(entries);
    return ok;
}

bool section_table_check(const SectionTable *table, const SnapshotDetails *details, Error *error)
{
    EntryPosition position = {.table = table};

    if (table->check == NULL)
        return true;
    for (; position.number < section_table_count(table, details); position.number++)
        if (!table->check(details, entry_of(table, details, position.number), &position, error))
            return false;
    return true;
}

bool section_table_drop(const SectionTable *table, SnapshotDetails *details, Error *error)
{
    SnapshotDetails *dropped = snapshot_details_new();
    char *array = array_of(table, details), *none = NULL;

    if (dropped == NULL)
        return error_set_memory(error, sizeof *dropped, "the snapshot's details");
    memcpy((char *)dropped + table->array_at, &array, sizeof array);
    memcpy((char *)details + table->array_at, &none, sizeof none);
    *count_of(table, dropped) = section_table_count(table, details);
    *count_of(table, details) = 0;
    if (table->decode_body != NULL) {
        dropped->sized_links = details->sized_links;
        details->sized_links = NULL;
        details->sized_link_count = 0;
    }
    snapshot_details_free(dropped);
    return true;
}

void section_table_detach(const SectionTable *table, SnapshotDetails *details)
{
    for (uint32_t i = 0; i < section_table_count(table, details); i++)
        table->detach(array_of(table, details) + i * table->entry_bytes);
}
