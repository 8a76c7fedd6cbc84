// ProcessCopyOptions: how a process is copied.

#ifndef SNAPSHOT_CAPTURE_COPY_COPY_OPTIONS_H
#define SNAPSHOT_CAPTURE_COPY_COPY_OPTIONS_H

#include <stdint.h>

#include "base/cancel.h"

typedef enum CaptureMethod {
    CAPTURE_AUTO,
    CAPTURE_PRECOPY, // copied while it runs; all threads are stopped for the pages written last
    CAPTURE_FORK,    // all threads are stopped while the process forks; the child is copied
    CAPTURE_STOP,    // all threads are stopped while everything is copied
} CaptureMethod;

// The smallest ProcessCopyOptions.staging_bytes.
#define CAPTURE_LEAST_STAGING (UINT64_C(16) << 20)

// How to copy a process; zeroed is a good default.
typedef struct ProcessCopyOptions {
    CaptureMethod method;
    Cancel cancel;
    uint64_t max_pause_ns; // longest allowed stop; 0: any
    // How much memory the copy may take; a larger process is kept compressed. 0: as much as the
    // process takes, if the machine has it.
    uint64_t staging_bytes;
    const char *spool_folder; // for a temporary file with compressed pages; NULL: in memory
} ProcessCopyOptions;

#endif
