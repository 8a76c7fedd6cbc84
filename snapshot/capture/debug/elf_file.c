// ElfFile: see snapshot/capture/debug/elf_file.h.

#include "snapshot/capture/debug/elf_file.h"

#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// An executable has some dozen program headers, and its notes take some hundred bytes. A file that
// says more is not read any further.
#define MAX_HEADERS 4096u
#define MAX_NOTE_BYTES (UINT64_C(1) << 20)

struct ElfFile {
    int fd;      // -1: in memory
    char *image; // owned, or NULL
    Elf *elf;
};

static bool is_readable(const ElfFile *file)
{
    const char *ident = file->elf == NULL || elf_kind(file->elf) != ELF_K_ELF
                            ? NULL
                            : elf_getident(file->elf, NULL);

    return ident != NULL && ident[EI_CLASS] == ELFCLASS64 && ident[EI_DATA] == ELFDATA2LSB;
}

static ElfFile *open_file(int fd, Elf_Cmd command)
{
    ElfFile *file = calloc(1, sizeof *file);
    struct stat status;

    if (file == NULL) {
        (void)close(fd);
        return NULL;
    }
    file->fd = fd;
    // A device or pipe could block, or act when read.
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) || elf_version(EV_CURRENT) == EV_NONE)
        goto fail;
    file->elf = elf_begin(fd, command, NULL);
    if (!is_readable(file))
        goto fail;
    return file;

fail:
    elf_file_free(file);
    return NULL;
}

ElfFile *elf_file_open_memory(const uint8_t *bytes, size_t length)
{
    ElfFile *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    file->fd = -1;
    file->image = malloc(length + 1);
    if (file->image == NULL || elf_version(EV_CURRENT) == EV_NONE)
        goto fail;
    memcpy(file->image, bytes, length);
    file->elf = elf_memory(file->image, length);
    if (!is_readable(file))
        goto fail;
    return file;

fail:
    elf_file_free(file);
    return NULL;
}

ElfFile *elf_file_open_borrowed(uint8_t *image, size_t length)
{
    ElfFile *file = calloc(1, sizeof *file);

    if (file == NULL)
        return NULL;
    file->fd = -1;
    file->elf = elf_version(EV_CURRENT) == EV_NONE ? NULL : elf_memory((char *)image, length);
    if (is_readable(file))
        return file;
    elf_file_free(file);
    return NULL;
}

ElfFile *elf_file_open_image(uint8_t *image, size_t length)
{
    ElfFile *file = elf_file_open_borrowed(image, length);

    if (file == NULL)
        free(image);
    else
        file->image = (char *)image;
    return file;
}

ElfFile *elf_file_open(int fd)
{
    return open_file(fd, ELF_C_READ);
}

ElfFile *elf_file_open_mapped(int fd)
{
    return open_file(fd, ELF_C_READ_MMAP);
}

struct Elf *elf_file_handle(ElfFile *file)
{
    return file->elf;
}

int elf_file_descriptor(const ElfFile *file)
{
    return file->fd < 0 ? -1 : fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
}

void elf_file_free(ElfFile *file)
{
    if (file == NULL)
        return;
    (void)elf_end(file->elf);
    free(file->image);
    if (file->fd >= 0)
        (void)close(file->fd);
    free(file);
}

uint32_t elf_file_segments(ElfFile *file, ElfSegment segments[ELF_MAX_SEGMENTS])
{
    uint32_t count = 0;
    size_t header_count;

    if (elf_getphdrnum(file->elf, &header_count) != 0)
        return 0;
    for (size_t i = 0; i < header_count && i < MAX_HEADERS && count < ELF_MAX_SEGMENTS; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(file->elf, (int)i, &header) == NULL)
            break;
        if (header.p_type == PT_LOAD)
            segments[count++] = (ElfSegment){header.p_offset, header.p_vaddr, header.p_memsz,
                                             (header.p_flags & PF_W) != 0};
    }
    return count;
}

uint64_t elf_file_tls_bytes(ElfFile *file)
{
    size_t header_count;

    if (elf_getphdrnum(file->elf, &header_count) != 0)
        return 0;
    for (size_t i = 0; i < header_count && i < MAX_HEADERS; i++) {
        GElf_Phdr header;
        if (gelf_getphdr(file->elf, (int)i, &header) == NULL)
            return 0;
        if (header.p_type == PT_TLS && header.p_memsz < UINT32_MAX &&
            (header.p_align & (header.p_align - 1)) == 0 && header.p_align < UINT32_MAX)
            return header.p_align < 2 ? header.p_memsz
                                      : (header.p_memsz + header.p_align - 1) & -header.p_align;
    }
    return 0;
}

// The GNU build-id in one notes section or segment.
static bool find_build_id(Elf_Data *data, char build_id[ELF_BUILD_ID_CHARS])
{
    size_t offset = 0, name_offset, desc_offset, next;
    GElf_Nhdr note;

    while (data != NULL && data->d_buf != NULL && offset < data->d_size &&
           (next = gelf_getnote(data, offset, &note, &name_offset, &desc_offset)) > 0) {
        const uint8_t *bytes = data->d_buf;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == sizeof "GNU" &&
            memcmp(bytes + name_offset, "GNU", sizeof "GNU") == 0) {
            size_t length = note.n_descsz;
            if (length > (ELF_BUILD_ID_CHARS - 1) / 2)
                length = (ELF_BUILD_ID_CHARS - 1) / 2;
            for (size_t i = 0; i < length; i++)
                (void)snprintf(build_id + 2 * i, 3, "%02x", bytes[desc_offset + i]);
            return true;
        }
        offset = next;
    }
    return false;
}

void elf_file_build_id(ElfFile *file, char build_id[ELF_BUILD_ID_CHARS])
{
    uint64_t left = MAX_NOTE_BYTES;
    size_t header_count;

    build_id[0] = '\0';
    if (elf_getphdrnum(file->elf, &header_count) != 0)
        return;
    for (size_t i = 0; i < header_count && i < MAX_HEADERS; i++) {
        GElf_Phdr header;
        uint64_t bytes;

        if (gelf_getphdr(file->elf, (int)i, &header) == NULL)
            return;
        if (header.p_type != PT_NOTE || header.p_offset > INT64_MAX)
            continue;
        bytes = header.p_filesz < left ? header.p_filesz : left;
        left -= bytes;
        if (find_build_id(elf_getdata_rawchunk(file->elf, (int64_t)header.p_offset, bytes,
                                               header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR),
                          build_id))
            return;
    }
}

static Elf_Scn *find_section(Elf *elf, GElf_Word type, GElf_Shdr *header)
{
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section))
        if (gelf_getshdr(section, header) != NULL && header->sh_type == type)
            return section;
    return NULL;
}

// The section with this name, or NULL.
static Elf_Scn *find_named(Elf *elf, const char *name, GElf_Shdr *header)
{
    size_t names;

    if (elf_getshdrstrndx(elf, &names) != 0)
        return NULL;
    for (Elf_Scn *section = elf_nextscn(elf, NULL); section != NULL;
         section = elf_nextscn(elf, section)) {
        const char *found;
        if (gelf_getshdr(section, header) == NULL)
            continue;
        found = elf_strptr(elf, names, header->sh_name);
        if (found != NULL && strcmp(found, name) == 0)
            return section;
    }
    return NULL;
}

bool elf_file_has_section(ElfFile *file, const char *name)
{
    GElf_Shdr header;

    return find_named(file->elf, name, &header) != NULL && header.sh_type != SHT_NOBITS;
}

bool elf_file_section(ElfFile *file, const char *name, ElfSection *out)
{
    GElf_Shdr header;
    Elf_Scn *section = find_named(file->elf, name, &header);
    Elf_Data *data;

    *out = (ElfSection){0};
    if (section == NULL || header.sh_type == SHT_NOBITS ||
        (data = elf_rawdata(section, NULL)) == NULL || data->d_buf == NULL || data->d_size == 0)
        return false;
    *out = (ElfSection){data->d_buf, data->d_size, (header.sh_flags & SHF_COMPRESSED) != 0};
    return true;
}

bool elf_file_has_all_symbols(ElfFile *file)
{
    GElf_Shdr header;

    return find_section(file->elf, SHT_SYMTAB, &header) != NULL;
}

bool elf_file_debug_link(ElfFile *file, char name[ELF_DEBUG_LINK_CHARS], uint32_t *checksum)
{
    GElf_Shdr header;
    Elf_Scn *section = find_named(file->elf, ".gnu_debuglink", &header);
    Elf_Data *data;
    size_t length, place;

    // NUL-terminated, then zeros up to a multiple of 4, then the checksum.
    if (section == NULL || header.sh_type == SHT_NOBITS ||
        (data = elf_rawdata(section, NULL)) == NULL || data->d_buf == NULL)
        return false;
    length = strnlen(data->d_buf, data->d_size);
    place = (length + 4) / 4 * 4;
    if (length == 0 || length >= ELF_DEBUG_LINK_CHARS || place + sizeof *checksum > data->d_size ||
        memchr(data->d_buf, '/', length) != NULL)
        return false;
    memcpy(name, data->d_buf, length + 1);
    memcpy(checksum, (const uint8_t *)data->d_buf + place, sizeof *checksum);
    return true;
}

// False for symbols of other kinds, and for those of other files.
static bool read_symbol(const GElf_Sym *symbol, ElfSymbol *out)
{
    *out = (ElfSymbol){
        .address = symbol->st_value,
        .bytes = symbol->st_size,
        .is_local = GELF_ST_BIND(symbol->st_info) == STB_LOCAL,
    };
    if (symbol->st_shndx == SHN_UNDEF || symbol->st_name == 0)
        return false;
    switch (GELF_ST_TYPE(symbol->st_info)) {
    case STT_FUNC:
    case STT_GNU_IFUNC:
        out->kind = ELF_SYMBOL_CODE;
        return true;
    case STT_OBJECT:
        out->kind = ELF_SYMBOL_DATA;
        return true;
    case STT_TLS:
        out->kind = ELF_SYMBOL_TLS;
        return true;
    default:
        return false;
    }
}

bool elf_file_visit_symbols(ElfFile *file, ElfSymbolVisitor visitor, void *context)
{
    GElf_Shdr header;
    Elf_Scn *section = find_section(file->elf, SHT_SYMTAB, &header);
    Elf_Data *data;

    if (section == NULL)
        section = find_section(file->elf, SHT_DYNSYM, &header);
    if (section == NULL || (data = elf_getdata(section, NULL)) == NULL)
        return true;
    for (size_t i = 0; i < data->d_size / sizeof(Elf64_Sym) && i < INT32_MAX; i++) {
        GElf_Sym symbol;
        ElfSymbol found;
        if (gelf_getsym(data, (int)i, &symbol) == NULL)
            break;
        if (!read_symbol(&symbol, &found))
            continue;
        found.name = elf_strptr(file->elf, header.sh_link, symbol.st_name);
        if (found.name != NULL && found.name[0] != '\0' && !visitor(context, &found))
            return false;
    }
    return true;
}
