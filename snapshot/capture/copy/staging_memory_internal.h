// Staging memory: where the memory of a process is copied to before it is looked at.
//
// It is made ready before the target is stopped: copying into memory that the kernel has yet to
// supply takes five times as long. While the target runs, each part is rather supplied right before
// it is filled: the kernel clears it, and it is still in the processor's cache.

#ifndef SNAPSHOT_CAPTURE_COPY_STAGING_MEMORY_INTERNAL_H
#define SNAPSHOT_CAPTURE_COPY_STAGING_MEMORY_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"

typedef struct StagingMemory {
    uint8_t *base; // a mapping; becomes the ProcessCopy's
    uint64_t bytes;
    uint64_t supplied_bytes; // from the start on; the kernel has yet to supply what is behind
} StagingMemory;

// May so many bytes be taken without anybody being killed for it? *available is what there is.
bool staging_memory_is_available(uint64_t bytes, uint64_t *available);

// Maps `bytes`, which the kernel is to supply in huge pages where it can; 0 is fine.
// Errors: memory (also when the machine has less available, so that nobody gets killed for it).
NODISCARD bool staging_memory_reserve(StagingMemory *staging, uint64_t bytes, Error *error);

// Makes the kernel supply the first `bytes`, or all there are; what is in them stays.
// Errors: memory, interrupted.
NODISCARD bool staging_memory_supply(StagingMemory *staging, uint64_t bytes,
                                     const Cancel *cancel, Error *error);

// Makes it supply this part, unless it has. Several threads may ask at once. Errors: memory.
NODISCARD bool staging_memory_supply_part(const StagingMemory *staging, const uint8_t *start,
                                          uint64_t bytes, Error *error);

// The first `bytes` have been filled, so nothing is to be asked for there.
void staging_memory_note_filled(StagingMemory *staging, uint64_t bytes);

// Reserves `bytes` and has all of them supplied. Errors: memory, interrupted.
NODISCARD bool staging_memory_prepare(StagingMemory *staging, uint64_t bytes,
                                      const Cancel *cancel, Error *error);

// Makes it at least `bytes` large, when the target has grown since. Nothing may point into it.
// Errors: memory.
NODISCARD bool staging_memory_extend(StagingMemory *staging, uint64_t bytes, Error *error);

// Gives back what lies behind the first `bytes`.
void staging_memory_trim(StagingMemory *staging, uint64_t bytes);

void staging_memory_release(StagingMemory *staging);

#endif
