// Copying a running process by pid: stop all threads, read registers, copy, resume.
//
// Whatever happens, the target ends up running and untraced.

#ifndef SNAPSHOT_CAPTURE_LIVE_LIVE_PROCESS_H
#define SNAPSHOT_CAPTURE_LIVE_LIVE_PROCESS_H

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/process_copy.h"

// `options` may be NULL.
// Errors: system (no such process, no permission, it exited), memory, interrupted, limit (it would
// have had to stand still for longer than it may; it was let go when the time was over).
// On success the caller owns `*out` and frees its parts with process_copy_release().
NODISCARD bool live_process_copy(int pid, const ProcessCopyOptions *options, ProcessCopy *out,
                                 Error *error);

#endif
