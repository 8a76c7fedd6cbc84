// SectionMap: the places of the sections in a stream. Their bodies are not read.

#ifndef SNAPSHOT_FILE_SECTION_MAP_H
#define SNAPSHOT_FILE_SECTION_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "snapshot/file/byte_source.h"
#include "base/error.h"
#include "snapshot/file/sections/sections.h"

// Where the body of a section lies in the stream; offset 0: the stream has none.
typedef struct Section {
    uint64_t offset;
    uint64_t length;
} Section;

typedef struct SectionMap {
    uint16_t format_major;
    uint16_t format_minor;
    uint32_t flags; // of the stream header
    // By number in sections_all(). Empty for PAGE, of which a stream has any number.
    Section sections[SECTION_KINDS_MAX];
    Section *pages; // in the order of the stream; owned
    uint64_t pages_count;
    uint64_t pages_capacity;
} SectionMap;

// Walks the stream from its header to its end: sections lie one behind the other, each as often as
// the table of sections allows, the layout first and the metadata last. Unknown ones are skipped.
// Errors: corrupt, unsupported (a newer major version, or an unknown section that is needed),
// memory, system.
NODISCARD bool section_map_init(SectionMap *map, ByteSource *source, Error *error);
void section_map_release(SectionMap *map);

// The section of a known type other than PAGE.
static inline const Section *section_map_find(const SectionMap *map, uint32_t type)
{
    return &map->sections[sections_index(sections_find(type))];
}

#endif
