// Looking at a snapshot without an image: snapshot_read_info() and snapshot_verify().
//
// Tables and page headers pass by in a window (stream_window.h); nothing is kept whose size the
// file decides, but for its losses, of which it has few, and where frames and sections lie. So both
// take little memory whatever the file claims. What verifies can be read: each check of
// snapshot_read() is made here, or shared with it.

#include "snapshot/file/snapshot_file.h"

#include <stdlib.h>
#include <string.h>

#include "snapshot/file/heap_sections.h"
#include "snapshot/file/page_look.h"
#include "snapshot/file/sections/sections.h"
#include "snapshot/file/snapshot_reader_internal.h"
#include "snapshot/file/stream_window.h"

// ---- tables ----

// The layout, the metadata and the losses are short, and kept.
static bool is_kept(const SectionKind *kind)
{
    return kind->type == SECTION_LAYOUT || kind->type == SECTION_METADATA ||
           kind->type == SECTION_LOSSES;
}

static bool keep(SnapshotReader *reader, const SectionKind *kind, const Section *section,
                 Error *error)
{
    uint8_t *bytes;
    ByteCursor cursor;
    bool ok;

    if (!snapshot_reader_check_length(reader, kind, error))
        return false;
    bytes = malloc(section->length + 1);
    if (bytes == NULL)
        return error_set_memory(error, section->length, "a section");
    cursor = (ByteCursor){.bytes = bytes, .length = section->length};
    ok = byte_source_read(&reader->source, section->offset, bytes, section->length, error);
    if (ok && kind->type == SECTION_LAYOUT)
        ok = section_decode_layout(&cursor, &reader->layout, &reader->details->machine, error);
    else if (ok && kind->type == SECTION_METADATA)
        ok = section_decode_metadata(&cursor, &reader->details->metadata, error);
    else if (ok)
        ok = section_table_decode(kind->table, &cursor, reader->details, error);
    if (!ok)
        (void)byte_source_locate(&reader->source, section->offset + cursor.position, error);
    free(bytes);
    return ok;
}

static bool look_at_table(SnapshotReader *reader, const SectionKind *kind, const Section *section,
                          uint64_t *sized_bytes, Error *error)
{
    StreamWindow window;
    ByteCursor cursor = stream_window_open(&window, &reader->source, section);
    bool ok = section_table_look(kind->table, &cursor, reader->details, sized_bytes, error);

    // A read that failed looks like an end.
    if (!ok && window.error.code != ERROR_NONE)
        *error = window.error;
    else if (!ok)
        (void)byte_source_locate(&reader->source, section->offset + cursor.position, error);
    stream_window_close(&window);
    return ok;
}

// Looks at all sections but those of the heap itself.
static bool look_at_surroundings(SnapshotReader *reader, uint64_t *sized_bytes, Error *error)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);

    *sized_bytes = 0;
    if (!snapshot_reader_map(reader, error))
        return false;
    // Tables that others refer to come first.
    for (size_t i = 0; i < count; i++) {
        const Section *section = &reader->map.sections[i];

        if (section->offset == 0 || (kinds[i].table == NULL && !is_kept(&kinds[i])))
            continue;
        if (!(is_kept(&kinds[i]) ? keep(reader, &kinds[i], section, error)
                                 : look_at_table(reader, &kinds[i], section, sized_bytes, error)))
            return false;
    }
    // They were there for the places in the source.
    free(reader->details->stacks);
    reader->details->stacks = NULL;
    snapshot_reader_settle_metadata(reader);
    return true;
}

// ---- roots and blocks ----

static bool look_at_roots(SnapshotReader *reader, Error *error)
{
    const Section *section = section_map_find(&reader->map, SECTION_ROOTS);
    StreamWindow window;
    ByteCursor cursor;
    uint64_t count, i = 0;
    bool ok = true;

    if (!heap_sections_table_count(&reader->source, section, ROOT_BYTES, "roots", &count, error))
        return false;
    if (section->offset == 0)
        return true;
    if (section->length != TABLE_HEAD_BYTES + count * ROOT_BYTES)
        return byte_source_fault(&reader->source, section->offset, error,
                                 "%llu roots do not fill their section", (unsigned long long)count);
    cursor = stream_window_open(&window, &reader->source, section);
    (void)byte_cursor_u64(&cursor);
    for (; ok && i < count; i++) {
        const uint8_t *bytes = byte_cursor_take(&cursor, ROOT_BYTES);
        Root root;

        ok = bytes != NULL;
        if (ok)
            memcpy(&root, bytes, sizeof root);
        ok = ok && heap_sections_is_possible_root(&root, reader->details->thread_count);
    }
    if (!ok && window.error.code != ERROR_NONE)
        *error = window.error;
    else if (!ok)
        (void)byte_source_fault(&reader->source,
                                section->offset + TABLE_HEAD_BYTES + (i - 1) * ROOT_BYTES, error,
                                "root %llu is not possible", (unsigned long long)(i - 1));
    stream_window_close(&window);
    return ok;
}

static bool look_at_blocks(SnapshotReader *reader, Error *error)
{
    const Section *section = section_map_find(&reader->map, SECTION_BLOCKS);
    ByteSource *source = &reader->source;
    uint64_t count, previous_end = 0, bytes = 0;
    StreamWindow window;
    ByteCursor cursor;
    bool ok = true;

    if (!heap_sections_table_count(source, section, BLOCK_BYTES, "foreign blocks", &count, error))
        return false;
    if (section->offset == 0)
        return true;
    if (count >= NO_INDEX)
        return error_set(error, ERROR_UNSUPPORTED,
                         "%llu foreign blocks are more than a heap image holds",
                         (unsigned long long)count);
    cursor = stream_window_open(&window, source, section);
    (void)byte_cursor_u64(&cursor);
    for (uint64_t i = 0; ok && i < count; i++) {
        const uint8_t *entry = byte_cursor_take(&cursor, BLOCK_BYTES);

        ok = entry == NULL
                 ? false
                 : heap_sections_add_block(source, section, i, bytes_get_u64(entry),
                                           bytes_get_u64(entry + 8), &previous_end, &bytes, error);
        if (entry == NULL)
            *error = window.error;
    }
    stream_window_close(&window);
    return ok && (section->length - TABLE_HEAD_BYTES - count * BLOCK_BYTES == bytes ||
                  byte_source_fault(source, section->offset, error,
                                    "%llu foreign blocks do not fill their section",
                                    (unsigned long long)count));
}

// Leaves the metadata and the losses: of all other tables the numbers alone were kept.
static void drop_numbers(SnapshotDetails *details)
{
    if (details == NULL)
        return;
    free(details->stacks);
    *details = (SnapshotDetails){.metadata = details->metadata,
                                 .loss_count = details->loss_count,
                                 .losses = details->losses};
}

static void release(SnapshotReader *reader)
{
    drop_numbers(reader->details);
    snapshot_reader_release(reader);
}

// ---- verify ----

bool snapshot_verify(const char *path, const SnapshotReadOptions *options,
                     SnapshotVerification *out, Error *error)
{
    SnapshotReadOptions chosen = options != NULL ? *options : (SnapshotReadOptions){0};
    SnapshotReader reader;
    uint64_t pages, sized_bytes;
    bool ok;

    *out = (SnapshotVerification){0};
    // Nothing large is kept, so a snapshot may be larger than this machine.
    if (chosen.max_stream_bytes == 0)
        chosen.max_stream_bytes = UINT64_MAX;
    ok = snapshot_reader_open(&reader, path, chosen.max_stream_bytes, chosen.threads, error) &&
         seekable_reader_check_frames(reader.file, chosen.threads, error) &&
         look_at_surroundings(&reader, &sized_bytes, error) &&
         snapshot_reader_check_headers(&reader, error) &&
         page_look_run(&reader.source, &reader.map, &reader.layout, &pages, error) &&
         look_at_roots(&reader, error) && look_at_blocks(&reader, error);
    if (ok) {
        out->frames_checked = seekable_reader_info(reader.file)->frame_count;
        out->bytes_checked = seekable_reader_info(reader.file)->stream_bytes;
        out->pages_checked = pages;
        out->machine = reader.details->machine;
    }
    release(&reader);
    return ok;
}

// ---- info ----

static bool count_heap(SnapshotReader *reader, SnapshotFileInfo *out, Error *error)
{
    const SectionMap *map = &reader->map;
    const Section *blocks = section_map_find(map, SECTION_BLOCKS);
    ByteSource *source = &reader->source;
    uint64_t count;

    if (!heap_sections_table_count(source, section_map_find(map, SECTION_RUNS), RUN_BYTES,
                                   "page runs", &out->run_count, error) ||
        !heap_sections_table_count(source, section_map_find(map, SECTION_ROOTS), ROOT_BYTES,
                                   "roots", &out->root_count, error) ||
        !heap_sections_table_count(source, blocks, BLOCK_BYTES, "foreign blocks", &out->block_count,
                                   error))
        return false;
    if (blocks->offset != 0)
        out->foreign_bytes = blocks->length - TABLE_HEAD_BYTES - out->block_count * BLOCK_BYTES;
    for (uint64_t i = 0; i < map->pages_count; i++) {
        if (!heap_sections_table_count(source, &map->pages[i], RUN_BYTES, "page runs", &count,
                                       error))
            return false;
        out->page_bytes += map->pages[i].length - TABLE_HEAD_BYTES - count * RUN_BYTES;
    }
    return true;
}

bool snapshot_read_info(const char *path, SnapshotFileInfo *out, Error *error)
{
    SnapshotReader reader;
    bool ok;

    *out = (SnapshotFileInfo){0};
    ok = snapshot_reader_open(&reader, path, UINT64_MAX, 0, error) &&
         look_at_surroundings(&reader, &out->sized_bytes, error) &&
         snapshot_reader_check_headers(&reader, error) && count_heap(&reader, out, error);
    if (ok) {
        const SeekableFileInfo *info = seekable_reader_info(reader.file);

        out->file_bytes = info->file_bytes;
        out->stream_bytes = info->stream_bytes;
        out->frame_count = info->frame_count;
        out->format_major = info->format_major;
        out->format_minor = info->format_minor;
        out->layout = reader.layout;
        out->details = reader.details;
        reader.details = NULL;
    } else {
        *out = (SnapshotFileInfo){0};
    }
    release(&reader);
    return ok;
}

void snapshot_file_info_release(SnapshotFileInfo *info)
{
    drop_numbers(info->details);
    snapshot_details_free(info->details);
    *info = (SnapshotFileInfo){0};
}

// ---- memory ----

// Bytes of tables for a page that has a record, and of everything else for a byte of a section:
// its entries in memory, and what is made from them.
#define PAGE_TABLE_BYTES 120u
#define ENTRIES_FACTOR 2u

bool snapshot_read_table_bytes(const char *path, uint64_t *bytes, Error *error)
{
    SnapshotReader reader;
    const Section *layout, *blocks;
    uint64_t all = 0, largest = 0, pages = 0;
    bool ok;

    *bytes = 0;
    ok = snapshot_reader_open(&reader, path, UINT64_MAX, 0, error) &&
         snapshot_reader_map(&reader, error);
    if (ok) {
        layout = section_map_find(&reader.map, SECTION_LAYOUT);
        ok = keep(&reader, sections_find(SECTION_LAYOUT), layout, error);
    }
    if (ok) {
        blocks = section_map_find(&reader.map, SECTION_BLOCKS);
        for (size_t i = 0; i < SECTION_KINDS_MAX; i++) {
            const Section *section = &reader.map.sections[i];
            uint64_t length = section->length;

            // The bytes of blocks stay as they are; other sections are decoded from memory.
            all += section == blocks ? length + length / 8 : ENTRIES_FACTOR * length;
            if (section != blocks && length > largest)
                largest = length;
        }
        for (uint64_t i = 0; i < reader.map.pages_count; i++)
            pages += reader.map.pages[i].length / reader.layout.page_size;
        *bytes = all + largest + pages * PAGE_TABLE_BYTES;
    }
    release(&reader);
    return ok;
}
