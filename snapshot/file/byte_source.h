// ByteSource: the decompressed stream of a snapshot, from a file or from memory.

#ifndef SNAPSHOT_FILE_BYTE_SOURCE_H
#define SNAPSHOT_FILE_BYTE_SOURCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/file/frames/seekable_reader.h"

typedef struct ByteSource {
    const char *name; // of the file, for messages; NULL: a stream in memory
    uint64_t length;
    const uint8_t *memory;  // borrowed; NULL: `reader` has the bytes
    SeekableReader *reader; // borrowed
    uint32_t threads;       // for large parts; 0: one a CPU
} ByteSource;

// "'heap.zst' is damaged: WHAT (offset N of the decompressed stream)"; returns false.
bool byte_source_fault(const ByteSource *source, uint64_t offset, Error *error, const char *format,
                       ...) PRINTF_LIKE(4, 5);

// Adds file and offset to an error that only says what is wrong. Errors other than corrupt stay as
// they are. Returns false.
bool byte_source_locate(const ByteSource *source, uint64_t offset, Error *error);

// Reads [offset, offset + length). Errors: corrupt (it reaches beyond the stream, or the file
// is damaged), system, memory.
NODISCARD bool byte_source_read(ByteSource *source, uint64_t offset, void *to, uint64_t length,
                                Error *error);

// The same on several threads, for a part that is in the stream for certain.
NODISCARD bool byte_source_read_large(ByteSource *source, uint64_t offset, void *to,
                                      uint64_t length, Error *error);

// Reads many parts, which ascend and are disjoint; large ones on several threads. listener may
// be NULL.
NODISCARD bool byte_source_scatter(ByteSource *source, const StreamTarget *targets,
                                   uint64_t target_count, const StreamListener *listener,
                                   Error *error);

#endif
