// SpoolFile: see spool_file_internal.h. Threads reserve their place in the file by one atomic
// addition, and write there.

#include "snapshot/capture/copy/spool_file_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define NAME_BYTES 4096

// Opens a file without a name; if the file system has none, the name is removed at once.
static int open_in(const char *folder)
{
    char name[NAME_BYTES];
    int descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return descriptor;
    if (snprintf(name, sizeof name, "%s/.rudo-snap.XXXXXX", folder) >= (int)sizeof name) {
        errno = ENAMETOOLONG;
        return -1;
    }
    descriptor = mkostemp(name, O_CLOEXEC);
    if (descriptor >= 0)
        (void)unlink(name);
    return descriptor;
}

bool spool_file_open(SpoolFile *spool, const char *folder, uint64_t max_bytes, Error *error)
{
    atomic_init(&spool->bytes, 0);
    spool->max_bytes = max_bytes;
    spool->is_memory = folder == NULL;
    spool->descriptor = spool->is_memory ? memfd_create("rudo-snap", MFD_CLOEXEC) : open_in(folder);
    if (spool->descriptor >= 0)
        return true;
    if (spool->is_memory)
        return error_set(error, ERROR_SYSTEM, "cannot make a file in memory: %s", strerror(errno));
    return error_set(error, ERROR_SYSTEM, "cannot make a temporary file in '%s': %s", folder,
                     strerror(errno));
}

static bool write_at(const SpoolFile *spool, const uint8_t *bytes, size_t length, uint64_t offset,
                     Error *error)
{
    while (length > 0) {
        ssize_t written = pwrite(spool->descriptor, bytes, length, (off_t)offset);

        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return error_set(error, ERROR_SYSTEM, "cannot write %s: %s",
                             spool->is_memory ? "a file in memory" : "a temporary file",
                             written == 0 ? "no space is left" : strerror(errno));
        bytes += written;
        offset += (uint64_t)written;
        length -= (size_t)written;
    }
    return true;
}

bool spool_file_append(SpoolFile *spool, const void *bytes, size_t length, uint64_t *offset,
                       Error *error)
{
    // Relaxed: it only reserves a place; the bytes there are read after the threads were joined.
    *offset = atomic_fetch_add_explicit(&spool->bytes, length, memory_order_relaxed);
    if (spool->max_bytes != 0 && *offset + length > spool->max_bytes) {
        error_set_memory(error, *offset + length, "the compressed pages of the process");
        return error_add_hint(error, "`--staging` leaves %llu bytes for them",
                              (unsigned long long)spool->max_bytes);
    }
    return write_at(spool, bytes, length, *offset, error);
}

uint64_t spool_file_bytes(const SpoolFile *spool)
{
    // Relaxed: called while no thread appends.
    return atomic_load_explicit(&spool->bytes, memory_order_relaxed);
}

bool spool_file_read(const SpoolFile *spool, void *bytes, size_t length, uint64_t offset,
                     Error *error)
{
    uint8_t *to = bytes;

    while (length > 0) {
        ssize_t got = pread(spool->descriptor, to, length, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return error_set(error, ERROR_SYSTEM, "cannot read a temporary file: %s",
                             got == 0 ? "it is too short" : strerror(errno));
        to += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

void spool_file_close(SpoolFile *spool)
{
    if (spool->descriptor >= 0)
        (void)close(spool->descriptor);
    spool->descriptor = -1;
}
