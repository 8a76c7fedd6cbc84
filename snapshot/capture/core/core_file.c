// CoreFile: see snapshot/capture/core/core_file.h.

#include "snapshot/capture/core/core_file.h"

#include <errno.h>
#include <gelf.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

// Programs have no addresses above (the kernel's own limit with five page table levels).
#define ADDRESS_LIMIT (UINT64_C(1) << 56)
#define PAGE_BYTES UINT64_C(4096)
// All notes together. The kernel's list of mapped files has at most 4 MiB; the rest grows with
// the threads, at most 16 KiB each: 16,000 threads with the largest registers.
#define MAX_NOTE_BYTES (UINT64_C(1) << 28)
// The kernel's default for mappings of one process is 65,530; machines for Java have ten times
// as many.
#define MAX_SEGMENTS (1u << 24)

struct CoreFile {
    const char *path;
    int descriptor;
    Elf *elf;
    uint64_t file_bytes;
    int64_t written_at_ns;
    CoreSegment *segments; // owned
    uint32_t segment_count;
};

// ---- the kind of file ----

static bool check_kind(CoreFile *file, Error *error)
{
    const char *ident = elf_getident(file->elf, NULL);
    GElf_Ehdr header;

    if (elf_kind(file->elf) != ELF_K_ELF || ident == NULL)
        return error_set(error, ERROR_CORRUPT, "'%s' is not a core file", file->path);
    if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB)
        return error_set(error, ERROR_UNSUPPORTED,
                         "'%s' is not from a 64-bit little-endian program; rudo-snap reads cores "
                         "of x86-64",
                         file->path);
    if (gelf_getehdr(file->elf, &header) == NULL)
        return error_set(error, ERROR_CORRUPT, "'%s' is damaged: its ELF header cannot be read",
                         file->path);
    if (header.e_type != ET_CORE) {
        (void)error_set(error, ERROR_CORRUPT, "'%s' is not a core file, but %s", file->path,
                        header.e_type == ET_EXEC || header.e_type == ET_DYN
                            ? "an executable or library"
                            : "another kind of ELF file");
        return error_add_hint(error, "`capture -- PROGRAM` runs a program and captures it");
    }
    if (header.e_machine != EM_X86_64)
        return error_set(error, ERROR_UNSUPPORTED,
                         "'%s' is from another machine (ELF machine %u); rudo-snap reads cores of "
                         "x86-64",
                         file->path, header.e_machine);
    return true;
}

// ---- segments ----

static bool refuse_segment(const CoreFile *file, const GElf_Phdr *header, const char *what,
                           Error *error)
{
    return error_set(error, ERROR_CORRUPT, "'%s' is damaged: the segment at 0x%llx %s", file->path,
                     (unsigned long long)header->p_vaddr, what);
}

static bool check_in_file(const CoreFile *file, const GElf_Phdr *header, Error *error)
{
    if (header->p_filesz == 0 || (header->p_offset <= file->file_bytes &&
                                  header->p_filesz <= file->file_bytes - header->p_offset))
        return true;
    (void)error_set(error, ERROR_CORRUPT,
                    "'%s' is cut short: it has %llu bytes, and should have at least %llu",
                    file->path, (unsigned long long)file->file_bytes,
                    (unsigned long long)(header->p_offset + header->p_filesz));
    return error_add_hint(error,
                          "a limit on core files (ulimit -c, systemd's ExternalSizeMax) or a "
                          "full disk does this");
}

// *end: where the segment before ended. Skips segments that are not memory of a program.
static bool add_segment(CoreFile *file, const GElf_Phdr *header, uint64_t *end, Error *error)
{
    if (header->p_vaddr >= ADDRESS_LIMIT || header->p_memsz == 0)
        return true;
    if (header->p_memsz > ADDRESS_LIMIT - header->p_vaddr || header->p_vaddr % PAGE_BYTES != 0 ||
        header->p_memsz % PAGE_BYTES != 0)
        return refuse_segment(file, header, "does not consist of pages", error);
    if (header->p_filesz > header->p_memsz)
        return refuse_segment(file, header, "has more bytes in the file than in memory", error);
    if (header->p_vaddr < *end)
        return refuse_segment(file, header, "is out of order", error);
    *end = header->p_vaddr + header->p_memsz;
    file->segments[file->segment_count++] = (CoreSegment){
        .address = header->p_vaddr,
        .bytes = header->p_memsz,
        .file_offset = header->p_offset,
        .file_bytes = header->p_filesz,
        .is_readable = (header->p_flags & PF_R) != 0,
        .is_writable = (header->p_flags & PF_W) != 0,
        .is_executable = (header->p_flags & PF_X) != 0,
    };
    return true;
}

static bool read_segments(CoreFile *file, Error *error)
{
    uint64_t claimed = 0, end = PAGE_BYTES;
    size_t count;

    if (elf_getphdrnum(file->elf, &count) != 0 || count == 0 || count > MAX_SEGMENTS ||
        count > file->file_bytes / sizeof(Elf64_Phdr))
        return error_set(error, ERROR_CORRUPT, "'%s' is damaged: it has no table of segments",
                         file->path);
    file->segments = calloc(count, sizeof *file->segments);
    if (file->segments == NULL)
        return error_set_memory(error, count * sizeof *file->segments, "the segments of a core");
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;

        if (gelf_getphdr(file->elf, (int)i, &header) == NULL)
            return error_set(error, ERROR_CORRUPT,
                             "'%s' is cut short or damaged: segment %zu of %zu cannot be read",
                             file->path, i, count);
        if (!check_in_file(file, &header, error) ||
            (header.p_type == PT_LOAD && !add_segment(file, &header, &end, error)))
            return false;
        claimed += header.p_filesz;
    }
    // Each byte of the file is in one segment at most; else a small file could claim any amount of
    // memory.
    if (claimed > file->file_bytes)
        return error_set(error, ERROR_CORRUPT, "'%s' is damaged: its segments overlap in the file",
                         file->path);
    return true;
}

bool core_file_open(int descriptor, const char *path, CoreFile **out, Error *error)
{
    CoreFile *file = calloc(1, sizeof *file);
    struct stat status;

    *out = NULL;
    if (file == NULL) {
        (void)close(descriptor);
        return error_set_memory(error, sizeof *file, "a core file");
    }
    file->descriptor = descriptor;
    file->path = path;
    if (fstat(descriptor, &status) != 0) {
        (void)error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", path, strerror(errno));
        goto fail;
    }
    file->file_bytes = (uint64_t)status.st_size;
    file->written_at_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec;
    if (elf_version(EV_CURRENT) == EV_NONE ||
        (file->elf = elf_begin(descriptor, ELF_C_READ, NULL)) == NULL) {
        (void)error_set(error, ERROR_CORRUPT, "'%s' is not a core file", path);
        goto fail;
    }
    if (!check_kind(file, error) || !read_segments(file, error))
        goto fail;
    *out = file;
    return true;

fail:
    core_file_free(file);
    return false;
}

void core_file_free(CoreFile *file)
{
    if (file == NULL)
        return;
    (void)elf_end(file->elf);
    (void)close(file->descriptor);
    free(file->segments);
    free(file);
}

const CoreSegment *core_file_segments(const CoreFile *file, uint32_t *count)
{
    *count = file->segment_count;
    return file->segments;
}

// ---- notes ----

static bool visit_segment_notes(const CoreFile *file, Elf_Data *data, CoreNoteVisitor visitor,
                                void *context, Error *error)
{
    size_t offset = 0, owner_offset, bytes_offset, next;
    GElf_Nhdr header;

    while (offset < data->d_size &&
           (next = gelf_getnote(data, offset, &header, &owner_offset, &bytes_offset)) > 0) {
        const char *owner = (const char *)data->d_buf + owner_offset;
        CoreNote note = {
            .owner = header.n_namesz > 0 && owner[header.n_namesz - 1] == '\0' ? owner : "",
            .type = header.n_type,
            .bytes = (const uint8_t *)data->d_buf + bytes_offset,
            .length = header.n_descsz,
        };

        if (!visitor(context, &note, error))
            return false;
        offset = next;
    }
    // gelf_getnote() stops at what it cannot read; padding at the end is less than a header.
    if (offset < data->d_size && data->d_size - offset >= sizeof(Elf64_Nhdr))
        return error_set(error, ERROR_CORRUPT, "'%s' is damaged: it has an invalid note",
                         file->path);
    return true;
}

bool core_file_visit_notes(CoreFile *file, CoreNoteVisitor visitor, void *context, Error *error)
{
    size_t count = 0;

    if (elf_getphdrnum(file->elf, &count) != 0)
        return error_set(error, ERROR_CORRUPT, "'%s' is damaged: it has no table of segments",
                         file->path);
    for (size_t i = 0; i < count; i++) {
        GElf_Phdr header;
        Elf_Data *data;

        if (gelf_getphdr(file->elf, (int)i, &header) == NULL || header.p_type != PT_NOTE ||
            header.p_filesz == 0)
            continue;
        if (header.p_filesz > MAX_NOTE_BYTES)
            return error_set(error, ERROR_CORRUPT, "'%s' is damaged: it has %llu bytes of notes",
                             file->path, (unsigned long long)header.p_filesz);
        data = elf_getdata_rawchunk(file->elf, (int64_t)header.p_offset, header.p_filesz,
                                    header.p_align == 8 ? ELF_T_NHDR8 : ELF_T_NHDR);
        if (data == NULL || data->d_buf == NULL)
            return error_set(error, ERROR_CORRUPT, "'%s' is damaged: its notes cannot be read: %s",
                             file->path, elf_errmsg(-1));
        if (!visit_segment_notes(file, data, visitor, context, error))
            return false;
    }
    return true;
}

// ---- bytes ----

bool core_file_read(const CoreFile *file, uint64_t offset, void *to, uint64_t length, Error *error)
{
    uint8_t *at = to;

    while (length > 0) {
        size_t step = length < SSIZE_MAX / 2 ? (size_t)length : SSIZE_MAX / 2;
        ssize_t got = pread(file->descriptor, at, step, (off_t)offset);

        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ERROR_SYSTEM, "cannot read '%s': %s", file->path,
                             strerror(errno));
        if (got == 0)
            return error_set(error, ERROR_CORRUPT, "'%s' became shorter while it was read",
                             file->path);
        at += got;
        offset += (uint64_t)got;
        length -= (uint64_t)got;
    }
    return true;
}

bool core_file_next_data(const CoreFile *file, uint64_t *offset, uint64_t *end)
{
    off_t data, hole;

    if (*offset >= *end)
        return false;
    data = lseek(file->descriptor, (off_t)*offset, SEEK_DATA);
    if (data < 0)
        // ENXIO: a hole up to the end. Other errors: the file system knows no holes.
        return errno != ENXIO;
    if ((uint64_t)data >= *end)
        return false;
    hole = lseek(file->descriptor, data, SEEK_HOLE);
    *offset = (uint64_t)data;
    if (hole > data && (uint64_t)hole < *end)
        *end = (uint64_t)hole;
    return true;
}

int64_t core_file_written_at_ns(const CoreFile *file)
{
    return file->written_at_ns;
}
