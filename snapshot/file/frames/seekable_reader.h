// SeekableReader: a Zstandard file in the seekable format as a stream of bytes that can be
// read anywhere, on several threads.
//
// Nothing in the file is trusted. The seek table must agree with the frames, each frame must carry
// a checksum of its content, and the file may not decompress to more than its size allows
// (MAX_RATIO) or the caller.
//
// Errors in all functions: corrupt (with the offset in the file), system, memory.

#ifndef SNAPSHOT_FILE_FRAMES_SEEKABLE_READER_H
#define SNAPSHOT_FILE_FRAMES_SEEKABLE_READER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct SeekableReader SeekableReader;

// From the file header and the seek table.
typedef struct SeekableFileInfo {
    uint64_t file_bytes;
    uint64_t stream_bytes;
    uint32_t frame_count; // with data
    uint16_t format_major;
    uint16_t format_minor;
    uint32_t flags;
} SeekableFileInfo;

// Opens the file and checks header and seek table. `newest_major`: a file of a higher major version
// is refused (unsupported). max_stream_bytes 0: this machine's memory. The caller owns `*out` and
// frees it with seekable_reader_free().
NODISCARD bool seekable_reader_open(const char *path, uint16_t newest_major,
                                    uint64_t max_stream_bytes, SeekableReader **out, Error *error);
void seekable_reader_free(SeekableReader *reader);

const SeekableFileInfo *seekable_reader_info(const SeekableReader *reader);

// Reads [offset, offset + length), which must lie within the stream. Keeps the last frame, so
// consecutive reads are cheap. Not for use on several threads at once.
NODISCARD bool seekable_reader_read(SeekableReader *reader, uint64_t offset, void *to,
                                    uint64_t length, Error *error);

// The memory that reading on one of several threads takes. The caller frees it; NULL: memory is
// short.
typedef struct SeekableScratch SeekableScratch;
SeekableScratch *seekable_scratch_new(void);
void seekable_scratch_free(SeekableScratch *scratch);

// The same as seekable_reader_read(), on several threads at once, each with a scratch of its own.
// Whole frames go straight to `to`; nothing is kept.
NODISCARD bool seekable_reader_read_by(const SeekableReader *reader, SeekableScratch *scratch,
                                       uint64_t offset, void *to, uint64_t length, Error *error);

// A part of the stream, and the memory that it is read to.
typedef struct StreamTarget {
    uint64_t offset; // in the stream
    uint64_t length; // > 0
    uint8_t *to;
} StreamTarget;

// Called for bytes that were read to their target, while they are in the caches of the thread that
// read them; not for parts so small that caches do not matter. Called on several threads at once.
typedef struct StreamListener {
    void (*arrived)(void *context, const uint8_t *bytes, uint64_t length);
    void *context;
} StreamListener;

// Reads many parts on several threads (0: one a CPU); frames that lie within one part are
// decompressed straight to their targets. `targets` ascend by offset and are disjoint,
// in the stream as in memory. listener may be NULL.
NODISCARD bool seekable_reader_scatter(SeekableReader *reader, const StreamTarget *targets,
                                       uint64_t target_count, const StreamListener *listener,
                                       uint32_t threads, Error *error);

// Opens a damaged file: see seekable_file_open_damaged(). Its stream has holes, which
// seekable_reader_salvage() finds.
NODISCARD bool seekable_reader_open_damaged(const char *path, uint16_t newest_major,
                                            uint64_t max_stream_bytes, SeekableReader **out,
                                            Error *error);

// A stretch of the stream.
typedef struct StreamPart {
    uint64_t offset;
    uint64_t length;
} StreamPart;

// Decompresses every whole frame to its place in `stream`, which has room for all of stream_bytes.
// *parts, which the caller frees, are the stretches of whole frames: ascending, disjoint, not
// adjacent. Damage is not an error here. Errors: system, memory.
NODISCARD bool seekable_reader_salvage(SeekableReader *reader, uint8_t *stream, StreamPart **parts,
                                       uint64_t *part_count, uint32_t *whole_frames, Error *error);

// Decompresses every frame, to check all checksums.
NODISCARD bool seekable_reader_check_frames(SeekableReader *reader, uint32_t threads, Error *error);

#endif
