// Copying pages of a stopped process into staging memory, as fast as memory allows.
//
// Staging memory is made ready before the target is stopped: copying into memory that the
// kernel has yet to supply takes five times as long.

#ifndef SNAPSHOT_PAGE_COPYING_INTERNAL_H
#define SNAPSHOT_PAGE_COPYING_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/capture_process.h"
#include "snapshot/error.h"
#include "snapshot/page_selection_internal.h"

typedef struct StagingMemory {
    uint8_t *base; // a mapping; becomes the ProcessCopy's
    uint64_t bytes;
} StagingMemory;

// Maps `bytes` and makes the kernel supply them, in huge pages where it can.
// Errors: memory (also when the machine has less available, so that nobody gets killed for
// it), interrupted.
NODISCARD bool staging_memory_prepare(StagingMemory *staging, uint64_t bytes, int pid,
                                      const CaptureCancel *cancel, Error *error);

// Makes it at least `bytes` large, when the target has grown since. Nothing may point into it.
NODISCARD bool staging_memory_extend(StagingMemory *staging, uint64_t bytes, Error *error);

// Gives back what lies behind the first `bytes`.
void staging_memory_trim(StagingMemory *staging, uint64_t bytes);

void staging_memory_release(StagingMemory *staging);

// Copies all of `selection` from the task `tid` of process `pid` and sets the data of its ranges.
// `staging` holds at least `selection->bytes`. Pages that cannot be read are counted in
// `*unreadable_bytes`, and read as zero. Errors: system (the process has gone), memory,
// interrupted.
NODISCARD bool page_copying_run(PageSelection *selection, int pid, int tid,
                                const StagingMemory *staging, const CaptureCancel *cancel,
                                uint64_t *unreadable_bytes, Error *error);

// Copies all of `pieces`, whose data say where in `staging` to. Clears `unread` and fills it with
// the pages that could not be read, which are zero in the copy. Errors: as above.
NODISCARD bool page_copying_pieces(const PageSelection *pieces, int pid, int tid,
                                   const StagingMemory *staging, const CaptureCancel *cancel,
                                   PageSelection *unread, Error *error);

#endif
