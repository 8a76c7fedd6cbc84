// SectionMap: see snapshot/file/section_map.h.

#include "snapshot/file/section_map.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/byte_buffer.h"

void section_map_release(SectionMap *map)
{
    free(map->pages);
    *map = (SectionMap){0};
}

static bool read_stream_header(SectionMap *map, ByteSource *source, Error *error)
{
    uint8_t header[STREAM_HEADER_BYTES];

    if (!byte_source_read(source, 0, header, sizeof header, error))
        return false;
    if (memcmp(header, STREAM_MAGIC, strlen(STREAM_MAGIC)) != 0)
        return byte_source_fault(source, 0, error, "the stream does not begin with '%s'",
                                 STREAM_MAGIC);
    map->format_major = bytes_get_u16(header + 8);
    map->format_minor = bytes_get_u16(header + 10);
    map->flags = bytes_get_u32(header + 12);
    if (map->format_major == 0)
        return byte_source_fault(source, 8, error, "there is no snapshot format 0");
    if (map->format_major > SNAPSHOT_FORMAT_MAJOR) {
        error_set(error, ERROR_UNSUPPORTED, "snapshot format %u.%u is newer than ours, %u.%u",
                  map->format_major, map->format_minor, SNAPSHOT_FORMAT_MAJOR,
                  SNAPSHOT_FORMAT_MINOR);
        return error_add_hint(error, "a newer rudo-snap will read it");
    }
    return true;
}

static bool add_pages(SectionMap *map, const ByteSource *source, uint64_t at, Section section,
                      Error *error)
{
    if (map->pages_count == MAX_PAGE_SECTIONS)
        return byte_source_fault(source, at, error, "there are more than %u sections 'PAGE'",
                                 MAX_PAGE_SECTIONS);
    if (!array_reserve(&map->pages, &map->pages_capacity, map->pages_count + 1, sizeof *map->pages,
                       "the list of sections", error))
        return false;
    map->pages[map->pages_count++] = section;
    return true;
}

static bool add_section(SectionMap *map, const ByteSource *source, uint64_t at, uint32_t type,
                        uint32_t flags, Section section, Error *error)
{
    const SectionKind *kind = sections_find(type);
    char name[SECTION_NAME_CHARS];

    if (section_map_find(map, SECTION_LAYOUT)->offset == 0 && type != SECTION_LAYOUT)
        return byte_source_fault(source, at, error, "the first section is '%s', not 'LAYO'",
                                 section_name(type, name));
    if (kind == NULL && (flags & SECTION_FLAG_NEEDED) != 0) {
        error_set(error, ERROR_UNSUPPORTED,
                  "section '%s' is needed to read the snapshot, and is not known to this version",
                  section_name(type, name));
        return error_add_hint(error, "a newer rudo-snap will read it");
    }
    if (kind == NULL)
        return true;
    if (kind->occurrence == SECTION_ANY_NUMBER)
        return add_pages(map, source, at, section, error);
    if (map->sections[sections_index(kind)].offset != 0)
        return byte_source_fault(source, at, error, "there is a second section '%s'",
                                 section_name(type, name));
    map->sections[sections_index(kind)] = section;
    return true;
}

// Are the bytes between a section and the next one, at `at`, zeros?
static bool check_padding(ByteSource *source, uint64_t begin, uint64_t at, Error *error)
{
    uint8_t padding[SECTION_ALIGNMENT];

    if (!byte_source_read(source, begin, padding, at - begin, error))
        return false;
    for (uint64_t i = 0; i < at - begin; i++)
        if (padding[i] != 0)
            return byte_source_fault(source, begin + i, error,
                                     "the bytes behind a section are not zero");
    return true;
}

static bool check_presence(const SectionMap *map, const ByteSource *source, uint64_t at,
                           Error *error)
{
    size_t count;
    const SectionKind *kinds = sections_all(&count);
    char name[SECTION_NAME_CHARS];

    for (size_t i = 0; i < count; i++)
        if (kinds[i].occurrence == SECTION_ONCE && map->sections[i].offset == 0)
            return byte_source_fault(source, at, error, "there is no section '%s'",
                                     section_name(kinds[i].type, name));
    return true;
}

static bool walk_sections(SectionMap *map, ByteSource *source, Error *error)
{
    uint64_t at = STREAM_HEADER_BYTES;
    uint8_t header[SECTION_HEADER_BYTES];
    char name[SECTION_NAME_CHARS];

    while (section_map_find(map, SECTION_METADATA)->offset == 0) {
        if (!byte_source_read(source, at, header, sizeof header, error))
            return false;
        uint32_t type = bytes_get_u32(header);
        Section section = {at + SECTION_HEADER_BYTES, bytes_get_u64(header + 8)};
        if (section.length > source->length - section.offset)
            return byte_source_fault(source, at, error,
                                     "section '%s' says it has %llu bytes, but %llu are left",
                                     section_name(type, name), (unsigned long long)section.length,
                                     (unsigned long long)(source->length - section.offset));
        if (!add_section(map, source, at, type, bytes_get_u32(header + 4), section, error))
            return false;
        // Both are at most the stream's length, so nothing overflows.
        uint64_t end = section.offset + section.length;
        at = (end + SECTION_ALIGNMENT - 1) / SECTION_ALIGNMENT * SECTION_ALIGNMENT;
        if (!check_padding(source, end, at, error))
            return false;
    }
    if (at != source->length)
        return byte_source_fault(source, at, error, "%llu bytes follow the last section",
                                 (unsigned long long)(source->length - at));
    return check_presence(map, source, at, error);
}

bool section_map_init(SectionMap *map, ByteSource *source, Error *error)
{
    *map = (SectionMap){0};
    if (read_stream_header(map, source, error) && walk_sections(map, source, error))
        return true;
    section_map_release(map);
    return false;
}
