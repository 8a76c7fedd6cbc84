// Zstandard frames without their content (RFC 8878, section 3.1): headers, lengths, and where a
// damaged file goes wrong. seekable_reader.c decompresses them.

#ifndef SNAPSHOT_FILE_FRAMES_SEEKABLE_FRAME_H
#define SNAPSHOT_FILE_FRAMES_SEEKABLE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FRAME_HEADER_MAX_BYTES 18u

typedef struct FrameHeader {
    uint32_t header_bytes;
    uint64_t content_bytes; // decompressed
    bool has_content_bytes;
    bool has_checksum;
    bool has_dictionary;
} FrameHeader;

// Reads the header at `bytes`. False: it is not a frame header, or `length` cuts it off.
NODISCARD bool frame_header_read(const uint8_t *bytes, size_t length, FrameHeader *out);

// A frame that has all of its blocks.
typedef struct FrameExtent {
    uint64_t end;           // where the next one begins
    uint64_t content_bytes; // decompressed; 0: a skippable frame
    bool is_table;          // the seek table
} FrameExtent;

// Finds the end of the frame that begins at `offset`. False: it is cut off, damaged, or without
// checksum or content size, which our writer's frames have.
bool seekable_find_frame(int descriptor, uint64_t file_bytes, uint64_t offset, FrameExtent *out);

// For a file whose seek table is not valid: walks the frames from the start and fills `error` with
// the first that is damaged. Returns false.
bool seekable_explain_damage(int descriptor, const char *path, uint64_t file_bytes, Error *error);

#endif
