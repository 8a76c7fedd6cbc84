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
#include "snapshot/file/redaction.h"
#include "snapshot/file/root_order.h"
#include "snapshot/file/frames/seekable_writer.h"
#include "snapshot/file/sections/sections.h"

_Static_assert(sizeof(Root) == ROOT_BYTES, "roots are written as they lie in memory");

typedef struct SnapshotWriter {
    const SnapshotContents *contents;
    SnapshotWriteOptions options;
    // Go into the file; with options.redacts, the redacted ones.
    const SnapshotDetails *details;
    const Root *roots;
    const Redaction *redaction; // NULL: none
    SnapshotMetadata metadata;
    uint32_t flags; // of the file header and of the stream header
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

static void add_section_header(ByteBuffer *buffer, const SectionKind *kind, uint64_t length)
{
    byte_buffer_add_u32(buffer, kind->type);
    byte_buffer_add_u32(buffer, kind->is_needed ? SECTION_FLAG_NEEDED : 0);
    byte_buffer_add_u64(buffer, length);
}

// A section whose length is not known yet: end_section() fills it in.
static size_t begin_section(ByteBuffer *buffer, const SectionKind *kind)
{
    add_section_header(buffer, kind, 0);
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

// Appends the buffer to the file, and empties it.
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

static void add_stream_header(SnapshotWriter *writer)
{
    ByteBuffer *buffer = &writer->buffer;

    byte_buffer_add(buffer, STREAM_MAGIC, strlen(STREAM_MAGIC));
    byte_buffer_add_u16(buffer, SNAPSHOT_FORMAT_MAJOR);
    byte_buffer_add_u16(buffer, SNAPSHOT_FORMAT_MINOR);
    byte_buffer_add_u32(buffer, writer->flags);
}

static void add_pages_head(SnapshotWriter *writer, const SectionKind *kind)
{
    const SnapshotContents *contents = writer->contents;
    uint64_t page_bytes = 0;

    for (uint64_t i = 0; i < contents->run_count; i++)
        page_bytes += contents->runs[i].page_count * contents->layout.page_size;
    add_section_header(&writer->buffer, kind,
                       TABLE_HEAD_BYTES + contents->run_count * RUN_BYTES + page_bytes);
    add_run_table(&writer->buffer, contents);
}

static bool write_pages(SnapshotWriter *writer, const SectionKind *kind, Error *error)
{
    const SnapshotContents *contents = writer->contents;
    PagePieces pieces = {0};
    StreamFilter filter = page_pieces_filter(&pieces);
    bool ok;

    add_pages_head(writer, kind);
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

static bool write_roots(SnapshotWriter *writer, const SectionKind *kind, Error *error)
{
    uint64_t count = writer->contents->root_count;
    ByteBuffer *buffer = &writer->buffer;
    RootOrder order;
    bool ok;

    add_section_header(buffer, kind, TABLE_HEAD_BYTES + count * ROOT_BYTES);
    byte_buffer_add_u64(buffer, count);
    if (buffer->is_short)
        return error_set(error, ERROR_MEMORY, "cannot allocate memory for the snapshot's tables");
    if (!root_order_init(&order, writer->roots, count, error))
        return false;
    order.pieces[0] = (StreamPiece){.bytes = buffer->bytes, .length = buffer->length};
    ok = seekable_writer_append(writer->writer, order.pieces, order.piece_count, NULL, error);
    byte_buffer_release(buffer);
    root_order_release(&order);
    return ok;
}

// ---- foreign blocks ----

static void redact_block(const void *context, const StreamPiece *piece, uint64_t offset,
                         uint8_t *bytes, uint64_t length)
{
    const SnapshotWriter *writer = context;

    redaction_block_part(writer->redaction, &writer->contents->blocks[piece->number], offset, bytes,
                         length);
}

static bool write_blocks(SnapshotWriter *writer, const SectionKind *kind, Error *error)
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
    add_section_header(buffer, kind,
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

// ---- all sections ----

// A section that is small enough to be made in the buffer.
static void add_small_section(SnapshotWriter *writer, const SectionKind *kind)
{
    ByteBuffer *buffer = &writer->buffer;
    size_t section;

    if (kind->occurrence == SECTION_UNLESS_EMPTY &&
        section_table_count(kind->table, writer->details) == 0)
        return;
    section = begin_section(buffer, kind);
    if (kind->table != NULL)
        section_table_encode(kind->table, buffer, writer->details);
    else if (kind->type == SECTION_LAYOUT)
        section_encode_layout(buffer, &writer->contents->layout, writer->details->machine);
    else if (kind->type == SECTION_RUNS)
        add_run_table(buffer, writer->contents);
    else
        section_encode_metadata(buffer, &writer->metadata);
    end_section(buffer, section);
}

static bool write_sections(SnapshotWriter *writer, Error *error)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);
    bool ok = true;

    add_stream_header(writer);
    for (size_t i = 0; ok && i < count; i++)
        switch (kinds[i].type) {
        case SECTION_PAGES:
            ok = write_pages(writer, &kinds[i], error);
            break;
        case SECTION_ROOTS:
            ok = write_roots(writer, &kinds[i], error);
            break;
        case SECTION_BLOCKS:
            ok = write_blocks(writer, &kinds[i], error);
            break;
        default:
            add_small_section(writer, &kinds[i]);
            break;
        }
    return ok && flush(writer, error);
}

static bool write_file(SnapshotWriter *writer, OutputFile *file, SnapshotWriteResult *result,
                       Error *error)
{
    const SnapshotWriteOptions *options = &writer->options;
    SeekableWriterOptions writer_options = {
        .format_major = SNAPSHOT_FORMAT_MAJOR,
        .format_minor = SNAPSHOT_FORMAT_MINOR,
        .flags = writer->flags,
        .level = options->level,
        .max_file_bytes = options->max_file_bytes,
        .threads = options->threads,
        .cancel = options->cancel,
    };

    // The option decides, not the metadata of the caller.
    writer->metadata = writer->details->metadata;
    writer->metadata.keeps_free_slots = options->keeps_free_slots;
    if (!seekable_writer_new(file, &writer_options, &writer->writer, error) ||
        !write_sections(writer, error) || !seekable_writer_finish(writer->writer, error))
        return false;
    result->file_bytes = seekable_writer_file_bytes(writer->writer);
    result->stream_bytes = seekable_writer_stream_bytes(writer->writer);
    // The user may cancel until here; then the file is there.
    return cancel_check(&options->cancel, error) && output_file_commit(file, error);
}

// Writes the redacted contents.
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
    // Of free slots a redacted snapshot holds links, whatever the caller asks for.
    if (writer.options.redacts)
        writer.options.keeps_free_slots = false;
    writer.flags = writer.options.keeps_free_slots ? SNAPSHOT_FLAG_KEEPS_FREE_SLOTS : 0;
    if (result == NULL)
        result = &unwanted;
    *result = (SnapshotWriteResult){0};
    ok = heap_layout_check(&contents->layout, error) &&
         sections_check_limits(contents->details, error) &&
         output_file_open(
             path,
             &(OutputOptions){.replaces = writer.options.replaces, .cancel = writer.options.cancel},
             &file, error) &&
         (writer.options.redacts ? write_redacted(&writer, file, result, error)
                                 : write_file(&writer, file, result, error));
    seekable_writer_free(writer.writer);
    byte_buffer_release(&writer.buffer);
    output_file_free(file);
    return ok;
}
