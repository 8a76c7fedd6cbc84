// CoreFile: an ELF core file as segments, notes and bytes. One of the two doors to libelf.
//
// The file may be hostile or cut short: segments and notes are checked before they are handed out,
// lie inside the file, and are in order. Nothing is mapped, so that a file which shrinks while it
// is read cannot kill us.

#ifndef SNAPSHOT_CAPTURE_CORE_CORE_FILE_H
#define SNAPSHOT_CAPTURE_CORE_CORE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct CoreFile CoreFile;

// A PT_LOAD segment: one mapping of the process.
typedef struct CoreSegment {
    uint64_t address; // page-aligned
    uint64_t bytes;   // of the mapping; page-aligned, not 0
    uint64_t file_offset;
    uint64_t file_bytes; // of them, in the file; the others were left out
    bool is_readable;
    bool is_writable;
    bool is_executable;
} CoreSegment;

// `path` is for messages, and borrowed as long as the file is open; `descriptor` is consumed,
// also on failure. Errors: system, memory, corrupt (not a core file, cut short, invalid segments),
// unsupported (from another machine). The caller frees `*out` with core_file_free().
NODISCARD bool core_file_open(int descriptor, const char *path, CoreFile **out, Error *error);
void core_file_free(CoreFile *file);

// Ascending by address and disjoint; borrowed. Segments beyond the addresses that programs
// have (the kernel's vsyscall page) are not among them.
const CoreSegment *core_file_segments(const CoreFile *file, uint32_t *count);

typedef struct CoreNote {
    const char *owner; // "CORE", "LINUX"; NUL-terminated
    uint32_t type;     // NT_*, as in <elf.h>
    const uint8_t *bytes;
    uint64_t length;
} CoreNote;

// Called with every note; everything is borrowed for the call. False, with `error` filled, stops.
typedef bool (*CoreNoteVisitor)(void *context, const CoreNote *note, Error *error);
NODISCARD bool core_file_visit_notes(CoreFile *file, CoreNoteVisitor visitor, void *context,
                                     Error *error);

// Reads bytes that lie in a segment. Errors: system, corrupt (the file has shrunk).
NODISCARD bool core_file_read(const CoreFile *file, uint64_t offset, void *to, uint64_t length,
                              Error *error);

// Moves *offset forward to the next data in the file, and *end to the end of these data. False:
// there are none before `*end`. The bytes in between are holes, which read as zero.
bool core_file_next_data(const CoreFile *file, uint64_t *offset, uint64_t *end);

// When the core was written: nanoseconds since 1970, UTC.
int64_t core_file_written_at_ns(const CoreFile *file);

#endif
