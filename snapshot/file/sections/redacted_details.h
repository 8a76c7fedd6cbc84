// The details of a redacted snapshot: addresses, sizes, times, and the names that a program's file
// brings along (modules, symbols). Left out are names that were given at run time (threads, files,
// memory), and folders.

#ifndef SNAPSHOT_FILE_SECTIONS_REDACTED_DETAILS_H
#define SNAPSHOT_FILE_SECTIONS_REDACTED_DETAILS_H

#include <stdbool.h>

#include "base/error.h"
#include "snapshot/heap/snapshot_details.h"

// A table stays out unless its SectionTable says how its entries are redacted.
// The caller frees `*out` with snapshot_details_free(). Errors: memory.
NODISCARD bool redacted_details_new(const SnapshotDetails *details, SnapshotDetails **out,
                                    Error *error);

#endif
