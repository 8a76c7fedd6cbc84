// FrameDecompressor: see snapshot/file/frames/frame_decompressor.h.

#include "snapshot/file/frames/frame_decompressor.h"

#include <stdlib.h>

#include <zstd.h>

#include "base/byte_buffer.h"
#include "snapshot/file/frames/seekable_frame.h"

void frame_decompressor_release(FrameDecompressor *decompressor)
{
    (void)ZSTD_freeDCtx(decompressor->context);
    free(decompressor->compressed);
    free(decompressor->content);
    *decompressor = (FrameDecompressor){0};
}

// Makes `*room` at least `wanted` bytes large; its old content is lost.
static bool resize_room(uint8_t **room, size_t *capacity, size_t wanted, Error *error)
{
    if (wanted <= *capacity)
        return true;
    free(*room);
    *capacity = 0;
    *room = malloc(wanted);
    if (*room == NULL)
        return error_set_memory(error, wanted, "a frame");
    *capacity = wanted;
    return true;
}

// Is the frame at `bytes` the one that the seek table lists? It must have a checksum, without which
// flipped bits would pass.
static bool check_frame(const SeekableFile *file, const SeekableFrame *frame, const uint8_t *bytes,
                        Error *error)
{
    FrameHeader header;
    size_t length;

    if (!frame_header_read(bytes, frame->file_bytes, &header) || header.has_dictionary)
        return seekable_file_frame_damage(error, file, frame,
                                          "it is not the frame that was written");
    if (!header.has_checksum)
        return seekable_file_frame_damage(error, file, frame, "it has no checksum");
    if (!header.has_content_bytes || header.content_bytes != frame->stream_bytes)
        return seekable_file_frame_damage(
            error, file, frame, "it decompresses to another size than the seek table says");
    length = ZSTD_findFrameCompressedSize(bytes, frame->file_bytes);
    if (ZSTD_isError(length))
        return seekable_file_frame_damage(error, file, frame, ZSTD_getErrorName(length));
    if (length != frame->file_bytes)
        return seekable_file_frame_damage(error, file, frame,
                                          "it has another size than the seek table says");
    if (bytes_get_u32(bytes + length - sizeof(uint32_t)) != frame->checksum)
        return seekable_file_frame_damage(error, file, frame,
                                          "its checksum is not that of the seek table");
    return true;
}

bool frame_decompress(const SeekableFile *file, FrameDecompressor *decompressor,
                      const SeekableFrame *frame, uint8_t *to, Error *error)
{
    size_t length;

    if (decompressor->context == NULL)
        decompressor->context = ZSTD_createDCtx();
    if (decompressor->context == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for decompressing");
    if (!resize_room(&decompressor->compressed, &decompressor->compressed_capacity,
                     frame->file_bytes, error) ||
        !seekable_file_read(file, frame->file_offset, decompressor->compressed, frame->file_bytes,
                            error) ||
        !check_frame(file, frame, decompressor->compressed, error))
        return false;
    length = ZSTD_decompressDCtx(decompressor->context, to, frame->stream_bytes,
                                 decompressor->compressed, frame->file_bytes);
    if (ZSTD_isError(length))
        return seekable_file_frame_damage(error, file, frame, ZSTD_getErrorName(length));
    if (length != frame->stream_bytes)
        return seekable_file_frame_damage(error, file, frame,
                                          "it decompresses to less than it says");
    return true;
}

bool frame_decompress_aside(const SeekableFile *file, FrameDecompressor *decompressor,
                            const SeekableFrame *frame, Error *error)
{
    return resize_room(&decompressor->content, &decompressor->content_capacity, frame->stream_bytes,
                       error) &&
           frame_decompress(file, decompressor, frame, decompressor->content, error);
}
