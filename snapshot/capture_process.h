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

typedef enum CaptureMethod {
    CAPTURE_AUTO,
    CAPTURE_PRECOPY, // it is copied while it runs, and at last what was written meanwhile
    CAPTURE_FORK,    // all threads stand still while the process forks; the child is copied
    CAPTURE_STOP,    // all threads stand still while everything is copied
} CaptureMethod;

// Least of ProcessCopyOptions.staging_bytes.
#define CAPTURE_LEAST_STAGING (UINT64_C(16) << 20)

// How to copy a process; zeroed is a good default.
typedef struct ProcessCopyOptions {
    CaptureMethod method;
    CaptureCancel cancel;
    uint64_t max_pause_ns; // of the longest stop; 0: any
    // How much memory the copy may take; a process that is larger is kept compressed. 0: as much
    // as the process takes, where the machine has that.
    uint64_t staging_bytes;
    const char *spool_folder; // for a file without a name with compressed pages; NULL: in memory
} ProcessCopyOptions;

// `options` may be NULL.
// Errors: system (no such process, no permission, it exited), memory, interrupted, limit (it would
// have had to stand still for longer than it may; it was let go when the time was over).
// On success the caller owns `*out` and frees its parts with process_copy_release().
NODISCARD bool capture_process_copy(int pid, const ProcessCopyOptions *options, ProcessCopy *out,
                                    Error *error);

#endif
