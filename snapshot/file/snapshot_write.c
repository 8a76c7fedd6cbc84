// Writing a snapshot: SnapshotContents -> sections -> SeekableWriter -> OutputFile.
//
// Page bytes and the bytes of foreign blocks each begin a frame of their own, so that
// readers can decompress straight to where they belong.

#include "snapshot/file/snapshot_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "base/output_file.h"
#include "snapshot/file/page_pieces.h"
#include "snapshot/file/redacted_details.h"
#include "snapshot/file/redaction.h"
#include "snapshot/file/section_codecs.h"
#include "snapshot/file/frames/seekable_writer.h"
#include "snapshot/file/snapshot_format.h"

_Static_assert(sizeof(Root) == ROOT_BYTES, "roots are written as they lie in memory");

typedef struct SnapshotWriter {
    const SnapshotContents *contents;
    SnapshotWriteOptions options;
    // What goes into the file; with options.redacts, of these alone is known what may.
    const SnapshotDetails *details;
    const Root *roots;
    const Redaction *redaction; // NULL: none
    SeekableWriter *writer;
    ByteBuffer buffer; // the sections that come next
} SnapshotWriter;

bool snapshot_check_output(const char *path, bool replaces, Error *error)
{
    return output_file_check(path, replaces, error);
}

static uint64_t padding_after(uint64_t length)
{
    return (SECTION_ALIGNMENT - length % SECTION_ALIGNMENT) % SECTION_ALIGNMENT;
}

static void add_section_header(ByteBuffer *buffer, uint32_t type, uint64_t length)
{
    byte_buffer_add_u32(buffer, type);
    byte_buffer_add_u32(buffer, 0);
    byte_buffer_add_u64(buffer, length);
}

// A section whose length is known once it is there: end_section() fills it in.
static size_t begin_section(ByteBuffer *buffer, uint32_t type)
{
    add_section_header(buffer, type, 0);
    return buffer->length;
}

static void end_section(ByteBuffer *buffer, size_t begin)
{
    uint64_t length;

    if (buffer->is_short)
        return;
    length = buffer->length - begin;
    bytes_put_u64(buffer->bytes + begin - sizeof length, length);
    byte_buffer_add_zeros(buffer, padding_after(length));
}

// Appends what is in the buffer, and empties it.
static bool flush(SnapshotWriter *writer, Error *error)
{
    StreamPiece piece = {.bytes = writer->buffer.bytes, .length = writer->buffer.length};
    bool ok;

    if (writer->buffer.is_short)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for the snapshot's tables");
    ok = seekable_writer_append(writer->writer, &piece, 1, NULL, error);
    byte_buffer_release(&writer->buffer);
    return ok;
}

// ---- pages ----

static void add_run_table(ByteBuffer *buffer, const SnapshotContents *contents)
{
    byte_buffer_add_u64(buffer, contents->run_count);
    for (uint64_t i = 0; i < contents->run_count; i++) {
        byte_buffer_add_u64(buffer, contents->runs[i].address);
        byte_buffer_add_u64(buffer, contents->runs[i].page_count);
    }
}

static void add_heads(SnapshotWriter *writer)
{
    const SnapshotContents *contents = writer->contents;
    ByteBuffer *buffer = &writer->buffer;
    uint64_t page_bytes = 0;
    size_t section;

    byte_buffer_add(buffer, STREAM_MAGIC, strlen(STREAM_MAGIC));
    byte_buffer_add_u16(buffer, SNAPSHOT_FORMAT_MAJOR);
    byte_buffer_add_u16(buffer, SNAPSHOT_FORMAT_MINOR);
    byte_buffer_add_u32(buffer,
                        writer->options.keeps_free_slots ? SNAPSHOT_FLAG_KEEPS_FREE_SLOTS : 0);

    section = begin_section(buffer, SECTION_LAYOUT);
    section_encode_layout(buffer, &contents->layout);
    end_section(buffer, section);

    section = begin_section(buffer, SECTION_RUNS);
    add_run_table(buffer, contents);
    end_section(buffer, section);

    for (uint64_t i = 0; i < contents->run_count; i++)
        page_bytes += contents->runs[i].page_count * contents->layout.page_size;
    add_section_header(buffer, SECTION_PAGES,
                       TABLE_HEAD_BYTES + contents->run_count * RUN_BYTES + page_bytes);
    add_run_table(buffer, contents);
}

static bool write_pages(SnapshotWriter *writer, Error *error)
{
    const SnapshotContents *contents = writer->contents;
    PagePieces pieces = {0};
    StreamFilter filter = page_pieces_filter(&pieces);
    bool ok;

    add_heads(writer);
    ok = page_pieces_init(&pieces, contents, writer->options.keeps_free_slots, writer->redaction,
                          error) &&
         flush(writer, error);
    seekable_writer_expect(writer->writer, STREAM_WORDS);
    ok = ok && seekable_writer_append(writer->writer, pieces.pieces, pieces.count, &filter, error);
    seekable_writer_expect(writer->writer, STREAM_MIXED);
    page_pieces_release(&pieces);
    return ok;
}

// ---- roots ----

static bool write_roots(SnapshotWriter *writer, Error *error)
{
    const SnapshotContents *contents = writer->contents;
    ByteBuffer *buffer = &writer->buffer;
    StreamPiece pieces[2];

    add_section_header(buffer, SECTION_ROOTS, TABLE_HEAD_BYTES + contents->root_count * ROOT_BYTES);
    byte_buffer_add_u64(buffer, contents->root_count);
    if (buffer->is_short)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for the snapshot's tables");
    pieces[0] = (StreamPiece){.bytes = buffer->bytes, .length = buffer->length};
    pieces[1] = (StreamPiece){.bytes = (const uint8_t *)writer->roots,
                              .length = contents->root_count * ROOT_BYTES};
    if (!seekable_writer_append(writer->writer, pieces, contents->root_count > 0 ? 2 : 1, NULL,
                                error))
        return false;
    byte_buffer_release(buffer);
    return true;
}

// ---- tables and foreign blocks ----

static void add_tables(SnapshotWriter *writer)
{
    static const struct {
        uint32_t type;
        void (*encode)(ByteBuffer *buffer, const SnapshotDetails *details);
    } tables[] = {
        {SECTION_THREADS, section_encode_threads},   {SECTION_MODULES, section_encode_modules},
        {SECTION_TYPES, section_encode_types},       {SECTION_DROPS, section_encode_drops},
        {SECTION_FRAMES, section_encode_frames},     {SECTION_VARIABLES, section_encode_variables},
        {SECTION_MAPPINGS, section_encode_mappings},
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        size_t section = begin_section(&writer->buffer, tables[i].type);
        tables[i].encode(&writer->buffer, writer->details);
        end_section(&writer->buffer, section);
    }
}

// Sections that few snapshots have.
static void add_optional_tables(SnapshotWriter *writer)
{
    const SnapshotDetails *details = writer->details;
    const struct {
        uint32_t type;
        uint32_t flags;
        uint32_t count;
        void (*encode)(ByteBuffer *buffer, const SnapshotDetails *details);
    } tables[] = {
        {SECTION_ROOT_NAMES, 0, details->root_name_count, section_encode_root_names},
        {SECTION_TYPE_LAYOUTS, SECTION_FLAG_NEEDED, details->type_layout_count,
         section_encode_type_layouts},
        {SECTION_LOSSES, 0, details->loss_count, section_encode_losses},
    };

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        size_t section;

        if (tables[i].count == 0)
            continue;
        section = begin_section(&writer->buffer, tables[i].type);
        if (!writer->buffer.is_short)
            bytes_put_u32(writer->buffer.bytes + section - SECTION_HEADER_BYTES + 4,
                          tables[i].flags);
        tables[i].encode(&writer->buffer, details);
        end_section(&writer->buffer, section);
    }
}

static void redact_block(const void *context, const StreamPiece *piece, uint64_t offset,
                         uint8_t *bytes, uint64_t length)
{
    const SnapshotWriter *writer = context;

    redaction_block_part(writer->redaction, &writer->contents->blocks[piece->number], offset, bytes,
                         length);
}

static bool write_blocks(SnapshotWriter *writer, Error *error)
{
    const SnapshotContents *contents = writer->contents;
    ByteBuffer *buffer = &writer->buffer;
    StreamPiece *pieces = calloc(contents->block_count + 1, sizeof *pieces);
    StreamFilter filter = {redact_block, writer};
    uint64_t block_bytes = 0;
    bool ok;

    if (pieces == NULL)
        return error_set_memory(error, contents->block_count * sizeof *pieces,
                                "the plan of a snapshot");
    for (uint64_t i = 0; i < contents->block_count; i++) {
        const SnapshotBlock *block = &contents->blocks[i];
        pieces[i] = (StreamPiece){.bytes = block->data,
                                  .length = block->bytes,
                                  .zeros_after = padding_after(block->bytes),
                                  .is_filtered = writer->redaction != NULL,
                                  .number = i};
        block_bytes += block->bytes + padding_after(block->bytes);
    }
    add_section_header(buffer, SECTION_BLOCKS,
                       TABLE_HEAD_BYTES + contents->block_count * BLOCK_BYTES + block_bytes);
    byte_buffer_add_u64(buffer, contents->block_count);
    for (uint64_t i = 0; i < contents->block_count; i++) {
        byte_buffer_add_u64(buffer, contents->blocks[i].address);
        byte_buffer_add_u64(buffer, contents->blocks[i].bytes);
    }
    ok = flush(writer, error) &&
         seekable_writer_append(writer->writer, pieces, contents->block_count, &filter, error);
    free(pieces);
    return ok;
}

static bool write_metadata(SnapshotWriter *writer, Error *error)
{
    SnapshotMetadata metadata = writer->details->metadata;
    size_t section = begin_section(&writer->buffer, SECTION_METADATA);

    // What was written, whatever the caller thought.
    metadata.keeps_free_slots = writer->options.keeps_free_slots;
    metadata.is_redacted = metadata.is_redacted || writer->options.redacts;
    section_encode_metadata(&writer->buffer, &metadata);
    end_section(&writer->buffer, section);
    return flush(writer, error);
}

static bool write_file(SnapshotWriter *writer, OutputFile *file, SnapshotWriteResult *result,
                       Error *error)
{
    const SnapshotWriteOptions *options = &writer->options;
    SeekableWriterOptions writer_options = {
        .format_major = SNAPSHOT_FORMAT_MAJOR,
        .format_minor = SNAPSHOT_FORMAT_MINOR,
        .flags = options->keeps_free_slots ? SNAPSHOT_FLAG_KEEPS_FREE_SLOTS : 0,
        .level = options->level,
        .max_file_bytes = options->max_file_bytes,
        .threads = options->threads,
        .cancel = options->cancel,
    };

    if (!seekable_writer_new(file, &writer_options, &writer->writer, error) ||
        !write_pages(writer, error) || !write_roots(writer, error))
        return false;
    add_tables(writer);
    add_optional_tables(writer);
    if (!write_blocks(writer, error) || !write_metadata(writer, error) ||
        !seekable_writer_finish(writer->writer, error))
        return false;
    result->file_bytes = seekable_writer_file_bytes(writer->writer);
    result->stream_bytes = seekable_writer_stream_bytes(writer->writer);
    // The last moment at which the user can still have no file.
    return cancel_check(&options->cancel, error) && output_file_commit(file, error);
}

// Writes what may be written, and forgets it.
static bool write_redacted(SnapshotWriter *writer, OutputFile *file, SnapshotWriteResult *result,
                           Error *error)
{
    const SnapshotContents *contents = writer->contents;
    SnapshotDetails *details = NULL;
    Redaction redaction = {0};
    Root *roots = NULL;
    bool ok = redaction_init(&redaction, contents, error) &&
              redacted_details_new(contents->details, &details, error) &&
              redaction_roots(&redaction, contents->roots, contents->root_count, &roots, error);

    if (ok) {
        writer->redaction = &redaction;
        writer->details = details;
        writer->roots = roots;
        ok = write_file(writer, file, result, error);
    }
    redaction_release(&redaction);
    snapshot_details_free(details);
    free(roots);
    return ok;
}

bool snapshot_write(const char *path, const SnapshotContents *contents,
                    const SnapshotWriteOptions *options, SnapshotWriteResult *result, Error *error)
{
    SnapshotWriter writer = {
        .contents = contents, .details = contents->details, .roots = contents->roots};
    SnapshotWriteResult unwanted;
    OutputFile *file = NULL;
    bool ok;

    if (options != NULL)
        writer.options = *options;
    if (result == NULL)
        result = &unwanted;
    *result = (SnapshotWriteResult){0};
    ok = heap_layout_check(&contents->layout, error) &&
         section_check_details(contents->details, error) &&
         output_file_open(path, writer.options.replaces, &file, error) &&
         (writer.options.redacts ? write_redacted(&writer, file, result, error)
                                 : write_file(&writer, file, result, error));
    seekable_writer_free(writer.writer);
    byte_buffer_release(&writer.buffer);
    output_file_free(file);
    return ok;
}
