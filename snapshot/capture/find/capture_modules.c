// Mapped files: modules with their load bases and build-ids, and the memory that holds their
// global variables.
//
// .data and .bss are the writable PT_LOAD segments, in full length: the kernel merges the
// anonymous end of a .bss with whatever lies behind it, so mappings alone cannot tell. The
// program headers are read from the file; where it cannot be read any more, mappings have to do.

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshot/capture/find/capture_search.h"
#include "base/clean_text.h"

#define OPEN_FLAGS (O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY)

// What to read as the file behind a mapping of a core.
static const char *path_of_core(const ProcessCopy *copy, const ProcessMapping *mapping)
{
    bool is_executable = copy->executable_mapping_name != NULL &&
                         strcmp(mapping->name, copy->executable_mapping_name) == 0;

    return is_executable && copy->executable_path != NULL ? copy->executable_path : mapping->name;
}

// Opens the file that a core names. Cores come from anywhere: what the name stands for here is
// looked at before it is opened.
static int open_named_file(const ProcessCopy *copy, const ProcessMapping *mapping)
{
    const char *path = path_of_core(copy, mapping);
    struct stat status;

    if (path[0] == '\0' || stat(path, &status) != 0 || !S_ISREG(status.st_mode))
        return -1;
    return open(path, OPEN_FLAGS);
}

// Opens the file behind a mapping: as the process sees it, if it still runs.
static int open_mapped_file(const CaptureAnalysis *analysis, const ProcessMapping *mapping)
{
    const int flags = OPEN_FLAGS;
    int pid = analysis->copy->pid;
    char path[4200];
    struct stat status;
    int fd;

    if (analysis->copy->is_core)
        return open_named_file(analysis->copy, mapping);
    // The very file, even when it was deleted or replaced; needs privileges.
    (void)snprintf(path, sizeof path, "/proc/%d/map_files/%llx-%llx", pid,
                   (unsigned long long)mapping->start, (unsigned long long)mapping->end);
    if ((fd = open(path, flags)) >= 0)
        return fd;
    // The executable can be had without, by anybody who may trace the process.
    (void)snprintf(path, sizeof path, "/proc/%d/exe", pid);
    if (stat(path, &status) == 0 && status.st_ino == mapping->inode &&
        (fd = open(path, flags)) >= 0)
        return fd;
    if (snprintf(path, sizeof path, "/proc/%d/root%s", pid, mapping->name) < (int)sizeof path &&
        (fd = open(path, flags)) >= 0)
        return fd;
    // The process may be gone by now.
    fd = open(mapping->name, flags);
    if (fd >= 0 && (fstat(fd, &status) != 0 || status.st_ino != mapping->inode)) {
        (void)close(fd);
        fd = -1;
    }
    return fd;
}

// The first page of a module as the core has it, or NULL: program headers, and the build-id of
// the file that was really mapped.
static ElfFile *open_header_in_core(const CaptureAnalysis *analysis, uint32_t module)
{
    const ProcessCopy *copy = analysis->copy;
    const ProcessMapping *first = &copy->mappings[analysis->modules[module].first_mapping];
    const uint8_t *page = NULL;

    if (copy->is_core && first->file_offset == 0)
        page = process_copy_bytes(copy, first->start, PAGE_BYTES);
    return page == NULL ? NULL : elf_file_open_memory(page, PAGE_BYTES);
}

// Is the file that was found under the name in a core the one that was mapped?
static bool is_same_build(ElfFile *header, ElfFile *file)
{
    char mapped[ELF_BUILD_ID_CHARS], found[ELF_BUILD_ID_CHARS];

    elf_file_build_id(header, mapped);
    elf_file_build_id(file, found);
    return strcmp(mapped, found) == 0;
}

const char *capture_module_path(const CaptureAnalysis *analysis, uint32_t module)
{
    const CaptureModule *record = &analysis->modules[module];
    const ProcessMapping *mapping = &analysis->copy->mappings[record->first_mapping];

    return analysis->copy->is_core ? path_of_core(analysis->copy, mapping) : mapping->name;
}

// `open_elf` is elf_file_open() or elf_file_open_mapped().
static ElfFile *open_module(const CaptureAnalysis *analysis, uint32_t module,
                            ElfFile *(*open_elf)(int fd))
{
    const CaptureModule *record = &analysis->modules[module];
    int fd = open_mapped_file(analysis, &analysis->copy->mappings[record->first_mapping]);
    ElfFile *file = fd < 0 ? NULL : open_elf(fd);
    ElfFile *header = open_header_in_core(analysis, module);

    if (header == NULL)
        return file;
    if (file != NULL && is_same_build(header, file)) {
        elf_file_free(header);
        return file;
    }
    // Without symbols, but right.
    elf_file_free(file);
    return header;
}

ElfFile *capture_open_module(const CaptureAnalysis *analysis, uint32_t module)
{
    return open_module(analysis, module, elf_file_open);
}

ElfFile *capture_open_module_mapped(const CaptureAnalysis *analysis, uint32_t module)
{
    return open_module(analysis, module, elf_file_open_mapped);
}

// Do two mappings belong to one loading of one file? A second loading begins again at the
// file's start.
static bool continues_module(const ProcessMapping *previous, const ProcessMapping *mapping)
{
    return mapping->inode == previous->inode && strcmp(mapping->name, previous->name) == 0 &&
           mapping->file_offset >= previous->file_offset && mapping->file_offset != 0;
}

// The bias between virtual addresses of the file and addresses in the process.
static uint64_t load_base(const ProcessMapping *first, const ElfSegment *segments, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (round_down(segments[i].file_offset, PAGE_BYTES) == first->file_offset)
            return first->start - round_down(segments[i].address, PAGE_BYTES);
    return first->start - first->file_offset;
}

static bool claim_segments(CaptureAnalysis *analysis, uint64_t base, const ElfSegment *segments,
                           uint32_t count, Error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t start = base + round_down(segments[i].address, PAGE_BYTES);
        uint64_t end = base + round_up(segments[i].address + segments[i].memory_bytes, PAGE_BYTES);
        // Only what is really mapped is read; a lying file can claim no more than what would
        // be a root anyway, but it must not claim all memory.
        if (segments[i].is_writable && segments[i].memory_bytes < UINT32_MAX &&
            !region_list_add(&analysis->globals, start, end, REGION_GLOBAL, NO_INDEX, error))
            return false;
    }
    return true;
}

// The name of a file without its folders, and without what the kernel adds when it is gone.
// NULL when memory is short.
static char *file_name(const char *path)
{
    static const char deleted[] = " (deleted)";
    const char *folder_end = strrchr(path, '/');
    const char *name = folder_end != NULL ? folder_end + 1 : path;
    size_t length = strlen(name);

    if (length >= sizeof deleted && strcmp(name + length - strlen(deleted), deleted) == 0)
        length -= strlen(deleted);
    return strndup(name, length);
}

static bool add_module(CaptureAnalysis *analysis, uint32_t first, uint32_t last, Error *error)
{
    const ProcessMapping *mappings = analysis->copy->mappings;
    SnapshotDetails *details = analysis->details;
    ElfSegment segments[ELF_MAX_SEGMENTS];
    char build_id[ELF_BUILD_ID_CHARS] = "";
    uint64_t capacity = analysis->module_capacity;
    uint32_t segment_count = 0;
    SnapshotModule *module;
    ElfFile *file;

    if (!array_reserve(&analysis->modules, &analysis->module_capacity, details->module_count + 1,
                       sizeof *analysis->modules, "modules", error) ||
        !array_reserve(&details->modules, &capacity, details->module_count + 1,
                       sizeof *details->modules, "modules", error))
        return false;
    analysis->modules[details->module_count] = (CaptureModule){first, last, false};
    file = capture_open_module(analysis, details->module_count);
    if (file != NULL) {
        segment_count = elf_file_segments(file, segments);
        elf_file_build_id(file, build_id);
        elf_file_free(file);
    }
    analysis->modules[details->module_count].has_elf = segment_count > 0;
    module = &details->modules[details->module_count++];
    *module = (SnapshotModule){
        .name = file_name(mappings[first].name),
        .build_id = strdup(build_id),
        .base = load_base(&mappings[first], segments, segment_count),
        .end = mappings[last].end,
    };
    if (module->name == NULL || module->build_id == NULL)
        return error_set_memory(error, strlen(mappings[first].name) + 1, "a module name");
    text_clean(module->name, strlen(module->name), TEXT_ONE_LINE);
    return claim_segments(analysis, module->base, segments, segment_count, error);
}

// Where program headers could not be read: the anonymous mapping right behind a module's
// writable data is taken for its .bss.
static bool claim_guessed_bss(CaptureAnalysis *analysis, uint32_t last, Error *error)
{
    const ProcessCopy *copy = analysis->copy;
    const ProcessMapping *data = &copy->mappings[last];
    const ProcessMapping *behind = data + 1;

    if (last + 1 >= copy->mapping_count || !mapping_is_private_writable(data) ||
        behind->start != data->end || behind->name[0] != '\0' ||
        !mapping_is_private_writable(behind))
        return true;
    return region_list_add(&analysis->guessed_globals, behind->start, behind->end, REGION_GLOBAL,
                           NO_INDEX, error);
}

// Adds the module that spans mappings first..last, if it has code at all: other files that
// are mapped are data.
static bool finish_module(CaptureAnalysis *analysis, uint32_t first, uint32_t last, bool has_code,
                          Error *error)
{
    if (!has_code)
        return true;
    if (!add_module(analysis, first, last, error))
        return false;
    return analysis->modules[analysis->details->module_count - 1].has_elf ||
           claim_guessed_bss(analysis, last, error);
}

bool capture_find_modules(CaptureAnalysis *analysis, Error *error)
{
    const ProcessCopy *copy = analysis->copy;
    uint32_t first = NO_INDEX, last = 0;
    bool has_code = false;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        if (!mapping_is_file(mapping))
            continue;
        if (mapping_is_private_writable(mapping) &&
            !region_list_add(&analysis->globals, mapping->start, mapping->end, REGION_GLOBAL,
                             NO_INDEX, error))
            return false;
        if (first != NO_INDEX && !continues_module(&copy->mappings[last], mapping)) {
            if (!finish_module(analysis, first, last, has_code, error))
                return false;
            first = NO_INDEX;
        }
        if (first == NO_INDEX) {
            first = i;
            has_code = false;
        }
        last = i;
        has_code = has_code || mapping->is_executable;
    }
    return first == NO_INDEX || finish_module(analysis, first, last, has_code, error);
}
