// Sections with zstd: see snapshot/capture/debug/zstd_sections.h.

#include "snapshot/capture/debug/zstd_sections.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "snapshot/capture/debug/elf_image.h"

// libelf 0.188 has no name for it.
#define COMPRESSED_WITH_ZSTD 2u
// Of all sections together, unpacked.
#define MAX_UNPACKED_BYTES (UINT64_C(1) << 30)

static const char *const section_names[] = {
    ".debug_info",     ".debug_abbrev",      ".debug_str",      ".debug_line",
    ".debug_line_str", ".debug_ranges",      ".debug_rnglists", ".debug_addr",
    ".debug_aranges",  ".debug_str_offsets", ".debug_types",
};

#define NAMES (sizeof section_names / sizeof section_names[0])

// A section, and its size when it is unpacked.
typedef struct Packed {
    ElfSection section;
    bool is_there;
    bool is_zstd;
    uint64_t bytes; // when zstd was undone
} Packed;

static bool read_section(ElfFile *file, const char *name, Packed *packed)
{
    Elf64_Chdr head;

    *packed = (Packed){0};
    packed->is_there = elf_file_section(file, name, &packed->section);
    if (!packed->is_there)
        return true;
    packed->bytes = packed->section.length;
    if (!packed->section.is_compressed)
        return true;
    if (packed->section.length < sizeof head)
        return false;
    memcpy(&head, packed->section.bytes, sizeof head);
    packed->is_zstd = head.ch_type == COMPRESSED_WITH_ZSTD;
    if (packed->is_zstd)
        packed->bytes = head.ch_size;
    return packed->bytes <= MAX_UNPACKED_BYTES;
}

bool zstd_sections_present(ElfFile *file)
{
    for (size_t i = 0; i < NAMES; i++) {
        Packed packed;

        if (read_section(file, section_names[i], &packed) && packed.is_zstd)
            return true;
    }
    return false;
}

// Unpacks or copies a section to its place.
static bool fill(const Packed *packed, uint8_t *to)
{
    const ElfSection *section = &packed->section;

    if (!packed->is_zstd) {
        memcpy(to, section->bytes, section->length);
        return true;
    }
    return ZSTD_decompress(to, packed->bytes, section->bytes + sizeof(Elf64_Chdr),
                           section->length - sizeof(Elf64_Chdr)) == packed->bytes;
}

ElfFile *zstd_sections_unpack(ElfFile *file)
{
    Packed packed[NAMES];
    ElfImagePart parts[NAMES];
    uint32_t count = 0;
    uint64_t total = ELF_IMAGE_HEAD_BYTES;
    uint8_t *image;
    bool ok = true;

    for (size_t i = 0; i < NAMES; i++) {
        if (!read_section(file, section_names[i], &packed[i]))
            return NULL;
        if (!packed[i].is_there)
            continue;
        parts[count++] = (ElfImagePart){section_names[i], total, packed[i].bytes,
                                        packed[i].section.is_compressed && !packed[i].is_zstd};
        total += (packed[i].bytes + 7) / 8 * 8;
    }
    if (total > MAX_UNPACKED_BYTES || (image = malloc(total)) == NULL)
        return NULL;
    count = 0;
    for (size_t i = 0; ok && i < NAMES; i++)
        if (packed[i].is_there)
            ok = fill(&packed[i], image + parts[count++].place);
    if (!ok || !elf_image_finish(image, parts, count)) {
        free(image);
        return NULL;
    }
    return elf_file_open_image(image, total);
}
