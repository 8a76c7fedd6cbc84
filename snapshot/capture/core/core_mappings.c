// Mappings from core files: see core_process_internal.h.
//
// A core says less than /proc/PID/maps, and it depends on the program that wrote it: the kernel
// writes a segment for each mapping, with its permissions; gdb leaves out mappings, above all
// unmodified code, and writes guards as readable zeros. Names, and which mapping is the stack or
// the heap, come from other parts of the core.

#include "snapshot/capture/core/core_process_internal.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/search.h"
#include "snapshot/capture/copy/malloc_state.h"
#include "snapshot/heap/heap_image.h"

#define ELF_MAGIC "\177ELF"
#define MAX_MAIN_ARENAS 16u

typedef struct MappingList {
    const CoreFile *file;
    ProcessMapping *items;
    uint32_t *segments;
    uint32_t count;
    uint64_t item_capacity;
    uint64_t segment_capacity;
} MappingList;

// Is it memory that processes share, by its name? Cores hold it, but it is not private memory. (A
// private mapping of /dev/zero is anonymous memory; shared anonymous memory is called "/dev/zero
// (deleted)".)
static bool is_shared_memory(const char *path)
{
    static const char *const beginnings[] = {"/dev/zero (deleted)", "/dev/shm/", "/memfd:", "/SYSV",
                                             "anon_inode:"};

    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
        if (strncmp(path, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return strncmp(path, "/dev/", 5) == 0 && strcmp(path, "/dev/zero") != 0;
}

// file: the file that is mapped there, or NULL for anonymous memory.
static bool add_mapping(MappingList *list, uint64_t start, uint64_t end, const CoreMappedFile *file,
                        uint32_t segment, Error *error)
{
    ProcessMapping *mapping;

    if (!array_reserve(&list->items, &list->item_capacity, list->count + 1u, sizeof *list->items,
                       "the memory map", error) ||
        !array_reserve(&list->segments, &list->segment_capacity, list->count + 1u,
                       sizeof *list->segments, "the memory map", error))
        return false;
    mapping = &list->items[list->count];
    *mapping = (ProcessMapping){
        .start = start,
        .end = end,
        .is_private = file == NULL || !is_shared_memory(file->path),
        .name = strdup(file == NULL ? "" : file->path),
    };
    if (mapping->name == NULL)
        return error_set_memory(error, 1, "the name of a mapping");
    if (file != NULL) {
        mapping->file_offset = file->file_offset + (start - file->start);
        mapping->inode = 1; // not in a core; any number but 0 means that there is a file
    }
    list->segments[list->count++] = segment;
    return true;
}

// Is the page at this offset of the file zero?
static bool is_zero_page(const CoreFile *file, uint64_t offset, bool *is_zero, Error *error)
{
    uint8_t page[PAGE_BYTES];

    if (!core_file_read(file, offset, page, sizeof page, error))
        return false;
    *is_zero = is_all_zeros(page, sizeof page);
    return true;
}

// Is the segment, which is anonymous and can only be read, a guard as gdb writes it? It is when its
// first and last page are zero: a program has no use for such a mapping.
static bool find_guard(const CoreFile *file, const CoreSegment *segment, bool *is_guard,
                       Error *error)
{
    uint64_t last = segment->file_offset + segment->file_bytes - PAGE_BYTES;

    *is_guard = segment->file_bytes < PAGE_BYTES;
    if (*is_guard)
        return true;
    return is_zero_page(file, segment->file_offset, is_guard, error) &&
           (!*is_guard || is_zero_page(file, last, is_guard, error));
}

static bool add_segment(MappingList *list, const CoreSegment *segment, uint32_t number,
                        const CoreMappedFile *file, Error *error)
{
    ProcessMapping *mapping;
    bool is_guard = false;

    if (!add_mapping(list, segment->address, segment->address + segment->bytes, file, number,
                     error))
        return false;
    mapping = &list->items[list->count - 1];
    if (file == NULL && segment->is_readable && !segment->is_writable && !segment->is_executable &&
        !find_guard(list->file, segment, &is_guard, error))
        return false;
    mapping->is_readable = segment->is_readable && !is_guard;
    mapping->is_writable = segment->is_writable;
    mapping->is_executable = segment->is_executable;
    return true;
}

// Adds the mappings in [start, end) that only the note of mapped files has. *next: the first file
// that may lie there.
static bool add_files_between(MappingList *list, const CoreNotes *notes, uint32_t *next,
                              uint64_t start, uint64_t end, Error *error)
{
    for (; *next < notes->file_count && notes->files[*next].start < end; ++*next) {
        const CoreMappedFile *file = &notes->files[*next];
        uint64_t from = file->start > start ? file->start : start;
        uint64_t to = file->end < end ? file->end : end;

        if (from < to) {
            if (!add_mapping(list, from, to, file, NO_INDEX, error))
                return false;
            list->items[list->count - 1].is_readable = true;
        }
        if (file->end > end)
            break;
    }
    return true;
}

static const CoreMappedFile *find_file(const CoreNotes *notes, uint64_t address)
{
    uint64_t i = search_above(notes->files, notes->file_count, end, address);

    return i < notes->file_count && notes->files[i].start <= address ? &notes->files[i] : NULL;
}

static bool add_all(MappingList *list, const CoreNotes *notes, Error *error)
{
    uint32_t count, next = 0;
    const CoreSegment *segments = core_file_segments(list->file, &count);
    uint64_t position = PAGE_BYTES;

    for (uint32_t i = 0; i < count; i++) {
        const CoreSegment *segment = &segments[i];

        if (!add_files_between(list, notes, &next, position, segment->address, error) ||
            !add_segment(list, segment, i, find_file(notes, segment->address), error))
            return false;
        position = segment->address + segment->bytes;
    }
    return add_files_between(list, notes, &next, position, HEAP_ADDRESS_LIMIT, error);
}

// The permissions of a mapping without a segment are not in the core. In a module, such a mapping
// is taken for code: gdb leaves that out.
static bool find_code(MappingList *list, Error *error)
{
    uint32_t count;
    const CoreSegment *segments = core_file_segments(list->file, &count);
    bool is_elf = false;

    for (uint32_t i = 0; i < list->count; i++) {
        ProcessMapping *mapping = &list->items[i];
        const CoreSegment *segment =
            list->segments[i] == NO_INDEX ? NULL : &segments[list->segments[i]];

        if (mapping->inode != 0 && (mapping->file_offset == 0 || i == 0 ||
                                    strcmp(mapping->name, list->items[i - 1].name) != 0)) {
            char magic[4] = "";
            if (segment != NULL && segment->file_bytes >= sizeof magic &&
                !core_file_read(list->file, segment->file_offset, magic, sizeof magic, error))
                return false;
            is_elf = memcmp(magic, ELF_MAGIC, sizeof magic) == 0;
        }
        if (mapping->inode != 0 && segment == NULL)
            mapping->is_executable = is_elf;
    }
    return true;
}

static bool rename_mapping(ProcessMapping *mapping, const char *name, Error *error)
{
    char *copy = strdup(name);

    if (copy == NULL)
        return error_set_memory(error, strlen(name) + 1, "the name of a mapping");
    free(mapping->name);
    mapping->name = copy;
    return true;
}

static bool is_anonymous(const ProcessMapping *mapping)
{
    return mapping_is_private_writable(mapping) && mapping->name[0] == '\0';
}

static bool rename_anonymous(ProcessCopy *copy, uint64_t address, const char *name, Error *error)
{
    uint32_t i = process_copy_mapping_index(copy, address);

    if (i == NO_INDEX || !is_anonymous(&copy->mappings[i]))
        return true;
    return rename_mapping(&copy->mappings[i], name, error);
}

bool core_mappings_fill(const CoreFile *file, const CoreNotes *notes, ProcessCopy *copy,
                        uint32_t **segments, Error *error)
{
    MappingList list = {.file = file};
    bool is_ok = add_all(&list, notes, error) && find_code(&list, error);

    copy->mappings = list.items;
    copy->mapping_count = list.count;
    *segments = list.segments;
    return is_ok && rename_anonymous(copy, notes->random_bytes, "[stack]", error);
}

bool core_mappings_name_heap(ProcessCopy *copy, Error *error)
{
    MemoryReader reader = memory_reader(copy);
    MallocState states[MAX_MAIN_ARENAS];

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        uint32_t count;

        if (!mapping_is_private_writable(mapping) || !mapping_is_file(mapping))
            continue;
        count = malloc_find_states(&reader, mapping->start, mapping->end, states, MAX_MAIN_ARENAS);
        for (uint32_t s = 0; s < count; s++)
            if (!rename_anonymous(copy, states[s].top, "[heap]", error))
                return false;
    }
    return true;
}
