// Writable shared mappings: which were searched for roots, and which were not.
//
// Shared memory without a file on disk is searched (ProcessMapping.is_shared_memory). Files on
// disk, devices, and what is too large are not; the largest of them are named with their sizes,
// because they may hold references, too.

#include <stdio.h>
#include <string.h>

#include "base/clean_text.h"
#include "snapshot/capture/find/heap_search_internal.h"

#define MAX_NAMED 4u

static bool is_skipped(const ProcessMapping *mapping)
{
    return !mapping->is_private && mapping->is_writable && !mapping->is_shared_memory;
}

static uint64_t bytes_of(const ProcessMapping *mapping)
{
    return mapping->end - mapping->start;
}

// Finds the largest ones, in descending order. Returns their number.
static uint32_t find_largest(const ProcessCopy *copy, const ProcessMapping *largest[MAX_NAMED])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];
        uint32_t place = count;

        if (!is_skipped(mapping))
            continue;
        while (place > 0 && bytes_of(largest[place - 1]) < bytes_of(mapping))
            place--;
        if (place == MAX_NAMED)
            continue;
        count += count < MAX_NAMED;
        memmove(&largest[place + 1], &largest[place], (count - place - 1) * sizeof *largest);
        largest[place] = mapping;
    }
    return count;
}

void heap_search_describe_shared(const HeapSearch *search, SnapshotMetadata *metadata)
{
    const ProcessCopy *copy = search->copy;
    MemoryReader reader = memory_reader(copy);
    const ProcessMapping *largest[MAX_NAMED];
    uint32_t count = find_largest(copy, largest);
    char *note = metadata->shared_note;

    metadata->shared_root_bytes = search->shared_root_bytes;
    for (uint32_t i = 0; i < copy->mapping_count; i++) {
        const ProcessMapping *mapping = &copy->mappings[i];

        if (is_skipped(mapping))
            metadata->shared_skipped_bytes += bytes_of(mapping);
        // It is not private, and so not a part of what metadata->resident_bytes counts.
        if (mapping->is_shared_memory)
            metadata->resident_bytes -= memory_copied_bytes(&reader, mapping->start, mapping->end);
    }
    for (uint32_t i = 0; i < count; i++) {
        size_t used = strlen(note);
        char name[64];

        // The end of a path tells most.
        (void)snprintf(name, sizeof name, "%s",
                       strrchr(largest[i]->name, '/') != NULL ? strrchr(largest[i]->name, '/') + 1
                                                              : largest[i]->name);
        text_clean(name, strlen(name), TEXT_ONE_LINE);
        (void)snprintf(note + used, sizeof metadata->shared_note - used,
                       "%s%llu bytes at 0x%llx: %s", used > 0 ? "\n" : "",
                       (unsigned long long)bytes_of(largest[i]),
                       (unsigned long long)largest[i]->start, name);
    }
}
