// Copying a live process by pid: its threads are stopped, registers are read, memory is copied (by
// the method pre-copy: most of it before the stop), the threads are resumed.
//
// Whether it succeeds or fails, the target runs and is not traced afterwards.

#ifndef SNAPSHOT_CAPTURE_LIVE_LIVE_PROCESS_H
#define SNAPSHOT_CAPTURE_LIVE_LIVE_PROCESS_H

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/process_copy.h"

// `options` may be NULL.
// Errors: system (no such process, no permission, it exited), not 64-bit, unsupported (this build
// captures no processes), memory, interrupted, limit (the longest allowed pause would be exceeded;
// the target was resumed when it was over).
// On success the caller owns `*out` and frees its parts with process_copy_release().
NODISCARD bool live_process_copy(int pid, const ProcessCopyOptions *options, ProcessCopy *out,
                                 Error *error);

#endif
