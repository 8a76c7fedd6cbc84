// UnforkedMemory: see unforked_memory_internal.h.
//
// Only /proc/PID/smaps shows which memory does not fork, and reading it takes longer than the
// target should stand still. So it is read before the stop, and again at the end: if the target has
// marked more memory in between, the copy is reported as incomplete.

#include "snapshot/capture/live/unforked_memory_internal.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "snapshot/capture/copy/capture_refusal.h"
#include "snapshot/capture/copy/proc_files.h"

// ---- finding ----

static bool add_place(UnforkedMemory *memory, uint64_t start, uint64_t end, Error *error)
{
    if (memory->place_count > 0) {
        ProcessRange *last = &memory->places[memory->place_count - 1];

        if (last->address + last->bytes == start) {
            last->bytes += end - start;
            return true;
        }
    }
    if (!array_reserve(&memory->places, &memory->place_capacity, memory->place_count + 1,
                       sizeof *memory->places, "memory that does not fork", error))
        return false;
    memory->places[memory->place_count++] = (ProcessRange){.address = start, .bytes = end - start};
    return true;
}

// "VmFlags: rd wr mr mw me dc ac"
static bool has_flag(const char *line, const char *flag)
{
    const char *at = strchr(line, ' ');

    for (; at != NULL; at = strchr(at + 1, ' '))
        if (strncmp(at + 1, flag, 2) == 0)
            return true;
    return false;
}

bool unforked_memory_find(UnforkedMemory *memory, int pid, int tid, Error *error)
{
    unsigned long long start = 0, end = 0;
    char path[PROC_PATH_BYTES], permissions[8] = "";
    size_t capacity = 0;
    char *line = NULL;
    bool is_ok = true;
    FILE *file;

    *memory = (UnforkedMemory){.places = NULL};
    proc_task_path(path, pid, tid, "smaps");
    file = fopen(path, "re");
    if (file == NULL)
        return capture_refusal_explain(pid, errno, error);
    while (is_ok && getline(&line, &capacity, file) > 0) {
        if (!isupper((unsigned char)line[0])) {
            if (sscanf(line, "%llx-%llx %7s", &start, &end, permissions) != 3)
                start = end = 0;
            memory->has_shared |= permissions[1] == 'w' && permissions[3] == 's';
        } else if (strncmp(line, "VmFlags:", 8) == 0 && start < end && permissions[1] == 'w' &&
                   permissions[3] == 'p' && (has_flag(line, "dc") || has_flag(line, "wf"))) {
            is_ok = add_place(memory, start, end, error);
        }
    }
    free(line);
    (void)fclose(file);
    return is_ok;
}

// Is the whole range in one place?
static bool holds(const UnforkedMemory *memory, const ProcessRange *range)
{
    for (uint64_t i = 0; i < memory->place_count; i++) {
        const ProcessRange *place = &memory->places[i];

        if (range->address >= place->address &&
            range->address + range->bytes <= place->address + place->bytes)
            return true;
    }
    return false;
}

uint64_t unforked_memory_missed_bytes(const UnforkedMemory *memory, int pid, int tid)
{
    UnforkedMemory now;
    uint64_t bytes = 0;
    Error error;

    // A process that has ended meanwhile has marked nothing.
    if (unforked_memory_find(&now, pid, tid, &error))
        for (uint64_t i = 0; i < now.place_count; i++)
            if (!holds(memory, &now.places[i]))
                bytes += now.places[i].bytes;
    unforked_memory_release(&now);
    return bytes;
}

// ---- copying ----

static bool keep(UnforkedMemory *memory, const ProcessMapping *mapping, uint64_t start,
                 uint64_t end)
{
    ProcessMapping *kept = &memory->mappings[memory->mapping_count];

    *kept = *mapping;
    kept->start = start;
    kept->end = end;
    kept->file_offset += start - mapping->start;
    kept->name = strdup(mapping->name);
    memory->mapping_count += kept->name != NULL;
    return kept->name != NULL;
}

// Keeps shared memory, which the child shares, and the parts of other mappings that lie in the
// places.
static bool keep_places(UnforkedMemory *memory, const ProcessMapping *all, uint32_t count)
{
    uint64_t place = 0;

    memory->mappings = calloc(count + memory->place_count + 1, sizeof *memory->mappings);
    if (memory->mappings == NULL)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].is_shared_memory && !keep(memory, &all[i], all[i].start, all[i].end))
            return false;
        if (all[i].is_shared_memory)
            continue;
        for (; place < memory->place_count && memory->places[place].address < all[i].end; place++) {
            const ProcessRange *range = &memory->places[place];
            uint64_t start = range->address, end = start + range->bytes;

            if (end > all[i].start &&
                !keep(memory, &all[i], all[i].start > start ? all[i].start : start,
                      all[i].end < end ? all[i].end : end))
                return false;
            if (end > all[i].end)
                break;
        }
    }
    return true;
}

bool unforked_memory_copy(UnforkedMemory *memory, int pid, int tid, const Cancel *cancel,
                          uint64_t *unreadable_bytes, Error *error)
{
    PageSource source = {.pid = pid, .tid = tid};
    ProcessMapping *mappings = NULL;
    uint32_t count = 0;
    bool is_ok;

    *unreadable_bytes = 0;
    if (memory->place_count == 0 && !memory->has_shared)
        return true;
    if (!proc_mappings_read(pid, tid, &mappings, &count))
        return capture_refusal_explain(pid, errno, error);
    is_ok = keep_places(memory, mappings, count);
    proc_mappings_free(mappings, count);
    if (!is_ok)
        return error_set_memory(error, count * sizeof *mappings, "memory that does not fork");
    source.mappings = memory->mappings;
    source.mapping_count = memory->mapping_count;
    return page_selection_fill(&memory->selection, &source, cancel, error) &&
           (memory->selection.bytes == 0 ||
            (staging_memory_prepare(&memory->staging, memory->selection.bytes, cancel, error) &&
             page_copying_run(&memory->selection, pid, tid, &memory->staging, cancel,
                              unreadable_bytes, error)));
}

// ---- adding ----

static int compare_ranges(const void *left, const void *right)
{
    const ProcessRange *a = left, *b = right;

    return (a->address > b->address) - (a->address < b->address);
}

static int compare_mappings(const void *left, const void *right)
{
    const ProcessMapping *a = left, *b = right;

    return (a->start > b->start) - (a->start < b->start);
}

static bool add_pages(const UnforkedMemory *memory, PageSelection *selection, uint8_t *room,
                      Error *error)
{
    const PageSelection *more = &memory->selection;
    uint64_t count = selection->count + more->count;
    uint8_t *data = room;

    if (!array_reserve(&selection->ranges, &selection->capacity, count, sizeof *selection->ranges,
                       "memory that does not fork", error))
        return false;
    for (uint64_t i = 0; i < more->count; i++) {
        const ProcessRange *range = &more->ranges[i];

        memcpy(data, range->data, range->bytes);
        selection->ranges[selection->count + i] =
            (ProcessRange){.address = range->address, .bytes = range->bytes, .data = data};
        data += range->bytes;
    }
    selection->count = count;
    selection->bytes += more->bytes;
    if (count > 0)
        qsort(selection->ranges, count, sizeof *selection->ranges, compare_ranges);
    return true;
}

// Adds the mappings that the child does not have. (MADV_WIPEONFORK memory it has, empty.)
static bool add_mappings(const UnforkedMemory *memory, ProcessCopy *out, Error *error)
{
    uint32_t known = out->mapping_count;
    uint64_t capacity = known;

    if (!array_reserve(&out->mappings, &capacity, (uint64_t)known + memory->mapping_count,
                       sizeof *out->mappings, "mappings", error))
        return false;
    for (uint32_t i = 0; i < memory->mapping_count; i++) {
        ProcessMapping *added = &out->mappings[out->mapping_count];
        bool is_there = false;

        for (uint32_t k = 0; k < known && !is_there; k++)
            is_there = out->mappings[k].start < memory->mappings[i].end &&
                       memory->mappings[i].start < out->mappings[k].end;
        if (is_there)
            continue;
        *added = memory->mappings[i];
        added->name = strdup(added->name);
        if (added->name == NULL)
            return error_set_memory(error, strlen(memory->mappings[i].name), "mappings");
        out->mapping_count++;
    }
    qsort(out->mappings, out->mapping_count, sizeof *out->mappings, compare_mappings);
    return true;
}

bool unforked_memory_add(const UnforkedMemory *memory, ProcessCopy *out, PageSelection *selection,
                         uint8_t *room, Error *error)
{
    if (memory->mapping_count == 0)
        return true;
    return add_pages(memory, selection, room, error) && add_mappings(memory, out, error);
}

void unforked_memory_release(UnforkedMemory *memory)
{
    for (uint32_t i = 0; i < memory->mapping_count; i++)
        free(memory->mappings[i].name);
    free(memory->mappings);
    free(memory->places);
    page_selection_release(&memory->selection);
    staging_memory_release(&memory->staging);
    memset(memory, 0, sizeof *memory);
}
