// CoreNotes: what the notes of a core file say of the process: threads with registers, mapped
// files, where the kernel put things.

#ifndef SNAPSHOT_CAPTURE_CORE_CORE_NOTES_INTERNAL_H
#define SNAPSHOT_CAPTURE_CORE_CORE_NOTES_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/core/core_file.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/core/xsave_layout_internal.h"

// A stretch of memory that a file is mapped to.
typedef struct CoreMappedFile {
    uint64_t start;
    uint64_t end;
    uint64_t file_offset; // bytes
    const char *path;     // into CoreNotes.file_note
} CoreMappedFile;

typedef struct CoreNotes {
    uint32_t pid; // 0: no note has it
    char name[17];
    uint32_t thread_count;
    uint64_t thread_capacity;
    ProcessThread *threads; // ascending by tid, the main thread first; owned, with registers
    uint8_t *file_note;     // owned
    uint64_t file_note_bytes;
    uint32_t file_count;
    CoreMappedFile *files; // ascending by start, disjoint; owned
    // Of the auxiliary vector; 0 when unknown.
    uint64_t program_headers; // address of the executable's
    uint64_t random_bytes;    // on the main thread's stack, near its end
    // Why words of vector registers may be missing: see Note [Vector registers of a core]; "".
    char vectors_note[PROCESS_REGISTERS_NOTE_BYTES];
} CoreNotes;

// cpu: the layout of this CPU's vector registers. Errors: corrupt (a note that cannot be, no
// thread), memory. On success the caller frees the parts with core_notes_release().
NODISCARD bool core_notes_read(CoreFile *file, const char *path, const XsaveLayout *cpu,
                               CoreNotes *out, Error *error);
void core_notes_release(CoreNotes *notes);

#endif
