// SeekableReader: see snapshot/seekable_reader.h.

#include "snapshot/seekable_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "snapshot/byte_buffer.h"
#include "snapshot/checksum.h"
#include "snapshot/parallel_for.h"
#include "snapshot/seekable_frame.h"
#include "snapshot/seekable_internal.h"

// A frame with data.
typedef struct Frame {
    uint64_t file_offset;
    uint64_t stream_offset;
    uint32_t file_bytes;
    uint32_t stream_bytes;
    uint32_t checksum;
    uint32_t number; // in the seek table, for messages
} Frame;

// What decompressing one frame needs; one per thread.
typedef struct Decompressor {
    ZSTD_DCtx *context;
    uint8_t *compressed;
    size_t compressed_capacity;
    uint8_t *content; // of a frame that does not go to one place
    size_t content_capacity;
} Decompressor;

struct SeekableReader {
    char *path;
    int descriptor;
    SeekableFileInfo info;
    Frame *frames; // info.frame_count of them
    uint32_t frame_capacity;
    Decompressor decompressors[PARALLEL_FOR_MAX_THREADS];
    uint32_t cached_frame; // whose content is in decompressors[0]; frame_count: none
};

static bool set_damage(Error *error, const SeekableReader *reader, uint64_t offset,
                       const char *what)
{
    return error_set(error, ERROR_CORRUPT, "'%s' is damaged: %s (offset %llu of %llu)",
                     reader->path, what, (unsigned long long)offset,
                     (unsigned long long)reader->info.file_bytes);
}

static bool set_frame_damage(Error *error, const SeekableReader *reader, const Frame *frame,
                             const char *what)
{
    return error_set(error, ERROR_CORRUPT, "'%s' is damaged: frame %u: %s (offset %llu of %llu)",
                     reader->path, frame->number, what, (unsigned long long)frame->file_offset,
                     (unsigned long long)reader->info.file_bytes);
}

static bool read_file(const SeekableReader *reader, uint64_t offset, void *to, size_t length,
                      Error *error)
{
    uint8_t *bytes = to;

    while (length > 0) {
        ssize_t got = pread(reader->descriptor, bytes, length, (off_t)offset);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", reader->path,
                             strerror(errno));
        if (got == 0)
            return set_damage(error, reader, offset, "the file became shorter while it was read");
        bytes += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return true;
}

// ---- opening ----

static bool open_file(SeekableReader *reader, const char *path, Error *error)
{
    struct stat status;

    reader->path = strdup(path);
    if (reader->path == NULL)
        return error_set_memory(error, strlen(path) + 1, "a file name");
    // Not to hang on a pipe that nobody writes to.
    reader->descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (reader->descriptor < 0 || fstat(reader->descriptor, &status) != 0)
        return error_set(error, ERROR_SYSTEM, "cannot open '%s': %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_CORRUPT, "'%s' is not a snapshot, but a %s", path,
                         S_ISDIR(status.st_mode) ? "folder" : "device, pipe or socket");
    reader->info.file_bytes = (uint64_t)status.st_size;
    return true;
}

static bool read_file_header(SeekableReader *reader, uint16_t newest_major, Error *error)
{
    SeekableFileInfo *info = &reader->info;
    uint8_t header[FILE_HEADER_BYTES] = {0};
    size_t length = info->file_bytes < sizeof header ? (size_t)info->file_bytes : sizeof header;
    bool has_name;

    if (info->file_bytes == 0)
        return error_set(error, ERROR_CORRUPT,
                         "'%s' is not a snapshot: the file is empty (offset 0)", reader->path);
    if (!read_file(reader, 0, header, length, error))
        return false;
    has_name = memcmp(header + FILE_HEADER_NAME_AT, FILE_HEADER_NAME, 8) == 0;
    if (bytes_get_u32(header) != SKIPPABLE_MAGIC || !has_name)
        return error_set(
            error, ERROR_CORRUPT, "'%s' is not a snapshot of rudo-snap%s (offset 0)", reader->path,
            bytes_get_u32(header) == FRAME_MAGIC ? ", though it is a Zstandard file" : "");
    if (length < sizeof header)
        return seekable_explain_damage(reader->descriptor, reader->path, info->file_bytes, error);
    if (bytes_get_u64(header + FILE_HEADER_CHECKSUM_AT) !=
        checksum_xxh64(header, FILE_HEADER_CHECKSUM_AT))
        return set_damage(error, reader, 0, "the checksum of the file header is wrong");
    info->format_major = bytes_get_u16(header + FILE_HEADER_MAJOR_AT);
    info->format_minor = bytes_get_u16(header + FILE_HEADER_MINOR_AT);
    info->flags = bytes_get_u32(header + FILE_HEADER_FLAGS_AT);
    if (info->format_major > newest_major) {
        error_set(error, ERROR_UNSUPPORTED, "'%s' has snapshot format %u.%u; we read up to %u.x",
                  reader->path, info->format_major, info->format_minor, newest_major);
        return error_add_hint(error, "a newer rudo-snap will read it");
    }
    return true;
}

// Where the seek table lies, from its two ends. The file's own size bounds the count.
static bool find_seek_table(const SeekableReader *reader, uint64_t *table_offset,
                            uint32_t *entry_count, Error *error)
{
    uint8_t footer[SEEK_TABLE_FOOTER_BYTES], head[SKIPPABLE_HEAD_BYTES];
    uint64_t file_bytes = reader->info.file_bytes;
    uint64_t table_bytes;

    if (file_bytes < FILE_HEADER_BYTES + sizeof footer)
        return seekable_explain_damage(reader->descriptor, reader->path, file_bytes, error);
    if (!read_file(reader, file_bytes - sizeof footer, footer, sizeof footer, error))
        return false;
    *entry_count = bytes_get_u32(footer);
    table_bytes = (uint64_t)*entry_count * SEEK_TABLE_ENTRY_BYTES + sizeof footer;
    if (bytes_get_u32(footer + 5) != SEEK_TABLE_FOOTER_MAGIC ||
        (footer[4] & 0xFC) != SEEK_TABLE_CHECKSUM_FLAG || *entry_count == 0 ||
        *entry_count > SEEK_TABLE_MAX_FRAMES || table_bytes + sizeof head > file_bytes)
        return seekable_explain_damage(reader->descriptor, reader->path, file_bytes, error);
    *table_offset = file_bytes - table_bytes - sizeof head;
    if (!read_file(reader, *table_offset, head, sizeof head, error))
        return false;
    if (bytes_get_u32(head) != SEEK_TABLE_MAGIC || bytes_get_u32(head + 4) != table_bytes)
        return seekable_explain_damage(reader->descriptor, reader->path, file_bytes, error);
    return true;
}

// An entry without stream bytes is a skippable frame: our header, or padding.
static bool check_skippable(const SeekableReader *reader, const Frame *frame, Error *error)
{
    uint8_t head[SKIPPABLE_HEAD_BYTES];

    if (frame->file_bytes < sizeof head)
        return set_frame_damage(error, reader, frame, "it is too short for a frame");
    if (!read_file(reader, frame->file_offset, head, sizeof head, error))
        return false;
    if ((bytes_get_u32(head) & SKIPPABLE_MAGIC_MASK) != SKIPPABLE_MAGIC ||
        bytes_get_u32(head + 4) != frame->file_bytes - sizeof head)
        return set_frame_damage(error, reader, frame,
                                "it is not the skippable frame that the seek table lists");
    return true;
}

static bool keep_frame(SeekableReader *reader, const Frame *frame, Error *error)
{
    uint32_t count = reader->info.frame_count;

    // Grown as frames turn out to be there, since their number is only a claim.
    if (count == reader->frame_capacity) {
        uint32_t capacity = count < 64 ? 64 : count * 2;
        Frame *grown = realloc(reader->frames, capacity * sizeof *grown);
        if (grown == NULL)
            return error_set_memory(error, capacity * sizeof *grown, "the list of frames");
        reader->frames = grown;
        reader->frame_capacity = capacity;
    }
    reader->frames[reader->info.frame_count++] = *frame;
    return true;
}

static bool add_frame(SeekableReader *reader, Frame *frame, uint64_t table_offset, Error *error)
{
    if (frame->file_bytes > table_offset - frame->file_offset)
        return set_frame_damage(error, reader, frame,
                                "the seek table lists more than the file holds");
    if (frame->number == 0 && (frame->stream_bytes != 0 || frame->file_bytes < FILE_HEADER_BYTES))
        return set_frame_damage(error, reader, frame, "the seek table lists no file header");
    if (frame->stream_bytes == 0)
        return check_skippable(reader, frame, error);
    if (frame->stream_bytes > FRAME_MAX_STREAM_BYTES ||
        frame->file_bytes > ZSTD_compressBound(FRAME_MAX_STREAM_BYTES))
        return set_frame_damage(error, reader, frame, "it is larger than frames may be");
    return keep_frame(reader, frame, error);
}

static bool read_seek_table(SeekableReader *reader, Error *error)
{
    uint8_t entries[256 * SEEK_TABLE_ENTRY_BYTES];
    uint64_t table_offset = 0;
    uint32_t entry_count = 0;
    Frame frame = {0};

    if (!find_seek_table(reader, &table_offset, &entry_count, error))
        return false;
    for (; frame.number < entry_count; frame.number++) {
        uint32_t at = frame.number % 256;
        uint32_t left = entry_count - frame.number;
        const uint8_t *entry = entries + (size_t)at * SEEK_TABLE_ENTRY_BYTES;
        if (at == 0 &&
            !read_file(reader,
                       table_offset + SKIPPABLE_HEAD_BYTES +
                           (uint64_t)frame.number * SEEK_TABLE_ENTRY_BYTES,
                       entries, (left < 256 ? left : 256) * SEEK_TABLE_ENTRY_BYTES, error))
            return false;
        frame.file_bytes = bytes_get_u32(entry);
        frame.stream_bytes = bytes_get_u32(entry + 4);
        frame.checksum = bytes_get_u32(entry + 8);
        if (!add_frame(reader, &frame, table_offset, error))
            return false;
        frame.file_offset += frame.file_bytes;
        frame.stream_offset += frame.stream_bytes;
    }
    if (frame.file_offset != table_offset)
        return set_damage(error, reader, frame.file_offset,
                          "the seek table lists less than the file holds");
    reader->info.stream_bytes = frame.stream_offset;
    return true;
}

static uint64_t machine_memory_bytes(void)
{
    long pages = sysconf(_SC_PHYS_PAGES), page_bytes = sysconf(_SC_PAGESIZE);

    return pages > 0 && page_bytes > 0 ? (uint64_t)pages * (uint64_t)page_bytes : UINT64_MAX;
}

// Sizes are still claims of the seek table, but now none of them is beyond what a file of
// this size may hold, or what the caller allows.
static bool check_limits(const SeekableReader *reader, uint64_t max_stream_bytes, Error *error)
{
    uint64_t stream_bytes = reader->info.stream_bytes;

    if (stream_bytes > MAX_RATIO_FREE_BYTES &&
        (stream_bytes - MAX_RATIO_FREE_BYTES) / MAX_RATIO > reader->info.file_bytes)
        return error_set(error, ERROR_CORRUPT,
                         "'%s' is damaged: it would decompress to %llu bytes, more than any "
                         "snapshot of its size (offset 0 of %llu)",
                         reader->path, (unsigned long long)stream_bytes,
                         (unsigned long long)reader->info.file_bytes);
    if (max_stream_bytes == 0)
        max_stream_bytes = machine_memory_bytes();
    if (stream_bytes > max_stream_bytes) {
        error_set(error, ERROR_MEMORY,
                  "'%s' decompresses to %llu bytes, more than the %llu that are allowed",
                  reader->path, (unsigned long long)stream_bytes,
                  (unsigned long long)max_stream_bytes);
        return error_add_hint(error, "open it on a machine with more memory");
    }
    return true;
}

bool seekable_reader_open(const char *path, uint16_t newest_major, uint64_t max_stream_bytes,
                          SeekableReader **out, Error *error)
{
    SeekableReader *reader = calloc(1, sizeof *reader);

    *out = NULL;
    if (reader == NULL)
        return error_set_memory(error, sizeof *reader, "a snapshot reader");
    reader->descriptor = -1;
    if (!open_file(reader, path, error) || !read_file_header(reader, newest_major, error) ||
        !read_seek_table(reader, error) || !check_limits(reader, max_stream_bytes, error)) {
        seekable_reader_free(reader);
        return false;
    }
    reader->cached_frame = reader->info.frame_count;
    *out = reader;
    return true;
}

void seekable_reader_free(SeekableReader *reader)
{
    if (reader == NULL)
        return;
    for (uint32_t i = 0; i < PARALLEL_FOR_MAX_THREADS; i++) {
        (void)ZSTD_freeDCtx(reader->decompressors[i].context);
        free(reader->decompressors[i].compressed);
        free(reader->decompressors[i].content);
    }
    if (reader->descriptor >= 0)
        (void)close(reader->descriptor);
    free(reader->frames);
    free(reader->path);
    free(reader);
}

const SeekableFileInfo *seekable_reader_info(const SeekableReader *reader)
{
    return &reader->info;
}

// ---- one frame ----

// Makes `*room` at least `wanted` bytes large; what it held is lost.
static bool make_room(uint8_t **room, size_t *capacity, size_t wanted, Error *error)
{
    if (wanted <= *capacity)
        return true;
    free(*room);
    *capacity = 0;
    *room = malloc(wanted);
    if (*room == NULL)
        return error_set_memory(error, wanted, "a frame");
    *capacity = wanted;
    return true;
}

// Is the frame at `bytes` the one that the seek table lists? That it is guarded by a checksum
// is part of that, since without one flipped bits would pass.
static bool check_frame(const SeekableReader *reader, const Frame *frame, const uint8_t *bytes,
                        Error *error)
{
    FrameHeader header;
    size_t length;

    if (!frame_header_read(bytes, frame->file_bytes, &header) || header.has_dictionary)
        return set_frame_damage(error, reader, frame, "it is not the frame that was written");
    if (!header.has_checksum)
        return set_frame_damage(error, reader, frame, "it has no checksum");
    if (!header.has_content_bytes || header.content_bytes != frame->stream_bytes)
        return set_frame_damage(error, reader, frame,
                                "it decompresses to another size than the seek table says");
    length = ZSTD_findFrameCompressedSize(bytes, frame->file_bytes);
    if (ZSTD_isError(length))
        return set_frame_damage(error, reader, frame, ZSTD_getErrorName(length));
    if (length != frame->file_bytes)
        return set_frame_damage(error, reader, frame,
                                "it has another size than the seek table says");
    if (bytes_get_u32(bytes + length - sizeof(uint32_t)) != frame->checksum)
        return set_frame_damage(error, reader, frame, "its checksum is not that of the seek table");
    return true;
}

// Decompresses a frame to `to`, which has room for all of it.
static bool decompress(const SeekableReader *reader, Decompressor *decompressor, const Frame *frame,
                       uint8_t *to, Error *error)
{
    size_t length;

    if (decompressor->context == NULL)
        decompressor->context = ZSTD_createDCtx();
    if (decompressor->context == NULL)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for decompressing");
    if (!make_room(&decompressor->compressed, &decompressor->compressed_capacity, frame->file_bytes,
                   error) ||
        !read_file(reader, frame->file_offset, decompressor->compressed, frame->file_bytes,
                   error) ||
        !check_frame(reader, frame, decompressor->compressed, error))
        return false;
    length = ZSTD_decompressDCtx(decompressor->context, to, frame->stream_bytes,
                                 decompressor->compressed, frame->file_bytes);
    if (ZSTD_isError(length))
        return set_frame_damage(error, reader, frame, ZSTD_getErrorName(length));
    if (length != frame->stream_bytes)
        return set_frame_damage(error, reader, frame, "it decompresses to less than it says");
    return true;
}

// Decompresses a frame to the decompressor's own room.
static bool decompress_aside(const SeekableReader *reader, Decompressor *decompressor,
                             const Frame *frame, Error *error)
{
    return make_room(&decompressor->content, &decompressor->content_capacity, frame->stream_bytes,
                     error) &&
           decompress(reader, decompressor, frame, decompressor->content, error);
}

// The frame that holds `offset`, which is inside the stream.
static uint32_t find_frame(const SeekableReader *reader, uint64_t offset)
{
    uint32_t low = 0, high = reader->info.frame_count;

    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (reader->frames[middle].stream_offset <= offset)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static uint64_t frame_end(const Frame *frame)
{
    return frame->stream_offset + frame->stream_bytes;
}

// ---- reading ----

static bool cache_frame(SeekableReader *reader, uint32_t index, Error *error)
{
    if (reader->cached_frame == index)
        return true;
    reader->cached_frame = reader->info.frame_count;
    if (!decompress_aside(reader, &reader->decompressors[0], &reader->frames[index], error))
        return false;
    reader->cached_frame = index;
    return true;
}

bool seekable_reader_read(SeekableReader *reader, uint64_t offset, void *to, uint64_t length,
                          Error *error)
{
    uint8_t *bytes = to;

    while (length > 0) {
        const Frame *frame = &reader->frames[reader->cached_frame];
        if (reader->cached_frame == reader->info.frame_count || offset < frame->stream_offset ||
            offset >= frame_end(frame)) {
            uint32_t index = find_frame(reader, offset);
            if (!cache_frame(reader, index, error))
                return false;
            frame = &reader->frames[index];
        }
        uint64_t part = frame_end(frame) - offset;
        if (part > length)
            part = length;
        memcpy(bytes, reader->decompressors[0].content + (offset - frame->stream_offset), part);
        bytes += part;
        offset += part;
        length -= part;
    }
    return true;
}

typedef struct Scatter {
    SeekableReader *reader;
    const StreamTarget *targets;
    uint64_t target_count;
    uint32_t first_frame;
} Scatter;

// The first target that ends behind `offset`.
static uint64_t find_target(const StreamTarget *targets, uint64_t count, uint64_t offset)
{
    uint64_t low = 0, high = count;

    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        if (targets[middle].offset + targets[middle].length <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool scatter_frame(void *context, uint32_t worker, uint64_t item, Error *error)
{
    Scatter *scatter = context;
    SeekableReader *reader = scatter->reader;
    Decompressor *decompressor = &reader->decompressors[worker];
    const Frame *frame = &reader->frames[scatter->first_frame + item];
    const StreamTarget *target =
        scatter->targets +
        find_target(scatter->targets, scatter->target_count, frame->stream_offset);
    const StreamTarget *end = scatter->targets + scatter->target_count;

    if (target == end || target->offset >= frame_end(frame))
        return true;
    if (target->offset <= frame->stream_offset &&
        target->offset + target->length >= frame_end(frame))
        return decompress(reader, decompressor, frame,
                          target->to + (frame->stream_offset - target->offset), error);
    if (!decompress_aside(reader, decompressor, frame, error))
        return false;
    for (; target < end && target->offset < frame_end(frame); target++) {
        uint64_t from =
            target->offset > frame->stream_offset ? target->offset : frame->stream_offset;
        uint64_t to = target->offset + target->length;
        if (to > frame_end(frame))
            to = frame_end(frame);
        memcpy(target->to + (from - target->offset),
               decompressor->content + (from - frame->stream_offset), to - from);
    }
    return true;
}

// The parts of the targets in [begin, end), through the frame that is kept: so many small
// scatters in one frame do not decompress it again and again.
static bool scatter_cached(SeekableReader *reader, const StreamTarget *targets,
                           uint64_t target_count, uint64_t begin, uint64_t end, Error *error)
{
    for (uint64_t i = find_target(targets, target_count, begin);
         i < target_count && targets[i].offset < end; i++) {
        uint64_t from = targets[i].offset > begin ? targets[i].offset : begin;
        uint64_t to = targets[i].offset + targets[i].length;
        if (to > end)
            to = end;
        if (!seekable_reader_read(reader, from, targets[i].to + (from - targets[i].offset),
                                  to - from, error))
            return false;
    }
    return true;
}

bool seekable_reader_scatter(SeekableReader *reader, const StreamTarget *targets,
                             uint64_t target_count, uint32_t threads, Error *error)
{
    Scatter scatter = {.reader = reader, .targets = targets, .target_count = target_count};
    uint64_t begin, end, whole_begin, whole_end;
    uint32_t first, last;

    if (target_count == 0)
        return true;
    begin = targets[0].offset;
    end = targets[target_count - 1].offset + targets[target_count - 1].length;
    first = find_frame(reader, begin);
    last = find_frame(reader, end - 1);
    // Frames that are only touched at the ends are not whole.
    if (reader->frames[first].stream_offset < begin)
        first++;
    if (frame_end(&reader->frames[last]) <= end)
        last++;
    // Now the whole ones are [first, last).
    if (first >= last)
        return scatter_cached(reader, targets, target_count, begin, end, error);
    whole_begin = reader->frames[first].stream_offset;
    whole_end = frame_end(&reader->frames[last - 1]);
    if (!scatter_cached(reader, targets, target_count, begin, whole_begin, error))
        return false;
    // Worker 0 uses the room that the cached frame is in.
    reader->cached_frame = reader->info.frame_count;
    scatter.first_frame = first;
    if (!parallel_for(last - first, parallel_for_threads(threads, last - first), scatter_frame,
                      &scatter, error))
        return false;
    return scatter_cached(reader, targets, target_count, whole_end, end, error);
}

static bool check_one_frame(void *context, uint32_t worker, uint64_t item, Error *error)
{
    SeekableReader *reader = context;

    return decompress_aside(reader, &reader->decompressors[worker], &reader->frames[item], error);
}

bool seekable_reader_check_frames(SeekableReader *reader, uint32_t threads, Error *error)
{
    uint32_t count = reader->info.frame_count;

    reader->cached_frame = count;
    return parallel_for(count, parallel_for_threads(threads, count), check_one_frame, reader,
                        error);
}
