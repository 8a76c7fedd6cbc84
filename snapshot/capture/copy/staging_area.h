// Where the memory of a process goes until it is written: plain memory for all of it, or, when it
// is to take less than that, or the machine has less, compressed pages (packed_pages.h).

#ifndef SNAPSHOT_CAPTURE_COPY_STAGING_AREA_H
#define SNAPSHOT_CAPTURE_COPY_STAGING_AREA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/packed_pages.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/copy/staging_memory_internal.h"

typedef struct StagingArea {
    StagingMemory memory;
    PackedPages *packed; // NULL: all goes to `memory`
} StagingArea;

// How much memory the area of a process with so many bytes may take when they are compressed; 0:
// they need not be.
uint64_t staging_area_limit(const ProcessCopyOptions *options, uint64_t bytes);

// Makes an area for about so many bytes ready, of which none is used. Nothing of it is plain memory
// where pages are compressed. Errors: memory, system, interrupted.
NODISCARD bool staging_area_prepare(StagingArea *area, uint64_t bytes,
                                    const ProcessCopyOptions *options, Error *error);

// The same, but its memory has yet to be supplied (staging_memory_supply()), and where pages are
// compressed, half of what it may take is plain memory. Errors: memory, system.
NODISCARD bool staging_area_reserve(StagingArea *area, uint64_t bytes,
                                    const ProcessCopyOptions *options, Error *error);

// Copies all of `selection`, the only pages of the area, from the task `tid` of process `pid`.
// Errors: those of page_copying_run().
NODISCARD bool staging_area_copy(StagingArea *area, PageSelection *selection, int pid, int tid,
                                 const Cancel *cancel, uint64_t *unreadable_bytes, Error *error);

// Hands over the area, of whose memory the first `used_bytes` are in use, and its pages.
void staging_area_give(StagingArea *area, uint64_t used_bytes, PageSelection *selection,
                       ProcessCopy *out);

void staging_area_release(StagingArea *area);

#endif
