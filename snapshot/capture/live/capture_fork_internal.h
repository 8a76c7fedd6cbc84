// Copying a process through a forked child of it, which holds its memory as it was at one moment:
// the threads stand still only for as long as the fork takes.

#ifndef SNAPSHOT_CAPTURE_LIVE_CAPTURE_FORK_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_CAPTURE_FORK_INTERNAL_H

#include <stdbool.h>

#include "snapshot/capture/live/capture_guard_internal.h"
#include "snapshot/capture/copy/copy_options.h"
#include "base/error.h"
#include "snapshot/capture/copy/page_selection.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/copy/staging_area.h"

typedef struct ForkCapture {
    int pid;
    int tid; // a task of it that lives
    const ProcessCopyOptions *options;
    PageSelection *selection; // filled; its ranges get their data
    StagingArea *staging;     // made ready; extended where that is too little
    uint64_t used_bytes;      // out: of its memory
    ProcessCopy *out;         // gets mappings, threads, times, and its part of the certificate
} ForkCapture;

// `guard` holds nothing, before and after. Errors: unsupported (this process cannot be forked, and
// runs on: another way is needed), system, memory, interrupted, limit.
NODISCARD bool capture_fork_run(ForkCapture *job, CaptureGuard *guard, Error *error);

#endif
