// Fuzz target: salvaging damaged snapshots. Each result is a snapshot that can be read.

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "snapshot/file/salvage/snapshot_salvage.h"

// More than this is slow, and no different.
#define MAX_BYTES (UINT64_C(1) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    SnapshotReadOptions options = {.force_relocation = true, .threads = 1};
    SnapshotSalvage found;
    HeapImage *image = NULL;
    Error error = {0};
    char path[64], saved_path[64];
    int file, saved;

    if (size > MAX_BYTES)
        return 0;
    file = memfd_create("damaged", MFD_CLOEXEC);
    (void)snprintf(saved_path, sizeof saved_path, "/tmp/rudo-snap-fuzz-XXXXXX");
    saved = mkstemp(saved_path);
    if (file < 0 || saved < 0 || (size > 0 && write(file, data, size) != (ssize_t)size))
        abort();
    (void)close(saved);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    if (snapshot_salvage(path, saved_path, true, 0, &found, &error)) {
        if (!snapshot_read(saved_path, &options, &image, &error)) {
            fprintf(stderr, "the salvaged snapshot cannot be read: %s\n", error.message);
            abort();
        }
        heap_image_free(image);
    } else if (error.code == ERROR_NONE || error.message[0] == '\0') {
        abort();
    }
    (void)unlink(saved_path);
    (void)close(file);
    return 0;
}
