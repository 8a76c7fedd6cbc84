// The table of sections: all kinds of section, and the facts about each.
//
// The writer writes them in the order of the table. The reader, salvage, redaction, `rudo-snap
// info` and the test of docs/format.md go through the same table. A new section is a codec file and
// a row: docs/design.md, "A new section".

#ifndef SNAPSHOT_FILE_SECTIONS_SECTIONS_H
#define SNAPSHOT_FILE_SECTIONS_SECTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "snapshot/heap/heap_layout.h"
#include "snapshot/file/sections/section_table.h"
#include "snapshot/file/sections/snapshot_format.h"

typedef enum SectionOccurrence {
    SECTION_AT_MOST_ONCE, // our writer always writes it, older ones may not have
    SECTION_UNLESS_EMPTY, // at most once; our writer leaves it out when it would be empty
    SECTION_ONCE,         // a file without it is damaged
    SECTION_ANY_NUMBER,
} SectionOccurrence;

typedef struct SectionKind {
    uint32_t type;           // four letters
    const char *description; // of the body
    uint16_t since_minor;    // of format 1
    SectionOccurrence occurrence;
    bool is_needed; // a reader that does not know it must refuse the file
    // How it is written, read and redacted. NULL: the sections of the heap itself and the metadata,
    // each of which the reader, the writer and salvage handle by code of its own.
    const SectionTable *table;
    uint32_t refers_to; // type of the section that entries refer to; 0: none
    // Its name in the list of losses, when salvage finds it lost or not whole.
    const char *lost;
    const char *info_member; // of "heap" in `rudo-snap info --json`: the number of entries
} SectionKind;

#define SECTION_KINDS_MAX 32u

// All kinds, in the order in which they are written: the layout first, the metadata last.
const SectionKind *sections_all(size_t *count);

// The kind of this type, or NULL: it is not known.
const SectionKind *sections_find(uint32_t type);

// The number of a kind in sections_all().
size_t sections_index(const SectionKind *kind);

#define SECTION_NAME_CHARS 5u
// The four letters; '?' for bytes that are not capital letters, since a type comes from the file.
const char *section_name(uint32_t type, char name[SECTION_NAME_CHARS]);

// Do all tables of `details` keep to the limits that readers set? Errors: unsupported.
NODISCARD bool sections_check_limits(const SnapshotDetails *details, Error *error);

// ---- bodies that are not tables ----

// LAYO: the layout and the machine (snapshot/heap/snapshot_machine.h). A layout that was decoded
// has passed heap_layout_check(). Errors: as section_table_decode(); unsupported.
void section_encode_layout(ByteBuffer *buffer, const HeapLayout *layout, uint32_t machine);
NODISCARD bool section_decode_layout(ByteCursor *cursor, HeapLayout *layout, uint32_t *machine,
                                     Error *error);

// META, as JSON. Errors: as section_table_decode().
void section_encode_metadata(ByteBuffer *buffer, const SnapshotMetadata *metadata);
NODISCARD bool section_decode_metadata(ByteCursor *cursor, SnapshotMetadata *metadata,
                                       Error *error);

// ---- redaction ----

// The details of a redacted snapshot: addresses, sizes, times, and the names that a program's file
// brings along (modules, symbols). Left out are names that were given at run time (threads, files,
// memory), folders, and every table whose SectionTable does not say how its entries are redacted.
// The caller frees `*out` with snapshot_details_free(). Errors: memory.
NODISCARD bool redacted_details_new(const SnapshotDetails *details, SnapshotDetails **out,
                                    Error *error);

#endif
