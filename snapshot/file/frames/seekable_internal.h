// The numbers on which writer and reader must agree: of the Zstandard seekable format (version
// 0.1.0) around our stream, and of our own header in it. docs/format.md describes every byte.

#ifndef SNAPSHOT_FILE_FRAMES_SEEKABLE_INTERNAL_H
#define SNAPSHOT_FILE_FRAMES_SEEKABLE_INTERNAL_H

#include <stdint.h>

#define FRAME_MAGIC 0xFD2FB528u
#define SKIPPABLE_MAGIC_MASK 0xFFFFFFF0u
#define SKIPPABLE_MAGIC 0x184D2A50u // our header, and padding
#define SEEK_TABLE_MAGIC 0x184D2A5Eu
#define SEEK_TABLE_FOOTER_MAGIC 0x8F92EAB1u
#define SEEK_TABLE_CHECKSUM_FLAG 0x80u

#define SKIPPABLE_HEAD_BYTES 8u
#define SEEK_TABLE_ENTRY_BYTES 12u
#define SEEK_TABLE_FOOTER_BYTES 9u
#define SEEK_TABLE_MAX_FRAMES (1u << 27)

// The file header: a skippable frame at the start of the file.
//   0 u32 magic, u32 length of the rest; 8 "RUDOSNAP"; 16 u16 major; 18 u16 minor;
//   20 u32 flags; 24 32 bytes reserved, 0; 56 u64 XXH64 of the 56 bytes before
#define FILE_HEADER_BYTES 64u
#define FILE_HEADER_NAME "RUDOSNAP"
#define FILE_HEADER_NAME_AT 8u
#define FILE_HEADER_MAJOR_AT 16u
#define FILE_HEADER_MINOR_AT 18u
#define FILE_HEADER_FLAGS_AT 20u
#define FILE_HEADER_CHECKSUM_AT 56u

// The low 32 bits of the XXH64 of no bytes: the seek table's checksum of skippable frames.
#define EMPTY_CHECKSUM 0x51D8E999u

// Bytes of stream in a frame of our writer. A multiple of every page size, so that frames in page
// data hold whole pages.
#define FRAME_STREAM_BYTES (1u << 20)
// The most that the reader accepts.
#define FRAME_MAX_STREAM_BYTES (16u << 20)
#define FRAME_MAX_FILE_BYTES (FRAME_MAX_STREAM_BYTES + (1u << 20)) // if it does not compress

// A file decompresses to at most MAX_RATIO times its size and MAX_RATIO_FREE_BYTES. Writers put
// padding (a skippable frame) behind frames that compress better; readers refuse other files before
// they decompress anything.
#define MAX_RATIO 2048u
#define MAX_RATIO_FREE_BYTES (8u << 20)

#endif
