// SeekableFile: the header, the seek table and the places of the frames of a Zstandard file in the
// seekable format. seekable_reader.c decompresses them.

#ifndef SNAPSHOT_FILE_FRAMES_SEEKABLE_FILE_H
#define SNAPSHOT_FILE_FRAMES_SEEKABLE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "snapshot/file/frames/seekable_reader.h"

// A frame with data, as the seek table has it.
typedef struct SeekableFrame {
    uint64_t file_offset;
    uint64_t stream_offset;
    uint32_t file_bytes;
    uint32_t stream_bytes; // 1..FRAME_MAX_STREAM_BYTES
    uint32_t checksum;
    uint32_t number; // in the seek table, for messages
} SeekableFrame;

typedef struct SeekableFile {
    char *path; // owned
    int descriptor;
    SeekableFileInfo info;
    SeekableFrame *frames; // info.frame_count of them, ascending; owned
    uint64_t frame_capacity;
} SeekableFile;

// Does the file at `path` begin with our file header, whatever is behind it? False where it cannot
// be read.
bool seekable_file_begins(const char *path);

// As seekable_reader_open(). Frames lie within the file, one behind the other, and so does their
// content in the stream; their content is not checked yet. To be released.
NODISCARD bool seekable_file_open(const char *path, uint16_t newest_major,
                                  uint64_t max_stream_bytes, SeekableFile *file, Error *error);
// For a damaged file: when the seek table is not valid, the frames are those that are found from
// the start of the file on, up to the first that is not whole.
NODISCARD bool seekable_file_open_damaged(const char *path, uint16_t newest_major,
                                          uint64_t max_stream_bytes, SeekableFile *file,
                                          Error *error);
void seekable_file_release(SeekableFile *file);

// Reads raw bytes of the file. Errors: system, corrupt (the file became shorter).
NODISCARD bool seekable_file_read(const SeekableFile *file, uint64_t offset, void *to,
                                  size_t length, Error *error);

// "'heap.zst' is damaged: frame 7: WHAT (offset ...)"; returns false.
bool seekable_file_frame_damage(Error *error, const SeekableFile *file, const SeekableFrame *frame,
                                const char *what);

#endif
