// DwarfFile: see snapshot/capture/names/dwarf_file.h.

#include "snapshot/capture/names/dwarf_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"

#define MAX_PART_CHARS 256u

struct DwarfFile {
    Dwarf *dwarf;
    char missing_part[MAX_PART_CHARS];
};

DwarfFile *dwarf_file_open(ElfFile *file)
{
    DwarfFile *opened = calloc(1, sizeof *opened);

    if (opened == NULL)
        return NULL;
    opened->dwarf = dwarf_begin_elf(elf_file_handle(file), DWARF_C_READ, NULL);
    if (opened->dwarf == NULL) {
        dwarf_file_close(opened);
        return NULL;
    }
    return opened;
}

void dwarf_file_close(DwarfFile *file)
{
    if (file == NULL)
        return;
    (void)dwarf_end(file->dwarf);
    free(file);
}

static bool is_unit_of_interest(const uint64_t *addresses, uint32_t count, Dwarf_Die *unit)
{
    Dwarf_Addr base, start, end;
    ptrdiff_t offset = 0;

    while ((offset = dwarf_ranges(unit, offset, &base, &start, &end)) > 0) {
        uint64_t i = search_from_u64(addresses, count, start);

        if (i < count && addresses[i] < end)
            return true;
    }
    return false;
}

static void note_missing_part(DwarfFile *file, Dwarf_Die *skeleton)
{
    Dwarf_Attribute attribute;
    const char *name = dwarf_formstring(dwarf_attr(skeleton, DW_AT_dwo_name, &attribute));
    const char *last;

    if (name == NULL)
        name = dwarf_formstring(dwarf_attr(skeleton, DW_AT_GNU_dwo_name, &attribute));
    if (name == NULL || file->missing_part[0] != '\0')
        return;
    last = strrchr(name, '/');
    (void)snprintf(file->missing_part, sizeof file->missing_part, "%s",
                   last != NULL ? last + 1 : name);
}

void dwarf_file_visit_units(DwarfFile *file, const uint64_t *addresses, uint32_t count,
                            DwarfUnitVisitor visitor, void *context)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die entry, split;
    uint8_t type;

    while (dwarf_get_units(file->dwarf, unit, &unit, NULL, &type, &entry, &split) == 0) {
        if (!is_unit_of_interest(addresses, count, &entry))
            continue;
        if (type == DW_UT_skeleton && split.addr != NULL)
            visitor(context, &split);
        else if (type == DW_UT_skeleton)
            note_missing_part(file, &entry);
        else
            visitor(context, &entry);
    }
}

const char *dwarf_file_missing_part(const DwarfFile *file)
{
    return file->missing_part;
}
