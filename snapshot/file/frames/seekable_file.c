// SeekableFile: see snapshot/file/frames/seekable_file.h.

#include "snapshot/file/frames/seekable_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/byte_buffer.h"
#include "base/checksum.h"
#include "base/shell_word.h"
#include "snapshot/file/frames/seekable_frame.h"
#include "snapshot/file/frames/seekable_internal.h"

// How a file begins that stands for one in Git LFS (its specification, version 1).
#define GIT_LFS_POINTER "version https://git-lfs"

static bool set_damage(Error *error, const SeekableFile *file, uint64_t offset, const char *what)
{
    return error_set(error, ERROR_CORRUPT, "'%s' is damaged: %s (offset %llu of %llu)", file->path,
                     what, (unsigned long long)offset, (unsigned long long)file->info.file_bytes);
}

bool seekable_file_frame_damage(Error *error, const SeekableFile *file, const SeekableFrame *frame,
                                const char *what)
{
    char quoted[SHELL_WORD_CHARS];

    (void)error_set(error, ERROR_CORRUPT, "'%s' is damaged: frame %u: %s (offset %llu of %llu)",
                    file->path, frame->number, what, (unsigned long long)frame->file_offset,
                    (unsigned long long)file->info.file_bytes);
    return error_add_hint(error, "`rudo-snap verify --salvage %s -o saved.zst` keeps what is whole",
                          shell_word(file->path, "FILE", quoted));
}

bool seekable_file_read(const SeekableFile *file, uint64_t offset, void *to, size_t length,
                        Error *error)
{
    uint8_t *bytes = to;

    while (length > 0) {
        ssize_t got = pread(file->descriptor, bytes, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", file->path,
                             strerror(errno));
        if (got == 0)
            return set_damage(error, file, offset, "the file became shorter while it was read");
        bytes += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

// ---- opening ----

static bool open_file(SeekableFile *file, const char *path, Error *error)
{
    struct stat status;

    file->path = strdup(path);
    if (file->path == NULL)
        return error_set_memory(error, strlen(path) + 1, "a file name");
    // O_NONBLOCK: opening a pipe without a writer must not hang.
    file->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (file->descriptor < 0 || fstat(file->descriptor, &status) != 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
        return errno == ENOENT && lstat(path, &status) == 0 &&
               error_add_hint(error,
                              "it is a link that leads nowhere; `git annex get` or `dvc pull` "
                              "fetches what it stands for");
    }
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_CORRUPT, "'%s' is not a snapshot, but a %s", path,
                         S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket");
    file->info.file_bytes = (uint64_t)status.st_size;
    return true;
}

static bool has_name(const uint8_t header[FILE_HEADER_BYTES])
{
    return memcmp(header + FILE_HEADER_NAME_AT, FILE_HEADER_NAME, strlen(FILE_HEADER_NAME)) == 0;
}

bool seekable_file_begins(const char *path)
{
    uint8_t header[FILE_HEADER_BYTES] = {0};
    // O_NONBLOCK: as above.
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status;
    bool begins = descriptor >= 0 && fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) &&
                  pread(descriptor, header, sizeof header, 0) > 0 &&
                  bytes_get_u32(header) == SKIPPABLE_MAGIC && has_name(header);

    if (descriptor >= 0)
        (void)close(descriptor);
    return begins;
}

static bool read_file_header(SeekableFile *file, uint16_t newest_major, Error *error)
{
    SeekableFileInfo *info = &file->info;
    uint8_t header[FILE_HEADER_BYTES] = {0};
    size_t length = info->file_bytes < sizeof header ? (size_t)info->file_bytes : sizeof header;

    if (info->file_bytes == 0)
        return error_set(error, ERROR_CORRUPT,
                         "'%s' is not a snapshot: the file is empty (offset 0)", file->path);
    if (!seekable_file_read(file, 0, header, length, error))
        return false;
    if (memcmp(header, GIT_LFS_POINTER, strlen(GIT_LFS_POINTER)) == 0) {
        (void)error_set(error, ERROR_CORRUPT,
                        "'%s' is not a snapshot, but a pointer of Git LFS to one (offset 0)",
                        file->path);
        return error_add_hint(error, "`git lfs pull` fetches the snapshot");
    }
    if (bytes_get_u32(header) != SKIPPABLE_MAGIC || !has_name(header))
        return error_set(
            error, ERROR_CORRUPT, "'%s' is not a snapshot of rudo-snap%s (offset 0)", file->path,
            bytes_get_u32(header) == FRAME_MAGIC ? ", though it is a Zstandard file" : "");
    if (length < sizeof header)
        return seekable_explain_damage(file->descriptor, file->path, info->file_bytes, error);
    if (bytes_get_u64(header + FILE_HEADER_CHECKSUM_AT) !=
        checksum_xxh64(header, FILE_HEADER_CHECKSUM_AT))
        return set_damage(error, file, 0, "the checksum of the file header is wrong");
    info->format_major = bytes_get_u16(header + FILE_HEADER_MAJOR_AT);
    info->format_minor = bytes_get_u16(header + FILE_HEADER_MINOR_AT);
    info->flags = bytes_get_u32(header + FILE_HEADER_FLAGS_AT);
    if (info->format_major > newest_major) {
        error_set(error, ERROR_UNSUPPORTED, "'%s' has snapshot format %u.%u; we read up to %u.x",
                  file->path, info->format_major, info->format_minor, newest_major);
        return error_add_hint(error, "a newer rudo-snap will read it");
    }
    return true;
}

// Finds the seek table from its two ends. The size of the file bounds the count of entries.
static bool find_seek_table(const SeekableFile *file, uint64_t *table_offset, uint32_t *entry_count,
                            Error *error)
{
    uint8_t footer[SEEK_TABLE_FOOTER_BYTES], head[SKIPPABLE_HEAD_BYTES];
    uint64_t file_bytes = file->info.file_bytes;
    uint64_t table_bytes;

    if (file_bytes < FILE_HEADER_BYTES + sizeof footer)
        return seekable_explain_damage(file->descriptor, file->path, file_bytes, error);
    if (!seekable_file_read(file, file_bytes - sizeof footer, footer, sizeof footer, error))
        return false;
    *entry_count = bytes_get_u32(footer);
    table_bytes = (uint64_t)*entry_count * SEEK_TABLE_ENTRY_BYTES + sizeof footer;
    if (bytes_get_u32(footer + 5) != SEEK_TABLE_FOOTER_MAGIC ||
        (footer[4] & 0xFC) != SEEK_TABLE_CHECKSUM_FLAG || *entry_count == 0 ||
        *entry_count > SEEK_TABLE_MAX_FRAMES || table_bytes + sizeof head > file_bytes)
        return seekable_explain_damage(file->descriptor, file->path, file_bytes, error);
    *table_offset = file_bytes - table_bytes - sizeof head;
    if (!seekable_file_read(file, *table_offset, head, sizeof head, error))
        return false;
    if (bytes_get_u32(head) != SEEK_TABLE_MAGIC || bytes_get_u32(head + 4) != table_bytes)
        return seekable_explain_damage(file->descriptor, file->path, file_bytes, error);
    return true;
}

// An entry without stream bytes is a skippable frame: our header, or padding.
static bool check_skippable(const SeekableFile *file, const SeekableFrame *frame, Error *error)
{
    uint8_t head[SKIPPABLE_HEAD_BYTES];

    if (frame->file_bytes < sizeof head)
        return seekable_file_frame_damage(error, file, frame, "it is too short for a frame");
    if (!seekable_file_read(file, frame->file_offset, head, sizeof head, error))
        return false;
    if ((bytes_get_u32(head) & SKIPPABLE_MAGIC_MASK) != SKIPPABLE_MAGIC ||
        bytes_get_u32(head + 4) != frame->file_bytes - sizeof head)
        return seekable_file_frame_damage(
            error, file, frame, "it is not the skippable frame that the seek table lists");
    return true;
}

static bool keep_frame(SeekableFile *file, const SeekableFrame *frame, Error *error)
{
    // Grows with the frames that are found, since their number in the table is only a claim.
    if (!array_reserve(&file->frames, &file->frame_capacity, file->info.frame_count + 1ull,
                       sizeof *file->frames, "the list of frames", error))
        return false;
    file->frames[file->info.frame_count++] = *frame;
    return true;
}

static bool add_frame(SeekableFile *file, SeekableFrame *frame, uint64_t table_offset, Error *error)
{
    if (frame->file_bytes > table_offset - frame->file_offset)
        return seekable_file_frame_damage(error, file, frame,
                                          "the seek table lists more than the file holds");
    if (frame->number == 0 && (frame->stream_bytes != 0 || frame->file_bytes < FILE_HEADER_BYTES))
        return seekable_file_frame_damage(error, file, frame,
                                          "the seek table lists no file header");
    if (frame->stream_bytes == 0)
        return check_skippable(file, frame, error);
    if (frame->stream_bytes > FRAME_MAX_STREAM_BYTES || frame->file_bytes > FRAME_MAX_FILE_BYTES)
        return seekable_file_frame_damage(error, file, frame, "it is larger than frames may be");
    return keep_frame(file, frame, error);
}

static bool read_seek_table(SeekableFile *file, Error *error)
{
    uint8_t entries[256 * SEEK_TABLE_ENTRY_BYTES];
    uint64_t table_offset = 0;
    uint32_t entry_count = 0;
    SeekableFrame frame = {0};

    if (!find_seek_table(file, &table_offset, &entry_count, error))
        return false;
    for (; frame.number < entry_count; frame.number++) {
        uint32_t at = frame.number % 256;
        uint32_t left = entry_count - frame.number;
        const uint8_t *entry = entries + (size_t)at * SEEK_TABLE_ENTRY_BYTES;
        if (at == 0 &&
            !seekable_file_read(file,
                                table_offset + SKIPPABLE_HEAD_BYTES +
                                    (uint64_t)frame.number * SEEK_TABLE_ENTRY_BYTES,
                                entries, (left < 256 ? left : 256) * SEEK_TABLE_ENTRY_BYTES, error))
            return false;
        frame.file_bytes = bytes_get_u32(entry);
        frame.stream_bytes = bytes_get_u32(entry + 4);
        frame.checksum = bytes_get_u32(entry + 8);
        if (!add_frame(file, &frame, table_offset, error))
            return false;
        frame.file_offset += frame.file_bytes;
        frame.stream_offset += frame.stream_bytes;
    }
    if (frame.file_offset != table_offset)
        return set_damage(error, file, frame.file_offset,
                          "the seek table lists less than the file holds");
    file->info.stream_bytes = frame.stream_offset;
    return true;
}

static uint64_t machine_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

    return pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_MAX;
}

// Checks the sizes that the seek table claims against the ratio rule and the limit of the caller.
static bool check_limits(const SeekableFile *file, uint64_t max_stream_bytes, Error *error)
{
    uint64_t stream_bytes = file->info.stream_bytes;

    if (stream_bytes > MAX_RATIO_FREE_BYTES &&
        (stream_bytes - MAX_RATIO_FREE_BYTES) / MAX_RATIO > file->info.file_bytes)
        return error_set(error, ERROR_CORRUPT,
                         "'%s' is damaged: it would decompress to %llu bytes, more than any "
                         "snapshot of its size (offset 0 of %llu)",
                         file->path, (unsigned long long)stream_bytes,
                         (unsigned long long)file->info.file_bytes);
    if (max_stream_bytes == 0)
        max_stream_bytes = machine_memory_bytes();
    if (stream_bytes > max_stream_bytes) {
        error_set(error, ERROR_MEMORY,
                  "'%s' decompresses to %llu bytes, more than the %llu that are allowed",
                  file->path, (unsigned long long)stream_bytes,
                  (unsigned long long)max_stream_bytes);
        return error_add_hint(error, "open it on a machine with more memory");
    }
    return true;
}

bool seekable_file_open(const char *path, uint16_t newest_major, uint64_t max_stream_bytes,
                        SeekableFile *file, Error *error)
{
    *file = (SeekableFile){.descriptor = -1};
    if (open_file(file, path, error) && read_file_header(file, newest_major, error) &&
        read_seek_table(file, error) && check_limits(file, max_stream_bytes, error))
        return true;
    seekable_file_release(file);
    return false;
}

// Finds frames without the seek table.
static bool find_frames(SeekableFile *file, Error *error)
{
    SeekableFrame frame = {.file_offset = FILE_HEADER_BYTES, .number = 1};
    FrameExtent extent;

    file->info.frame_count = 0;
    for (;
         frame.number < SEEK_TABLE_MAX_FRAMES &&
         seekable_find_frame(file->descriptor, file->info.file_bytes, frame.file_offset, &extent) &&
         !extent.is_table && extent.content_bytes <= FRAME_MAX_STREAM_BYTES &&
         extent.end - frame.file_offset <= FRAME_MAX_FILE_BYTES;
         frame.number++) {
        uint8_t checksum[sizeof frame.checksum];

        frame.file_bytes = (uint32_t)(extent.end - frame.file_offset);
        frame.stream_bytes = (uint32_t)extent.content_bytes;
        if (extent.content_bytes > 0) {
            if (!seekable_file_read(file, extent.end - sizeof checksum, checksum, sizeof checksum,
                                    error))
                return false;
            frame.checksum = bytes_get_u32(checksum);
            if (!keep_frame(file, &frame, error))
                return false;
        }
        frame.stream_offset += frame.stream_bytes;
        frame.file_offset = extent.end;
    }
    file->info.stream_bytes = frame.stream_offset;
    return true;
}

bool seekable_file_open_damaged(const char *path, uint16_t newest_major, uint64_t max_stream_bytes,
                                SeekableFile *file, Error *error)
{
    Error ignored;

    *file = (SeekableFile){.descriptor = -1};
    if (open_file(file, path, error) && read_file_header(file, newest_major, error) &&
        (read_seek_table(file, &ignored) || find_frames(file, error)) &&
        check_limits(file, max_stream_bytes, error))
        return true;
    seekable_file_release(file);
    return false;
}

void seekable_file_release(SeekableFile *file)
{
    if (file->descriptor >= 0)
        (void)close(file->descriptor);
    free(file->frames);
    free(file->path);
    *file = (SeekableFile){.descriptor = -1};
}
