// UnforkedMemory: the memory that a forked child does not have, because the target has marked it
// with MADV_DONTFORK or MADV_WIPEONFORK, or that it shares with the target, which writes it later.
// It is copied while the target is stopped.

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
    bool has_shared; // writable shared mappings, which may be shared memory
    ProcessMapping
        *mappings; // shared memory and those of the places, at the stop; ascending; owned
    uint32_t mapping_count;
    PageSelection selection; // the copied pages, with data in `staging`
    StagingMemory staging;
} UnforkedMemory;

// Finds the places, while the target runs. Call unforked_memory_release() whatever it returns.
// Errors: system, memory.
NODISCARD bool unforked_memory_find(UnforkedMemory *memory, int pid, int tid, Error *error);

// Copies them from task `tid` of the stopped target. Takes no time when there are none.
// Errors: system, memory, interrupted.
NODISCARD bool unforked_memory_copy(UnforkedMemory *memory, int pid, int tid, const Cancel *cancel,
                                    uint64_t *unreadable_bytes, Error *error);

// Adds the copied pages to a copy of the child: their mappings to `out`, the pages to `selection`,
// with their data in `room`, which has selection.bytes bytes. Errors: memory.
NODISCARD bool unforked_memory_add(const UnforkedMemory *memory, ProcessCopy *out,
                                   PageSelection *selection, uint8_t *room, Error *error);

// The bytes that the target has marked since unforked_memory_find(), and that may be missing.
uint64_t unforked_memory_missed_bytes(const UnforkedMemory *memory, int pid, int tid);

void unforked_memory_release(UnforkedMemory *memory);

#endif
