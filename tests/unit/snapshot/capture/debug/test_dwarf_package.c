// Packages of split debug information: one unit's parts are found by its identification, and an
// index that lies is refused.

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/byte_buffer.h"
#include "snapshot/capture/debug/dwarf_package.h"
#include "snapshot/capture/debug/elf_image.h"

#define ID UINT64_C(0x1122334455667788)

typedef struct Index {
    uint32_t version, columns, units, slots;
    uint32_t row;            // of the unit's slot
    uint32_t offset, length; // of its part of .debug_info.dwo
} Index;

static const Index good = {2, 2, 1, 2, 1, 4, 8};

static ElfImagePart add_part(ByteBuffer *image, const char *name, const void *bytes, size_t length)
{
    ElfImagePart part = {name, image->length, length, false};

    byte_buffer_add(image, bytes, length);
    byte_buffer_add_zeros(image, 7);
    image->length &= ~(size_t)7;
    return part;
}

// A package with one unit, whose information is the bytes 4 to 11.
static ElfFile *make_package(const Index *index)
{
    ByteBuffer image = {0}, table = {0};
    ElfImagePart parts[4];
    uint8_t *copy;

    byte_buffer_add_u32(&table, index->version);
    byte_buffer_add_u32(&table, index->columns);
    byte_buffer_add_u32(&table, index->units);
    byte_buffer_add_u32(&table, index->slots);
    byte_buffer_add_u64(&table, ID); // slot 0, since ID is even
    byte_buffer_add_u64(&table, 0);
    byte_buffer_add_u32(&table, index->row);
    byte_buffer_add_u32(&table, 0);
    byte_buffer_add_u32(&table, 1); // columns: info, abbreviations
    byte_buffer_add_u32(&table, 3);
    byte_buffer_add_u32(&table, index->offset);
    byte_buffer_add_u32(&table, 0);
    byte_buffer_add_u32(&table, index->length);
    byte_buffer_add_u32(&table, 3);

    byte_buffer_add_zeros(&image, ELF_IMAGE_HEAD_BYTES);
    parts[0] = add_part(&image, ".debug_info.dwo", "0123456789abcdef", 16);
    parts[1] = add_part(&image, ".debug_abbrev.dwo", "xyz", 3);
    parts[2] = add_part(&image, ".debug_str.dwo", "strings", 8);
    parts[3] = add_part(&image, ".debug_cu_index", table.bytes, table.length);
    cr_assert_not(image.is_short || table.is_short);
    cr_assert(elf_image_finish(image.bytes, parts, 4));
    copy = malloc(image.length);
    cr_assert_not_null(copy);
    memcpy(copy, image.bytes, image.length);
    ElfFile *file = elf_file_open_image(copy, image.length);
    byte_buffer_release(&table);
    byte_buffer_release(&image);
    cr_assert_not_null(file);
    return file;
}

Test(dwarf_package, a_unit_has_its_parts_and_all_strings)
{
    ElfFile *file = make_package(&good), *unit;
    DwarfPackage *package = dwarf_package_open(file);
    ElfSection section;

    cr_assert_not_null(package);
    cr_expect_null(dwarf_package_unit(package, ID + 2));
    unit = dwarf_package_unit(package, ID);
    cr_assert_not_null(unit);
    cr_assert(elf_file_section(unit, ".debug_info.dwo", &section));
    cr_assert_eq(section.length, 8u);
    cr_expect_eq(memcmp(section.bytes, "456789ab", 8), 0);
    cr_assert(elf_file_section(unit, ".debug_abbrev.dwo", &section));
    cr_expect_eq(section.length, 3u);
    cr_assert(elf_file_section(unit, ".debug_str.dwo", &section));
    cr_expect_str_eq((const char *)section.bytes, "strings");
    elf_file_free(unit);
    dwarf_package_close(package);
    elf_file_free(file);
}

// Opens a package and looks for its unit.
static bool has_unit(Index index)
{
    ElfFile *file = make_package(&index);
    DwarfPackage *package = dwarf_package_open(file);
    ElfFile *unit = package == NULL ? NULL : dwarf_package_unit(package, ID);
    bool is_there = unit != NULL;

    elf_file_free(unit);
    dwarf_package_close(package);
    elf_file_free(file);
    return is_there;
}

Test(dwarf_package, an_index_that_lies_is_refused)
{
    Index index = good;

    cr_expect(has_unit(index));
    index.version = 3;
    cr_expect_not(has_unit(index));
    index = good, index.columns = UINT32_MAX;
    cr_expect_not(has_unit(index));
    index = good, index.units = UINT32_MAX;
    cr_expect_not(has_unit(index));
    index = good, index.slots = UINT32_C(1) << 31;
    cr_expect_not(has_unit(index));
    index = good, index.slots = 3;
    cr_expect_not(has_unit(index));
    index = good, index.row = 2;
    cr_expect_not(has_unit(index));
    index = good, index.offset = 12;
    cr_expect_not(has_unit(index));
    index = good, index.length = UINT32_MAX;
    cr_expect_not(has_unit(index));
}
