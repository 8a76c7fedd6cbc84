// An open snapshot: what reading it (snapshot_read.c) and looking at it (snapshot_look.c) share.

#ifndef SNAPSHOT_FILE_SNAPSHOT_READER_INTERNAL_H
#define SNAPSHOT_FILE_SNAPSHOT_READER_INTERNAL_H

#include "snapshot/file/byte_source.h"
#include "snapshot/file/section_map.h"
#include "snapshot/file/snapshot_file.h"

typedef struct SnapshotReader {
    ByteSource source;
    SeekableReader *file; // NULL: a stream in memory
    bool is_file_lent;    // to the source of a paged image, which owns it
    SectionMap map;
    HeapLayout layout;
    SnapshotDetails *details; // owned
} SnapshotReader;

// Opens the file; its sections are not looked at.
NODISCARD bool snapshot_reader_open(SnapshotReader *reader, const char *path,
                                    uint64_t max_stream_bytes, uint32_t threads, Error *error);
// Finds the sections, and makes empty details.
NODISCARD bool snapshot_reader_map(SnapshotReader *reader, Error *error);
// The header of the file must repeat that of the stream.
NODISCARD bool snapshot_reader_check_headers(const SnapshotReader *reader, Error *error);
// Sets the members of the metadata that the header and the losses decide.
void snapshot_reader_settle_metadata(SnapshotReader *reader);
void snapshot_reader_release(SnapshotReader *reader);

// Is the section as long as its kind may be?
NODISCARD bool snapshot_reader_check_length(const SnapshotReader *reader, const SectionKind *kind,
                                            Error *error);

#endif
