// Reading and writing snapshot files (docs/format.md describes every byte).
//
// A snapshot file is a Zstandard file in the seekable format: a leading skippable
// frame with our header, independent frames with content checksums, the seek table
// last. No room outside snapshot/file/ knows its bytes.

#ifndef SNAPSHOT_FILE_SNAPSHOT_FILE_H
#define SNAPSHOT_FILE_SNAPSHOT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cancel.h"
#include "base/error.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/heap/page_record.h"

// ---- writing ----

// Bytes of one page run, borrowed.
typedef struct SnapshotPages {
    uint64_t address;
    uint64_t page_count;
    const uint8_t *bytes;
} SnapshotPages;

// Bytes of one foreign block, borrowed.
typedef struct SnapshotBlock {
    uint64_t address;
    uint64_t bytes;
    const uint8_t *data;
} SnapshotBlock;

// The contents of a snapshot; all are borrowed for the time of the call.
typedef struct SnapshotContents {
    HeapLayout layout;
    uint64_t run_count;
    const SnapshotPages *runs; // ascending, disjoint
    const PageRecords *pages;  // all pages of all runs
    uint64_t root_count;
    const Root *roots; // in any order
    uint64_t block_count;
    const SnapshotBlock *blocks; // ascending, disjoint
    const SnapshotDetails *details;
} SnapshotContents;

typedef struct SnapshotWriteOptions {
    int level;               // zstd level; 0: the default, 1
    uint64_t max_file_bytes; // a file that would be larger is not written; 0: any size
    uint32_t threads;        // compressing threads; 0: one a CPU, at most 16
    bool keeps_free_slots;   // keep the value part of free slots instead of zeroing it
    bool redacts;            // write the graph without the data: see snapshot/file/redaction.h
    bool replaces;           // an existing output file may be replaced
    Cancel cancel;           // looked at between frames
} SnapshotWriteOptions;

typedef struct SnapshotWriteResult {
    uint64_t file_bytes;
    uint64_t stream_bytes; // decompressed
} SnapshotWriteResult;

// May `path` be written? For an error before the capture. `path` and errors: as for
// output_file_check() (base/output_file.h).
NODISCARD bool snapshot_check_output(const char *path, bool replaces, Error *error);

// Writes a snapshot to `path` as an OutputFile, so that `path` never names half a file.
// options may be NULL. Errors: usage, system, memory,
// interrupted, limit (max_file_bytes).
NODISCARD bool snapshot_write(const char *path, const SnapshotContents *contents,
                              const SnapshotWriteOptions *options, SnapshotWriteResult *result,
                              Error *error);

// ---- reading ----

// Does the file at `path` begin as a snapshot does, damaged or not? For files that must not be
// replaced by mistake.
bool snapshot_begins(const char *path);

typedef struct SnapshotReadOptions {
    bool force_relocation;
    // Count overlooked references where the file does not say how many there are, as older ones do
    // not (SnapshotMetadata.references_overlooked). Of incomplete heaps they are not counted.
    bool proves_layout;
    // Mark by rule precise/1. Errors: unsupported (no data types in the snapshot), usage (it has
    // pointer maps that the program told).
    bool is_precise;
    // Hold only a part of the pages: see Note [Paged images]. NULL: all of them. Borrowed. A heap
    // whose pages are larger than a chunk is read whole.
    const HeapPagerOptions *paging;
    uint64_t most_whole_bytes; // then: a heap of no more bytes of pages is read whole all the same
    uint32_t threads;          // decompressing threads; 0: one a CPU, at most 16
    // A file that decompresses to more is refused. 0: this machine's memory.
    uint64_t max_stream_bytes;
} SnapshotReadOptions;

// Reads a whole snapshot into an image at its captured addresses (or relocated). Nothing in
// the file is trusted. options may be NULL. The caller owns `*out`.
// Errors: system (cannot open), corrupt, unsupported (newer major version), memory.
NODISCARD bool snapshot_read(const char *path, const SnapshotReadOptions *options, HeapImage **out,
                             Error *error);

// Parses a decompressed stream that is in memory already: the whole reader behind the
// container; for tests and fuzzing. `stream` is borrowed.
NODISCARD bool snapshot_read_stream(const uint8_t *stream, uint64_t stream_bytes,
                                    const SnapshotReadOptions *options, HeapImage **out,
                                    Error *error);

// Facts about a file, read without building an image.
typedef struct SnapshotFileInfo {
    uint64_t file_bytes;
    uint64_t stream_bytes;
    uint32_t frame_count; // with data
    uint32_t format_major;
    uint32_t format_minor;
    uint64_t page_bytes; // page data in the stream
    uint64_t run_count;
    uint64_t root_count; // stored words
    uint64_t block_count;
    uint64_t foreign_bytes;
    uint64_t sized_bytes; // of blocks without content
    HeapLayout layout;
    // Owned by the struct. The metadata, the losses and the numbers of entries: all other arrays
    // are NULL.
    SnapshotDetails *details;
} SnapshotFileInfo;

// Reads header, seek table, sections of tables and metadata, not the page bytes. Tables pass by, so
// a file of any size takes less than 64 MiB.
NODISCARD bool snapshot_read_info(const char *path, SnapshotFileInfo *out, Error *error);
void snapshot_file_info_release(SnapshotFileInfo *info);

// About the bytes that a file takes in memory beside its pages: the records of the pages, and all
// tables. Only the places of sections are read.
NODISCARD bool snapshot_read_table_bytes(const char *path, uint64_t *bytes, Error *error);

// The parts of a file that were verified.
typedef struct SnapshotVerification {
    uint32_t frames_checked; // content checksum and seek table entry of each
    uint64_t bytes_checked;  // decompressed
    uint64_t pages_checked;  // page headers validated
    uint32_t machine;        // of the program: snapshot/heap/snapshot_machine.h
} SnapshotVerification;

// Checks every checksum in the file and everything that reading it checks. Nothing but one frame a
// thread is kept, so a file of any size takes less than 64 MiB.
// Errors: as snapshot_read().
NODISCARD bool snapshot_verify(const char *path, const SnapshotReadOptions *options,
                               SnapshotVerification *out, Error *error);

#endif
