// StagingMemory: plain memory to which the memory of a process is copied.
//
// Memory to be filled during the stop is supplied by the kernel before: copying into memory that is
// not supplied yet takes five times as long. While the target runs, each part is supplied right
// before it is filled: the kernel clears it, and it is still in the processor's cache.

#ifndef SNAPSHOT_CAPTURE_COPY_STAGING_MEMORY_INTERNAL_H
#define SNAPSHOT_CAPTURE_COPY_STAGING_MEMORY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"

typedef struct StagingMemory {
    uint8_t *base; // a mapping; becomes the ProcessCopy's
    uint64_t bytes;
    uint64_t supplied_bytes; // from the start; the memory behind may not be supplied yet
} StagingMemory;

// Can `bytes` be allocated without the kernel having to kill a process? *available: how many could.
bool staging_memory_is_available(uint64_t bytes, uint64_t *available);

// Maps `bytes`, in huge pages where the kernel has them; 0 is allowed.
// Errors: memory (also when staging_memory_is_available() is false).
NODISCARD bool staging_memory_reserve(StagingMemory *staging, uint64_t bytes, Error *error);

// Has the kernel supply the first `bytes`, or all if there are fewer; their content stays.
// Errors: memory, interrupted.
NODISCARD bool staging_memory_supply(StagingMemory *staging, uint64_t bytes, const Cancel *cancel,
                                     Error *error);

// Has it supply this part, unless it is known to be supplied. May be called by several threads at
// once. Errors: memory.
NODISCARD bool staging_memory_supply_part(const StagingMemory *staging, const uint8_t *start,
                                          uint64_t bytes, Error *error);

// Notes that the first `bytes` have been filled, and need not be supplied any more.
void staging_memory_note_filled(StagingMemory *staging, uint64_t bytes);

// Reserves and supplies `bytes`. Errors: memory, interrupted.
NODISCARD bool staging_memory_prepare(StagingMemory *staging, uint64_t bytes, const Cancel *cancel,
                                      Error *error);

// Enlarges it to at least `bytes`, when the target has grown. It may move, so pointers into it
// become invalid. Errors: memory.
NODISCARD bool staging_memory_extend(StagingMemory *staging, uint64_t bytes, Error *error);

// Unmaps the memory behind the first `bytes`.
void staging_memory_trim(StagingMemory *staging, uint64_t bytes);

void staging_memory_release(StagingMemory *staging);

#endif
