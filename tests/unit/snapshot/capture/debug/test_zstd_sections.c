// Sections of debug information with zstd: they are unpacked, and damaged ones are refused.

#include <criterion/criterion.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "snapshot/capture/debug/elf_image.h"
#include "snapshot/capture/debug/zstd_sections.h"

#define TEXT_BYTES 5000u

// A file with a section of TEXT_BYTES times 'x' in zstd that claims to have `claimed` bytes, and a
// plain one.
static ElfFile *make_file(uint64_t claimed)
{
    static char text[TEXT_BYTES];
    Elf64_Chdr head = {.ch_type = 2, .ch_size = claimed, .ch_addralign = 1};
    size_t room = sizeof head + ZSTD_compressBound(TEXT_BYTES), length;
    uint8_t *image = calloc(1, ELF_IMAGE_HEAD_BYTES + room + 8);

    cr_assert_not_null(image);
    memset(text, 'x', TEXT_BYTES);
    memcpy(image + ELF_IMAGE_HEAD_BYTES, "plain", 6);
    memcpy(image + ELF_IMAGE_HEAD_BYTES + 8, &head, sizeof head);
    length = ZSTD_compress(image + ELF_IMAGE_HEAD_BYTES + 8 + sizeof head, room - sizeof head, text,
                           TEXT_BYTES, 1);
    cr_assert_not(ZSTD_isError(length));
    ElfImagePart parts[2] = {
        {".debug_str", ELF_IMAGE_HEAD_BYTES, 6, false},
        {".debug_info", ELF_IMAGE_HEAD_BYTES + 8, sizeof head + length, true},
    };
    cr_assert(elf_image_finish(image, parts, 2));
    ElfFile *file = elf_file_open_image(image, ELF_IMAGE_HEAD_BYTES + room + 8);
    cr_assert_not_null(file);
    return file;
}

Test(zstd_sections, they_are_unpacked_and_others_are_kept)
{
    ElfFile *file = make_file(TEXT_BYTES), *unpacked;
    ElfSection section;

    cr_assert(zstd_sections_present(file));
    unpacked = zstd_sections_unpack(file);
    cr_assert_not_null(unpacked);
    cr_expect_not(zstd_sections_present(unpacked));
    cr_assert(elf_file_section(unpacked, ".debug_info", &section));
    cr_assert_eq(section.length, TEXT_BYTES);
    cr_expect_not(section.is_compressed);
    cr_expect_eq(section.bytes[TEXT_BYTES - 1], 'x');
    cr_assert(elf_file_section(unpacked, ".debug_str", &section));
    cr_expect_str_eq((const char *)section.bytes, "plain");
    elf_file_free(unpacked);
    elf_file_free(file);
}

Test(zstd_sections, a_wrong_size_is_refused)
{
    const uint64_t claims[] = {0, TEXT_BYTES - 1, TEXT_BYTES + 1, UINT64_C(1) << 40, UINT64_MAX};

    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        ElfFile *file = make_file(claims[i]);

        cr_expect_null(zstd_sections_unpack(file), "%llu", (unsigned long long)claims[i]);
        elf_file_free(file);
    }
}
