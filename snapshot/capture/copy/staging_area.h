// StagingArea: holds the copied memory of a process until the snapshot is written. It is plain
// memory, or, if that would exceed the allowed memory (--staging) or the machine's, compressed
// pages (packed_pages.h).

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
    PackedPages *packed; // NULL: all pages go to `memory`
} StagingArea;

// The memory that an area for `bytes` may take if the pages must be compressed; 0: they need not
// be.
uint64_t staging_area_limit(const ProcessCopyOptions *options, uint64_t bytes);

// Makes an empty area for about `bytes`, with its memory supplied. If pages are compressed, all of
// them are. Errors: memory, system, interrupted.
NODISCARD bool staging_area_prepare(StagingArea *area, uint64_t bytes,
                                    const ProcessCopyOptions *options, Error *error);

// The same, but the memory is not supplied yet (staging_memory_supply()); and if pages are
// compressed, half of the allowed memory is plain. Errors: memory, system.
NODISCARD bool staging_area_reserve(StagingArea *area, uint64_t bytes,
                                    const ProcessCopyOptions *options, Error *error);

// Copies `selection`, the only pages of the area, from task `tid` of process `pid`.
// Errors: those of page_copying_run() and packed_pages_add().
NODISCARD bool staging_area_copy(StagingArea *area, PageSelection *selection, int pid, int tid,
                                 const Cancel *cancel, uint64_t *unreadable_bytes, Error *error);

// Moves the area and `selection` to `out`. The first `used_bytes` of its memory are in use.
void staging_area_give(StagingArea *area, uint64_t used_bytes, PageSelection *selection,
                       ProcessCopy *out);

void staging_area_release(StagingArea *area);

#endif
