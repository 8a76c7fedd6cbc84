// SpoolFile: a temporary file without a name, appended to by several threads and read again. It is
// gone when it is closed, or when this process is killed.

#ifndef SNAPSHOT_CAPTURE_COPY_SPOOL_FILE_INTERNAL_H
#define SNAPSHOT_CAPTURE_COPY_SPOOL_FILE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct SpoolFile {
    int descriptor;
    bool is_memory;
    uint64_t max_bytes;      // 0: no limit
    _Atomic(uint64_t) bytes; // reserved so far; private to spool_file.c
} SpoolFile;

// Makes a file in `folder`, or in memory when that is NULL. Errors: system.
NODISCARD bool spool_file_open(SpoolFile *spool, const char *folder, uint64_t max_bytes,
                               Error *error);

// Appends from any thread; *offset is where. Errors: memory (more than `max_bytes`), system (a full
// disk).
NODISCARD bool spool_file_append(SpoolFile *spool, const void *bytes, size_t length,
                                 uint64_t *offset, Error *error);

// Errors: system.
NODISCARD bool spool_file_read(const SpoolFile *spool, void *bytes, size_t length, uint64_t offset,
                               Error *error);

// The size of the file.
uint64_t spool_file_bytes(const SpoolFile *spool);

void spool_file_close(SpoolFile *spool);

#endif
