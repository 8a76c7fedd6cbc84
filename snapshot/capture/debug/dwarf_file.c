// DwarfFile: see snapshot/capture/debug/dwarf_file.h.

#include "snapshot/capture/debug/dwarf_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/search.h"
#include "snapshot/capture/debug/dwarf_package.h"
#include "snapshot/capture/debug/zstd_sections.h"

#define MAX_PART_CHARS 256u

struct DwarfFile {
    ElfFile *unpacked; // of a file with zstd; NULL
    Dwarf *dwarf;
    DwarfPackage *package; // or NULL
    char missing_part[MAX_PART_CHARS];
};

DwarfFile *dwarf_file_open(ElfFile *file, ElfFile *package)
{
    DwarfFile *opened = calloc(1, sizeof *opened);

    if (opened == NULL)
        return NULL;
    if (zstd_sections_present(file)) {
        file = opened->unpacked = zstd_sections_unpack(file);
        if (file == NULL) {
            dwarf_file_close(opened);
            return NULL;
        }
    }
    opened->dwarf = dwarf_begin_elf(elf_file_handle(file), DWARF_C_READ, NULL);
    opened->package = package != NULL ? dwarf_package_open(package) : NULL;
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
    dwarf_package_close(file->package);
    elf_file_free(file->unpacked);
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

// False: the package does not have the unit.
static bool visit_packed(DwarfFile *file, Dwarf_CU *skeleton, DwarfUnitVisitor visitor,
                         void *context)
{
    Dwarf_CU *unit = NULL;
    Dwarf_Die entry;
    uint64_t id = 0;
    ElfFile *part;
    Dwarf *dwarf;
    bool is_there = false;

    if (file->package == NULL ||
        dwarf_cu_info(skeleton, NULL, NULL, NULL, NULL, &id, NULL, NULL) != 0 ||
        (part = dwarf_package_unit(file->package, id)) == NULL)
        return false;
    dwarf = dwarf_begin_elf(elf_file_handle(part), DWARF_C_READ, NULL);
    if (dwarf != NULL && dwarf_get_units(dwarf, NULL, &unit, NULL, NULL, &entry, NULL) == 0) {
        visitor(context, &entry, true);
        is_there = true;
    }
    (void)dwarf_end(dwarf);
    elf_file_free(part);
    return is_there;
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
            visitor(context, &split, false);
        else if (type != DW_UT_skeleton)
            visitor(context, &entry, false);
        else if (!visit_packed(file, unit, visitor, context))
            note_missing_part(file, &entry);
    }
}

const char *dwarf_file_missing_part(const DwarfFile *file)
{
    return file->missing_part;
}
