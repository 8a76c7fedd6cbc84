// Files of mapped modules: see snapshot/capture/names/module_files.h.

#include "snapshot/capture/names/module_files.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/names/checked_file.h"
#include "snapshot/capture/names/debug_file.h"

// Of a file, enough for the ELF header, program headers and build-id.
#define HEADER_BYTES 4096u

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

// Opens the file that a core names. Cores come from anywhere.
static int open_named_file(const ProcessCopy *copy, const ProcessMapping *mapping)
{
    const char *path = path_of_core(copy, mapping);

    return path[0] == '\0' ? -1 : checked_path_open(path);
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

// Hands the descriptor on if it is that of the file which is mapped, by its inode.
static int if_mapped(int fd, const ProcessMapping *mapping)
{
    struct stat status;

    if (fd >= 0 && (fstat(fd, &status) != 0 || status.st_ino != mapping->inode)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

void module_files_root(const ProcessCopy *copy, char root[MODULE_ROOT_CHARS])
{
    // The process of a core is gone, and another may have its number by now.
    if (copy->is_core)
        (void)snprintf(root, MODULE_ROOT_CHARS, "/");
    else
        (void)snprintf(root, MODULE_ROOT_CHARS, "/proc/%d/root", copy->pid);
}

// Opens a file as the process sees it.
static int open_in_root(const ProcessCopy *copy, const char *path)
{
    char name[MODULE_ROOT_CHARS];
    int root, fd;

    module_files_root(copy, name);
    root = checked_root_open(name);
    fd = checked_file_open(root, path);
    if (root >= 0)
        (void)close(root);
    return fd;
}

// Opens the file behind a mapping: as the process sees it, if it still runs.
static int open_mapped_file(const ProcessCopy *copy, const ProcessMapping *mapping)
{
    char path[PROC_PATH_BYTES];
    int fd;

    if (copy->is_core)
        return open_named_file(copy, mapping);
    // The very file, even when it was deleted or replaced; needs privileges.
    (void)snprintf(path, sizeof path, "/proc/%d/map_files/%llx-%llx", copy->pid,
                   (unsigned long long)mapping->start, (unsigned long long)mapping->end);
    if ((fd = checked_path_open(path)) >= 0)
        return fd;
    // The executable needs none: the right to trace the process is enough.
    (void)snprintf(path, sizeof path, "/proc/%d/exe", copy->pid);
    if ((fd = if_mapped(checked_path_open(path), mapping)) >= 0 ||
        (fd = open_in_root(copy, mapping->name)) >= 0)
        return fd;
    // The process may be gone by now.
    return if_mapped(checked_path_open(mapping->name), mapping);
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
    char root[MODULE_ROOT_CHARS];
    int fd;

    module_files_root(copy, root);
    if (copy->is_core)
        return debug_file_find(own, path_of_core(copy, mapping), root, is_other_build);
    fd = debug_file_find(own, mapping->name, root, is_other_build);
    return fd < 0 ? debug_file_find(own, mapping->name, "/", is_other_build) : fd;
}

// The .dwp file beside the module. Whether it belongs to the module is seen by the identifications
// of its units.
static ElfFile *open_package(const ProcessCopy *copy, const MappedModule *module)
{
    const ProcessMapping *mapping = first_mapping(copy, module);
    const char *of = copy->is_core ? path_of_core(copy, mapping) : mapping->name;
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s.dwp", of), fd;

    if (length < 0 || length >= (int)sizeof path)
        return NULL;
    fd = copy->is_core ? checked_path_open(path) : open_in_root(copy, path);
    return fd < 0 ? NULL : elf_file_open_mapped(fd);
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
