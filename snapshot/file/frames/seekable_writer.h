// SeekableWriter: a stream of bytes into a Zstandard file in the seekable format.
//
// The stream is cut into independent frames, which are compressed on several
// threads and written in order. Our header comes first, the seek table last.

#ifndef SNAPSHOT_FILE_FRAMES_SEEKABLE_WRITER_H
#define SNAPSHOT_FILE_FRAMES_SEEKABLE_WRITER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "base/output_file.h"

// Bytes of the stream, borrowed, and zeros behind them.
typedef struct StreamPiece {
    const uint8_t *bytes;
    uint64_t length;
    uint64_t zeros_after;
    bool is_filtered; // StreamFilter sees these bytes on their way
    uint64_t number;  // for the filter, to know the piece by
} StreamPiece;

// Changes bytes on their way into the file, in a copy of ours. Called from several threads
// at once, for parts of a piece that begin and end at multiples of FRAME_STREAM_BYTES from
// the first byte of the append, or at the piece's own ends. `bytes` are `length` bytes that begin
// `offset` bytes behind the piece's first; the piece itself is not changed.
typedef struct StreamFilter {
    void (*apply)(const void *context, const StreamPiece *piece, uint64_t offset, uint8_t *bytes,
                  uint64_t length);
    const void *context;
} StreamFilter;

typedef struct SeekableWriterOptions {
    uint16_t format_major;
    uint16_t format_minor;
    uint32_t flags; // of the file header
    int level;      // zstd level; 0: 1
    uint32_t threads;
    uint64_t max_file_bytes; // 0: no limit
    Cancel cancel;           // looked at between frames
} SeekableWriterOptions;

typedef struct SeekableWriter SeekableWriter;

// Writes the file header. `file` is borrowed. Errors: system, memory.
// The caller owns `*out` and frees it with seekable_writer_free().
NODISCARD bool seekable_writer_new(OutputFile *file, const SeekableWriterOptions *options,
                                   SeekableWriter **out, Error *error);
void seekable_writer_free(SeekableWriter *writer);

// The kind of content. With STREAM_WORDS, level 1 spends no time on coding bytes without a match:
// among words they are few, in text they are many.
typedef enum StreamContent {
    STREAM_MIXED,
    STREAM_WORDS,
} StreamContent;

// Sets the kind of what is appended from now on; at first, STREAM_MIXED.
void seekable_writer_expect(SeekableWriter *writer, StreamContent content);

// Appends pieces to the stream, beginning a new frame. filter may be NULL.
// Errors: usage (the level), system, memory, interrupted, limit (the file, with its seek table,
// would be larger than max_file_bytes).
NODISCARD bool seekable_writer_append(SeekableWriter *writer, const StreamPiece *pieces,
                                      uint64_t piece_count, const StreamFilter *filter,
                                      Error *error);

// Writes the seek table; nothing may be appended after it.
NODISCARD bool seekable_writer_finish(SeekableWriter *writer, Error *error);

// Sizes so far.
uint64_t seekable_writer_file_bytes(const SeekableWriter *writer);
uint64_t seekable_writer_stream_bytes(const SeekableWriter *writer);

#endif
