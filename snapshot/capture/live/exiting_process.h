// Copying a process at its end, while an ExitWatch holds it there.

#ifndef SNAPSHOT_CAPTURE_LIVE_EXITING_PROCESS_H
#define SNAPSHOT_CAPTURE_LIVE_EXITING_PROCESS_H

#include "base/error.h"
#include "snapshot/capture/copy/copy_options.h"
#include "snapshot/capture/copy/process_copy.h"
#include "snapshot/capture/live/exit_watch.h"

// To be called when exit_watch_is_over(). The process stays where it is. The method and the longest
// pause of `options` are ignored. Errors: system, memory, interrupted.
// On success the caller owns `*out` and frees its parts with process_copy_release().
NODISCARD bool exiting_process_copy(const ExitWatch *watch, const ProcessCopyOptions *options,
                                    ProcessCopy *out, Error *error);

#endif
