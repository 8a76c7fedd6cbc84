// A file that nobody else sees, for what is needed for a while: appended by several threads, read
// again, and gone when it is closed, or when we are killed.

#ifndef SNAPSHOT_CAPTURE_COPY_SPOOL_FILE_INTERNAL_H
#define SNAPSHOT_CAPTURE_COPY_SPOOL_FILE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct SpoolFile {
    int descriptor;
    bool is_memory;
    uint64_t max_bytes;      // 0: as many as there is room for
    _Atomic(uint64_t) bytes; // that were asked for; spool_file.c's
} SpoolFile;

// In `folder`, or in memory when that is NULL. Errors: system.
NODISCARD bool spool_file_open(SpoolFile *spool, const char *folder, uint64_t max_bytes,
                               Error *error);

// Appends at *offset, from any thread. Errors: memory (there would be more than `max_bytes`),
// system (a full disk).
NODISCARD bool spool_file_append(SpoolFile *spool, const void *bytes, size_t length,
                                 uint64_t *offset, Error *error);

// Errors: system.
NODISCARD bool spool_file_read(const SpoolFile *spool, void *bytes, size_t length, uint64_t offset,
                               Error *error);

// How many bytes there are.
uint64_t spool_file_bytes(const SpoolFile *spool);

void spool_file_close(SpoolFile *spool);

#endif
