// The table of sections: see snapshot/file/sections/sections.h.

#include "snapshot/file/sections/sections.h"

#include "base/byte_buffer.h"
#include "snapshot/file/sections/section_codecs_internal.h"

static const SectionKind kinds[] = {
    {
        .type = SECTION_LAYOUT,
        .description = "heap layout",
        .occurrence = SECTION_ONCE,
    },
    {
        .type = SECTION_RUNS,
        .description = "runs of pages",
        .occurrence = SECTION_ONCE,
    },
    {
        .type = SECTION_TYPE('P', 'R', 'E', 'C'),
        .description = "descriptions of pages without headers",
        .since_minor = 2,
        .occurrence = SECTION_UNLESS_EMPTY,
        .is_needed = true,
        .table = &section_pages,
        .lost = "the descriptions of pages",
    },
    {
        .type = SECTION_PAGES,
        .description = "bytes of pages",
        .occurrence = SECTION_ANY_NUMBER,
    },
    {
        .type = SECTION_ROOTS,
        .description = "roots",
    },
    {
        .type = SECTION_THREADS,
        .description = "threads",
        .table = &section_threads,
        .lost = "the threads",
        .info_member = "threads",
    },
    {
        .type = SECTION_MODULES,
        .description = "executable and libraries",
        .table = &section_modules,
        .lost = "executable and libraries",
        .info_member = "modules",
    },
    {
        .type = SECTION_TYPE('T', 'Y', 'P', 'E'),
        .description = "type words and their symbols",
        .table = &section_types,
        .refers_to = SECTION_MODULES,
        .lost = "the names of types",
        .info_member = "types",
    },
    {
        .type = SECTION_TYPE('D', 'R', 'O', 'P'),
        .description = "drop functions and their symbols",
        .since_minor = 1,
        .table = &section_drops,
        .refers_to = SECTION_MODULES,
        .lost = "the names of drop functions",
    },
    {
        .type = SECTION_TYPE('O', 'T', 'Y', 'P'),
        .description = "types of objects, where headers do not tell them",
        .since_minor = 2,
        .occurrence = SECTION_UNLESS_EMPTY,
        .table = &section_object_types,
        .refers_to = SECTION_TYPE('T', 'Y', 'P', 'E'),
        .lost = "the types of objects",
    },
    {
        .type = SECTION_TYPE('F', 'R', 'A', 'M'),
        .description = "frames of stacks",
        .since_minor = 1,
        .table = &section_frames,
        .refers_to = SECTION_THREADS,
        .lost = "the frames of stacks",
    },
    {
        .type = SECTION_TYPE('S', 'R', 'C', 'E'),
        .description = "places in the source of frames",
        .since_minor = 2,
        .occurrence = SECTION_UNLESS_EMPTY,
        .table = &section_places,
        .refers_to = SECTION_TYPE('F', 'R', 'A', 'M'),
        .lost = "the places in the source of frames",
    },
    {
        .type = SECTION_TYPE('V', 'A', 'R', 'S'),
        .description = "variables that roots lie in",
        .since_minor = 1,
        .table = &section_variables,
        .refers_to = SECTION_MODULES,
        .lost = "the names of variables",
    },
    {
        .type = SECTION_TYPE('M', 'A', 'P', 'S'),
        .description = "memory map",
        .table = &section_mappings,
        .lost = "the memory map",
        .info_member = "mappings",
    },
    {
        .type = SECTION_TYPE('X', 'R', 'O', 'T'),
        .description = "names that the program gave to roots",
        .since_minor = 1,
        .occurrence = SECTION_UNLESS_EMPTY,
        .table = &section_root_names,
        .lost = "the names of roots",
    },
    {
        .type = SECTION_TYPE('T', 'L', 'A', 'Y'),
        .description = "where types hold references",
        .since_minor = 1,
        .occurrence = SECTION_UNLESS_EMPTY,
        .is_needed = true,
        .table = &section_type_layouts,
        .lost = "the layouts of types: each word of their objects may be a reference",
    },
    {
        .type = SECTION_TYPE('F', 'L', 'D', 'S'),
        .description = "data types: the fields of objects and blocks",
        .since_minor = 2,
        .occurrence = SECTION_UNLESS_EMPTY,
        .table = &section_data_types,
        .lost = "the fields of types",
    },
    {
        .type = SECTION_LOSSES,
        .description = "missing parts of the snapshot",
        .since_minor = 1,
        .occurrence = SECTION_UNLESS_EMPTY,
        .table = &section_losses,
    },
    {
        .type = SECTION_SIZED_BLOCKS,
        .description = "malloc'd blocks without content",
        .since_minor = 2,
        .occurrence = SECTION_UNLESS_EMPTY,
        .table = &section_sized_blocks,
        .lost = "the sizes of malloc'd blocks without content",
    },
    {
        .type = SECTION_BLOCKS,
        .description = "foreign blocks and their bytes",
    },
    {
        .type = SECTION_METADATA,
        .description = "metadata, as JSON",
        .occurrence = SECTION_ONCE,
    },
};

#define KINDS (sizeof kinds / sizeof kinds[0])

_Static_assert(KINDS <= SECTION_KINDS_MAX, "a SectionMap has room for all");

const SectionKind *sections_all(size_t *count)
{
    *count = KINDS;
    return kinds;
}

const SectionKind *sections_find(uint32_t type)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].type == type)
            return &kinds[i];
    return NULL;
}

size_t sections_index(const SectionKind *kind)
{
    return (size_t)(kind - kinds);
}

const char *section_name(uint32_t type, char name[SECTION_NAME_CHARS])
{
    bytes_put_u32((uint8_t *)name, type);
    for (int i = 0; i < 4; i++)
        if (name[i] < 'A' || name[i] > 'Z')
            name[i] = '?';
    name[4] = '\0';
    return name;
}

bool sections_check_limits(const SnapshotDetails *details, Error *error)
{
    for (size_t i = 0; i < KINDS; i++)
        if (kinds[i].table != NULL && !section_table_check_limits(kinds[i].table, details, error))
            return false;
    return true;
}
