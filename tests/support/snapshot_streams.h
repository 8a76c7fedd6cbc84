// Snapshots taken apart and put together again, for tests: the decompressed stream of a
// snapshot as bytes, any bytes as a snapshot file, and what an image should hold.
//
// What goes wrong here aborts the test: this is test code.

#ifndef TESTS_SUPPORT_SNAPSHOT_STREAMS_H
#define TESTS_SUPPORT_SNAPSHOT_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "snapshot/heap/heap_image.h"
#include "snapshot/file/section_map.h"
#include "snapshot/file/snapshot_file.h"

// An empty folder that is removed, with what is in it, by test_folder_free().
typedef struct TestFolder {
    char path[64];
} TestFolder;

TestFolder test_folder_new(void);
void test_folder_free(const TestFolder *folder);
// "FOLDER/NAME", malloc'd.
char *test_folder_file(const TestFolder *folder, const char *name);

typedef struct Bytes {
    uint8_t *bytes; // malloc'd
    size_t length;
} Bytes;

Bytes file_bytes(const char *path);
void write_bytes(const char *path, const void *bytes, size_t length);

// The records of all pages of `contents`, whose headers must be valid; to be released.
PageRecords records_of(const SnapshotContents *contents);

// The stream that snapshot_write() makes of `contents`. options may be NULL.
Bytes snapshot_stream(const SnapshotContents *contents, const SnapshotWriteOptions *options);

// Any stream as a snapshot file with proper frames and checksums.
void write_snapshot_file(const char *path, const void *stream, size_t length);

// The sections of a whole stream; to be released.
SectionMap sections_of(const uint8_t *stream, size_t length);

// A stream with a section put in before the one whose body begins at `before`. The old one is
// freed.
Bytes insert_section(Bytes stream, uint64_t before, uint32_t type, uint32_t flags, const void *body,
                     uint64_t length);

// Does the image hold what was written? Says what differs, in a static buffer; NULL: nothing.
const char *image_differs(const HeapImage *image, const SnapshotContents *contents,
                          bool keeps_free_slots);

#endif
