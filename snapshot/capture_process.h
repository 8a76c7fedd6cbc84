// Copying a running process by pid: stop all threads, read registers, copy, resume.
//
// Whatever happens, the target ends up running and untraced.

#ifndef SNAPSHOT_CAPTURE_PROCESS_H
#define SNAPSHOT_CAPTURE_PROCESS_H

#include "snapshot/error.h"
#include "snapshot/process_copy.h"

// Looked at between steps, from another thread than the caller's but never from two at once;
// true: give up with ERROR_INTERRUPTED. May be NULL.
typedef struct CaptureCancel {
    bool (*is_cancelled)(void *context);
    void *context;
} CaptureCancel;

// Errors: system (no such process, no permission, it exited), memory, interrupted.
// On success the caller owns `*out` and frees its parts with process_copy_release().
NODISCARD bool capture_process_copy(int pid, const CaptureCancel *cancel, ProcessCopy *out,
                                    Error *error);

#endif
