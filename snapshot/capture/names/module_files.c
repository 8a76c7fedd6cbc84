// Files of mapped modules: see snapshot/capture/names/module_files.h.

#include "snapshot/capture/names/module_files.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/capture/names/debug_file.h"

// Of a file, enough for the ELF header, program headers and build-id.
#define HEADER_BYTES 4096u
#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

static const ProcessMapping *first_mapping(const ProcessCopy *copy, const MappedModule *module)
{
    return &copy->mappings[module->first_mapping];
}

// ---- of a core file ----

// The path of the file behind a mapping of a core: the one in the core, or the user's for the
// executable.
static const char *path_of_core(const ProcessCopy *copy, const ProcessMapping *mapping)
{
    bool is_executable = copy->executable_mapping_name != NULL &&
                         strcmp(mapping->name, copy->executable_mapping_name) == 0;

    return is_executable && copy->executable_path != NULL ? copy->executable_path : mapping->name;
}

// Opens the file that a core names. Cores come from anywhere, so the path is opened only where it
// is a regular file here.
static int open_named_file(const ProcessCopy *copy, const ProcessMapping *mapping)
{
    const char *path = path_of_core(copy, mapping);
    struct stat status;

    if (path[0] == '\0' || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return -1;
    return open(path, OPEN_FLAGS);
}

// The first page of a module as the core has it, or NULL: program headers, and the build-id of
// the file that was really mapped.
static ElfFile *open_header_in_core(const ProcessCopy *copy, const MappedModule *module)
{
    const ProcessMapping *first = first_mapping(copy, module);
    const uint8_t *page = NULL;

    if (copy->is_core && first->file_offset == 0)
        page = process_copy_bytes(copy, first->start, HEADER_BYTES);
    return page == NULL ? NULL : elf_file_open_memory(page, HEADER_BYTES);
}

// Is the file that was found under the name in a core the one that was mapped?
static bool is_same_build(ElfFile *header, ElfFile *file)
{
    char mapped[ELF_BUILD_ID_CHARS], found[ELF_BUILD_ID_CHARS];

    elf_file_build_id(header, mapped);
    elf_file_build_id(file, found);
    return strcmp(mapped, found) == 0;
}

// ---- of a process ----

// Opens the file behind a mapping: as the process sees it, if it still runs.
static int open_mapped_file(const ProcessCopy *copy, const ProcessMapping *mapping)
{
    char path[4200];
    struct stat status;
    int fd;

    if (copy->is_core)
        return open_named_file(copy, mapping);
    // The very file, even when it was deleted or replaced; needs privileges.
    (void)snprintf(path, sizeof path, "/proc/%d/map_files/%llx-%llx", copy->pid,
                   (unsigned long long)mapping->start, (unsigned long long)mapping->end);
    if ((fd = open(path, OPEN_FLAGS)) >= 0)
        return fd;
    // The executable needs none: the right to trace the process is enough.
    (void)snprintf(path, sizeof path, "/proc/%d/exe", copy->pid);
    if (stat(path, &status) == 0 && status.st_ino == mapping->inode &&
        (fd = open(path, OPEN_FLAGS)) >= 0)
        return fd;
    if (snprintf(path, sizeof path, "/proc/%d/root%s", copy->pid, mapping->name) <
            (int)sizeof path &&
        (fd = open(path, OPEN_FLAGS)) >= 0)
        return fd;
    // The process may be gone by now.
    fd = open(mapping->name, OPEN_FLAGS);
    if (fd >= 0 && (fstat(fd, &status) != 0 || status.st_ino != mapping->inode)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

// ---- of both ----

int module_file_descriptor(const ProcessCopy *copy, const MappedModule *module)
{
    return open_mapped_file(copy, first_mapping(copy, module));
}

// `open_elf` is elf_file_open() or elf_file_open_mapped().
static ElfFile *open_module(const ProcessCopy *copy, const MappedModule *module,
                            ElfFile *(*open_elf)(int fd), ModuleFiles *why)
{
    int fd = open_mapped_file(copy, first_mapping(copy, module));
    ElfFile *file = fd < 0 ? NULL : open_elf(fd);
    ElfFile *header = open_header_in_core(copy, module);

    why->is_missing = file == NULL;
    if (header == NULL)
        return file;
    if (file != NULL && is_same_build(header, file)) {
        elf_file_free(header);
        return file;
    }
    why->is_other_build = file != NULL;
    // Without symbols, but right.
    elf_file_free(file);
    return header;
}

ElfFile *module_file_open(const ProcessCopy *copy, const MappedModule *module)
{
    return open_module(copy, module, elf_file_open, &(ModuleFiles){0});
}

ElfFile *module_file_open_mapped(const ProcessCopy *copy, const MappedModule *module)
{
    return open_module(copy, module, elf_file_open_mapped, &(ModuleFiles){0});
}

int module_file_open_debug(const ProcessCopy *copy, const MappedModule *module, ElfFile *own,
                           bool *is_other_build)
{
    const ProcessMapping *mapping = first_mapping(copy, module);
    char root[32];
    int fd;

    // The process of a core is gone, and another may have its number by now.
    if (copy->is_core)
        return debug_file_find(own, path_of_core(copy, mapping), "", is_other_build);
    (void)snprintf(root, sizeof root, "/proc/%d/root", copy->pid);
    fd = debug_file_find(own, mapping->name, root, is_other_build);
    return fd < 0 ? debug_file_find(own, mapping->name, "", is_other_build) : fd;
}

// The .dwp file beside the module. Whether it belongs to the module is seen by the identifications
// of its units.
static ElfFile *open_package(const ProcessCopy *copy, const MappedModule *module)
{
    const ProcessMapping *mapping = first_mapping(copy, module);
    char path[PATH_MAX];
    struct stat status;
    int length, fd;

    if (copy->is_core)
        length = snprintf(path, sizeof path, "%s.dwp", path_of_core(copy, mapping));
    else
        length = snprintf(path, sizeof path, "/proc/%d/root%s.dwp", copy->pid, mapping->name);
    if (length < 0 || length >= (int)sizeof path || stat(path, &status) != 0 ||
        !S_ISREG(status.st_mode) || (fd = open(path, OPEN_FLAGS)) < 0)
        return NULL;
    return elf_file_open_mapped(fd);
}

ElfFile *module_files_with_debug_info(const ModuleFiles *files)
{
    bool has_own = elf_file_has_section(files->own, ".debug_info");

    return has_own || files->debug == NULL ? files->own : files->debug;
}

ModuleFiles module_files_open(const ProcessCopy *copy, const MappedModule *module)
{
    ModuleFiles files = {0};
    uint32_t checksum;
    int fd;

    files.own = open_module(copy, module, elf_file_open_mapped, &files);
    if (files.own == NULL)
        return files;
    files.package = open_package(copy, module);
    if (elf_file_has_all_symbols(files.own) && elf_file_has_section(files.own, ".debug_info"))
        return files;
    if (!elf_file_debug_link(files.own, files.debug_name, &checksum))
        files.debug_name[0] = '\0';
    fd = module_file_open_debug(copy, module, files.own, &files.is_debug_other_build);
    files.debug = fd < 0 ? NULL : elf_file_open_mapped(fd);
    return files;
}

void module_files_close(ModuleFiles *files)
{
    elf_file_free(files->package);
    elf_file_free(files->debug);
    elf_file_free(files->own);
}
