// Pre-copy: copying a process while it runs, round by round, and at last, for a moment, what was
// written in between while it stands still.

#ifndef SNAPSHOT_CAPTURE_LIVE_CAPTURE_PRECOPY_INTERNAL_H
#define SNAPSHOT_CAPTURE_LIVE_CAPTURE_PRECOPY_INTERNAL_H

#include "snapshot/capture/copy/copy_options.h"
#include "base/error.h"
#include "snapshot/capture/copy/process_copy.h"

// Fills `out` like every other way; `tid` is a task of the process. When it fails, `out` may hold
// mappings, threads and notes of stops.
// Errors: those of capture_process_copy(), and unsupported: it cannot be done with this kernel or
// this process, another way is needed.
NODISCARD bool capture_precopy(int pid, int tid, const ProcessCopyOptions *options,
                               ProcessCopy *out, Error *error);

#endif
