// Frames: pieces of memory of 256 KiB, compressed, in a spool file.

#ifndef SNAPSHOT_CAPTURE_COPY_PACKED_FRAME_INTERNAL_H
#define SNAPSHOT_CAPTURE_COPY_PACKED_FRAME_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/capture/copy/spool_file_internal.h"

// The size of a frame, before it is compressed; the last one may be smaller.
#define PACKED_FRAME_BYTES (UINT64_C(256) << 10)

typedef struct PackedFrame {
    uint64_t offset; // in the spool file
    uint64_t bytes;
} PackedFrame;

// For one thread at a time.
typedef struct FramePacker FramePacker;

// Errors: memory. The caller owns `*out` and frees it with frame_packer_free().
NODISCARD bool frame_packer_new(FramePacker **out, Error *error);
void frame_packer_free(FramePacker *packer);

// The buffer for the next PACKED_FRAME_BYTES.
uint8_t *frame_packer_room(FramePacker *packer);

// Compresses the first `bytes` of that buffer. *packed belongs to the packer, and is valid until it
// packs again. Errors: memory.
NODISCARD bool frame_packer_pack(FramePacker *packer, size_t bytes, const uint8_t **packed,
                                 size_t *packed_bytes, Error *error);

typedef struct FrameUnpacker FrameUnpacker;

NODISCARD bool frame_unpacker_new(FrameUnpacker **out, Error *error);
void frame_unpacker_free(FrameUnpacker *unpacker);

// Reads a frame of `bytes`. *out belongs to the unpacker, and is valid until it unpacks again;
// after a failure it holds any bytes. Errors: system (the file cannot be read, or was changed).
NODISCARD bool frame_unpacker_unpack(FrameUnpacker *unpacker, const SpoolFile *spool,
                                     const PackedFrame *frame, size_t bytes, const uint8_t **out,
                                     Error *error);

#endif
