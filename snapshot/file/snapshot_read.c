// Reading a snapshot: SeekableReader or memory -> ByteSource -> sections -> HeapImage.
//
// A first walk finds the sections (section_map.h), small ones are decoded from memory
// (sections/), large ones go straight to where they belong (page_sections.h, heap_sections.h).
// All of them are checked here, where errors know their offset in the stream; only the headers of
// pages are checked by HeapImageBuilder, which reads them.

#include "snapshot/file/snapshot_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_object.h"
#include "snapshot/file/heap_sections.h"
#include "snapshot/file/page_sections.h"
#include "snapshot/file/paged_stream.h"
#include "snapshot/heap/reference_check.h"
#include "snapshot/file/snapshot_reader_internal.h"
#include "snapshot/file/frames/seekable_file.h"
#include "snapshot/file/frames/seekable_reader.h"
#include "snapshot/file/sections/sections.h"

void snapshot_reader_release(SnapshotReader *reader)
{
    section_map_release(&reader->map);
    snapshot_details_free(reader->details);
    if (!reader->is_file_lent)
        seekable_reader_free(reader->file);
}

bool snapshot_reader_check_length(const SnapshotReader *reader, const SectionKind *kind,
                                  Error *error)
{
    const Section *section = section_map_find(&reader->map, kind->type);
    uint64_t most = kind->type == SECTION_METADATA ? JSON_MAX_BYTES
                    : kind->type == SECTION_LAYOUT ? MAX_LAYOUT_BYTES
                    : kind->type == SECTION_LOSSES ? MAX_LOSS_BYTES
                                                   : UINT64_MAX;
    char name[SECTION_NAME_CHARS];

    return section->length <= most ||
           byte_source_fault(&reader->source, section->offset, error,
                             "section '%s' has more than %llu bytes",
                             section_name(kind->type, name), (unsigned long long)most);
}

// ---- small sections ----

// A small section in memory; its length is at most that of the stream, which is bounded.
static bool load_section(ByteSource *source, const Section *section, ByteCursor *cursor,
                         uint8_t **bytes, Error *error)
{
    *bytes = malloc(section->length + 1);
    *cursor = (ByteCursor){.bytes = *bytes, .length = section->length};
    if (*bytes == NULL)
        return error_set_memory(error, section->length, "a section");
    return byte_source_read(source, section->offset, *bytes, section->length, error);
}

// The layout, the metadata, or a table.
static bool decode(SnapshotReader *reader, const SectionKind *kind, ByteCursor *cursor,
                   Error *error)
{
    if (kind->type == SECTION_LAYOUT)
        return section_decode_layout(cursor, &reader->layout, &reader->details->machine, error);
    if (kind->type == SECTION_METADATA)
        return section_decode_metadata(cursor, &reader->details->metadata, error);
    return kind->table == NULL || section_table_decode(kind->table, cursor, reader->details, error);
}

static bool read_small_section(SnapshotReader *reader, const SectionKind *kind, Error *error)
{
    const Section *section = section_map_find(&reader->map, kind->type);
    ByteCursor cursor;
    uint8_t *bytes = NULL;
    bool ok;

    if (section->offset == 0)
        return true;
    if (!snapshot_reader_check_length(reader, kind, error))
        return false;
    ok = load_section(&reader->source, section, &cursor, &bytes, error);
    if (ok && !decode(reader, kind, &cursor, error))
        ok = byte_source_locate(&reader->source, section->offset + cursor.position, error);
    free(bytes);
    return ok;
}

static bool read_small_sections(SnapshotReader *reader, Error *error)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    for (size_t i = 0; i < count; i++)
        if ((kinds[i].table != NULL || kinds[i].type == SECTION_LAYOUT ||
             kinds[i].type == SECTION_METADATA) &&
            !read_small_section(reader, &kinds[i], error))
            return false;
    // Now entries can be checked against those that they refer to.
    for (size_t i = 0; i < count; i++)
        if (kinds[i].table != NULL && !section_table_check(kinds[i].table, reader->details, error))
            return byte_source_locate(&reader->source, reader->map.sections[i].offset, error);
    return true;
}

bool snapshot_reader_map(SnapshotReader *reader, Error *error)
{
    reader->details = snapshot_details_new();
    if (reader->details == NULL)
        return error_set_memory(error, sizeof *reader->details, "the snapshot's details");
    return section_map_init(&reader->map, &reader->source, error);
}

void snapshot_reader_settle_metadata(SnapshotReader *reader)
{
    SnapshotMetadata *metadata = &reader->details->metadata;

    // The flag and the losses have precedence; the metadata repeat them.
    metadata->keeps_free_slots = (reader->map.flags & SNAPSHOT_FLAG_KEEPS_FREE_SLOTS) != 0;
    metadata->is_complete = metadata->is_complete && reader->details->loss_count == 0;
}

// Opens the stream and reads all sections but those of the heap itself.
static bool read_surroundings(SnapshotReader *reader, Error *error)
{
    if (!snapshot_reader_map(reader, error) || !read_small_sections(reader, error))
        return false;
    snapshot_reader_settle_metadata(reader);
    return true;
}

// ---- the heap ----

static bool prove_layout(const HeapImage *image, SnapshotMetadata *metadata, Error *error)
{
    ReferenceCheck check;

    // Where words are missing, fewer are found than there are.
    if (metadata->references_counted || !metadata->is_complete ||
        metadata->foreign_mode == FOREIGN_NONE)
        return true;
    if (!reference_check_image(image, &check, error))
        return false;
    metadata->references_counted = check.is_known;
    metadata->references_overlooked = check.overlooked;
    return true;
}

// Does the snapshot know enough for rule precise/1?
static bool check_precise(const SnapshotReader *reader, const SnapshotReadOptions *options,
                          Error *error)
{
    const SnapshotDetails *details = reader->details;
    const char *name = reader->source.name != NULL ? reader->source.name : "the snapshot";

    if (!options->is_precise)
        return true;
    if (details->type_layout_count > 0) {
        (void)error_set(error, ERROR_USAGE,
                        "'%s' has pointer maps that the program told (rule exact/1)", name);
        return error_add_hint(error, "leave --precise out: exact/1 is as precise");
    }
    if (details->data_type_count > 0)
        return true;
    (void)error_set(error, ERROR_UNSUPPORTED, "'%s' has no type layouts, which --precise needs",
                    name);
    (void)error_add_hint(error, "they come from debug information: build the program with it "
                                "(cargo: debug = true in the profile) and capture again");
    return error_add_hint(error, "without --precise, weak references and stale words count as "
                                 "strong");
}

// Is only a part of the heap to be resident?
static bool is_paged(const SnapshotReader *reader, const SnapshotReadOptions *options,
                     const PageSections *pages)
{
    return options->paging != NULL &&
           pages->all.page_count > options->most_whole_bytes / reader->layout.page_size &&
           reader->layout.page_size <= heap_pager_chunk_bytes(options->paging);
}

// Reads the pages into a new builder: all of them, or, paged, their headers.
static bool read_pages(SnapshotReader *reader, const SnapshotReadOptions *options,
                       const PageSections *pages, HeapImageBuilder **builder, Error *error)
{
    HeapImageOptions image_options = {.force_relocation = options->force_relocation};
    HeapPageSource paged;

    if (!is_paged(reader, options, pages))
        return heap_image_builder_new(&reader->layout, &image_options, builder, error) &&
               heap_image_builder_reserve(*builder, pages->all.runs, pages->all.count, error) &&
               page_sections_read(pages, &reader->source, *builder, error);
    if (!page_sections_check_runs(pages, &reader->source, error) ||
        !paged_stream_new(pages, &reader->source, reader->file, &paged, error))
        return false;
    // From here on the pages' source owns the file.
    reader->is_file_lent = true;
    image_options.paging = options->paging;
    image_options.source = &paged;
    if (!heap_image_builder_new(&reader->layout, &image_options, builder, error)) {
        paged.release(paged.context);
        reader->source.reader = NULL;
        return false;
    }
    return heap_image_builder_reserve(*builder, pages->all.runs, pages->all.count, error) &&
           heap_image_builder_visit_pages(*builder, options->threads, error);
}

static bool build_image(SnapshotReader *reader, const SnapshotReadOptions *options, HeapImage **out,
                        Error *error)
{
    SnapshotDetails *details;
    HeapImageBuilder *builder = NULL;
    ByteSource *source = &reader->source;
    const SectionMap *map = &reader->map;
    PageSections pages;
    bool ok = false;

    if (!check_precise(reader, options, error))
        return false;
    if (!page_sections_init(&pages, source, map, &reader->layout, error))
        return false;
    if (!read_pages(reader, options, &pages, &builder, error) ||
        !heap_sections_read_roots(source, map, reader->details->thread_count, builder, error) ||
        !heap_sections_read_blocks(source, map, builder, error))
        goto done;
    details = reader->details;
    heap_image_builder_take_details(builder, details);
    reader->details = NULL;
    ok = heap_image_builder_finish(&builder, out, error);
    // A page without a valid header: where in the stream it came from.
    if (!ok)
        ok = byte_source_locate(
            source, page_sections_find(&pages, heap_image_builder_fault_address(builder)), error);
    // The proof is about all words.
    if (ok && ((options->proves_layout && !prove_layout(*out, &details->metadata, error)) ||
               (options->is_precise && !heap_image_make_precise(*out, error)))) {
        heap_image_free(*out);
        *out = NULL;
        ok = false;
    }

done:
    heap_image_builder_free(builder);
    page_sections_release(&pages);
    return ok;
}

static SnapshotReadOptions options_or_defaults(const SnapshotReadOptions *options)
{
    return options != NULL ? *options : (SnapshotReadOptions){0};
}

bool snapshot_read_stream(const uint8_t *stream, uint64_t stream_bytes,
                          const SnapshotReadOptions *options, HeapImage **out, Error *error)
{
    SnapshotReadOptions chosen = options_or_defaults(options);
    SnapshotReader reader = {
        .source = {.length = stream_bytes,
                   .memory = stream != NULL ? stream : (const uint8_t *)"",
                   .threads = chosen.threads},
    };
    bool ok;

    *out = NULL;
    if (chosen.max_stream_bytes != 0 && stream_bytes > chosen.max_stream_bytes)
        return error_set(error, ERROR_MEMORY, "%llu bytes of stream are more than are allowed",
                         (unsigned long long)stream_bytes);
    ok = read_surroundings(&reader, error) && build_image(&reader, &chosen, out, error);
    snapshot_reader_release(&reader);
    return ok;
}

// ---- files ----

bool snapshot_reader_open(SnapshotReader *reader, const char *path, uint64_t max_stream_bytes,
                          uint32_t threads, Error *error)
{
    *reader = (SnapshotReader){0};
    if (!seekable_reader_open(path, SNAPSHOT_FORMAT_MAJOR, max_stream_bytes, &reader->file, error))
        return false;
    reader->source = (ByteSource){
        .name = path,
        .length = seekable_reader_info(reader->file)->stream_bytes,
        .reader = reader->file,
        .threads = threads,
    };
    return true;
}

bool snapshot_reader_check_headers(const SnapshotReader *reader, Error *error)
{
    const SeekableFileInfo *info = seekable_reader_info(reader->file);

    if (info->format_major == reader->map.format_major &&
        info->format_minor == reader->map.format_minor && info->flags == reader->map.flags)
        return true;
    return byte_source_fault(&reader->source, 0, error,
                             "the file header and the stream header differ");
}

bool snapshot_read(const char *path, const SnapshotReadOptions *options, HeapImage **out,
                   Error *error)
{
    SnapshotReadOptions chosen = options_or_defaults(options);
    SnapshotReader reader;
    bool ok;

    *out = NULL;
    ok = snapshot_reader_open(&reader, path, chosen.max_stream_bytes, chosen.threads, error) &&
         read_surroundings(&reader, error) && snapshot_reader_check_headers(&reader, error) &&
         build_image(&reader, &chosen, out, error);
    snapshot_reader_release(&reader);
    return ok;
}

bool snapshot_begins(const char *path)
{
    return seekable_file_begins(path);
}
