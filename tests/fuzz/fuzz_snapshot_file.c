// Fuzz target: a snapshot file as it lies on disk: header, frames, seek table. Checksums stop
// most mutations before the stream is parsed; that is fuzz_snapshot_stream's part.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/file/snapshot_file.h"

// Fuzzing is about parsing; nothing here needs more.
#define MAX_BYTES (UINT64_C(64) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_failure(bool ok, const Error *error)
{
    if (!ok && (error->code == ERROR_NONE || error->message[0] == '\0'))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SnapshotReadOptions options = {.max_stream_bytes = MAX_BYTES, .threads = 1};
    SnapshotVerification verification;
    SnapshotFileInfo info;
    HeapImage *image = NULL;
    int file = memfd_create("fuzz", 0);
    char path[64];
    Error error = {0};
    bool is_whole;

    if (file < 0 || write(file, data, size) != (ssize_t)size)
        abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    check_failure(snapshot_read_info(path, &info, &error), &error);
    snapshot_file_info_release(&info);
    is_whole = snapshot_verify(path, &options, &verification, &error);
    check_failure(is_whole, &error);
    // What verifies can be read.
    if (is_whole && !snapshot_read(path, &options, &image, &error))
        abort();
    heap_image_free(image);
    (void)close(file);
    return 0;
}
