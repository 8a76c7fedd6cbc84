// Memory that a forked process does not have: what the target has marked with MADV_DONTFORK or
// MADV_WIPEONFORK. It is copied while the target stands still.

#ifndef SNAPSHOT_CAPTURE_LIVE_UNFORKED_MEMORY_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_UNFORKED_MEMORY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/page_copying.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/process_copy.h"

typedef struct UnforkedMemory {
    ProcessRange *places; // ascending, disjoint, without data; owned
    uint64_t place_count;
    uint64_t place_capacity;
    ProcessMapping *mappings; // of it, when it was copied; ascending; owned with their names
    uint32_t mapping_count;
    PageSelection selection; // what was copied
    StagingMemory staging;
} UnforkedMemory;

// Finds the places, while the target runs. Errors: system, memory.
NODISCARD bool unforked_memory_find(UnforkedMemory *memory, int pid, int tid, Error *error);

// Copies them from the task of the stopped target; quickly, where there are none.
// Errors: system, memory, interrupted.
NODISCARD bool unforked_memory_copy(UnforkedMemory *memory, int pid, int tid, const Cancel *cancel,
                                    uint64_t *unreadable_bytes, Error *error);

// Adds what was copied to a copy of the child: to its mappings, and to `selection`, with the data
// in `room`, which has enough. Errors: memory.
NODISCARD bool unforked_memory_add(const UnforkedMemory *memory, ProcessCopy *out,
                                   PageSelection *selection, uint8_t *room, Error *error);

// Bytes of places that were not known when they were copied, and may be missing.
uint64_t unforked_memory_missed_bytes(const UnforkedMemory *memory, int pid, int tid);

void unforked_memory_release(UnforkedMemory *memory);

#endif
