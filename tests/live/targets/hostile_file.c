// Makes a file that looks like an executable and is as large as it can be, while it takes a few
// pages of the disk.
//
//     hostile_file KIND BYTES OUT [EXECUTABLE]
//
// KIND: `note`: a note of nearly BYTES, alone or in a copy of EXECUTABLE, which still runs;
// `headers`: BYTES of program headers.

#include <elf.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/target.h"

#define PAGE_BYTES 4096u

static Elf64_Ehdr header_of(uint16_t header_count)
{
    return (Elf64_Ehdr){
        .e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_DYN,
        .e_machine = EM_X86_64,
        .e_version = EV_CURRENT,
        .e_phoff = sizeof(Elf64_Ehdr),
        .e_ehsize = sizeof(Elf64_Ehdr),
        .e_phentsize = sizeof(Elf64_Phdr),
        .e_phnum = header_count,
        .e_shentsize = sizeof(Elf64_Shdr)};
}

static void put(int file, const void *bytes, size_t length, uint64_t at)
{
    if (pwrite(file, bytes, length, (off_t)at) != (ssize_t)length)
        target_fail("write");
}

static void make_note(int file, uint64_t bytes)
{
    Elf64_Ehdr header = header_of(2);
    Elf64_Phdr segments[] = {
        {.p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = PAGE_BYTES, .p_memsz = PAGE_BYTES},
        {.p_type = PT_NOTE,
         .p_flags = PF_R,
         .p_offset = PAGE_BYTES,
         .p_align = 4,
         .p_filesz = bytes - PAGE_BYTES,
         .p_memsz = bytes - PAGE_BYTES},
    };

    put(file, &header, sizeof header, 0);
    put(file, segments, sizeof segments, sizeof header);
}

static void make_headers(int file, uint64_t bytes)
{
    Elf64_Ehdr header = header_of(PN_XNUM);
    Elf64_Shdr section = {.sh_info = (uint32_t)((bytes - 2 * PAGE_BYTES) / sizeof(Elf64_Phdr))};

    header.e_phoff = 2 * PAGE_BYTES;
    header.e_shoff = PAGE_BYTES;
    header.e_shnum = 1;
    put(file, &header, sizeof header, 0);
    put(file, &section, sizeof section, PAGE_BYTES);
}

// Lets the first note of a copy begin behind it.
static void copy_with_note(int file, const char *path, uint64_t bytes)
{
    FILE *from = fopen(path, "re");
    struct stat status;
    Elf64_Ehdr header;
    uint8_t *all;

    if (from == NULL || fstat(fileno(from), &status) != 0 ||
        (all = malloc((size_t)status.st_size)) == NULL ||
        fread(all, 1, (size_t)status.st_size, from) != (size_t)status.st_size)
        target_fail(path);
    (void)fclose(from);
    memcpy(&header, all, sizeof header);
    for (unsigned i = 0; i < header.e_phnum; i++) {
        uint8_t *at = all + header.e_phoff + i * sizeof(Elf64_Phdr);
        Elf64_Phdr segment;

        memcpy(&segment, at, sizeof segment);
        if (segment.p_type != PT_NOTE)
            continue;
        segment.p_offset = ((uint64_t)status.st_size + PAGE_BYTES) / PAGE_BYTES * PAGE_BYTES;
        segment.p_filesz = segment.p_memsz = bytes - segment.p_offset;
        segment.p_align = 4;
        memcpy(at, &segment, sizeof segment);
        break;
    }
    put(file, all, (size_t)status.st_size, 0);
    free(all);
}

int main(int argc, char **argv)
{
    uint64_t bytes;
    int file;

    if (argc < 4) {
        fprintf(stderr, "usage: %s KIND BYTES OUT [EXECUTABLE]\n", argv[0]);
        return 2;
    }
    bytes = strtoull(argv[2], NULL, 10);
    file = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0755);
    if (file < 0 || ftruncate(file, (off_t)bytes) != 0)
        target_fail(argv[3]);
    if (argc > 4)
        copy_with_note(file, argv[4], bytes);
    else if (strcmp(argv[1], "note") == 0)
        make_note(file, bytes);
    else
        make_headers(file, bytes);
    return close(file) == 0 ? 0 : 1;
}
