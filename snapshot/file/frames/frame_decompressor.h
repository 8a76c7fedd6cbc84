// FrameDecompressor: the memory for decompressing one frame at a time; one for each thread. A frame
// is checked against the seek table and by its checksum before its bytes are used.

#ifndef SNAPSHOT_FILE_FRAMES_FRAME_DECOMPRESSOR_H
#define SNAPSHOT_FILE_FRAMES_FRAME_DECOMPRESSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/file/frames/seekable_file.h"

// Zeroed: nothing is allocated yet.
typedef struct FrameDecompressor {
    struct ZSTD_DCtx_s *context;
    uint8_t *compressed;
    size_t compressed_capacity;
    uint8_t *content; // of a frame of which only parts are wanted
    size_t content_capacity;
} FrameDecompressor;

void frame_decompressor_release(FrameDecompressor *decompressor);

// Decompresses a frame to `to`, which has room for all of it.
// Errors: corrupt (with the offset in the file), system, memory.
NODISCARD bool frame_decompress(const SeekableFile *file, FrameDecompressor *decompressor,
                                const SeekableFrame *frame, uint8_t *to, Error *error);

// The same to the decompressor's own memory, decompressor->content.
NODISCARD bool frame_decompress_aside(const SeekableFile *file, FrameDecompressor *decompressor,
                                      const SeekableFrame *frame, Error *error);

#endif
