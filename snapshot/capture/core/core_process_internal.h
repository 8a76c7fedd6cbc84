// The memory map of a process, put together from its core file.

#ifndef SNAPSHOT_CAPTURE_CORE_CORE_MAPPINGS_INTERNAL_H
#define SNAPSHOT_CAPTURE_CORE_CORE_MAPPINGS_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture/core/core_file.h"
#include "snapshot/capture/core/core_notes_internal.h"
#include "snapshot/capture/copy/process_copy.h"

// Fills the mappings of `copy`: one for each segment, and for each file in the note of mapped files
// that no segment holds. The stack gets its name; the heap has none yet. `segments[i]`, malloc'd,
// is the number of mapping i's segment, or UINT32_MAX. Errors: memory, system, corrupt.
NODISCARD bool core_mappings_fill(const CoreFile *file, const CoreNotes *notes, ProcessCopy *copy,
                                  uint32_t **segments, Error *error);

// Names the mapping that holds the main arena's top chunk "[heap]". To be called when the memory
// was copied. Errors: memory.
NODISCARD bool core_mappings_name_heap(ProcessCopy *copy, Error *error);

#endif
