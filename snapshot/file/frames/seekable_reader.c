// SeekableReader: see snapshot/file/frames/seekable_reader.h.

#include "snapshot/file/frames/seekable_reader.h"

#include <stdlib.h>
#include <string.h>

#include "base/parallel_for.h"
#include "base/search.h"
#include "snapshot/file/frames/frame_decompressor.h"
#include "snapshot/file/frames/seekable_file.h"

struct SeekableReader {
    SeekableFile file;
    FrameDecompressor decompressors[PARALLEL_FOR_MAX_THREADS];
    uint32_t cached_frame; // whose content is in decompressors[0]; frame_count: none
};

struct SeekableScratch {
    FrameDecompressor decompressor;
};

typedef bool OpenFile(const char *path, uint16_t newest_major, uint64_t max_stream_bytes,
                      SeekableFile *file, Error *error);

static bool open_with(OpenFile *open_file, const char *path, uint16_t newest_major,
                      uint64_t max_stream_bytes, SeekableReader **out, Error *error)
{
    SeekableReader *reader = calloc(1, sizeof *reader);

    *out = NULL;
    if (reader == NULL)
        return error_set_memory(error, sizeof *reader, "a snapshot reader");
    if (!open_file(path, newest_major, max_stream_bytes, &reader->file, error)) {
        free(reader);
        return false;
    }
    reader->cached_frame = reader->file.info.frame_count;
    *out = reader;
    return true;
}

bool seekable_reader_open(const char *path, uint16_t newest_major, uint64_t max_stream_bytes,
                          SeekableReader **out, Error *error)
{
    return open_with(seekable_file_open, path, newest_major, max_stream_bytes, out, error);
}

bool seekable_reader_open_damaged(const char *path, uint16_t newest_major,
                                  uint64_t max_stream_bytes, SeekableReader **out, Error *error)
{
    return open_with(seekable_file_open_damaged, path, newest_major, max_stream_bytes, out, error);
}

void seekable_reader_free(SeekableReader *reader)
{
    if (reader == NULL)
        return;
    for (uint32_t i = 0; i < PARALLEL_FOR_MAX_THREADS; i++)
        frame_decompressor_release(&reader->decompressors[i]);
    seekable_file_release(&reader->file);
    free(reader);
}

const SeekableFileInfo *seekable_reader_info(const SeekableReader *reader)
{
    return &reader->file.info;
}

// ---- one frame ----

// The frame that holds `offset`, which is inside the stream.
static uint32_t find_frame(const SeekableReader *reader, uint64_t offset)
{
    const SeekableFile *file = &reader->file;

    return (uint32_t)search_above(file->frames, file->info.frame_count, stream_offset, offset) - 1;
}

static uint64_t frame_end(const SeekableFrame *frame)
{
    return frame->stream_offset + frame->stream_bytes;
}

// ---- reading ----

static bool cache_frame(SeekableReader *reader, uint32_t index, Error *error)
{
    if (reader->cached_frame == index)
        return true;
    reader->cached_frame = reader->file.info.frame_count;
    if (!frame_decompress_aside(&reader->file, &reader->decompressors[0],
                                &reader->file.frames[index], error))
        return false;
    reader->cached_frame = index;
    return true;
}

bool seekable_reader_read(SeekableReader *reader, uint64_t offset, void *to, uint64_t length,
                          Error *error)
{
    uint8_t *bytes = to;

    while (length > 0) {
        const SeekableFrame *frame = &reader->file.frames[reader->cached_frame];
        if (reader->cached_frame == reader->file.info.frame_count ||
            offset < frame->stream_offset || offset >= frame_end(frame)) {
            uint32_t index = find_frame(reader, offset);
            if (!cache_frame(reader, index, error))
                return false;
            frame = &reader->file.frames[index];
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

bool seekable_reader_read_by(const SeekableReader *reader, SeekableScratch *scratch,
                             uint64_t offset, void *to, uint64_t length, Error *error)
{
    uint8_t *bytes = to;

    while (length > 0) {
        const SeekableFrame *frame = &reader->file.frames[find_frame(reader, offset)];
        uint64_t skipped = offset - frame->stream_offset, part = frame_end(frame) - offset;

        if (skipped == 0 && part <= length) {
            if (!frame_decompress(&reader->file, &scratch->decompressor, frame, bytes, error))
                return false;
        } else {
            part = part < length ? part : length;
            if (!frame_decompress_aside(&reader->file, &scratch->decompressor, frame, error))
                return false;
            memcpy(bytes, scratch->decompressor.content + skipped, part);
        }
        bytes += part;
        offset += part;
        length -= part;
    }
    return true;
}

SeekableScratch *seekable_scratch_new(void)
{
    return calloc(1, sizeof(SeekableScratch));
}

void seekable_scratch_free(SeekableScratch *scratch)
{
    if (scratch == NULL)
        return;
    frame_decompressor_release(&scratch->decompressor);
    free(scratch);
}

typedef struct Scatter {
    SeekableReader *reader;
    const StreamTarget *targets;
    uint64_t target_count;
    const StreamListener *listener; // may be NULL
    uint32_t first_frame;
} Scatter;

static void notify_listener(const Scatter *scatter, const uint8_t *bytes, uint64_t length)
{
    if (scatter->listener != NULL)
        scatter->listener->arrived(scatter->listener->context, bytes, length);
}

// The first target that ends behind `offset`.
static uint64_t find_target(const StreamTarget *targets, uint64_t count, uint64_t offset)
{
    uint64_t next = search_above(targets, count, offset, offset);

    return next > 0 && offset < targets[next - 1].offset + targets[next - 1].length ? next - 1
                                                                                    : next;
}

static bool scatter_frame(void *context, uint32_t worker, uint64_t item, Error *error)
{
    Scatter *scatter = context;
    SeekableReader *reader = scatter->reader;
    FrameDecompressor *decompressor = &reader->decompressors[worker];
    const SeekableFrame *frame = &reader->file.frames[scatter->first_frame + item];
    const StreamTarget *target =
        scatter->targets +
        find_target(scatter->targets, scatter->target_count, frame->stream_offset);
    const StreamTarget *end = scatter->targets + scatter->target_count;

    if (target == end || target->offset >= frame_end(frame))
        return true;
    if (target->offset <= frame->stream_offset &&
        target->offset + target->length >= frame_end(frame)) {
        uint8_t *to = target->to + (frame->stream_offset - target->offset);
        if (!frame_decompress(&reader->file, decompressor, frame, to, error))
            return false;
        notify_listener(scatter, to, frame->stream_bytes);
        return true;
    }
    if (!frame_decompress_aside(&reader->file, decompressor, frame, error))
        return false;
    for (; target < end && target->offset < frame_end(frame); target++) {
        uint64_t from =
            target->offset > frame->stream_offset ? target->offset : frame->stream_offset;
        uint64_t to = target->offset + target->length;
        if (to > frame_end(frame))
            to = frame_end(frame);
        memcpy(target->to + (from - target->offset),
               decompressor->content + (from - frame->stream_offset), to - from);
        notify_listener(scatter, target->to + (from - target->offset), to - from);
    }
    return true;
}

// Reads the parts of the targets in [begin, end) through the frame that is kept, so that many small
// scatters in one frame decompress it once.
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
                             uint64_t target_count, const StreamListener *listener,
                             uint32_t threads, Error *error)
{
    Scatter scatter = {
        .reader = reader, .targets = targets, .target_count = target_count, .listener = listener};
    uint64_t begin, end, whole_begin, whole_end;
    uint32_t first, last;

    if (target_count == 0)
        return true;
    begin = targets[0].offset;
    end = targets[target_count - 1].offset + targets[target_count - 1].length;
    first = find_frame(reader, begin);
    last = find_frame(reader, end - 1);
    // The first and the last frame may reach beyond the targets.
    if (reader->file.frames[first].stream_offset < begin)
        first++;
    if (frame_end(&reader->file.frames[last]) <= end)
        last++;
    // The frames [first, last) do not.
    if (first >= last)
        return scatter_cached(reader, targets, target_count, begin, end, error);
    whole_begin = reader->file.frames[first].stream_offset;
    whole_end = frame_end(&reader->file.frames[last - 1]);
    if (!scatter_cached(reader, targets, target_count, begin, whole_begin, error))
        return false;
    // Worker 0 uses the memory of the cached frame.
    reader->cached_frame = reader->file.info.frame_count;
    scatter.first_frame = first;
    if (!parallel_for(last - first, parallel_for_threads(threads, last - first), scatter_frame,
                      &scatter, error))
        return false;
    return scatter_cached(reader, targets, target_count, whole_end, end, error);
}

static bool check_one_frame(void *context, uint32_t worker, uint64_t item, Error *error)
{
    SeekableReader *reader = context;

    return frame_decompress_aside(&reader->file, &reader->decompressors[worker],
                                  &reader->file.frames[item], error);
}

// Each thread that checks frames keeps one, so as many do it as this allows.
#define CHECK_BYTES (UINT64_C(24) << 20)

static uint32_t checking_threads(const SeekableReader *reader, uint32_t threads)
{
    uint32_t count = reader->file.info.frame_count;
    uint64_t largest = 1, allowed;

    for (uint32_t i = 0; i < count; i++) {
        uint64_t bytes =
            (uint64_t)reader->file.frames[i].stream_bytes + reader->file.frames[i].file_bytes;

        largest = bytes > largest ? bytes : largest;
    }
    allowed = CHECK_BYTES / largest > 0 ? CHECK_BYTES / largest : 1;
    threads = parallel_for_threads(threads, count);
    return allowed < threads ? (uint32_t)allowed : threads;
}

bool seekable_reader_check_frames(SeekableReader *reader, uint32_t threads, Error *error)
{
    uint32_t count = reader->file.info.frame_count;

    reader->cached_frame = count;
    return parallel_for(count, checking_threads(reader, threads), check_one_frame, reader, error);
}

bool seekable_reader_salvage(SeekableReader *reader, uint8_t *stream, StreamPart **parts,
                             uint64_t *part_count, uint32_t *whole_frames, Error *error)
{
    const SeekableFile *file = &reader->file;
    FrameDecompressor *decompressor = &reader->decompressors[0];
    uint64_t count = 0;

    *whole_frames = 0;
    *part_count = 0;
    *parts = malloc(((size_t)file->info.frame_count + 1) * sizeof **parts);
    if (*parts == NULL)
        return error_set_memory(error, file->info.frame_count * sizeof **parts, "parts of a file");
    for (uint32_t i = 0; i < file->info.frame_count; i++) {
        const SeekableFrame *frame = &file->frames[i];
        StreamPart *last = count > 0 ? &(*parts)[count - 1] : NULL;

        if (!frame_decompress(&reader->file, decompressor, frame, stream + frame->stream_offset,
                              error)) {
            if (error->code == ERROR_CORRUPT)
                continue;
            free(*parts);
            *parts = NULL;
            return false;
        }
        ++*whole_frames;
        if (last != NULL && last->offset + last->length == frame->stream_offset)
            last->length += frame->stream_bytes;
        else
            (*parts)[count++] = (StreamPart){frame->stream_offset, frame->stream_bytes};
    }
    *part_count = count;
    return true;
}
