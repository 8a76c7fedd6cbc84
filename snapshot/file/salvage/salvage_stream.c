// The stream of a damaged snapshot: see salvage_internal.h.

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/array.h"
#include "base/byte_buffer.h"
#include "base/search.h"
#include "snapshot/heap/heap_image.h"
#include "snapshot/file/salvage/salvage_internal.h"
#include "snapshot/file/sections/sections.h"

bool salvage_stream_has(const SalvageStream *stream, uint64_t offset, uint64_t length)
{
    uint64_t next = search_above(stream->parts, stream->part_count, offset, offset);
    const StreamPart *part = next > 0 ? &stream->parts[next - 1] : NULL;

    return length == 0 || (part != NULL && offset - part->offset <= part->length &&
                           length <= part->length - (offset - part->offset));
}

static bool add_section(SalvageStream *stream, const SalvageSection *section, Error *error)
{
    const SectionKind *kind = sections_find(section->type);

    // A file may have any number of others, which say nothing.
    if (kind == NULL ||
        (section->type == SECTION_PAGES ? section->length <= TABLE_HEAD_BYTES
                                        : salvage_stream_find(stream, section->type) != NULL))
        return true;
    if (!array_reserve(&stream->sections, &stream->section_capacity, stream->section_count + 1,
                       sizeof *stream->sections, "the list of sections", error))
        return false;
    stream->sections[stream->section_count++] = *section;
    if (stream->firsts[sections_index(kind)] == 0)
        stream->firsts[sections_index(kind)] = stream->section_count;
    return true;
}

// Goes from header to header, over bodies that may have holes, until a header is lost.
static bool walk_sections(SalvageStream *stream, Error *error)
{
    uint64_t at = STREAM_HEADER_BYTES;

    while (salvage_stream_has(stream, at, SECTION_HEADER_BYTES)) {
        const uint8_t *header = stream->bytes + at;
        SalvageSection section = {bytes_get_u32(header), at + SECTION_HEADER_BYTES,
                                  bytes_get_u64(header + 8)};

        if (section.length > HEAP_ADDRESS_LIMIT)
            return true;
        if (stream->section_count > MAX_PAGE_SECTIONS + SECTION_KINDS_MAX)
            return true;
        if (sections_find(section.type) == NULL &&
            (bytes_get_u32(header + 4) & SECTION_FLAG_NEEDED) != 0)
            return error_set(
                error, ERROR_UNSUPPORTED,
                "a section is needed to read the snapshot, and is not known to this version");
        if (!add_section(stream, &section, error))
            return false;
        stream->last_type = section.type;
        if (section.type == SECTION_METADATA) {
            stream->has_end = true;
            return true;
        }
        at = section.offset +
             (section.length + SECTION_ALIGNMENT - 1) / SECTION_ALIGNMENT * SECTION_ALIGNMENT;
    }
    return true;
}

bool salvage_stream_init(SalvageStream *stream, SeekableReader *reader, uint32_t *whole_frames,
                         Error *error)
{
    void *bytes;

    *stream = (SalvageStream){.length = seekable_reader_info(reader)->stream_bytes};
    if (stream->length > 0) {
        bytes = mmap(NULL, stream->length, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (bytes == MAP_FAILED)
            return error_set_memory(error, stream->length, "a decompressed snapshot");
        stream->bytes = bytes;
    }
    if (!seekable_reader_salvage(reader, stream->bytes, &stream->parts, &stream->part_count,
                                 whole_frames, error))
        return false;
    if (!salvage_stream_has(stream, 0, STREAM_HEADER_BYTES) ||
        memcmp(stream->bytes, STREAM_MAGIC, strlen(STREAM_MAGIC)) != 0)
        return error_set(error, ERROR_CORRUPT,
                         "there is nothing to salvage: the beginning of the snapshot is lost");
    stream->flags = bytes_get_u32(stream->bytes + 12);
    return walk_sections(stream, error);
}

void salvage_stream_release(SalvageStream *stream)
{
    if (stream->bytes != NULL)
        (void)munmap(stream->bytes, stream->length);
    free(stream->parts);
    free(stream->sections);
    *stream = (SalvageStream){0};
}

const SalvageSection *salvage_stream_find(const SalvageStream *stream, uint32_t type)
{
    uint64_t first = stream->firsts[sections_index(sections_find(type))];

    return first == 0 ? NULL : &stream->sections[first - 1];
}

bool salvage_stream_count(const SalvageStream *stream, const SalvageSection *section,
                          uint64_t entry_bytes, uint64_t *count)
{
    *count = 0;
    if (section->length < TABLE_HEAD_BYTES ||
        !salvage_stream_has(stream, section->offset, TABLE_HEAD_BYTES))
        return false;
    *count = bytes_get_u64(stream->bytes + section->offset);
    if (*count > (section->length - TABLE_HEAD_BYTES) / entry_bytes)
        *count = (section->length - TABLE_HEAD_BYTES) / entry_bytes;
    return true;
}
