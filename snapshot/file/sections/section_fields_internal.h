// Shared by the codecs of sections: arrays, strings, and the redaction of texts.

#ifndef SNAPSHOT_FILE_SECTIONS_SECTION_FIELDS_INTERNAL_H
#define SNAPSHOT_FILE_SECTIONS_SECTION_FIELDS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/byte_buffer.h"
#include "base/error.h"
#include "snapshot/file/sections/section_table.h"
#include "snapshot/heap/snapshot_details.h"

// A zeroed array with room for `count` entries; not NULL when it is empty.
// NULL: memory is short, and `error` is set.
void *section_allocate(uint32_t count, size_t entry_bytes, const char *name, Error *error);

// A u32 length and the text: its control characters and bytes that are not UTF-8 replaced, cut at
// MAX_STRING_BYTES. NULL is written as "".
void section_add_string(ByteBuffer *buffer, const char *text);
// The caller owns `*out`, which is NULL where bytes pass by. Errors: corrupt, memory.
NODISCARD bool section_take_string(ByteCursor *cursor, char **out, Error *error);

// "type 7 is out of order"; returns false.
bool section_set_disorder(const EntryPosition *position, Error *error);

// A copy of the text, of "" when it is NULL. The caller owns `*out`. Errors: memory.
NODISCARD bool section_copy_text(char **out, const char *text, Error *error);

// The file's name in a path.
const char *without_folders(const char *path);
// The symbol; "[redacted]" when it names a path.
const char *redacted_symbol(const char *symbol);
// Replaces paths in one of our own notes by '*', and with them the rest of their lines, since a
// path may hold spaces and quotes.
void redact_paths(char *text);

// ---- names of files: snapshot/file/sections/redacted_names.c ----

// Did the program make up the name while it ran?
bool redaction_hides_module(const SnapshotDetails *details, const SnapshotModule *module);
bool redaction_hides_executable(const SnapshotDetails *details);
// The name of a program that is hidden.
#define REDACTED_PROGRAM "[program]"
// The name of an entry of details->modules without folders, or a number. The caller owns `*out`.
NODISCARD bool redaction_copy_module_name(const SnapshotDetails *details,
                                          const SnapshotModule *module, char **out, Error *error);
// Redacts one of our own notes: paths, and the names of files that the program made up.
void redact_note(const SnapshotDetails *details, char *text);

#endif
