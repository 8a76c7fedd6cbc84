// Opening core files: see core_process_internal.h.

#include "snapshot/capture/core/core_process_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>
#include <zstd_errors.h>

#include "base/cancel.h"

// Pieces of this size that are all zeros are not written.
#define HOLE_BYTES 4096u
// That of `zstd --long=31`, the largest of the format; memory is used as far as the core fills it.
#define LARGEST_WINDOW_LOG 31
// No process has more memory, so no core has more bytes.
#define MAX_CORE_BYTES (UINT64_C(1) << 47)

typedef struct Unpacking {
    const char *path;
    const Cancel *cancel;
    int from;
    int to;
    ZSTD_DCtx *context;
    uint8_t *input;
    size_t input_capacity;
    uint8_t *output; // a multiple of HOLE_BYTES, filled before it is written
    size_t output_capacity;
    size_t output_used;
    uint64_t written_bytes;
    Error *error;
} Unpacking;

// ---- the kind of file ----

typedef struct Compression {
    const char *magic;
    size_t length;
    const char *name;
    const char *how_to_unpack;
} Compression;

static const Compression others[] = {
    {"\x04\x22\x4d\x18", 4, "lz4", "`lz4 -d FILE.lz4 FILE` unpacks it"},
    {"\xfd\x37zXZ", 5, "xz", "`xz -dk FILE.xz` unpacks it"},
    {"\x1f\x8b", 2, "gzip", "`gzip -dk FILE.gz` unpacks it"},
};

static bool refuse_other_compression(const char *path, const uint8_t *head, Error *error)
{
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (memcmp(head, others[i].magic, others[i].length) != 0)
            continue;
        (void)error_set(error, ERROR_UNSUPPORTED, "'%s' is compressed with %s", path,
                        others[i].name);
        return error_add_hint(error, "%s", others[i].how_to_unpack);
    }
    if (memcmp(head + 8, "RUDOSNAP", 8) == 0)
        return error_set(error, ERROR_CORRUPT, "'%s' is a snapshot already, not a core file", path);
    return true;
}

static bool is_zstandard(const uint8_t *head)
{
    // pzstd and others begin with a skippable frame (RFC 8878, 3.1.2).
    return memcmp(head, "\x28\xb5\x2f\xfd", 4) == 0 ||
           ((head[0] & 0xF0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0);
}

// ---- unpacking ----

static bool write_piece(Unpacking *unpacking, const uint8_t *bytes, size_t length)
{
    uint64_t offset = unpacking->written_bytes;

    unpacking->written_bytes += length;
    if (is_all_zeros(bytes, length))
        return true;
    while (length > 0) {
        ssize_t got = pwrite(unpacking->to, bytes, length, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            (void)error_set(unpacking->error, ERROR_SYSTEM, "cannot unpack '%s': %s",
                            unpacking->path, strerror(errno));
            return error_add_hint(unpacking->error, "it is unpacked to a file without a name in "
                                                    "$TMPDIR, or else in /var/tmp");
        }
        bytes += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

// Asked before the rest is unpacked, which may be any amount.
static bool begins_as_elf(const Unpacking *unpacking)
{
    return unpacking->written_bytes > 0 || (unpacking->output_used >= 4 && memcmp(unpacking->output,
                                                                                  "\x7f"
                                                                                  "ELF",
                                                                                  4) == 0);
}

static bool write_output(Unpacking *unpacking)
{
    if (!begins_as_elf(unpacking))
        return error_set(unpacking->error, ERROR_CORRUPT,
                         "'%s' is not a core file: it unpacks to something else", unpacking->path);
    if (unpacking->written_bytes + unpacking->output_used > MAX_CORE_BYTES)
        return error_set(unpacking->error, ERROR_CORRUPT,
                         "'%s' unpacks to more memory than a process can have", unpacking->path);
    for (size_t at = 0; at < unpacking->output_used; at += HOLE_BYTES) {
        size_t left = unpacking->output_used - at;

        if (!write_piece(unpacking, unpacking->output + at, left < HOLE_BYTES ? left : HOLE_BYTES))
            return false;
    }
    unpacking->output_used = 0;
    return true;
}

// Not every error of the decoder is damage.
static bool set_decoder_error(const Unpacking *unpacking, size_t result)
{
    ErrorCode code = ERROR_CORRUPT;

    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_memory_allocation:
        code = ERROR_MEMORY;
        break;
    case ZSTD_error_frameParameter_windowTooLarge:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_version_unsupported:
    case ZSTD_error_dictionary_wrong:
        code = ERROR_UNSUPPORTED;
        break;
    default:
        return error_set(unpacking->error, code, "'%s' is damaged: %s", unpacking->path,
                         ZSTD_getErrorName(result));
    }
    (void)error_set(unpacking->error, code, "cannot unpack '%s': %s", unpacking->path,
                    ZSTD_getErrorName(result));
    return error_add_hint(unpacking->error,
                          "unpack it with zstd first, and give the result to --core");
}

// Decompresses one buffer of input. *is_frame_open: the last frame has not ended.
static bool unpack_input(Unpacking *unpacking, size_t length, bool *is_frame_open)
{
    ZSTD_inBuffer in = {unpacking->input, length, 0};
    bool is_full = false;

    while (in.pos < in.size || is_full) {
        ZSTD_outBuffer out = {unpacking->output, unpacking->output_capacity,
                              unpacking->output_used};
        size_t result = ZSTD_decompressStream(unpacking->context, &out, &in);

        if (ZSTD_isError(result))
            return set_decoder_error(unpacking, result);
        *is_frame_open = result != 0;
        unpacking->output_used = out.pos;
        is_full = out.pos == out.size;
        if (is_full && !write_output(unpacking))
            return false;
        if (!cancel_check(unpacking->cancel, unpacking->error))
            return false;
    }
    return true;
}

static bool unpack(Unpacking *unpacking)
{
    bool is_frame_open = true;
    off_t offset = 0;

    for (;;) {
        ssize_t got = pread(unpacking->from, unpacking->input, unpacking->input_capacity, offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(unpacking->error, ERROR_SYSTEM, "cannot read '%s': %s",
                             unpacking->path, strerror(errno));
        if (got == 0)
            break;
        if (!unpack_input(unpacking, (size_t)got, &is_frame_open))
            return false;
        offset += got;
    }
    if (is_frame_open)
        return error_set(unpacking->error, ERROR_CORRUPT,
                         "'%s' is cut short: its Zstandard data end early", unpacking->path);
    if (!write_output(unpacking))
        return false;
    if (ftruncate(unpacking->to, (off_t)unpacking->written_bytes) != 0)
        return error_set(unpacking->error, ERROR_SYSTEM, "cannot unpack '%s': %s", unpacking->path,
                         strerror(errno));
    return true;
}

// A file without a name.
static int open_unnamed(void)
{
    const char *folder = getenv("TMPDIR");
    char path[PATH_MAX];
    int descriptor;

    if (folder == NULL || folder[0] == '\0')
        folder = "/var/tmp";
    descriptor = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (descriptor >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
        return descriptor;
    if (snprintf(path, sizeof path, "%s/rudo-snap-core-XXXXXX", folder) >= (int)sizeof path)
        return -1;
    descriptor = mkostemp(path, O_CLOEXEC);
    if (descriptor >= 0)
        (void)unlink(path);
    return descriptor;
}

// The time of a core's file is the time when the core was written: the unpacked file gets it, too.
static void keep_time(const struct stat *status, int descriptor)
{
    const struct timespec times[2] = {status->st_atim, status->st_mtim};

    (void)futimens(descriptor, times);
}

static bool unpack_file(const char *path, const Cancel *cancel, int from, int *descriptor,
                        Error *error)
{
    Unpacking unpacking = {
        .path = path,
        .cancel = cancel,
        .from = from,
        .to = open_unnamed(),
        .context = ZSTD_createDCtx(),
        .input_capacity = ZSTD_DStreamInSize(),
        .output_capacity = 16 * ZSTD_DStreamOutSize(),
        .error = error,
    };
    bool is_ok = false;

    if (unpacking.to < 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot make a temporary file to unpack '%s': %s",
                        path, strerror(errno));
        (void)error_add_hint(error, "it is made in $TMPDIR, or else in /var/tmp");
        goto done;
    }
    unpacking.input = malloc(unpacking.input_capacity);
    unpacking.output = malloc(unpacking.output_capacity);
    if (unpacking.context == NULL || unpacking.input == NULL || unpacking.output == NULL)
        error_set_memory(error, unpacking.output_capacity, "unpacking a core file");
    else if (ZSTD_isError(ZSTD_DCtx_setParameter(unpacking.context, ZSTD_d_windowLogMax,
                                                 LARGEST_WINDOW_LOG)))
        error_set(error, ERROR_SYSTEM, "cannot unpack '%s'", path);
    else
        is_ok = unpack(&unpacking);

done:
    (void)ZSTD_freeDCtx(unpacking.context);
    free(unpacking.input);
    free(unpacking.output);
    if (is_ok)
        *descriptor = unpacking.to;
    else if (unpacking.to >= 0)
        (void)close(unpacking.to);
    return is_ok;
}

bool core_unpacking_open(const char *path, const Cancel *cancel, int *descriptor, Error *error)
{
    uint8_t head[16] = {0};
    // Does not wait for the other end of a pipe.
    int from = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    bool is_ok;

    *descriptor = -1;
    if (from < 0)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    if (fstat(from, &status) != 0 || !S_ISREG(status.st_mode)) {
        (void)close(from);
        return error_set(error, ERROR_UNSUPPORTED, "'%s' is not a regular file", path);
    }
    if (pread(from, head, sizeof head, 0) < 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
        (void)close(from);
        return false;
    }
    is_ok = refuse_other_compression(path, head, error);
    if (is_ok && !is_zstandard(head)) {
        *descriptor = from;
        return true;
    }
    is_ok = is_ok && unpack_file(path, cancel, from, descriptor, error);
    if (is_ok)
        keep_time(&status, *descriptor);
    (void)close(from);
    return is_ok;
}
