// Copying a process at its end, while an ExitWatch holds it there.

#ifndef SNAPSHOT_CAPTURE_LIVE_EXITING_PROCESS_H
#define SNAPSHOT_CAPTURE_LIVE_EXITING_PROCESS_H

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/live/exit_watch.h"

// exit_watch_is_over() was true. The process stays where it is. Of `options`, not the method, and
// not the longest pause. Errors: system, memory,
// interrupted. On success the caller owns `*out` and frees its parts with process_copy_release().
NODISCARD bool exiting_process_copy(const ExitWatch *watch, const ProcessCopyOptions *options,
                                    ProcessCopy *out, Error *error);

#endif
