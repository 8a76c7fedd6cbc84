// What a redacted snapshot says of its process, beside the heap: addresses, sizes, times, and the
// names that a program's file brings along (modules, symbols). Not: names that somebody gave at
// run time (threads, files, memory), nor where anything lies in a file system.

#ifndef SNAPSHOT_FILE_REDACTED_DETAILS_H
#define SNAPSHOT_FILE_REDACTED_DETAILS_H

#include <stdbool.h>

#include "base/error.h"
#include "snapshot/heap/snapshot_details.h"

// What was added to SnapshotDetails and is not named in redacted_details.c is left out.
// The caller frees `*out` with snapshot_details_free(). Errors: memory.
NODISCARD bool redacted_details_new(const SnapshotDetails *details, SnapshotDetails **out,
                                    Error *error);

#endif
