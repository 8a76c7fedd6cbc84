// ProcessCopy: see process_copy.h. Ranges and mappings ascend, so they are found by binary search.

#include "snapshot/capture/copy/process_copy.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/search.h"
#include "snapshot/capture/copy/packed_pages.h"

void process_copy_drop_threads(ProcessCopy *copy)
{
    for (uint32_t i = 0; i < copy->thread_count; i++)
        free(copy->threads[i].registers);
    free(copy->threads);
    copy->threads = NULL;
    copy->thread_count = 0;
}

void process_copy_release(ProcessCopy *copy)
{
    if (copy == NULL)
        return;
    for (uint32_t i = 0; i < copy->mapping_count; i++)
        free(copy->mappings[i].name);
    process_copy_drop_threads(copy);
    free(copy->mappings);
    free(copy->executable_path);
    free(copy->ranges);
    free(copy->lost);
    if (copy->staging != NULL)
        (void)munmap(copy->staging, copy->staging_bytes);
    packed_pages_free(copy->packed);
    memset(copy, 0, sizeof *copy);
}

// The range that holds `address`, or NULL.
static const ProcessRange *find_range(const ProcessCopy *copy, uint64_t address)
{
    uint64_t next = search_above(copy->ranges, copy->range_count, address, address);

    if (next == 0 || address - copy->ranges[next - 1].address >= copy->ranges[next - 1].bytes)
        return NULL;
    return &copy->ranges[next - 1];
}

const uint8_t *process_copy_bytes(const ProcessCopy *copy, uint64_t address, uint64_t bytes)
{
    const ProcessRange *range = find_range(copy, address);
    uint64_t offset;

    if (range == NULL)
        return NULL;
    offset = address - range->address;
    return bytes <= range->bytes - offset ? range->data + offset : NULL;
}

const ProcessMapping *process_copy_find_mapping(const ProcessCopy *copy, uint64_t address)
{
    uint64_t next = search_above(copy->mappings, copy->mapping_count, start, address);

    if (next == 0 || address >= copy->mappings[next - 1].end)
        return NULL;
    return &copy->mappings[next - 1];
}

uint32_t process_copy_mapping_index(const ProcessCopy *copy, uint64_t address)
{
    const ProcessMapping *mapping = process_copy_find_mapping(copy, address);

    return mapping == NULL ? UINT32_MAX : (uint32_t)(mapping - copy->mappings);
}

#define MAX_SHARED_BYTES (UINT64_C(1) << 30)

// memfd and SysV segments have names as if they were deleted files; so has anonymous shared memory.
static bool is_memory_name(const char *name)
{
    static const char deleted[] = " (deleted)";
    size_t length = strlen(name);
    bool is_deleted =
        length >= sizeof deleted && strcmp(name + length - (sizeof deleted - 1), deleted) == 0;

    return strncmp(name, "/dev/zero", 9) == 0 || strncmp(name, "/dev/shm/", 9) == 0 ||
           (is_deleted && (strncmp(name, "/memfd:", 7) == 0 || strncmp(name, "/SYSV", 5) == 0 ||
                           strncmp(name, "/anon_hugepage", 14) == 0));
}

void process_mappings_choose_shared(ProcessMapping *mappings, uint32_t count)
{
    uint64_t left = MAX_SHARED_BYTES;

    for (uint32_t i = 0; i < count; i++) {
        ProcessMapping *mapping = &mappings[i];

        mapping->is_shared_memory = !mapping->is_private && mapping->is_writable &&
                                    mapping->is_readable && is_memory_name(mapping->name) &&
                                    mapping->end - mapping->start <= left;
        if (mapping->is_shared_memory)
            left -= mapping->end - mapping->start;
    }
}

bool mapping_is_private_writable(const ProcessMapping *mapping)
{
    return mapping->is_private && mapping->is_writable;
}

bool mapping_is_file(const ProcessMapping *mapping)
{
    return mapping->name[0] == '/' || (mapping->inode != 0 && mapping->name[0] != '[');
}

bool mapping_is_stack(const ProcessMapping *mapping)
{
    return strcmp(mapping->name, "[stack]") == 0;
}

bool mapping_is_heap(const ProcessMapping *mapping)
{
    return strcmp(mapping->name, "[heap]") == 0;
}
