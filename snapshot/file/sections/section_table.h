// SectionTable: how a table of SnapshotDetails becomes the body of a section, and back.
//
// A body is a u64 count and that many entries, in the order of memory. Each codec file
// (section_threads.c, ...) says how one entry is written, read, checked and redacted; the functions
// here do so for all entries.
//
// Encoding fails only for lack of memory, which the buffer remembers. Decoding trusts nothing; its
// errors (corrupt, memory) say what is wrong in the section. The caller adds the file and the
// offset, which is the cursor's position in the section.

#ifndef SNAPSHOT_FILE_SECTIONS_SECTION_TABLE_H
#define SNAPSHOT_FILE_SECTIONS_SECTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "snapshot/heap/snapshot_details.h"

typedef struct SectionTable SectionTable;

// The entry of a table that is being decoded or checked.
typedef struct EntryPosition {
    const SectionTable *table;
    uint32_t number;     // from 1 on, entry[-1] is the one before, complete
    uint32_t parts_left; // how many parts this entry and those behind it may have together
} EntryPosition;

struct SectionTable {
    // For messages: "type", "types", and the parts that entries consist of, "symbols of types".
    const char *entry_name;
    const char *name;
    const char *parts_name;
    size_t array_at;    // offset of the array in SnapshotDetails
    size_t count_at;    // and of its uint32_t count
    size_t entry_bytes; // in memory
    size_t least_bytes; // of an entry in the file
    uint32_t limit;     // of entries
    uint32_t parts_limit;
    uint32_t (*parts)(const void *entry); // NULL: entries have no parts that are limited

    void (*encode)(ByteBuffer *buffer, const void *entry);
    // Fills a zeroed entry. A half filled one is freed with the details.
    bool (*decode)(ByteCursor *cursor, void *entry, EntryPosition *position, Error *error);
    // NULL, or: do the entries of other tables exist that this entry refers to? Errors: corrupt.
    bool (*check)(const SnapshotDetails *details, const void *entry, const EntryPosition *position,
                  Error *error);
    // NULL, or: makes an entry refer to nothing, because the table that it refers to is lost. Where
    // this is NULL, entries have no use without that table.
    void (*detach)(void *entry);
    // Copies to a zeroed entry the members that a redacted snapshot may hold. NULL: a redacted
    // snapshot leaves the table out. Errors: memory.
    bool (*redact)(const SnapshotDetails *details, const void *entry, void *out, Error *error);
    // For section_table_look(): frees what decode() allocated for bytes that pass by, or NULL.
    void (*release_passing)(void *entry);
    bool keeps_passing; // entries of bytes that pass by are kept, without their parts

    // A table whose entries are coded together has these in place of encode, decode and redact. The
    // body begins with the number of entries, which decode_body() gets, and which is possible.
    void (*encode_body)(ByteBuffer *buffer, const SnapshotDetails *details);
    bool (*decode_body)(ByteCursor *cursor, uint32_t count, SnapshotDetails *details, Error *error);
    bool (*redact_body)(const SnapshotDetails *details, SnapshotDetails *out, Error *error);
    // Looks at a body that passes by; *bytes gets the sum of what its entries count.
    bool (*look_body)(ByteCursor *cursor, uint32_t count, uint64_t *bytes, Error *error);
};

// The members of SectionTable that follow from the array's name in SnapshotDetails.
#define SECTION_TABLE_OF(array, count)                                                             \
    .array_at = offsetof(SnapshotDetails, array), .count_at = offsetof(SnapshotDetails, count),    \
    .entry_bytes = sizeof *((const SnapshotDetails *)NULL)->array

uint32_t section_table_count(const SectionTable *table, const SnapshotDetails *details);

// Does the table keep to the limits that readers set? Errors: unsupported.
NODISCARD bool section_table_check_limits(const SectionTable *table, const SnapshotDetails *details,
                                          Error *error);

void section_table_encode(const SectionTable *table, ByteBuffer *buffer,
                          const SnapshotDetails *details);

// Fills the empty table of `details`, which keeps the decoded entries when this fails.
NODISCARD bool section_table_decode(const SectionTable *table, ByteCursor *cursor,
                                    SnapshotDetails *details, Error *error);

// Checks all that section_table_decode() and section_table_check() check, of bytes that pass by,
// and keeps the number of entries alone; the tables that entries refer to were looked at before.
// *bytes: see look_body().
NODISCARD bool section_table_look(const SectionTable *table, ByteCursor *cursor,
                                  SnapshotDetails *details, uint64_t *bytes, Error *error);

// After all tables were decoded. Errors: corrupt.
NODISCARD bool section_table_check(const SectionTable *table, const SnapshotDetails *details,
                                   Error *error);

// Empties the table, which may be half decoded. Errors: memory.
NODISCARD bool section_table_drop(const SectionTable *table, SnapshotDetails *details,
                                  Error *error);

// Makes all entries refer to nothing.
void section_table_detach(const SectionTable *table, SnapshotDetails *details);

// Fills the empty table of `out` with redacted entries. Errors: memory.
NODISCARD bool section_table_redact(const SectionTable *table, const SnapshotDetails *details,
                                    SnapshotDetails *out, Error *error);

#endif
