// Frames of compressed memory: see packed_frame_internal.h. They are zstd frames with a checksum,
// so that a damaged spool file is noticed.

#include "snapshot/capture/copy/packed_frame_internal.h"

#include <stdlib.h>
#include <string.h>

#include <zstd.h>

// The fastest level that makes heaps notably smaller.
#define LEVEL 1

struct FramePacker {
    ZSTD_CCtx *context;
    size_t packed_capacity;
    uint8_t *packed;
    uint8_t room[PACKED_FRAME_BYTES];
};

struct FrameUnpacker {
    ZSTD_DCtx *context;
    size_t packed_capacity;
    uint8_t *packed;
    // Whole pages, since the kernel copies them from here.
    _Alignas(4096) uint8_t unpacked[PACKED_FRAME_BYTES];
};

bool frame_packer_new(FramePacker **out, Error *error)
{
    FramePacker *packer = calloc(1, sizeof *packer);

    *out = packer;
    if (packer == NULL)
        return error_set_memory(error, sizeof *packer, "compressing pages");
    packer->packed_capacity = ZSTD_compressBound(PACKED_FRAME_BYTES);
    packer->packed = malloc(packer->packed_capacity);
    packer->context = ZSTD_createCCtx();
    if (packer->packed == NULL || packer->context == NULL)
        return error_set_memory(error, packer->packed_capacity, "compressing pages");
    (void)ZSTD_CCtx_setParameter(packer->context, ZSTD_c_compressionLevel, LEVEL);
    (void)ZSTD_CCtx_setParameter(packer->context, ZSTD_c_checksumFlag, 1);
    return true;
}

void frame_packer_free(FramePacker *packer)
{
    if (packer == NULL)
        return;
    (void)ZSTD_freeCCtx(packer->context);
    free(packer->packed);
    free(packer);
}

uint8_t *frame_packer_room(FramePacker *packer)
{
    return packer->room;
}

bool frame_packer_pack(FramePacker *packer, size_t bytes, const uint8_t **packed,
                       size_t *packed_bytes, Error *error)
{
    size_t result = ZSTD_compress2(packer->context, packer->packed, packer->packed_capacity,
                                   packer->room, bytes);

    if (ZSTD_isError(result))
        return error_set(error, ERROR_MEMORY, "cannot compress pages: %s",
                         ZSTD_getErrorName(result));
    *packed = packer->packed;
    *packed_bytes = result;
    return true;
}

bool frame_unpacker_new(FrameUnpacker **out, Error *error)
{
    FrameUnpacker *unpacker = aligned_alloc(4096, sizeof *unpacker);

    *out = unpacker;
    if (unpacker == NULL)
        return error_set_memory(error, sizeof *unpacker, "unpacking pages");
    memset(unpacker, 0, sizeof *unpacker);
    unpacker->packed_capacity = ZSTD_compressBound(PACKED_FRAME_BYTES);
    unpacker->packed = malloc(unpacker->packed_capacity);
    unpacker->context = ZSTD_createDCtx();
    if (unpacker->packed == NULL || unpacker->context == NULL)
        return error_set_memory(error, unpacker->packed_capacity, "unpacking pages");
    return true;
}

void frame_unpacker_free(FrameUnpacker *unpacker)
{
    if (unpacker == NULL)
        return;
    (void)ZSTD_freeDCtx(unpacker->context);
    free(unpacker->packed);
    free(unpacker);
}

bool frame_unpacker_unpack(FrameUnpacker *unpacker, const SpoolFile *spool,
                           const PackedFrame *frame, size_t bytes, const uint8_t **out,
                           Error *error)
{
    size_t result;

    *out = unpacker->unpacked;
    if (!spool_file_read(spool, unpacker->packed, frame->bytes, frame->offset, error))
        return false;
    result = ZSTD_decompressDCtx(unpacker->context, unpacker->unpacked, bytes, unpacker->packed,
                                 frame->bytes);
    if (ZSTD_isError(result) || result != bytes)
        return error_set(error, ERROR_SYSTEM, "a temporary file was damaged: %s",
                         ZSTD_isError(result) ? ZSTD_getErrorName(result) : "it is too short");
    return true;
}
