// ResidentMemory: see snapshot/capture/copy/resident_memory.h.

#include "snapshot/capture/copy/resident_memory.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "snapshot/capture/copy/proc_files.h"
#include "snapshot/capture/copy/process_copy.h"

// Entries of /proc/PID/pagemap.
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_FILE (UINT64_C(1) << 61) // a page of a file, or shared
// Pages that are looked at in all mappings together: 1 GiB.
#define MOST_PAGES (UINT64_C(1) << 18)
#define BATCH_PAGES 512u

void resident_memory_read(ResidentMemory *out, int pid, int tid)
{
    char path[PROC_PATH_BYTES], *text;
    uint64_t size, resident, shared;

    *out = (ResidentMemory){.is_known = false};
    proc_task_path(path, pid, tid, "statm");
    text = proc_file_read(path);
    if (text != NULL &&
        sscanf(text, "%" SCNu64 " %" SCNu64 " %" SCNu64, &size, &resident, &shared) == 3 &&
        shared <= resident && resident <= size) {
        out->is_known = true;
        out->all = resident * PAGE_BYTES;
        out->shared = shared * PAGE_BYTES;
    }
    free(text);
}

// The pages of one mapping that are the process's own.
static uint64_t count_own(int pagemap, const ProcessMapping *mapping)
{
    uint64_t entries[BATCH_PAGES], own = 0;

    for (uint64_t page = mapping->start / PAGE_BYTES; page < mapping->end / PAGE_BYTES;) {
        uint64_t left = mapping->end / PAGE_BYTES - page;
        size_t wanted = (left < BATCH_PAGES ? left : BATCH_PAGES) * sizeof entries[0];
        ssize_t got = pread(pagemap, entries, wanted, (off_t)(page * sizeof entries[0]));

        if (got < (ssize_t)sizeof entries[0])
            break;
        for (size_t i = 0; i < (size_t)got / sizeof entries[0]; i++)
            own += (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_FILE)) == PAGEMAP_PRESENT;
        page += (size_t)got / sizeof entries[0];
    }
    return own * PAGE_BYTES;
}

void resident_memory_count_written(ResidentMemory *memory, int pid, int tid,
                                   const struct ProcessMapping *mappings, uint32_t count)
{
    char path[PROC_PATH_BYTES];
    uint64_t pages_left = MOST_PAGES;
    int pagemap;

    proc_task_path(path, pid, tid, "pagemap");
    pagemap = open(path, O_RDONLY | O_CLOEXEC);
    if (pagemap < 0)
        return;
    for (uint32_t i = 0; i < count; i++) {
        const ProcessMapping *mapping = &mappings[i];
        uint64_t pages = (mapping->end - mapping->start) / PAGE_BYTES;

        if (!mapping->is_private || !mapping_is_file(mapping) || pages > pages_left)
            continue;
        pages_left -= pages;
        if (mapping->is_writable)
            memory->written_variables += count_own(pagemap, mapping);
        else
            memory->written_others += count_own(pagemap, mapping);
    }
    (void)close(pagemap);
}
