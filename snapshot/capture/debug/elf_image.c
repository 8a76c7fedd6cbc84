// ElfImage: see snapshot/capture/debug/elf_image.h.

#include "snapshot/capture/debug/elf_image.h"

#include <elf.h>
#include <string.h>

#define NAMES_AT (sizeof(Elf64_Ehdr) + (ELF_IMAGE_PARTS_MAX + 2) * sizeof(Elf64_Shdr))

static void put_header(uint8_t *image, uint32_t index, const Elf64_Shdr *header)
{
    memcpy(image + sizeof(Elf64_Ehdr) + index * sizeof *header, header, sizeof *header);
}

bool elf_image_finish(uint8_t *image, const ElfImagePart *parts, uint32_t count)
{
    static const char table_name[] = ".shstrtab";
    Elf64_Ehdr file = {
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_shoff = sizeof file,
        .e_ehsize = sizeof file,
        .e_shentsize = sizeof(Elf64_Shdr),
        .e_shnum = (Elf64_Half)(count + 2),
        .e_shstrndx = (Elf64_Half)(count + 1),
    };
    size_t names = NAMES_AT;

    if (count > ELF_IMAGE_PARTS_MAX)
        return false;
    memset(image, 0, ELF_IMAGE_HEAD_BYTES);
    names++; // the empty name
    for (uint32_t i = 0; i < count; i++) {
        size_t chars = strlen(parts[i].name) + 1;

        if (chars + sizeof table_name > ELF_IMAGE_HEAD_BYTES - names)
            return false;
        put_header(image, i + 1,
                   &(Elf64_Shdr){
                       .sh_name = (Elf64_Word)(names - NAMES_AT),
                       .sh_type = SHT_PROGBITS,
                       .sh_flags = parts[i].is_compressed ? SHF_COMPRESSED : 0,
                       .sh_offset = parts[i].place,
                       .sh_size = parts[i].length,
                       .sh_addralign = 8,
                   });
        memcpy(image + names, parts[i].name, chars);
        names += chars;
    }
    memcpy(image + names, table_name, sizeof table_name);
    put_header(image, count + 1,
               &(Elf64_Shdr){
                   .sh_name = (Elf64_Word)(names - NAMES_AT),
                   .sh_type = SHT_STRTAB,
                   .sh_offset = NAMES_AT,
                   .sh_size = names - NAMES_AT + sizeof table_name,
                   .sh_addralign = 1,
               });
    memcpy(image, &file, sizeof file);
    return true;
}
