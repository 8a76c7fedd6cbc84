// ProcessCopyOptions: how a process is copied.

#ifndef SNAPSHOT_CAPTURE_COPY_COPY_OPTIONS_H
#define SNAPSHOT_CAPTURE_COPY_COPY_OPTIONS_H

#include <stdint.h>

#include "base/cancel.h"

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
    Cancel cancel;
    uint64_t max_pause_ns; // of the longest stop; 0: any
    // How much memory the copy may take; a process that is larger is kept compressed. 0: as much
    // as the process takes, where the machine has that.
    uint64_t staging_bytes;
    const char *spool_folder; // for a file without a name with compressed pages; NULL: in memory
} ProcessCopyOptions;

#endif
