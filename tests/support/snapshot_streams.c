// Snapshots taken apart and put together: see tests/support/snapshot_streams.h.

#include "tests/support/snapshot_streams.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/byte_buffer.h"
#include "snapshot/file/byte_source.h"
#include "base/output_file.h"
#include "snapshot/file/frames/seekable_reader.h"
#include "snapshot/file/frames/seekable_writer.h"
#include "snapshot/file/sections/snapshot_format.h"
#include "snapshot/heap/snapshot_machine.h"

static void require(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "snapshot_streams: %s\n", what);
        abort();
    }
}

static void *must(void *memory)
{
    require(memory != NULL, "out of memory");
    return memory;
}

// ---- folders and files ----

TestFolder test_folder_new(void)
{
    // In memory where that is possible: some tests write thousands of files.
    TestFolder folder = {"/dev/shm/rudo-snap-test.XXXXXX"};

    if (mkdtemp(folder.path) == NULL) {
        folder = (TestFolder){"/tmp/rudo-snap-test.XXXXXX"};
        require(mkdtemp(folder.path) != NULL, "cannot make a folder in /tmp");
    }
    return folder;
}

void test_folder_free(const TestFolder *folder)
{
    DIR *entries = opendir(folder->path);
    struct dirent *entry;

    if (entries == NULL)
        return;
    (void)chmod(folder->path, 0700);
    while ((entry = readdir(entries)) != NULL)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            char *path = test_folder_file(folder, entry->d_name);
            if (unlink(path) != 0)
                (void)rmdir(path);
            free(path);
        }
    (void)closedir(entries);
    (void)rmdir(folder->path);
}

char *test_folder_file(const TestFolder *folder, const char *name)
{
    char *path = NULL;

    require(asprintf(&path, "%s/%s", folder->path, name) > 0, "out of memory");
    return path;
}

Bytes file_bytes(const char *path)
{
    FILE *file = fopen(path, "rb");
    Bytes result = {0};
    struct stat status;

    require(file != NULL && fstat(fileno(file), &status) == 0, path);
    result.length = (size_t)status.st_size;
    result.bytes = must(malloc(result.length + 1));
    require(fread(result.bytes, 1, result.length, file) == result.length, "cannot read");
    (void)fclose(file);
    return result;
}

void write_bytes(const char *path, const void *bytes, size_t length)
{
    FILE *file = fopen(path, "wb");

    require(file != NULL && fwrite(bytes, 1, length, file) == length && fclose(file) == 0,
            "cannot write");
}

// ---- streams ----

PageRecords records_of(const SnapshotContents *contents)
{
    PageRecords records = {0};
    Error error;

    for (uint64_t i = 0; i < contents->run_count; i++)
        require(page_records_add_run(&records, &contents->layout, contents->runs[i].address,
                                     contents->runs[i].page_count, contents->runs[i].bytes, &error),
                error.message);
    return records;
}

Bytes snapshot_stream(const SnapshotContents *contents, const SnapshotWriteOptions *options)
{
    TestFolder folder = test_folder_new();
    char *path = test_folder_file(&folder, "heap.zst");
    SeekableReader *reader = NULL;
    Bytes stream;
    Error error;

    require(snapshot_write(path, contents, options, NULL, &error), error.message);
    require(seekable_reader_open(path, SNAPSHOT_FORMAT_MAJOR, 0, &reader, &error), error.message);
    stream.length = seekable_reader_info(reader)->stream_bytes;
    stream.bytes = must(malloc(stream.length));
    require(seekable_reader_read(reader, 0, stream.bytes, stream.length, &error), error.message);
    seekable_reader_free(reader);
    free(path);
    test_folder_free(&folder);
    return stream;
}

void write_snapshot_file(const char *path, const void *stream, size_t length)
{
    SeekableWriterOptions options = {
        .format_major = SNAPSHOT_FORMAT_MAJOR, .format_minor = SNAPSHOT_FORMAT_MINOR, .threads = 1};
    StreamPiece piece = {.bytes = stream, .length = length};
    SeekableWriter *writer = NULL;
    OutputFile *file = NULL;
    Error error;

    require(output_file_open(path, &(OutputOptions){.replaces = true}, &file, &error),
            error.message);
    require(seekable_writer_new(file, &options, &writer, &error) &&
                seekable_writer_append(writer, &piece, 1, NULL, &error) &&
                seekable_writer_finish(writer, &error) && output_file_commit(file, &error),
            "cannot write a snapshot file");
    seekable_writer_free(writer);
    output_file_free(file);
}

SectionMap sections_of(const uint8_t *stream, size_t length)
{
    ByteSource source = {.length = length, .memory = stream};
    SectionMap map;
    Error error;

    require(section_map_init(&map, &source, &error), error.message);
    return map;
}

Bytes insert_section(Bytes stream, uint64_t before, uint32_t type, uint32_t flags, const void *body,
                     uint64_t length)
{
    uint64_t at = before - SECTION_HEADER_BYTES;
    ByteBuffer buffer = {0};

    byte_buffer_add(&buffer, stream.bytes, at);
    byte_buffer_add_u32(&buffer, type);
    byte_buffer_add_u32(&buffer, flags);
    byte_buffer_add_u64(&buffer, length);
    byte_buffer_add(&buffer, body, length);
    byte_buffer_add_zeros(&buffer, (8 - length % 8) % 8);
    byte_buffer_add(&buffer, stream.bytes + at, stream.length - at);
    require(!buffer.is_short, "out of memory");
    free(stream.bytes);
    return (Bytes){buffer.bytes, buffer.length};
}

// ---- comparing ----

static char difference[400];

static const char *differ(const char *what, uint64_t where)
{
    snprintf(difference, sizeof difference, "%s (0x%llx)", what, (unsigned long long)where);
    return difference;
}

// The page as the file format says it is: slot by slot, and plainly.
static void zero_free_values(const HeapLayout *layout, const PageHeader *header, uint8_t *page)
{
    uint32_t kept = header->block_size < layout->object_header_bytes ? layout->free_link_bytes
                                                                     : layout->object_header_bytes;

    for (uint32_t slot = 0; slot < header->slot_count; slot++) {
        uint8_t bits = page[layout->allocated_bitmap + slot / 8];
        uint8_t *value = page + header->header_size + (uint64_t)slot * header->block_size;
        if ((bits >> slot % 8 & 1) == 0)
            memset(value + kept, 0, header->block_size - kept);
    }
}

static const char *run_differs(const HeapImage *image, const HeapLayout *layout,
                               const SnapshotPages *run, bool keeps_free_slots)
{
    const char *found = NULL;

    for (uint64_t p = 0; p < run->page_count && found == NULL;) {
        uint64_t address = run->address + p * layout->page_size;
        uint32_t page = heap_image_find_page(image, address);
        PageHeader header;
        uint64_t length;
        uint8_t *wanted;
        require(page_header_read(layout, run->bytes + p * layout->page_size,
                                 (run->page_count - p) * layout->page_size,
                                 &header) == PAGE_HEADER_VALID,
                "a test heap with a bad page");
        if (page == NO_INDEX || image->pages[page].address != address)
            return differ("a page is missing", address);
        length = (uint64_t)header.page_count * layout->page_size;
        wanted = must(malloc(length));
        memcpy(wanted, run->bytes + p * layout->page_size, length);
        if (!keeps_free_slots)
            zero_free_values(layout, &header, wanted);
        if (memcmp(wanted, heap_image_page_bytes(image, page), length) != 0)
            found = differ("page bytes differ", address);
        free(wanted);
        p += header.page_count;
    }
    return found;
}

static const char *roots_differ(const HeapImage *image, const SnapshotContents *contents)
{
    uint64_t sum = 0, wanted = 0;

    if (image->root_count != contents->root_count)
        return differ("the number of roots differs", image->root_count);
    // In another order, perhaps: compare as sets, by a sum that order does not change.
    for (uint64_t i = 0; i < image->root_count; i++) {
        const Root *a = &image->roots[i], *b = &contents->roots[i];
        sum += (a->address ^ a->value * 31 ^ a->thread * 37u ^ a->kind * 41u ^ a->is_exact * 43u) *
               UINT64_C(0x9e3779b97f4a7c15);
        wanted +=
            (b->address ^ b->value * 31 ^ b->thread * 37u ^ b->kind * 41u ^ b->is_exact * 43u) *
            UINT64_C(0x9e3779b97f4a7c15);
    }
    return sum == wanted ? NULL : differ("roots differ", sum);
}

static const char *blocks_differ(const HeapImage *image, const SnapshotContents *contents)
{
    if (image->block_count != contents->block_count)
        return differ("the number of foreign blocks differs", image->block_count);
    for (uint32_t i = 0; i < image->block_count; i++) {
        const ForeignBlock *block = &image->blocks[i];
        if (block->address != contents->blocks[i].address ||
            block->bytes != contents->blocks[i].bytes ||
            memcmp(image->foreign_bytes + block->offset, contents->blocks[i].data, block->bytes) !=
                0)
            return differ("a foreign block differs", block->address);
    }
    return NULL;
}

static bool same_certificates(const PauseCertificate *a, const PauseCertificate *b)
{
    bool is_same =
        a->stop_count == b->stop_count && a->round_count == b->round_count &&
        a->collection == b->collection && a->compared_pages == b->compared_pages &&
        a->differing_pages == b->differing_pages && strcmp(a->method_note, b->method_note) == 0 &&
        a->moment == b->moment && a->sharing_processes == b->sharing_processes &&
        a->sharing_stopped == b->sharing_stopped && strcmp(a->sharing_note, b->sharing_note) == 0;

    for (uint32_t i = 0; is_same && i < a->stop_count; i++) {
        const PauseStop *x = &a->stops[i], *y = &b->stops[i];

        is_same = strcmp(x->phase, y->phase) == 0 && x->thread_count == y->thread_count &&
                  x->page_count == y->page_count && x->stopping_ns == y->stopping_ns &&
                  x->working_ns == y->working_ns && x->resuming_ns == y->resuming_ns;
    }
    for (uint32_t i = 0; is_same && i < a->round_count; i++)
        is_same = a->rounds[i].page_count == b->rounds[i].page_count &&
                  a->rounds[i].duration_ns == b->rounds[i].duration_ns;
    return is_same;
}

static const char *metadata_differs(const SnapshotMetadata *a, const SnapshotMetadata *b)
{
    return strcmp(a->tool_version, b->tool_version) == 0 && a->pid == b->pid &&
                   strcmp(a->executable, b->executable) == 0 &&
                   strcmp(a->build_id, b->build_id) == 0 &&
                   a->captured_at_ns == b->captured_at_ns && a->pause_ns == b->pause_ns &&
                   strcmp(a->method, b->method) == 0 &&
                   a->foreign_requested == b->foreign_requested &&
                   a->foreign_mode == b->foreign_mode &&
                   a->foreign_root_bytes == b->foreign_root_bytes &&
                   strcmp(a->foreign_note, b->foreign_note) == 0 &&
                   a->is_complete == b->is_complete && strcmp(a->missing, b->missing) == 0 &&
                   strcmp(a->names_note, b->names_note) == 0 &&
                   strcmp(a->names_reasons, b->names_reasons) == 0 &&
                   same_certificates(&a->certificate, &b->certificate) &&
                   a->resident_bytes == b->resident_bytes &&
                   a->roots_measured == b->roots_measured && a->outside_bytes == b->outside_bytes &&
                   a->shared_root_bytes == b->shared_root_bytes &&
                   a->shared_skipped_bytes == b->shared_skipped_bytes &&
                   strcmp(a->shared_note, b->shared_note) == 0
               ? NULL
               : "metadata differ";
}

static const char *types_differ(const SnapshotType *a, const SnapshotType *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const SnapshotType *left = &a[i], *right = &b[i];
        if (left->type_word != right->type_word || left->module != right->module ||
            left->module_offset != right->module_offset ||
            left->symbol_count != right->symbol_count)
            return differ("a type differs", left->type_word);
        for (uint32_t s = 0; s < left->symbol_count; s++)
            if (strcmp(left->symbols[s], right->symbols[s]) != 0)
                return differ("a symbol differs", left->type_word);
    }
    return NULL;
}

static bool is_same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static const char *stacks_differ(const SnapshotDetails *a, const SnapshotDetails *b)
{
    if (a->stack_count != b->stack_count)
        return "the number of stacks differs";
    for (uint32_t i = 0; i < a->stack_count; i++) {
        const SnapshotStack *left = &a->stacks[i], *right = &b->stacks[i];
        if (left->thread != right->thread || left->end != right->end ||
            left->frame_count != right->frame_count)
            return differ("a stack differs", i);
        for (uint32_t f = 0; f < left->frame_count; f++)
            if (left->frames[f].program_counter != right->frames[f].program_counter ||
                left->frames[f].is_interrupted != right->frames[f].is_interrupted ||
                left->frames[f].start != right->frames[f].start ||
                left->frames[f].end != right->frames[f].end ||
                left->frames[f].function_offset != right->frames[f].function_offset ||
                !is_same_text(left->frames[f].function, right->frames[f].function))
                return differ("a frame differs", f);
    }
    return NULL;
}

static const char *variables_differ(const SnapshotDetails *a, const SnapshotDetails *b)
{
    if (a->variable_count != b->variable_count)
        return "the number of variables differs";
    for (uint32_t i = 0; i < a->variable_count; i++)
        if (a->variables[i].address != b->variables[i].address ||
            a->variables[i].bytes != b->variables[i].bytes ||
            a->variables[i].module != b->variables[i].module ||
            a->variables[i].is_thread_local != b->variables[i].is_thread_local ||
            strcmp(a->variables[i].name, b->variables[i].name) != 0)
            return differ("a variable differs", a->variables[i].address);
    return NULL;
}

// Their fields are compared in the tests of sections, byte by byte.
static const char *data_types_differ(const SnapshotDetails *a, const SnapshotDetails *b)
{
    if (a->data_type_count != b->data_type_count)
        return "the number of data types differs";
    for (uint32_t i = 0; i < a->data_type_count; i++)
        if (strcmp(a->data_types[i].name, b->data_types[i].name) != 0 ||
            a->data_types[i].bytes != b->data_types[i].bytes ||
            a->data_types[i].field_count != b->data_types[i].field_count ||
            a->data_types[i].variant_count != b->data_types[i].variant_count)
            return differ("a data type differs", i);
    return NULL;
}

static const char *sized_blocks_differ(const SnapshotDetails *a, const SnapshotDetails *b)
{
    if (a->sized_block_count != b->sized_block_count || a->sized_link_count != b->sized_link_count)
        return "the number of blocks without content, or of their links, differs";
    for (uint32_t i = 0; i < a->sized_block_count; i++)
        if (a->sized_blocks[i].address != b->sized_blocks[i].address ||
            a->sized_blocks[i].bytes_and_flags != b->sized_blocks[i].bytes_and_flags)
            return differ("a block without content differs", i);
    for (uint32_t i = 0; i < a->sized_link_count; i++)
        if (a->sized_links[i].from != b->sized_links[i].from ||
            a->sized_links[i].to != b->sized_links[i].to)
            return differ("a link of a block without content differs", i);
    return NULL;
}

static const char *details_differ(const SnapshotDetails *a, const SnapshotDetails *b)
{
    if (snapshot_machine_number(a->machine) != snapshot_machine_number(b->machine))
        return "the machine differs";
    if (a->thread_count != b->thread_count || a->module_count != b->module_count ||
        a->type_count != b->type_count || a->drop_count != b->drop_count ||
        a->mapping_count != b->mapping_count)
        return "the number of threads, modules, types or mappings differs";
    for (uint32_t i = 0; i < a->thread_count; i++)
        if (a->threads[i].tid != b->threads[i].tid ||
            strcmp(a->threads[i].name, b->threads[i].name) != 0 ||
            a->threads[i].stack_pointer != b->threads[i].stack_pointer ||
            a->threads[i].program_counter != b->threads[i].program_counter ||
            a->threads[i].control_block != b->threads[i].control_block)
            return differ("a thread differs", i);
    for (uint32_t i = 0; i < a->module_count; i++)
        if (strcmp(a->modules[i].name, b->modules[i].name) != 0 ||
            strcmp(a->modules[i].build_id, b->modules[i].build_id) != 0 ||
            a->modules[i].base != b->modules[i].base || a->modules[i].end != b->modules[i].end)
            return differ("a module differs", i);
    for (uint32_t i = 0; i < a->mapping_count; i++)
        if (a->mappings[i].start != b->mappings[i].start ||
            a->mappings[i].end != b->mappings[i].end ||
            a->mappings[i].file_offset != b->mappings[i].file_offset ||
            strcmp(a->mappings[i].permissions, b->mappings[i].permissions) != 0 ||
            strcmp(a->mappings[i].name, b->mappings[i].name) != 0)
            return differ("a mapping differs", i);
    const char *found = types_differ(a->types, b->types, a->type_count);
    if (found == NULL)
        found = types_differ(a->drops, b->drops, a->drop_count);
    if (found == NULL)
        found = variables_differ(a, b);
    if (found == NULL)
        found = stacks_differ(a, b);
    if (found == NULL)
        found = sized_blocks_differ(a, b);
    if (found == NULL)
        found = data_types_differ(a, b);
    if (found == NULL && a->place_count != b->place_count)
        found = "the number of places in the source differs";
    return found != NULL ? found : metadata_differs(&a->metadata, &b->metadata);
}

const char *image_differs(const HeapImage *image, const SnapshotContents *contents,
                          bool keeps_free_slots)
{
    const char *found = NULL;
    uint64_t pages = 0;

    if (memcmp(&image->layout, &contents->layout, sizeof image->layout) != 0)
        return "the layout differs";
    for (uint64_t i = 0; i < contents->run_count && found == NULL; i++) {
        pages += contents->runs[i].page_count;
        found = run_differs(image, &contents->layout, &contents->runs[i], keeps_free_slots);
    }
    if (found == NULL && image->image_bytes != pages * contents->layout.page_size)
        found = differ("there are more pages than were written", image->image_bytes);
    if (found == NULL)
        found = roots_differ(image, contents);
    if (found == NULL)
        found = blocks_differ(image, contents);
    if (found == NULL)
        found = details_differ(image->details, contents->details);
    if (found == NULL && image->details->metadata.keeps_free_slots != keeps_free_slots)
        found = "the image does not know whether free slots were kept";
    return found;
}
