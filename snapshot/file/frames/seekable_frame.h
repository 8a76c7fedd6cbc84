// Zstandard frames as far as their outside goes (RFC 8878, section 3.1): what a frame header
// says, and where a damaged file goes wrong. Decompressing is seekable_reader.c's.

#ifndef SNAPSHOT_FILE_FRAMES_SEEKABLE_FRAME_H
#define SNAPSHOT_FILE_FRAMES_SEEKABLE_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define FRAME_HEADER_MAX_BYTES 18u

typedef struct FrameHeader {
    uint32_t header_bytes;
    uint64_t content_bytes; // what it decompresses to
    bool has_content_bytes;
    bool has_checksum;
    bool has_dictionary;
} FrameHeader;

// Reads the header at `bytes`. False: it is no frame header, or `length` cuts it off.
NODISCARD bool frame_header_read(const uint8_t *bytes, size_t length, FrameHeader *out);

// A frame that is whole, as far as that can be seen from outside.
typedef struct FrameExtent {
    uint64_t end;           // where the next one begins
    uint64_t content_bytes; // 0: it is skippable
    bool is_table;          // it is the seek table
} FrameExtent;

// Looks at the frame that begins at `offset`. False: it is cut off, damaged, or not as our writer
// makes them.
bool seekable_find_frame(int descriptor, uint64_t file_bytes, uint64_t offset, FrameExtent *out);

// For a file whose seek table is not to be used: walks the frames from the start and says
// where the file stops being what it should be. Always fills `error`; returns false.
bool seekable_explain_damage(int descriptor, const char *path, uint64_t file_bytes, Error *error);

#endif
