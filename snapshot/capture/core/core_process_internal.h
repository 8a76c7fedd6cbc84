// The steps of copying a process out of its core file, beside its notes (core_notes_internal.h) and
// the copying itself (core_process.c): opening the file, and the memory map.

#ifndef SNAPSHOT_CAPTURE_CORE_CORE_PROCESS_INTERNAL_H
#define SNAPSHOT_CAPTURE_CORE_CORE_PROCESS_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/core/core_file.h"
#include "snapshot/capture/core/core_notes_internal.h"

static inline bool is_all_zeros(const uint8_t *bytes, size_t length)
{
    return length == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, length - 1) == 0);
}

// Opens the core at `path` for reading. One that systemd-coredump compressed (.zst) is unpacked
// to an unnamed file in $TMPDIR or /var/tmp, with holes for its zeros; that file is gone when
// the descriptor is closed. Errors: system, corrupt, unsupported (another compression), memory,
// interrupted. The caller closes `*descriptor`.
NODISCARD bool core_unpacking_open(const char *path, const Cancel *cancel, int *descriptor,
                                   Error *error);

// Fills the mappings of `copy`: one for each segment, and for each file in the note of mapped files
// that no segment holds. The stack gets its name; the heap has none yet. `segments[i]`, malloc'd,
// is the number of mapping i's segment, or UINT32_MAX. Errors: memory, system, corrupt.
NODISCARD bool core_mappings_fill(const CoreFile *file, const CoreNotes *notes, ProcessCopy *copy,
                                  uint32_t **segments, Error *error);

// Names the mapping that holds the main arena's top chunk "[heap]". To be called when the memory
// was copied. Errors: memory.
NODISCARD bool core_mappings_name_heap(ProcessCopy *copy, Error *error);

#endif
