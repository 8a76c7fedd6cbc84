// SeekableWriter: see snapshot/file/frames/seekable_writer.h.
//
// Each append plans its frames first (where each begins among the pieces), then
// workers gather, filter and compress one frame each; a frame is written after
// all frames before it, so memory stays at one frame a thread.

#include "snapshot/file/frames/seekable_writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include "base/byte_buffer.h"
#include "base/checksum.h"
#include "base/parallel_for.h"
#include "snapshot/file/frames/seekable_internal.h"

struct SeekableWriter {
    OutputFile *file; // borrowed
    SeekableWriterOptions options;
    ByteBuffer entries; // of the seek table
    uint32_t frame_count;
    uint64_t file_bytes;
    uint64_t stream_bytes;
    StreamContent content; // of the append that runs
};

// Where a frame begins among the pieces of an append.
typedef struct FramePlan {
    uint64_t piece;
    uint64_t offset; // in the piece, its zeros included
    uint32_t length; // bytes of stream
} FramePlan;

typedef struct Compressor {
    ZSTD_CCtx *context;
    uint8_t *gathered;   // FRAME_STREAM_BYTES
    uint8_t *compressed; // compressed_capacity
} Compressor;

typedef struct Append {
    SeekableWriter *writer;
    const StreamPiece *pieces;
    const StreamFilter *filter;
    const FramePlan *frames;
    size_t compressed_capacity;
    Compressor compressors[PARALLEL_FOR_MAX_THREADS];
    pthread_mutex_t mutex; // guards all below, and the writer while the append runs
    pthread_cond_t is_next;
    uint64_t next_frame; // to be written
    bool has_failed;
    Error failure; // the first one
} Append;

// Bytes of the seek table for the frames so far.
static uint64_t table_bytes_of(const SeekableWriter *writer)
{
    return SKIPPABLE_HEAD_BYTES + writer->entries.length + SEEK_TABLE_FOOTER_BYTES;
}

// Writes a frame and notes it in the seek table.
static bool put_frame(SeekableWriter *writer, const void *bytes, uint32_t compressed_bytes,
                      uint32_t stream_bytes, uint32_t checksum, Error *error)
{
    uint64_t limit = writer->options.max_file_bytes;

    if (writer->frame_count >= SEEK_TABLE_MAX_FRAMES)
        return error_set(error, ERROR_UNSUPPORTED, "the heap is too large for one snapshot file");
    if (limit != 0 &&
        writer->file_bytes + compressed_bytes + table_bytes_of(writer) + SEEK_TABLE_ENTRY_BYTES >
            limit) {
        (void)error_set(error, ERROR_LIMIT,
                        "the snapshot would be larger than %llu bytes: that size was reached "
                        "after %llu bytes of content",
                        (unsigned long long)limit, (unsigned long long)writer->stream_bytes);
        return error_add_hint(error, "--max-size sets the limit; a higher --level makes snapshots "
                                     "smaller");
    }
    if (!output_file_write(writer->file, bytes, compressed_bytes, error))
        return false;
    byte_buffer_add_u32(&writer->entries, compressed_bytes);
    byte_buffer_add_u32(&writer->entries, stream_bytes);
    byte_buffer_add_u32(&writer->entries, checksum);
    if (writer->entries.is_short)
        return error_set_memory(error, writer->entries.length * 2, "the seek table");
    writer->frame_count++;
    writer->file_bytes += compressed_bytes;
    writer->stream_bytes += stream_bytes;
    return true;
}

static bool write_file_header(SeekableWriter *writer, Error *error)
{
    uint8_t header[FILE_HEADER_BYTES] = {0};

    bytes_put_u32(header, SKIPPABLE_MAGIC);
    bytes_put_u32(header + 4, FILE_HEADER_BYTES - SKIPPABLE_HEAD_BYTES);
    memcpy(header + FILE_HEADER_NAME_AT, FILE_HEADER_NAME, strlen(FILE_HEADER_NAME));
    bytes_put_u16(header + FILE_HEADER_MAJOR_AT, writer->options.format_major);
    bytes_put_u16(header + FILE_HEADER_MINOR_AT, writer->options.format_minor);
    bytes_put_u32(header + FILE_HEADER_FLAGS_AT, writer->options.flags);
    bytes_put_u64(header + FILE_HEADER_CHECKSUM_AT,
                  checksum_xxh64(header, FILE_HEADER_CHECKSUM_AT));
    return put_frame(writer, header, sizeof header, 0, EMPTY_CHECKSUM, error);
}

bool seekable_writer_new(OutputFile *file, const SeekableWriterOptions *options,
                         SeekableWriter **out, Error *error)
{
    SeekableWriter *writer = calloc(1, sizeof *writer);

    *out = NULL;
    if (writer == NULL)
        return error_set_memory(error, sizeof *writer, "a snapshot writer");
    writer->file = file;
    writer->options = *options;
    if (writer->options.level == 0)
        writer->options.level = 1;
    if (!write_file_header(writer, error)) {
        seekable_writer_free(writer);
        return false;
    }
    *out = writer;
    return true;
}

void seekable_writer_free(SeekableWriter *writer)
{
    if (writer == NULL)
        return;
    byte_buffer_release(&writer->entries);
    free(writer);
}

uint64_t seekable_writer_file_bytes(const SeekableWriter *writer)
{
    return writer->file_bytes;
}

uint64_t seekable_writer_stream_bytes(const SeekableWriter *writer)
{
    return writer->stream_bytes;
}

void seekable_writer_expect(SeekableWriter *writer, StreamContent content)
{
    writer->content = content;
}

// ---- one frame ----

// Goes through the bytes of a frame, piece by piece: the next part of at most `wanted` bytes.
typedef struct FramePart {
    const uint8_t *bytes; // NULL: zeros
    uint64_t length;
    const StreamPiece *piece;
    uint64_t offset; // of `bytes` in the piece
} FramePart;

static FramePart next_part(const StreamPiece *pieces, uint64_t *piece, uint64_t *offset,
                           uint64_t wanted)
{
    FramePart part = {0};

    while (*offset >= pieces[*piece].length + pieces[*piece].zeros_after) {
        (*piece)++;
        *offset = 0;
    }
    const StreamPiece *source = &pieces[*piece];
    part.piece = source;
    part.offset = *offset;
    if (*offset < source->length) {
        part.bytes = source->bytes + *offset;
        part.length = source->length - *offset;
    } else {
        part.length = source->length + source->zeros_after - *offset;
    }
    if (part.length > wanted)
        part.length = wanted;
    *offset += part.length;
    return part;
}

// The frame's bytes: in place when they need no change and lie in one piece, else gathered.
static const uint8_t *gather(const Append *append, const FramePlan *frame, uint8_t *room)
{
    uint64_t piece = frame->piece, offset = frame->offset, done = 0;

    while (done < frame->length) {
        FramePart part = next_part(append->pieces, &piece, &offset, frame->length - done);
        bool is_filtered = part.bytes != NULL && part.piece->is_filtered && append->filter != NULL;
        if (part.length == frame->length && part.bytes != NULL && !is_filtered)
            return part.bytes;
        if (part.bytes == NULL)
            memset(room + done, 0, part.length);
        else
            memcpy(room + done, part.bytes, part.length);
        if (is_filtered)
            append->filter->apply(append->filter->context, part.piece, part.offset, room + done,
                                  part.length);
        done += part.length;
    }
    return room;
}

// Level 1 uses a smaller table and shorter matches than Zstandard's: the words of neighbouring
// objects have most of their bytes in common. For words it also sets a target length, with which
// Zstandard stores the bytes without a match as they are: they are few, and decoding them would be
// an eighth of the work of reading.
static size_t set_parameters(ZSTD_CCtx *context, int level, StreamContent content)
{
    bool is_fast = level == 1;
    const struct {
        ZSTD_cParameter parameter;
        int value; // 0: the default of the level
    } settings[] = {
        {ZSTD_c_compressionLevel, level},
        {ZSTD_c_checksumFlag, 1},
        {ZSTD_c_hashLog, is_fast ? 12 : 0},
        {ZSTD_c_minMatch, is_fast ? 6 : 0},
        {ZSTD_c_targetLength, is_fast && content == STREAM_WORDS ? 1 : 0},
    };
    size_t result = ZSTD_CCtx_reset(context, ZSTD_reset_session_and_parameters);

    for (size_t i = 0; i < sizeof settings / sizeof settings[0] && !ZSTD_isError(result); i++)
        result = ZSTD_CCtx_setParameter(context, settings[i].parameter, settings[i].value);
    return result;
}

static bool compress(const Append *append, Compressor *compressor, const uint8_t *bytes,
                     uint32_t length, size_t *compressed_bytes, Error *error)
{
    const SeekableWriter *writer = append->writer;
    size_t result = set_parameters(compressor->context, writer->options.level, writer->content);

    if (!ZSTD_isError(result))
        result = ZSTD_compress2(compressor->context, compressor->compressed,
                                append->compressed_capacity, bytes, length);
    if (ZSTD_isError(result))
        return error_set(error, ERROR_MEMORY, "cannot compress: %s", ZSTD_getErrorName(result));
    *compressed_bytes = result;
    return true;
}

// Puts padding behind a frame that compressed better than MAX_RATIO.
static bool write_padding(SeekableWriter *writer, uint32_t stream_bytes, uint32_t compressed_bytes,
                          Error *error)
{
    uint8_t padding[FRAME_STREAM_BYTES / MAX_RATIO + SKIPPABLE_HEAD_BYTES] = {0};
    uint32_t least = stream_bytes / MAX_RATIO + 1;
    uint32_t length;

    if (compressed_bytes >= least)
        return true;
    length = least - compressed_bytes;
    if (length < SKIPPABLE_HEAD_BYTES)
        length = SKIPPABLE_HEAD_BYTES;
    bytes_put_u32(padding, SKIPPABLE_MAGIC);
    bytes_put_u32(padding + 4, length - SKIPPABLE_HEAD_BYTES);
    return put_frame(writer, padding, length, 0, EMPTY_CHECKSUM, error);
}

static bool write_frame(SeekableWriter *writer, const Compressor *compressor, uint32_t stream_bytes,
                        uint32_t compressed_bytes, Error *error)
{
    const SeekableWriterOptions *options = &writer->options;
    uint32_t checksum;

    if (!cancel_check(&options->cancel, error))
        return false;
    // A frame ends with the low 32 bits of the XXH64 of its content, which the table repeats.
    checksum = bytes_get_u32(compressor->compressed + compressed_bytes - sizeof checksum);
    return put_frame(writer, compressor->compressed, compressed_bytes, stream_bytes, checksum,
                     error) &&
           write_padding(writer, stream_bytes, compressed_bytes, error);
}

static bool append_frame(void *context, uint32_t worker, uint64_t item, Error *error)
{
    Append *append = context;
    Compressor *compressor = &append->compressors[worker];
    const FramePlan *frame = &append->frames[item];
    size_t compressed_bytes = 0;
    bool ok = compress(append, compressor, gather(append, frame, compressor->gathered),
                       frame->length, &compressed_bytes, error);

    // The wait ends: all frames before this one were handed out before it.
    (void)pthread_mutex_lock(&append->mutex);
    while (ok && append->next_frame != item && !append->has_failed)
        (void)pthread_cond_wait(&append->is_next, &append->mutex);
    if (ok && append->has_failed) {
        // parallel_for() reports the error of the first frame, and a later one may have failed.
        *error = append->failure;
        ok = false;
    }
    ok = ok &&
         write_frame(append->writer, compressor, frame->length, (uint32_t)compressed_bytes, error);
    append->next_frame++;
    if (!ok && !append->has_failed) {
        append->has_failed = true;
        append->failure = *error;
    }
    (void)pthread_cond_broadcast(&append->is_next);
    (void)pthread_mutex_unlock(&append->mutex);
    return ok;
}

// ---- one append ----

static bool plan_frames(const StreamPiece *pieces, uint64_t piece_count, FramePlan **frames,
                        uint64_t *frame_count, Error *error)
{
    uint64_t total = 0, begin = 0, frame = 0;

    for (uint64_t i = 0; i < piece_count; i++)
        total += pieces[i].length + pieces[i].zeros_after;
    *frame_count = (total + FRAME_STREAM_BYTES - 1) / FRAME_STREAM_BYTES;
    *frames = malloc((*frame_count + 1) * sizeof **frames);
    if (*frames == NULL)
        return error_set_memory(error, *frame_count * sizeof **frames, "the plan of a snapshot");
    // begin: offset of the piece in the append; frame: the next to be planned.
    for (uint64_t i = 0; i < piece_count; i++) {
        uint64_t end = begin + pieces[i].length + pieces[i].zeros_after;
        for (; frame < *frame_count && frame * FRAME_STREAM_BYTES < end; frame++) {
            uint64_t start = frame * FRAME_STREAM_BYTES;
            uint64_t left = total - start;
            (*frames)[frame] = (FramePlan){
                .piece = i,
                .offset = start - begin,
                .length = left < FRAME_STREAM_BYTES ? (uint32_t)left : FRAME_STREAM_BYTES,
            };
        }
        begin = end;
    }
    return true;
}

static void release_compressors(Append *append)
{
    for (uint32_t i = 0; i < PARALLEL_FOR_MAX_THREADS; i++) {
        (void)ZSTD_freeCCtx(append->compressors[i].context);
        free(append->compressors[i].gathered);
        free(append->compressors[i].compressed);
    }
}

static bool init_compressors(Append *append, uint32_t count, Error *error)
{
    append->compressed_capacity = ZSTD_compressBound(FRAME_STREAM_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        Compressor *compressor = &append->compressors[i];
        compressor->context = ZSTD_createCCtx();
        compressor->gathered = malloc(FRAME_STREAM_BYTES);
        compressor->compressed = malloc(append->compressed_capacity);
        if (compressor->context == NULL || compressor->gathered == NULL ||
            compressor->compressed == NULL)
            return error_set_memory(error, append->compressed_capacity + FRAME_STREAM_BYTES,
                                    "compressing");
    }
    return true;
}

bool seekable_writer_append(SeekableWriter *writer, const StreamPiece *pieces, uint64_t piece_count,
                            const StreamFilter *filter, Error *error)
{
    Append append = {.writer = writer,
                     .pieces = pieces,
                     .filter = filter,
                     .mutex = PTHREAD_MUTEX_INITIALIZER,
                     .is_next = PTHREAD_COND_INITIALIZER};
    FramePlan *frames = NULL;
    uint64_t frame_count = 0;
    uint32_t threads;
    bool ok = false;

    if (writer->options.level < ZSTD_minCLevel() || writer->options.level > ZSTD_maxCLevel())
        return error_set(error, ERROR_USAGE, "compression level %d is not in %d to %d",
                         writer->options.level, ZSTD_minCLevel(), ZSTD_maxCLevel());
    if (!plan_frames(pieces, piece_count, &frames, &frame_count, error))
        goto done;
    append.frames = frames;
    threads = parallel_for_threads(writer->options.threads, frame_count);
    if (!init_compressors(&append, threads, error))
        goto done;
    ok = parallel_for(frame_count, threads, append_frame, &append, error);

done:
    release_compressors(&append);
    (void)pthread_cond_destroy(&append.is_next);
    (void)pthread_mutex_destroy(&append.mutex);
    free(frames);
    return ok;
}

bool seekable_writer_finish(SeekableWriter *writer, Error *error)
{
    uint8_t head[SKIPPABLE_HEAD_BYTES], footer[SEEK_TABLE_FOOTER_BYTES];
    size_t table_bytes = writer->entries.length;

    bytes_put_u32(head, SEEK_TABLE_MAGIC);
    bytes_put_u32(head + 4, (uint32_t)(table_bytes + sizeof footer));
    bytes_put_u32(footer, writer->frame_count);
    footer[4] = SEEK_TABLE_CHECKSUM_FLAG;
    bytes_put_u32(footer + 5, SEEK_TABLE_FOOTER_MAGIC);
    if (!output_file_write(writer->file, head, sizeof head, error) ||
        !output_file_write(writer->file, writer->entries.bytes, table_bytes, error) ||
        !output_file_write(writer->file, footer, sizeof footer, error))
        return false;
    writer->file_bytes += sizeof head + table_bytes + sizeof footer;
    return true;
}
