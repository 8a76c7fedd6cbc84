// What the codecs of tables share: section_tables.c, section_names.c and section_program.c.

#ifndef SNAPSHOT_FILE_SECTION_TABLES_INTERNAL_H
#define SNAPSHOT_FILE_SECTION_TABLES_INTERNAL_H

#include "snapshot/file/section_codecs.h"

// Cleaned, and cut where it is too long. NULL is "".
void section_add_string(ByteBuffer *buffer, const char *text);

// The number of entries, none of which is smaller than `entry_bytes`. Errors: corrupt.
NODISCARD bool section_take_count(ByteCursor *cursor, uint32_t limit, size_t entry_bytes,
                                  const char *what, uint32_t *count, Error *error);
// calloc that is never asked for nothing. NULL: memory is short (then `error` is set).
void *section_allocate_table(uint32_t count, size_t entry_bytes, const char *what, Error *error);
// The caller owns `*out`. Errors: corrupt, memory.
NODISCARD bool section_take_string(ByteCursor *cursor, char **out, Error *error);
// Is the section at its end, and not beyond? Errors: corrupt.
NODISCARD bool section_check_end(const ByteCursor *cursor, const char *what, Error *error);

#endif
