// DwarfPackage: see snapshot/capture/debug/dwarf_package.h.
//
// The index (.debug_cu_index): a header, a hash table of identifications with rows of the table
// behind it, and that table: for each unit and each kind of section the offset and the size of the
// unit's part. All numbers are checked against the sections that they point into.

#include "snapshot/capture/debug/dwarf_package.h"

#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/capture/debug/elf_image.h"

#define MAX_COLUMNS 8u
#define MAX_PACKAGE_BYTES (UINT64_C(1) << 30) // of strings, and of the parts of one unit

// The sections that a unit has parts of, with the numbers that indexes have for them (DW_SECT_*),
// in version 2 (a GNU extension to DWARF 4) and in DWARF 5. Locations of variables are not read.
static const struct {
    const char *name;
    uint32_t number_2, number_5; // 0: it has none
} kinds[] = {
    {".debug_info.dwo", 1, 1},        {".debug_abbrev.dwo", 3, 3},   {".debug_line.dwo", 4, 4},
    {".debug_str_offsets.dwo", 6, 6}, {".debug_rnglists.dwo", 0, 8},
};

#define KINDS (sizeof kinds / sizeof kinds[0])
#define STRINGS ".debug_str.dwo"

struct DwarfPackage {
    uint32_t columns, units, slots;
    const uint8_t *ids;                   // of each slot
    const uint8_t *rows;                  // of each slot, from 1 on; 0: an empty one
    const uint8_t *offsets, *sizes;       // of each unit and column
    uint32_t kind_of_column[MAX_COLUMNS]; // index into `kinds`, or KINDS
    ElfSection sections[KINDS];           // borrowed
    uint64_t room;                        // for the parts of the largest unit
    uint64_t string_bytes;
    uint8_t *image; // room for the head and the parts, then the strings; owned
};

// The arrays of the index, of which none goes beyond its end.
static bool place_arrays(DwarfPackage *package, const ElfSection *index)
{
    uint64_t slots = package->slots, table = (uint64_t)package->units * package->columns * 4;
    uint64_t names = 16 + slots * 12;

    if (names > index->length || package->columns * UINT64_C(4) > index->length - names ||
        table > (index->length - names - package->columns * UINT64_C(4)) / 2)
        return false;
    package->ids = index->bytes + 16;
    package->rows = package->ids + slots * 8;
    package->offsets = index->bytes + names + package->columns * UINT64_C(4);
    package->sizes = package->offsets + table;
    return true;
}

static bool read_index(DwarfPackage *package, const ElfSection *index)
{
    uint32_t version;

    if (index->length < 16 || index->is_compressed)
        return false;
    version = bytes_get_u16(index->bytes);
    package->columns = bytes_get_u32(index->bytes + 4);
    package->units = bytes_get_u32(index->bytes + 8);
    package->slots = bytes_get_u32(index->bytes + 12);
    if ((version != 2 && version != 5) || package->columns == 0 || package->columns > MAX_COLUMNS ||
        !place_arrays(package, index))
        return false;
    for (uint32_t c = 0; c < package->columns; c++) {
        uint32_t number = bytes_get_u32(package->offsets - (package->columns - c) * 4);

        package->kind_of_column[c] = KINDS;
        for (uint32_t k = 0; k < KINDS; k++)
            if (number != 0 && number == (version == 2 ? kinds[k].number_2 : kinds[k].number_5))
                package->kind_of_column[c] = k;
    }
    return true;
}

// The part of a unit (a row from 0 on) in the section of a column. False: it does not lie there.
static bool find_part(const DwarfPackage *package, uint32_t row, uint32_t column,
                      const uint8_t **bytes, uint64_t *length)
{
    uint64_t at = ((uint64_t)row * package->columns + column) * 4;
    const ElfSection *section = &package->sections[package->kind_of_column[column]];
    uint64_t offset = bytes_get_u32(package->offsets + at);

    *length = bytes_get_u32(package->sizes + at);
    if (offset > section->length || *length > section->length - offset)
        return false;
    *bytes = section->bytes + offset;
    return true;
}

// The bytes that the parts of a unit take, each at a multiple of 8; 0 when one of them is wrong.
static uint64_t room_of(const DwarfPackage *package, uint32_t row)
{
    uint64_t total = 8;

    for (uint32_t c = 0; c < package->columns; c++) {
        const uint8_t *bytes;
        uint64_t length;

        if (package->kind_of_column[c] == KINDS)
            continue;
        if (!find_part(package, row, c, &bytes, &length))
            return 0;
        total += (length + 7) / 8 * 8;
    }
    return total;
}

DwarfPackage *dwarf_package_open(ElfFile *file)
{
    DwarfPackage *package = calloc(1, sizeof *package);
    ElfSection index, strings;

    if (package == NULL)
        return NULL;
    for (uint32_t k = 0; k < KINDS; k++)
        if (elf_file_section(file, kinds[k].name, &package->sections[k]) &&
            package->sections[k].is_compressed)
            goto fail;
    if (!elf_file_section(file, ".debug_cu_index", &index) || !read_index(package, &index) ||
        !elf_file_section(file, STRINGS, &strings) || strings.is_compressed)
        goto fail;
    for (uint32_t row = 0; row < package->units; row++) {
        uint64_t room = room_of(package, row);
        if (room > package->room)
            package->room = room;
    }
    if (package->room > MAX_PACKAGE_BYTES || strings.length > MAX_PACKAGE_BYTES)
        goto fail;
    package->string_bytes = strings.length;
    package->image = malloc(ELF_IMAGE_HEAD_BYTES + package->room + strings.length);
    if (package->image == NULL)
        goto fail;
    memcpy(package->image + ELF_IMAGE_HEAD_BYTES + package->room, strings.bytes, strings.length);
    return package;

fail:
    dwarf_package_close(package);
    return NULL;
}

void dwarf_package_close(DwarfPackage *package)
{
    if (package == NULL)
        return;
    free(package->image);
    free(package);
}

// The row of a unit, from 0 on; UINT32_MAX: there is none. By the index's own hash table, of which
// a damaged one ends after all slots.
static uint32_t find_row(const DwarfPackage *package, uint64_t id)
{
    uint32_t mask = package->slots - 1, step = ((uint32_t)(id >> 32) & mask) | 1;
    uint32_t slot = (uint32_t)id & mask;

    if (package->slots == 0 || (package->slots & mask) != 0)
        return UINT32_MAX;
    for (uint32_t i = 0; i < package->slots; i++, slot = (slot + step) & mask) {
        uint32_t row = bytes_get_u32(package->rows + UINT64_C(4) * slot);

        if (row == 0)
            return UINT32_MAX;
        if (bytes_get_u64(package->ids + UINT64_C(8) * slot) == id)
            return row <= package->units ? row - 1 : UINT32_MAX;
    }
    return UINT32_MAX;
}

ElfFile *dwarf_package_unit(DwarfPackage *package, uint64_t id)
{
    ElfImagePart parts[MAX_COLUMNS + 1];
    uint32_t row = find_row(package, id), count = 0;
    size_t place = ELF_IMAGE_HEAD_BYTES;

    if (row == UINT32_MAX || room_of(package, row) == 0)
        return NULL;
    for (uint32_t c = 0; c < package->columns; c++) {
        const uint8_t *bytes;
        uint64_t length;

        if (package->kind_of_column[c] == KINDS || !find_part(package, row, c, &bytes, &length) ||
            length == 0)
            continue;
        memcpy(package->image + place, bytes, length);
        parts[count++] =
            (ElfImagePart){kinds[package->kind_of_column[c]].name, place, length, false};
        place += (length + 7) / 8 * 8;
    }
    parts[count++] =
        (ElfImagePart){STRINGS, ELF_IMAGE_HEAD_BYTES + package->room, package->string_bytes, false};
    if (!elf_image_finish(package->image, parts, count))
        return NULL;
    return elf_file_open_borrowed(package->image,
                                  ELF_IMAGE_HEAD_BYTES + package->room + package->string_bytes);
}
